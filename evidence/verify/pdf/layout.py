"""Every byte after the first signature, accounted for, revision by revision.

A reader follows the cross-reference chain and never looks beside it, so bytes can be added that one
program ignores and another, repairing the file, shows ("incremental saving attack"). Therefore,
after the end of the first signature the file must be a plain sequence::

    revision = (object | comment line without "obj")*  table-or-stream  "startxref" N "%%EOF"

- the cross-reference section lists exactly the objects that stand in its revision, at their places;
- objects in object streams lie in an object stream of the same revision, and all of them are listed;
- the stream of a hybrid section repeats its table and adds nothing;
- no other /Root, no entry that leads into an earlier revision;
- nothing follows the last ``%%EOF`` and its line end.

Example of what fails: objects under an empty table, or a table that leads to spare objects signed
long ago ("hide and replace").
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import XRefSection, XRefSectionMetaInfo, XRefSectionType

from evidence.verify.offline.pdf_reader import PdfError, Ref, Stream, read_section
from evidence.verify.pdf.listed import held
from evidence.verify.pdf.opened import LIBRARY_ERRORS, Opened
from evidence.verify.pdf.signatures import begin_of, object_at

_GAP = re.compile(rb"(?:[\x00\t\n\x0c\r ]+|%(?!%EOF)(?![^\r\n]*obj)[^\r\n]*[\r\n])*")
_END = re.compile(
    rb"(?:[\x00\t\n\x0c\r ]+|%(?!%EOF)(?![^\r\n]*obj)[^\r\n]*[\r\n])*"
    rb"startxref[\x00\t\n\x0c\r ]+(\d{1,12})[\x00\t\n\x0c\r ]+%%EOF(?:\r\n|\n|\r)?"
)
MAX_OBJECTS = 200_000


class BadLayout(Exception):
    """A byte out of place. where: the place, in words."""

    def __init__(self, detail: str, where: str = "") -> None:
        super().__init__(detail)
        self.where = where


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision after the first signature. number: 0-based among all of the file."""

    number: int
    start: int
    end: int
    changed: tuple[tuple[int, int], ...]
    """Number and generation of the objects written in it, the cross-reference stream left out."""


def read_tail(one: Opened, start: int) -> list[Revision]:
    """Return the revisions after byte ``start``, where a signature ends; raises BadLayout."""
    revisions: list[Revision] = []
    position = start
    cache = one.reader.xrefs
    for number in range(cache.total_revisions):
        section = cache._xref_sections[number]
        if section.meta_info.declared_startxref < start:
            if revisions:
                raise BadLayout("the cross-reference chain does not lead backwards")
            continue
        end, changed = _read_revision(one, section, number, position)
        revisions.append(Revision(number, position, end, changed))
        position = end
    rest = len(one.data) - position
    if rest:
        raise BadLayout(f"{rest} bytes follow the last revision", f"byte {position}")
    return revisions


def _read_revision(
    one: Opened, section: XRefSection, number: int, start: int
) -> tuple[int, tuple[tuple[int, int], ...]]:
    meta = section.meta_info
    where = f"revision {number + 1}"
    is_table = meta.xref_section_type != XRefSectionType.STREAM
    try:
        found = _objects(one, start, meta.declared_startxref)
        if is_table:
            read = read_section(one.data, meta.declared_startxref, len(one.data), hybrid=True)
            listed = {Ref(key, value[1]): value[0] for key, value in read.entries.items()}
            root, end = read.trailer.get("Root"), read.end
        else:
            table = object_at(one, meta.declared_startxref)
            if not isinstance(table.value, Stream):
                raise PdfError("the cross-reference stream is none")
            found[table.ref] = table.start
            listed = {
                Ref(key, generation): offset
                for key, (generation, offset) in section.xref_data.standard_xrefs.items()
            }
            listed[table.ref] = table.start
            root = table.value.entries.get("Root")
            end = _end(one, table.end, meta.declared_startxref)
    except PdfError as error:
        raise BadLayout(f"a later revision is malformed: {error}", where) from error
    listed = {ref: begin_of(one, offset) for ref, offset in listed.items()}
    if found != listed:
        odd = sorted({ref.number for ref, _ in found.items() ^ listed.items()})[:5]
        names = ", ".join(map(str, odd))
        raise BadLayout(f"objects and cross-reference table do not agree: {names}", where)
    if root != _root(one, number):
        raise BadLayout("a later revision names another catalog", where)
    _check_packed(one, section, found, where)
    _check_beside(one, section, found, where)
    inside = [(key, 0) for key in section.xref_data.xrefs_in_objstm]
    tables = {table.start_location for table in (meta, *_streams_beside(section))}
    changed = [(*ref,) for ref, place in found.items() if place not in tables]
    return end, tuple(changed + inside)


