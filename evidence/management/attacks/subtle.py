"""Quieter attacks: what is looked up, switched, inherited or counted, not the text itself.

Each takes an honest file and gives a forged one, like those of ``forged``; many of them again with a
genuine authority's time-stamp over the result.
"""

from __future__ import annotations

import io
import re

import pikepdf

from evidence.management.attacks import paper
from evidence.management.attacks.brought import BROUGHT
from evidence.management.attacks.entries import in_catalog, in_page, stamped
from evidence.management.attacks.forged import FORGED_TEXT, Attack
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.placed import PLACED
from evidence.management.attacks.stated import STATED
from evidence.management.attacks.update import (
    Update,
    body_of,
    facts_of,
    ranges,
    stream,
    with_entry,
)


def _forged_contents(page_key: bytes) -> Attack:
    """Return an attack that names a forged text in the page by ``page_key``."""

    def attack(pdf: bytes, maker: Maker) -> bytes:
        facts = facts_of(pdf)
        page = with_entry(body_of(pdf, facts.page), page_key % facts.size)
        return Update(pdf, {facts.page: page, facts.size: stream(FORGED_TEXT)}).build()

    return attack


def junk_in_front(pdf: bytes, maker: Maker) -> bytes:
    return b"junk before the header\n" + pdf


def archive_in_front(pdf: bytes, maker: Maker) -> bytes:
    """A file that is also an archive: another program opens something else."""
    return b"PK\x05\x06" + b"\x00" * 18 + pdf


def another_header(pdf: bytes, maker: Maker) -> bytes:
    return b"%PDF-1.4\n" + pdf


def encrypted_later(pdf: bytes, maker: Maker) -> bytes:
    """State, in an update, that all strings and streams are to be decrypted."""
    facts = facts_of(pdf)
    rule = (
        b"<< /Filter /Standard /V 1 /R 2 /P -44 /O <"
        + b"00" * 32
        + b"> /U <"
        + b"00" * 32
        + b"> >>"
    )
    return Update(pdf, {facts.size: rule}, trailer=b" /Encrypt %d 0 R" % facts.size).build()


def between_objects(pdf: bytes, maker: Maker) -> bytes:
    """Lead the page's text to a place between two objects."""
    facts = facts_of(pdf)
    return Update(pdf, places={facts.contents: pdf.index(b"endobj") + 6}).build()


def into_a_stream(pdf: bytes, maker: Maker) -> bytes:
    """Lead the page's text to an object that stands inside the data of another one."""
    facts = facts_of(pdf)
    hidden = b"%d 0 obj\n" % facts.contents + stream(FORGED_TEXT) + b"\nendobj\n"
    holder = Update(pdf, {facts.size: stream(hidden)}).build()
    place = holder.rindex(b"%d 0 obj\n" % facts.contents)
    return Update(pdf, {facts.size: stream(hidden)}, places={facts.contents: place}).build()


def chain_cut_short(pdf: bytes, maker: Maker) -> bytes:
    """Begin an update at the first table: what was signed later is no part of the file any more."""
    facts = facts_of(pdf)
    first = int(re.findall(rb"startxref\s+(\d+)", pdf)[0])
    return Update(pdf, {facts.contents: stream(FORGED_TEXT)}, previous=first or facts.start).build()


def another_generation(pdf: bytes, maker: Maker) -> bytes:
    """Bring the page's text again as its second generation, and name that one."""
    facts = facts_of(pdf)
    page = with_entry(body_of(pdf, facts.page, Contents=None), b"/Contents %d 1 R" % facts.contents)
    built = Update(pdf, {facts.page: page, facts.contents: stream(FORGED_TEXT)}).build()
    at = built.rindex(b"%d 0 obj\n" % facts.contents)
    built = built[:at] + b"%d 1 obj\n" % facts.contents + built[at:].partition(b"\n")[2]
    row = b"%010d 00000 n" % at
    return built[: built.rindex(row)] + b"%010d 00001 n" % at + built[built.rindex(row) + 18 :]


def pages_reordered(pdf: bytes, maker: Maker) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        tree = opened.Root.Pages
        number, kids = tree.objgen[0], [one.objgen[0] for one in tree.Kids]
    kids = kids[::-1] if len(kids) > 1 else kids * 2
    body = body_of(pdf, number, Kids=None)
    listed = b"/Kids [%s]" % b" ".join(b"%d 0 R" % one for one in kids)
    return Update(pdf, {number: with_entry(body, listed)}).build()


