"""What a document says about itself, before and after: title, XMP, version, tags, how fields are drawn.

pyHanko takes any change of these for housekeeping. But the title stands in the window of every
reader, "draw the fields anew" makes it show values without their signed appearance, and marks of a
tagged document decide what is read aloud. So only this may change:

- the marks a program leaves of its own saving: its name, the time, the number of the instance;
- the version, upwards, and extensions declared (ISO 32000-2 7.12), where something else comes that may need them;
- marks (``/MarkInfo``) that say what goes without saying.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver

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
_VERSION = re.compile(r"/?([12])\.([0-9])")
_HEADER = re.compile(rb"%PDF-([12])\.([0-9])")
_DEVELOPER = re.compile(r"/[A-Z0-9_]{4}")
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,200}")
_REVISION = re.compile(r":[0-9]{4}")
MARKS = frozenset({"/Marked", "/UserProperties", "/Suspects"})
_BLANKS = re.compile(rb"\s+")
MAX_XMP = 2_000_000


def restated(before: HistoricalResolver, after: HistoricalResolver) -> str:
    """Return what was restated between two revisions, in words; empty when nothing was.

    Raises what reading the file raises (``LIBRARY_ERRORS``), as does ``redeclared``.
    """
    if _information(before) != _information(after):
        return "title, author or other statements about the document were changed"
    if _xmp(before) != _xmp(after):
        return "the description of the document (XMP) was changed"
    if _is_drawn_anew(after) and not _is_drawn_anew(before):
        return "readers were told to draw the form fields anew"
    return ""


def redeclared(before: HistoricalResolver, after: HistoricalResolver) -> str:
    """Return what one revision declared the document to be, in words; empty when it did not."""
    if _marks(before) != _marks(after):
        return "the document was marked as tagged, or not as tagged"
    if not _is_newer(before, after):
        return "another version or extension of the format was stated"
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
    if not isinstance(value, (generic.IndirectObject, generic.Reference)):
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


def _marks(state: HistoricalResolver) -> dict[str, str]:
    """Return what /MarkInfo says beyond its defaults."""
    try:
        found = state.root["/MarkInfo"]
    except KeyError:
        return {}
    if not isinstance(found, generic.DictionaryObject):
        return {"": repr(found)}
    said = {str(key): found[key] for key in found}
    return {
        key: repr(value)
        for key, value in said.items()
        if key not in MARKS or not isinstance(value, generic.BooleanObject) or value.value
    }


def _version(state: HistoricalResolver) -> tuple[int, int]:
    """Return the version readers go by, the later of header and catalog; (0, 0) for nonsense."""
    state.reader.stream.seek(0)
    header = _HEADER.search(state.reader.stream.read(1024))
    stated = (int(header[1]), int(header[2])) if header else (1, 0)
    try:
        found = _VERSION.fullmatch(_name(state.root["/Version"]))
    except KeyError:
        return stated
    return max(stated, (int(found[1]), int(found[2]))) if found else (0, 0)


def _name(value: object) -> str:
    return str(value) if isinstance(value, generic.NameObject) else ""


def _is_newer(before: HistoricalResolver, after: HistoricalResolver) -> bool:
    """Tell whether version and extensions are the same, or were raised for what else a revision did."""
    old, new = _extensions(before), _extensions(after)
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    if not changed and old.keys() == new.keys() and _version(before) == _version(after):
        return True
    return (
        _version(before) <= _version(after)
        and old.keys() <= new.keys()
        and all(map(_is_declaration, changed, changed.values()))
        and _does_more(after)
    )


def _does_more(after: HistoricalResolver) -> bool:
    """Tell whether a revision wrote anything beside the catalog and what programs restate on saving."""
    own = {after.root_ref}
    for place, key in ((after.trailer_view, "/Info"), (after.root, "/Metadata")):
        if key in place and isinstance(place.raw_get(key), generic.IndirectObject):
            own.add(place.raw_get(key).reference)
    others = after.explicit_refs_in_revision() - own
    return any(not _is_container(_then(after, reference)) for reference in others)


def _is_container(value: object) -> bool:
    """Tell whether an object only holds others, or says where they are."""
    return isinstance(value, generic.StreamObject) and value.get("/Type") in ("/ObjStm", "/XRef")


def _extensions(state: HistoricalResolver) -> dict[str, object]:
    try:
        found = state.root["/Extensions"]
    except KeyError:
        return {}
    if not isinstance(found, generic.DictionaryObject):
        return {"": found}
    return {str(key): found[key] for key in found}


def _is_declaration(key: str, value: object) -> bool:
    if key == "/Type":
        return value == "/Extensions"
    several = value if isinstance(value, generic.ArrayObject) else [value]
    return _DEVELOPER.fullmatch(key) is not None and all(map(_is_extension, several))


def _is_extension(value: object) -> bool:
    if not isinstance(value, generic.DictionaryObject):
        return False
    checks: dict[str, Callable[[object], object]] = {
        "/Type": lambda said: said == "/DeveloperExtensions",
        "/BaseVersion": lambda said: _VERSION.fullmatch(_name(said)),
        "/ExtensionLevel": lambda said: isinstance(said, generic.NumberObject),
        "/URL": lambda said: _ADDRESS.fullmatch(str(said)),
        "/ExtensionRevision": lambda said: _REVISION.fullmatch(str(said)),
    }
    return all(key in checks and checks[key](value[key]) for key in value)
