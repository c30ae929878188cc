"""Attacks on where things stand: ends, entries, object streams, and forms no longer reached."""

from __future__ import annotations

import io
import re

import pikepdf

from evidence.management.attacks import forged
from evidence.management.attacks.forged import Attack
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.update import (
    Update,
    body_of,
    facts_of,
    packed_update,
    stream,
    with_entry,
)


def two_ends(pdf: bytes, maker: Maker) -> bytes:
    """Forge a page, and end the file a second time where it ended before."""
    return forged.isa(pdf, maker) + b"startxref\n%d\n%%%%EOF\n" % facts_of(pdf).start


def two_ends_turned(pdf: bytes, maker: Maker) -> bytes:
    """Forge a page, and name the old table just in front of the new end."""
    built = forged.isa(pdf, maker)
    at = built.rindex(b"startxref")
    return built[:at] + b"startxref\n%d\n%%%%EOF\n" % facts_of(pdf).start + built[at:]


def entry_to_a_blank(pdf: bytes, maker: Maker) -> bytes:
    """Let the entry of a forged page lead to the line end before it."""
    built = forged.isa(pdf, maker)
    at = built.rindex(b"xref\n", 0, built.rindex(b"startxref"))
    row = re.compile(rb"(\d{10}) 00000 n")
    return built[:at] + row.sub(lambda one: b"%010d 00000 n" % (int(one[1]) - 1), built[at:])


def _signature(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return int(opened.Root.AcroForm.Fields[0].V.objgen[0])


def signature_packed(pdf: bytes, maker: Maker) -> bytes:
    """Write the signature once more, the same, into an object stream."""
    number = _signature(pdf)
    return packed_update(pdf, [(number, body_of(pdf, number))])


def signature_packed_unseen(pdf: bytes, maker: Maker) -> bytes:
    """Add a second signature, in an object stream, that no field names."""
    body = body_of(pdf, _signature(pdf), Reason=pikepdf.String("I agree to pay 9000 euros."))
    return packed_update(pdf, [(facts_of(pdf).size, body)])


def _without_fields(pdf: bytes) -> dict[int, bytes]:
    facts = facts_of(pdf)
    none = b"<< /Fields [] /SigFlags 3 >>"
    if facts.form:
        return {facts.form: none}
    root = body_of(pdf, facts.root, AcroForm=None)
    return {facts.root: root.replace(b"<<", b"<< /AcroForm " + none, 1)}


def fields_on_the_page_alone(pdf: bytes, maker: Maker) -> bytes:
    """Empty the form: its fields are still annotations of their pages, and some programs find them."""
    return Update(pdf, _without_fields(pdf)).build()


def fields_on_the_page_alone_packed(pdf: bytes, maker: Maker) -> bytes:
    return packed_update(pdf, list(_without_fields(pdf).items()))


_LOOK = stream(
    b"BT 0 g /Helv 12 Tf 2 2 Td (I agree to pay 9000 euros.) Tj ET",
    b"/Type /XObject /Subtype /Form /BBox [0 0 340 30]",
)


def look_exchanged(pdf: bytes, maker: Maker) -> bytes:
    """Draw something else where a visible signature's look is kept."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.Root.AcroForm.Fields[0].AP.N.objgen[0]
    return Update(pdf, {number: _LOOK}).build()


def look_replaced(pdf: bytes, maker: Maker) -> bytes:
    """Give a visible signature another look."""
    facts = facts_of(pdf)
    body = body_of(pdf, facts.fields[0], AP=None)
    shown = with_entry(body, b"/AP << /N %d 0 R >>" % facts.size)
    return Update(pdf, {facts.fields[0]: shown, facts.size: _LOOK}).build()


VISIBLE: dict[str, Attack] = {
    "look of a visible signature exchanged": look_exchanged,
    "look of a visible signature replaced": look_replaced,
}
"""Attacks on files with a visible signature."""

PLACED: dict[str, Attack] = {
    "two ends": two_ends,
    "two ends, the old one first": two_ends_turned,
    "entry to a blank": entry_to_a_blank,
    "signature packed": signature_packed,
    "another signature packed, unseen": signature_packed_unseen,
    "fields on the page alone": fields_on_the_page_alone,
    "fields on the page alone, packed": fields_on_the_page_alone_packed,
}