def content_in_another_file(pdf: bytes, maker: Maker) -> bytes:
    """Say of the page's text that it stands in another file beside this one."""
    facts = facts_of(pdf)
    return Update(pdf, {facts.contents: stream(b"", b"/F (other.txt)")}).build()


def resource_in_a_store_revision(pdf: bytes, maker: Maker) -> bytes:
    """Grow the security store as anyone may, and exchange a font in the same revision."""
    stored = maker.store(pdf)
    facts = facts_of(stored)
    font = body_of(stored, facts.font, BaseFont=pikepdf.Name("/ZapfDingbats"))
    tail = stored[len(pdf) :]
    objects = {
        int(one[1]): one[2] for one in re.finditer(rb"(?ms)^(\d+) 0 obj\s(.*?)\s*endobj", tail)
    }
    return Update(pdf, {**objects, facts.font: font}).build()


def field_with_a_look(pdf: bytes, maker: Maker) -> bytes:
    """Let a genuine time-stamp's field cover the text."""
    stamped_file = maker.stamp(pdf, field="Fresh", with_store=False)
    facts = facts_of(stamped_file)
    number = facts.fields[-1]
    body = body_of(stamped_file, number, Rect=pikepdf.Array([60, 690, 400, 720]))
    look = stream(
        b"1 1 1 rg 0 0 340 30 re f BT 0 g /Helv 12 Tf 12 10 Td (9000 euros.) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 340 30]",
    )
    shown = with_entry(body, b"/AP << /N %d 0 R >>" % facts.size)
    return Update(stamped_file, {number: shown, facts.size: look}).build()


def new_text_field(pdf: bytes, maker: Maker) -> bytes:
    """Add a field with a value over the text: filling in forms allows none to be added."""
    facts = facts_of(pdf)
    number = facts.size
    field = (
        b"<< /FT /Tx /T (extra) /V (9000 euros) /Type /Annot /Subtype /Widget /F 4"
        b" /Rect [60 690 400 720] /P %d 0 R /DA (/Helv 12 Tf 0 g) /AP << /N %d 0 R >> >>"
    ) % (facts.page, number + 1)
    look = stream(b"1 1 1 rg 0 0 340 30 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 340 30]")
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        old = [one.objgen[0] for one in opened.pages[0].obj.get("/Annots", pikepdf.Array([]))]
        fields = [one.objgen[0] for one in opened.Root.AcroForm.Fields]
    page = with_entry(
        body_of(pdf, facts.page, Annots=None),
        b"/Annots [%s]" % b" ".join(b"%d 0 R" % one for one in (*old, number)),
    )
    listed = b"/Fields [%s]" % b" ".join(b"%d 0 R" % one for one in (*fields, number))
    objects = {facts.page: page, number: field, number + 1: look}
    if facts.form:
        objects[facts.form] = with_entry(body_of(pdf, facts.form, Fields=None), listed)
    else:
        root = body_of(pdf, facts.root, AcroForm=None)
        objects[facts.root] = with_entry(root, b"/AcroForm << /SigFlags 3 %s >>" % listed)
    return Update(pdf, objects).build()


def signature_field_led_elsewhere(pdf: bytes, maker: Maker) -> bytes:
    """Let the signature's field be the child of a field with another name."""
    facts = facts_of(pdf)
    body = with_entry(body_of(pdf, facts.fields[0]), b"/Parent %d 0 R" % facts.size)
    parent = b"<< /T (Contract) /Kids [%d 0 R] >>" % facts.fields[0]
    return Update(pdf, {facts.fields[0]: body, facts.size: parent}).build()


def permission_widened(pdf: bytes, maker: Maker) -> bytes:
    """Take the certification out of the catalog, then change what it forbade."""
    facts = facts_of(pdf)
    root = body_of(pdf, facts.root, Perms=None)
    return Update(pdf, {facts.root: root, facts.contents: stream(FORGED_TEXT)}).build()