def _streams_beside(section: XRefSection) -> list[XRefSectionMetaInfo]:
    return [section.xref_data.hybrid.meta_info] if section.xref_data.hybrid else []


def _check_beside(one: Opened, section: XRefSection, found: dict[Ref, int], where: str) -> None:
    """The stream of a hybrid section says nothing its table does not say: PDFBox signs Word's files so."""
    if section.xref_data.hybrid is None:
        return
    stream = section.xref_data.hybrid.xref_data
    said = {
        Ref(number, generation): begin_of(one, offset)
        for number, (generation, offset) in stream.standard_xrefs.items()
    }
    numbers = {ref.number for ref in found}
    if stream.xrefs_in_objstm or numbers & stream.freed.keys() or not said.items() <= found.items():
        raise BadLayout("a later revision has a hybrid cross-reference section", where)


def _root(one: Opened, number: int) -> Ref | None:
    """Return the catalog's reference as the revision before names it."""
    trailer = one.reader.get_historical_resolver(number - 1).trailer_view
    try:
        root = trailer.raw_get("/Root")
    except KeyError:
        return None
    return Ref(root.idnum, root.generation)


def _objects(one: Opened, start: int, end: int) -> dict[Ref, int]:
    found: dict[Ref, int] = {}
    position = _after_gap(one, start, end)
    while position < end:
        item = object_at(one, position, end)
        if item.ref in found or len(found) >= MAX_OBJECTS:
            raise PdfError(f"object {item.ref.number} stands twice")
        found[item.ref] = position
        position = _after_gap(one, item.end, end)
    return found


def _after_gap(one: Opened, start: int, end: int) -> int:
    found = _GAP.match(one.data, start, end)
    return found.end() if found else start


def _end(one: Opened, position: int, start: int) -> int:
    found = _END.match(one.data, position)
    if found is None or int(found[1]) != start:
        raise PdfError("it does not end with startxref and %%EOF")
    return found.end()


def _check_packed(one: Opened, section: XRefSection, found: dict[Ref, int], where: str) -> None:
    """Every object stream used is of this revision, and every object in one is listed."""
    listed: dict[int, dict[int, int]] = {}
    for number, place in section.xref_data.xrefs_in_objstm.items():
        listed.setdefault(place.obj_stream_id, {})[place.ix_in_stream] = number
    for ref, offset in found.items():
        item = object_at(one, offset)
        is_packed = isinstance(item.value, Stream) and item.value.entries.get("Type") == "ObjStm"
        if is_packed and ref.number not in listed:
            raise BadLayout("an object stream holds objects that are not listed", where)
    for stream, members in listed.items():
        if Ref(stream, 0) not in found:
            raise BadLayout("an object lies in an object stream of another revision", where)
        if _members(one, stream, found[Ref(stream, 0)]) != members:
            raise BadLayout("an object stream does not hold what the table says", where)


def _members(one: Opened, number: int, offset: int) -> dict[int, int]:
    """Return index → object number as the object stream itself says; {} when it cannot be read."""
    reader = one.reader
    try:
        last = reader.xrefs[generic.Reference(number, 0, reader)]
    except LIBRARY_ERRORS:
        return {}
    if not isinstance(last, int) or begin_of(one, last) != offset:
        return {}
    numbers = held(one, number)
    return dict(enumerate(numbers)) if len(set(numbers)) == len(numbers) else {}
