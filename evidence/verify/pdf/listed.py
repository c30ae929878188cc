"""Objects the file lists twice, with different contents: which of them is shown depends on the program.

A table may name an object in two stretches, and programs take the first or the last. In a hybrid file
(ISO 32000-1 7.5.8.4) a stream, named by /XRefStm, stands beside the table, and programs ask the table
first, the stream first, or no stream at all::

    table          stream          means
    free, none     in use          hidden from old programs: what hybrid files are for
    in use at A    in use at A     the same object, however it is found
    in use at A    in use at B     two documents in one file, unless A and B hold the same bytes
    in use at A    free            likewise: one program shows it, another nothing

An object stream may hold a number twice, or not where the table says: programs go by its own list, by
the table's index, from the front or from the back.

Where the table of a section is silent, the one before it speaks. Whoever signs such a file signs
both documents; nothing was altered, and nobody can say what was signed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from itertools import pairwise

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.xref import (
    ObjStreamRef,
    XRefSection,
    XRefSectionData,
    XRefSectionType,
    XRefType,
    parse_xref_table,
)

from evidence.verify.offline.pdf_reader import PdfError
from evidence.verify.pdf.opened import LIBRARY_ERRORS, Opened, TooLarge
from evidence.verify.pdf.signatures import object_at

_STRETCH = re.compile(rb"[\x00\t\n\x0c\r ]*(\d{1,10}) (\d{1,10}) ?(?:\r\n|\n|\r)")
_TRAILER = re.compile(rb"[\x00\t\n\x0c\r ]*trailer")
ROW_BYTES = 20
MAX_COMPARED = 1_000
MAX_HELD = 200_000

Place = int | ObjStreamRef | None
"""Where an object is said to be: an offset, an object stream, or nowhere."""
Said = tuple[int, Place, Place]
"""Number of an object, and two places that are not the same."""


def doubled(one: Opened) -> list[int]:
    """Return the numbers of objects to which two entries lead in different ways, ascending.

    Raises TooLarge, and what reading the file raises (``LIBRARY_ERRORS``).
    """
    found: set[int] = set()
    for count, (number, first, second) in enumerate(_said_twice(one)):
        if count >= MAX_COMPARED:
            raise TooLarge("too many objects are listed twice")
        if not _is_same(one, first, second):
            found.add(number)
    return sorted(found | set(_packed_twice(one)))


def _said_twice(one: Opened) -> Iterator[Said]:
    older: dict[int, Place] = {}
    for section in one.reader.xrefs._xref_sections:
        if section.meta_info.xref_section_type != XRefSectionType.STREAM:
            yield from _in_table(one.data, section)
        own = _places(section.xref_data)
        hybrid = section.xref_data.hybrid
        if hybrid is not None:
            yield from _beside(own, older, _places(hybrid.xref_data))
        older |= own


def held(one: Opened, stream: int) -> list[int]:
    """Return the numbers of the objects an object stream holds, in its order; [] when it cannot be read."""
    try:
        found = one.reader.get_object(generic.Reference(stream, 0, one.reader))
        count, first = int(found["/N"]), int(found["/First"])
        if "/Extends" in found or not 0 <= count <= MAX_HELD:
            return []
        head = found.read_data(DecodePurpose.OBJECT_STREAM)[:first].split()
        numbers = [int(number) for number in head]
    except LIBRARY_ERRORS:
        return []
    return numbers[::2] if len(numbers) == 2 * count else []


def _packed_twice(one: Opened) -> Iterator[int]:
    """Yield objects their object stream holds twice, or elsewhere than the table says."""
    streams: dict[int, dict[int, int]] = {}
    for section in one.reader.xrefs._xref_sections:
        hybrid = section.xref_data.hybrid
        for data in (section.xref_data, *([hybrid.xref_data] if hybrid else [])):
            for number, place in data.xrefs_in_objstm.items():
                if _now(one, number) == place:
                    streams.setdefault(place.obj_stream_id, {})[number] = place.ix_in_stream
    for stream, listed in streams.items():
        numbers = held(one, stream)
        counted = Counter(numbers)
        for number, index in listed.items():
            is_there = index < len(numbers) and numbers[index] == number
            if numbers and (counted[number] > 1 or not is_there):
                yield number


def _now(one: Opened, number: int) -> Place:
    try:
        place: Place = one.reader.xrefs[generic.Reference(number, 0, one.reader)]
    except KeyError:
        return None
    return place


def _places(data: XRefSectionData) -> dict[int, Place]:
    packed: dict[int, Place] = dict(data.xrefs_in_objstm)
    plain = {number: offset for number, (_, offset) in data.standard_xrefs.items()}
    return dict.fromkeys(data.freed) | plain | packed


def _beside(
    own: dict[int, Place], older: dict[int, Place], stream: dict[int, Place]
) -> Iterator[Said]:
    """Yield what the stream of a hybrid section says otherwise than its table."""
    for number, place in stream.items():
        said = own.get(number, older.get(number))
        if said is not None and said != place:
            yield number, said, place


def _in_table(data: bytes, section: XRefSection) -> Iterator[Said]:
    """Yield what one classic table says in two ways."""
    start, end = section.meta_info.start_location, section.meta_info.end_location
    if _is_plain(data, start):
        return
    places: dict[int, Place] = {}
    for entry in parse_xref_table(BytesIO(data[start : end + 1]), strict=False):
        place = entry.location if entry.xref_type == XRefType.STANDARD else None
        said = places.setdefault(entry.idnum, place)
        if said != place:
            yield entry.idnum, said, place


def _is_plain(data: bytes, position: int) -> bool:
    """Tell from the heads of a table's stretches that it names every number once."""
    stretches: list[tuple[int, int]] = []
    while found := _STRETCH.match(data, position):
        first, count = int(found[1]), int(found[2])
        stretches.append((first, first + count))
        position = found.end() + ROW_BYTES * count
    stretches.sort()
    is_once = all(end <= first for (_, end), (first, _) in pairwise(stretches))
    return is_once and _TRAILER.match(data, position) is not None


def _is_same(one: Opened, first: Place, second: Place) -> bool:
    if not isinstance(first, int) or not isinstance(second, int):
        return False
    try:
        here, there = object_at(one, first), object_at(one, second)
    except (PdfError, RecursionError):
        return False
    return one.data[here.start : here.end] == one.data[there.start : there.end]