def store_with_a_twin(pdf: bytes, maker: Maker) -> bytes:
    """A stream of the security store that is the page's text as well."""
    facts = facts_of(pdf)
    root = with_entry(
        body_of(pdf, facts.root, DSS=None), b"/DSS << /Certs [%d 0 R] >>" % facts.contents
    )
    return Update(pdf, {facts.root: root, facts.contents: stream(FORGED_TEXT)}).build()


def range_of_another_file(pdf: bytes, maker: Maker) -> bytes:
    """Replace the container by one made over another text, of the same signer."""
    _, before, after, _ = ranges(pdf)[0]
    other = maker.sign(paper.plain(1))
    _, start, end, _ = ranges(other)[0]
    digits = other[start + 1 : end - 1].rstrip(b"0")
    room = after - before - 2
    return pdf[: before + 1] + digits.ljust(room, b"0")[:room] + pdf[after - 1 :]


QUIET: dict[str, Attack] = {
    "page text named twice": _forged_contents(b"/Contents %d 0 R"),
    "page text by an escaped name": _forged_contents(b"/#43ontents %d 0 R"),
    "pages reordered": pages_reordered,
    "page turned": in_page(b"/Rotate 180"),
    "page magnified": in_page(b"/UserUnit 9"),
    "page drawn as a group": in_page(b"/Group << /S /Transparency /K true >>", Group=None),
    "page with a script": in_page(b"/AA << /O << /S /JavaScript /JS (1) >> >>"),
    "page as a piece of another program": in_page(b"/PieceInfo << /X << /Private (9000) >> >>"),
    "order of the tab key": in_page(b"/Tabs /R", Tabs=None),
    "resources emptied": in_page(b"/Resources << >>", Resources=None),
    "portfolio instead of pages": in_catalog(b"/Collection << /View /T /D (x.pdf) >>"),
    "base address of links": in_catalog(b"/URI << /Base (http://example.org/) >>"),
    "page numbers restated": in_catalog(b"/PageLabels << /Nums [0 << /P (Draft ) >>] >>"),
    "reading order and other text": in_catalog(b"/StructTreeRoot << /Type /StructTreeRoot >>"),
    "how the file is opened": in_catalog(
        b"/ViewerPreferences << /DisplayDocTitle true >>", ViewerPreferences=None
    ),
    "named scripts": in_catalog(
        b"/Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (1) >>] >> >>", Names=None
    ),
    "language restated": in_catalog(b"/Lang (zz)", Lang=None),
    "output intent added": in_catalog(b"/OutputIntents [<< /S /GTS_PDFX >>]"),
    "other rights granted": in_catalog(b"/Perms << /UR3 << /Type /Sig >> >>", Perms=None),
    "escaped form beside the form": in_catalog(b"/#41croForm << /Fields [] >>"),
    "form that is null": in_catalog(b"/AcroForm null", AcroForm=None),
    "junk in front": junk_in_front,
    "archive in front": archive_in_front,
    "another header in front": another_header,
    "encrypted later": encrypted_later,
    "entry between objects": between_objects,
    "entry into a stream": into_a_stream,
    "chain cut short": chain_cut_short,
    "another generation": another_generation,
    "content in another file": content_in_another_file,
    "store grown and a font exchanged": resource_in_a_store_revision,
    "time-stamp's field over the text": field_with_a_look,
    "text field added": new_text_field,
    "signature's field under another name": signature_field_led_elsewhere,
    "certification taken out": permission_widened,
    "store that is a page": store_with_a_twin,
    "container of another text": range_of_another_file,
    **STATED,
    **PLACED,
}
STAMPED_TOO = (
    "page text named twice", "page text by an escaped name", "pages reordered", "page turned",
    "resources emptied", "portfolio instead of pages", "named scripts", "form that is null",
    "entry into a stream", "another generation", "store grown and a font exchanged",
    "text field added", "signature's field under another name", "certification taken out",
    "store that is a page", "said to be tagged", "another version, higher", "a version that is a text",
    "an extension that is a text", "an extension that is a script", "an extension nobody needs",
    "opened at another place", "a page cropped", "two ends", "entry to a blank", "signature packed",
    "fields on the page alone", "fields on the page alone, packed",
)  # fmt: skip
SUBTLE: dict[str, Attack] = {
    **QUIET,
    **{f"{name}, then stamped": stamped(QUIET[name]) for name in STAMPED_TOO},
    **BROUGHT,
}
"""Attacks that fit any signed file; what they give must never be called intact."""
