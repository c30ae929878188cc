"""What a document says about itself, before and after: title, author, XMP, how fields are drawn.

pyHanko takes any change of these for housekeeping. But the title stands in the window of every
reader, and "draw the fields anew" makes it show values without their signed appearance. So only the
marks a program leaves of its own saving may change: its name, the time, the number of the instance.
"""

from __future__ import annotations

import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver

from evidence.verify.pdf.opened import LIBRARY_ERRORS

SAVING = frozenset({"/Producer", "/ModDate"})
"""Entries of the information dictionary a program may restate whenever it saves."""
_NAMES = rb"(?:xmp:ModifyDate|xmp:MetadataDate|xmpMM:InstanceID|pdf:Producer)"
_SAVING = re.compile(
    rb"<("
    + _NAMES
    + rb")>[^<]{0,500}</\1>|\s"
    + _NAMES
    + rb"\s*=\s*(?:\"[^\"<]{0,500}\"|'[^'<]{0,500}')"
)
_HISTORY = re.compile(rb"<xmpMM:History>.{0,100000}?</xmpMM:History>", re.DOTALL)
_BLANKS = re.compile(rb"\s+")
MAX_XMP = 2_000_000


def restated(before: HistoricalResolver, after: HistoricalResolver) -> str:
    """Return what was restated between two revisions, in words; empty when nothing was."""
    try:
        if _information(before) != _information(after):
            return "title, author or other statements about the document were changed"
        if _xmp(before) != _xmp(after):
            return "the description of the document (XMP) was changed"
        if _is_drawn_anew(after) and not _is_drawn_anew(before):
            return "readers were told to draw the form fields anew"
    except LIBRARY_ERRORS as error:
        return f"the description of the document cannot be read: {error}"[:200]
    return ""


def _information(state: HistoricalResolver) -> dict[str, str]:
    try:
        found = _then(state, state.trailer_view.raw_get("/Info"))
    except KeyError:
        return {}
    if not isinstance(found, generic.DictionaryObject):
        return {"": repr(found)}
    entries = dict.items(found)
    return {str(key): repr(_then(state, value)) for key, value in entries if key not in SAVING}


def _then(state: HistoricalResolver, value: object) -> object:
    """Return what ``value`` led to at that time; the trailer leads to what stands there now."""
    if not isinstance(value, generic.IndirectObject):
        return value
    return state.get_object(generic.Reference(value.idnum, value.generation, state))


def _xmp(state: HistoricalResolver) -> bytes:
    try:
        found = state.root["/Metadata"]
    except KeyError:
        return b""
    if not isinstance(found, generic.StreamObject):
        return repr(found).encode()
    data = bytes(found.read_data(DecodePurpose.XMP_METADATA))
    if len(data) > MAX_XMP:
        raise ValueError("too long")
    return _BLANKS.sub(b" ", _SAVING.sub(b"", _HISTORY.sub(b"", data)))


def _is_drawn_anew(state: HistoricalResolver) -> bool:
    try:
        return bool(state.root["/AcroForm"]["/NeedAppearances"])
    except KeyError:
        return False
