"""Every signature of a PDF: its field, its dictionary, and where exactly its bytes stand.

Fields are walked by us, not by pyHanko, because one unreadable signature would hide all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from evidence.verify.offline.pdf_reader import (
    Document,
    IndirectObject,
    Parser,
    PdfError,
    Ref,
    Stream,
    String,
    read_object,
)
from evidence.verify.pdf.opened import LIBRARY_ERRORS, MAX_SIGNATURES, Opened, TooLarge, in_a_line
from evidence.verify.pdf.second import MAX_FIELDS, Seen

MAX_MENTIONS = 512
OLD_DIGEST = "/adbe.pkcs7.sha1"
"""A CMS over the SHA-1 of what is signed, which it holds (ISO 32000-1 12.8.3.3)."""
CMS_KINDS = frozenset(
    {"/adbe.pkcs7.detached", OLD_DIGEST, "/ETSI.CAdES.detached", "/ETSI.RFC3161", ""}
)
_BLANKS = re.compile(rb"[\x00\t\n\x0c\r ]{0,16}")
_MENTION = re.compile(rb"/(?:B|#42)(?:y|#79)(?:t|#74)(?:e|#65)(?:R|#52)ange")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature field with a value. problem: why the library cannot read it, or empty.

    start, end: the place of /Contents in the file, brackets included; (0, 0) when not found.
    """

    field: str
    is_time_stamp: bool
    byte_range: tuple[int, ...]
    contents: bytes
    start: int
    end: int
    object_end: int
    """Where the object that holds the dictionary ends."""
    embedded: EmbeddedPdfSignature | None
    problem: str
    sub_filter: str = ""

    permission: int | None = None
    """What the dictionary allows to be changed, read where the library cannot read the signature."""

    @property
    def is_other_kind(self) -> bool:
        """Tell whether this is no CMS, so that neither reader can be expected to understand it."""
        return self.sub_filter not in CMS_KINDS

    @property
    def reach(self) -> int:
        """The length of the file up to which this signature covers it, 0 when malformed."""
        return self.byte_range[2] + self.byte_range[3] if len(self.byte_range) == 4 else 0

    @property
    def seen(self) -> Seen:
        return Seen(self.field, self.byte_range, sha256(self.contents).hexdigest())


class Lengths:
    """Looks up an indirect /Length the way ``read_object`` asks for it."""

    def __init__(self, reader: PdfFileReader) -> None:
        self._reader = reader

    def get(self, ref: Ref) -> int | None:
        try:
            value = self._reader.get_object(generic.Reference(ref.number, ref.generation))
        except LIBRARY_ERRORS:
            return None
        return int(value) if isinstance(value, generic.NumberObject) else None


def begin_of(one: Opened, offset: int) -> int:
    """Return where the object starts to which ``offset`` leads: many a table leads to a blank before it."""
    found = _BLANKS.match(one.data, max(0, offset))
    return found.end() if found else offset


def object_at(one: Opened, offset: int, end: int | None = None) -> IndirectObject:
    """Return the object to which ``offset`` leads; raises PdfError."""
    begin = begin_of(one, offset)
    parser = Parser(one.data, begin, len(one.data) if end is None else end, comments=True)
    return read_object(parser, cast(Document, Lengths(one.reader)))


def find_signatures(one: Opened) -> list[Signature]:
    """Return every signature a form field names, by how far they reach; raises TooLarge."""
    found = [_signature(one, name, field) for name, field in _signed_fields(one.reader)]
    return sorted(found, key=lambda signature: signature.reach)


def _signed_fields(reader: PdfFileReader) -> Iterator[tuple[str, generic.DictionaryObject]]:
    try:
        fields = reader.root["/AcroForm"]["/Fields"]
    except KeyError:
        return
    waiting = [(entry, "", "") for entry in reversed(_entries(fields))]
    visited: set[generic.Reference] = set()
    steps = count = 0
    while waiting:
        steps += 1
        if steps > MAX_FIELDS:
            raise TooLarge("too many form fields")
        entry, path, kind = waiting.pop()
        if isinstance(entry, generic.IndirectObject):
            if entry.reference in visited:
                continue
            visited.add(entry.reference)
            entry = entry.get_object()
        if not isinstance(entry, generic.DictionaryObject):
            continue
        name = ".".join(filter(None, (path, str(_at(entry, "/T") or ""))))
        kind = str(_at(entry, "/FT") or kind)
        if kind == "/Sig" and isinstance(_at(entry, "/V"), generic.DictionaryObject):
            count += 1
            if count > MAX_SIGNATURES:
                raise TooLarge(f"more than {MAX_SIGNATURES} signatures")
            yield name, entry
        kids = reversed(_entries(_at(entry, "/Kids")))
        waiting += [(kid, name, kind) for kid in kids]


