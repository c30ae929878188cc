"""What the field of a later, genuine time-stamp or signature brings along besides it.

Anyone can have a file stamped, so whatever such a field may say, a stranger says.
"""

from __future__ import annotations

import io

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from evidence.management.attacks.forged import Attack
from evidence.management.attacks.honest import Maker

_name = generic.pdf_name


def stamped_by_field(
    pdf: bytes, maker: Maker, entries: dict[str, generic.PdfObject], *, in_kid: bool = False
) -> bytes:
    """Return ``pdf`` with a genuine time-stamp in a field, or a field with a kid, that has more ``entries``."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    fields.append_signature_field(writer, fields.SigFieldSpec("Fresh"))
    field = writer.root["/AcroForm"]["/Fields"][-1].get_object()
    told = {_name(f"/{key}"): value for key, value in entries.items()}
    if in_kid:
        kid = generic.DictionaryObject({_name("/Subtype"): _name("/Widget")})
        kid.update(told)
        told = {_name("/Kids"): generic.ArrayObject([writer.add_object(kid)])}
    field.update(told)
    writer.update_container(field)
    out = io.BytesIO()
    stamper = signers.PdfTimeStamper(maker.pki.stamper(), field_name="Fresh")
    stamper.timestamp_pdf(writer, "sha256", bytes_reserved=32768, output=out)
    return out.getvalue()


def _script() -> generic.DictionaryObject:
    return generic.DictionaryObject(
        {_name("/S"): _name("/JavaScript"), _name("/JS"): generic.pdf_string("app.alert(1)")}
    )


def _address() -> generic.DictionaryObject:
    return generic.DictionaryObject(
        {_name("/S"): _name("/URI"), _name("/URI"): generic.pdf_string("http://example.org/")}
    )


def _on(event: str) -> generic.DictionaryObject:
    return generic.DictionaryObject({_name(f"/{event}"): _script()})


ENTRIES: dict[str, dict[str, generic.PdfObject]] = {
    "a script when the page opens": {"AA": _on("PO")},
    "a script when the field is seen": {"AA": _on("PV")},
    "a script when pressed": {"A": _script()},
    "an address when pressed": {"A": _address()},
    "a layer": {"OC": generic.DictionaryObject()},
}


def _bringing(entries: dict[str, generic.PdfObject], *, in_kid: bool) -> Attack:
    return lambda pdf, maker: stamped_by_field(pdf, maker, entries, in_kid=in_kid)


BROUGHT: dict[str, Attack] = {
    f"time-stamp's {place} brings {name}": _bringing(entries, in_kid=place == "widget")
    for name, entries in ENTRIES.items()
    for place in ("field", "widget")
}