def _at(entry: generic.DictionaryObject, key: str) -> object:
    """Return what stands under ``key``, references followed; None when nothing does."""
    try:
        value: object = entry[key]
    except KeyError:
        return None
    return None if isinstance(value, generic.NullObject) else value


def _entries(value: object) -> list[generic.PdfObject]:
    return list(list.__iter__(value)) if isinstance(value, generic.ArrayObject) else []


def _signature(one: Opened, name: str, field: generic.DictionaryObject) -> Signature:
    value = field["/V"]
    problem, embedded, start, end, object_end = "", None, 0, 0, 0
    try:
        contents = value.raw_get("/Contents").original_bytes
    except LIBRARY_ERRORS:
        contents = b""
    try:
        byte_range = tuple(int(number) for number in value["/ByteRange"])
    except LIBRARY_ERRORS:
        byte_range = ()
    try:
        embedded = EmbeddedPdfSignature(one.reader, field, name)
    except (*LIBRARY_ERRORS, Exception) as error:
        problem = in_a_line(error)
    try:
        start, end, object_end = _place(one, field.raw_get("/V"))
    except LIBRARY_ERRORS as error:
        problem = problem or f"its place in the file is unclear: {in_a_line(error)}"
    return Signature(
        field=name,
        is_time_stamp=_is_time_stamp(value),
        byte_range=byte_range,
        contents=contents,
        start=start,
        end=end,
        object_end=object_end,
        embedded=embedded,
        problem=problem,
        sub_filter=str(_at(value, "/SubFilter") or ""),
        permission=_permission(value) if embedded is None else None,
    )


def _permission(value: generic.DictionaryObject) -> int | None:
    """Return the level of a DocMDP transform (ISO 32000-2 12.8.2.2), 1 where it cannot be read."""
    try:
        for entry in _at(value, "/Reference") or ():  # type: ignore[attr-defined]  # a list, or caught
            if entry["/TransformMethod"] == "/DocMDP":
                return int(entry["/TransformParams"].get("/P", 2))
    except LIBRARY_ERRORS:
        return 1
    return None


def _is_time_stamp(value: generic.DictionaryObject) -> bool:
    return _at(value, "/Type") == "/DocTimeStamp" or _at(value, "/SubFilter") == "/ETSI.RFC3161"


def _place(one: Opened, reference: object) -> tuple[int, int, int]:
    """Return where /Contents stands, and where its object ends; raises PdfError."""
    if not isinstance(reference, generic.IndirectObject):
        raise PdfError("the signature is no object of its own")
    offset = one.reader.xrefs[reference.reference]
    if not isinstance(offset, int):
        raise PdfError("the signature lies in an object stream")
    found = object_at(one, offset)
    if found.ref != Ref(reference.idnum, reference.generation) or not isinstance(found.value, dict):
        raise PdfError("the signature is not where the table says")
    contents = found.value.get("Contents")
    if not isinstance(contents, String):
        raise PdfError("the signature has no /Contents")
    return contents.start, contents.end, found.end


def hidden_signatures(one: Opened, seen: list[Signature]) -> list[str]:
    """Return places that hold a signature dictionary no form field names.

    Every mention of a /ByteRange counts that is neither part of a seen signature nor inside the
    data of a stream (a picture, an embedded PDF) nor plain text in an object.
    """
    offsets = sorted(
        offset
        for number in range(one.reader.xrefs.total_revisions)
        for _, offset in one.reader.xrefs.get_xref_data(number).standard_xrefs.values()
    )
    known = [(signature.start, signature.object_end) for signature in seen if signature.end]
    parsed: dict[int, IndirectObject | None] = {}
    places: list[str] = []
    for count, mention in enumerate(_MENTION.finditer(one.data)):
        if count >= MAX_MENTIONS:
            raise TooLarge("too many places look like a signature")
        place = mention.start()
        index = _last_at_most(offsets, place)
        start = offsets[index] if index >= 0 else -1
        if start not in parsed:
            parsed[start] = _object_or_none(one, start)
        found = parsed[start]
        if found is not None and found.start <= place < found.end:
            if any(found.start <= begin < found.end for begin, _ in known):
                continue
            if isinstance(found.value, Stream) and place >= found.value.start:
                continue
            if not (isinstance(found.value, dict) and "ByteRange" in found.value):
                continue
            places.append(f"object {found.ref.number}")
        else:
            places.append(f"byte {place}")
    return places


def _object_or_none(one: Opened, offset: int) -> IndirectObject | None:
    try:
        return object_at(one, offset) if offset >= 0 else None
    except (PdfError, RecursionError):
        return None


def _last_at_most(offsets: list[int], place: int) -> int:
    from bisect import bisect_right

    return bisect_right(offsets, place) - 1
