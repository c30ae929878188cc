"""A minimal, strict reader for PDF files with classic cross-reference tables (ISO 32000-1 7.5).

Read: direct and indirect objects, the ``/Prev`` chain, Flate streams. Refused: cross-reference
and object streams, hybrid files, encryption, repairs of any kind, objects that are not where
the table says. What it cannot read it refuses with ``PdfError``; it never guesses.
"""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Union

Buffer = bytes | mmap.mmap

MAX_DEPTH = 32
MAX_ITEMS = 200_000
MAX_OBJECTS = 400_000
MAX_STRING_PARTS = 65_536
MAX_REVISIONS = 64
MAX_UNPACKED = 64 * 1024 * 1024


class PdfError(ValueError):
    """The bytes are not a PDF this reader accepts; the file's fault."""


class LimitExceeded(PdfError):
    """The file is larger or deeper than this reader is willing to follow."""


class Name(str):
    """A PDF name without its slash; equal to the plain string."""

    __slots__ = ()


class Ref(NamedTuple):
    number: int
    generation: int


@dataclass(frozen=True, slots=True)
class String:
    """A string's bytes, and where its source stands (``start`` of ``<`` or ``(``, ``end`` after)."""

    value: bytes
    start: int = field(compare=False)
    end: int = field(compare=False)
    is_hex: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream's dictionary and where its raw bytes lie."""

    entries: Mapping[str, Value]
    start: int = field(compare=False)
    end: int = field(compare=False)


Value = Union[None, bool, int, float, Name, String, Ref, "list[Value]", "dict[str, Value]", Stream]

_SPACE = b"\x00\t\n\x0c\r "
_SKIP = re.compile(rb"[\x00\t\n\x0c\r ]*")
_SKIP_COMMENTS = re.compile(rb"(?:[\x00\t\n\x0c\r ]+|%[^\r\n]*(?=[\r\n]))*")
_NAME = re.compile(rb"/([^\x00\t\n\x0c\r ()<>\[\]{}/%]*)")
_REFERENCE = re.compile(
    rb"(\d{1,10})[\x00\t\n\x0c\r ]+(\d{1,5})[\x00\t\n\x0c\r ]+R(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
)
_NUMBER = re.compile(
    rb"[+-]?(?:\d{1,18}\.\d{0,18}|\.\d{1,18}|\d{1,18})(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])"
)
_WORD = re.compile(rb"(true|false|null)(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])")
_HEX = re.compile(rb"<([0-9A-Fa-f\x00\t\n\x0c\r ]*)>")
_PLAIN_LITERAL = re.compile(rb"[^()\\\r]*")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|\r|\n)|(.))", re.DOTALL)
_NAME_ESCAPE = re.compile(r"#([0-9A-Fa-f]{2})")
_OBJECT = re.compile(rb"(\d{1,10}) (\d{1,5}) obj(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])")
_STREAM = re.compile(rb"stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"(?:\r\n|\n|\r)?endstream(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])")
_END_OBJECT = re.compile(rb"endobj(?![^\x00\t\n\x0c\r ()<>\[\]{}/%])")
_XREF = re.compile(rb"xref(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"(\d{1,10}) (\d{1,10}) ?(?:\r\n|\n|\r)")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_TRAILER = re.compile(rb"trailer")
_END = re.compile(rb"startxref(?:\r\n|\n|\r)(\d{1,12})(?:\r\n|\n|\r)%%EOF(?:\r\n|\n|\r)?")
_SIMPLE_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Parser:
    """Reads values from a buffer; ``position`` moves past what was read."""

    def __init__(self, data: Buffer, position: int, end: int, *, comments: bool) -> None:
        self.data, self.position, self.end = data, position, end
        self._skip_pattern = _SKIP_COMMENTS if comments else _SKIP
        self._items = 0

    def skip(self) -> None:
        found = self._skip_pattern.match(self.data, self.position, self.end)
        if found is not None:
            self.position = found.end()

    def take(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Return the match at the position and move past it; raises PdfError without one."""
        found = pattern.match(self.data, self.position, self.end)
        if found is None:
            raise PdfError(f"expected {what} at byte {self.position}")
        self.position = found.end()
        return found

    def value(self, depth: int = 0) -> Value:
        """Return the value at the position, white space before it skipped."""
        self._items += 1
        if depth > MAX_DEPTH or self._items > MAX_ITEMS:
            raise LimitExceeded("an object is too deep or too long")
        self.skip()
        first = bytes(self.data[self.position : min(self.position + 2, self.end)])
        if first == b"<<":
            return self._dictionary(depth)
        head = first[:1]
        if head == b"/":
            return self.name()
        if head == b"[":
            return self._array(depth)
        if head == b"<":
            return self._hex()
        if head == b"(":
            return self._literal()
        return self._number_or_word()

    def name(self) -> Name:
        raw = self.take(_NAME, "a name")[1].decode("latin-1")
        if "#" not in raw:
            return Name(raw)
        if len(_NAME_ESCAPE.findall(raw)) != raw.count("#"):
            raise PdfError("malformed escape in a name")
        return Name(_NAME_ESCAPE.sub(lambda found: chr(int(found[1], 16)), raw))

    def _number_or_word(self) -> Value:
        found = _REFERENCE.match(self.data, self.position, self.end)
        if found is not None:
            self.position = found.end()
            return Ref(int(found[1]), int(found[2]))
        found = _NUMBER.match(self.data, self.position, self.end)
        if found is not None:
            self.position = found.end()
            return float(found[0]) if b"." in found[0] else int(found[0])
        word = self.take(_WORD, "a value")[1]
        return {b"true": True, b"false": False}.get(word)

    def _dictionary(self, depth: int) -> dict[str, Value]:
        self.position += 2
        entries: dict[str, Value] = {}
        while True:
            self.skip()
            if self.data[self.position : self.position + 2] == b">>":
                self.position += 2
                return entries
            key = self.name()
            if key in entries:
                raise PdfError(f"key /{key} stands twice")
            entries[str(key)] = self.value(depth + 1)

    def _array(self, depth: int) -> list[Value]:
        self.position += 1
        values: list[Value] = []
        while True:
            self.skip()
            if self.data[self.position : self.position + 1] == b"]":
                self.position += 1
                return values
            values.append(self.value(depth + 1))

    def _hex(self) -> String:
        start = self.position
        digits = self.take(_HEX, "a hexadecimal string")[1].translate(None, _SPACE)
        text = digits.decode("ascii")
        return String(bytes.fromhex(text + "0" * (len(text) % 2)), start, self.position, True)

    def _literal(self) -> String:
        start = self.position
        self.position += 1
        parts: list[bytes] = []
        nesting = 1
        while True:
            plain = self.take(_PLAIN_LITERAL, "a string")
            parts.append(plain[0])
            mark = bytes(self.data[self.position : min(self.position + 1, self.end)])
            if mark == b"\\" and len(parts) <= MAX_STRING_PARTS:
                parts.append(self._escape())
                continue
            self.position += 1
            if mark == b"\r":
                parts.append(b"\n")
                self.position += self.data[self.position : self.position + 1] == b"\n"
                continue
            nesting += {b"(": 1, b")": -1}.get(mark, 0)
            if not mark or nesting > MAX_DEPTH or len(parts) > MAX_STRING_PARTS:
                raise PdfError("a string does not end")
            if nesting == 0:
                return String(b"".join(parts), start, self.position, False)
            parts.append(mark)

    def _escape(self) -> bytes:
        octal, line_end, other = self.take(_ESCAPE, "an escape").groups()
        if octal is not None:
            return bytes((int(octal, 8) & 0xFF,))
        if line_end is not None:
            return b""
        return _SIMPLE_ESCAPES.get(other, other)


@dataclass(frozen=True, slots=True)
class IndirectObject:
    """An indirect object with the bytes it fills, ``endobj`` included."""

    ref: Ref
    value: Value
    start: int
    end: int


def read_object(parser: Parser, resolve_length: Document | None = None) -> IndirectObject:
    """Return the indirect object that begins exactly at the parser's position.

    resolve_length: where an indirect ``/Length`` may be looked up; None asks for a direct one.
    """
    start = parser.position
    head = parser.take(_OBJECT, "an object")
    ref = Ref(int(head[1]), int(head[2]))
    value = parser.value()
    parser.skip()
    if isinstance(value, dict) and parser.data[parser.position : parser.position + 6] == b"stream":
        value = _stream(parser, value, resolve_length)
        parser.skip()
    parser.take(_END_OBJECT, "endobj")
    return IndirectObject(ref, value, start, parser.position)


def _stream(parser: Parser, entries: dict[str, Value], lengths: Document | None) -> Stream:
    parser.take(_STREAM, "stream data")
    length = entries.get("Length")
    if isinstance(length, Ref) and lengths is not None:
        length = lengths.get(length)
    if type(length) is not int or not 0 <= length <= parser.end - parser.position:
        raise PdfError("a stream has no usable length")
    start = parser.position
    parser.position += length
    parser.take(_END_STREAM, "endstream")
    return Stream(entries, start, start + length)


@dataclass(frozen=True, slots=True)
class Section:
    """One cross-reference section with its trailer."""

    start: int
    entries: dict[int, tuple[int, int]]
    """Object number → offset and generation of those in use."""
    free: dict[int, int]
    """Object number → generation of those free."""
    trailer: dict[str, Value]
    end: int
    """Position after ``%%EOF`` and its line end."""


def read_section(
    data: Buffer, start: int, limit: int, *, comments: bool = True, hybrid: bool = False
) -> Section:
    """Return the section at ``start``; it must reach its own ``%%EOF`` before ``limit``.

    hybrid: the trailer may name a cross-reference stream, which the caller looks at.
    """
    parser = Parser(data, start, limit, comments=comments)
    parser.take(_XREF, "xref")
    entries: dict[int, tuple[int, int]] = {}
    free: dict[int, int] = {}
    while True:
        found = _SUBSECTION.match(data, parser.position, limit)
        if found is None:
            break
        parser.position = found.end()
        _read_entries(parser, int(found[1]), int(found[2]), entries, free)
    parser.take(_TRAILER, "trailer")
    trailer = parser.value()
    if not isinstance(trailer, dict):
        raise PdfError("the trailer is no dictionary")
    for key in ("Encrypt",) if hybrid else ("XRefStm", "Encrypt"):
        if key in trailer:
            raise PdfError(f"/{key} is not part of our files")
    parser.skip()
    if int(parser.take(_END, "startxref")[1]) != start:
        raise PdfError("startxref points elsewhere")
    return Section(start, entries, free, trailer, parser.position)


def _read_entries(
    parser: Parser,
    first: int,
    count: int,
    entries: dict[int, tuple[int, int]],
    free: dict[int, int],
) -> None:
    stop = parser.position + 20 * count
    if stop > parser.end:
        raise PdfError("the cross-reference table is cut off")
    if count > MAX_OBJECTS:
        raise LimitExceeded("the cross-reference table is too long")
    found = _ENTRY.findall(parser.data, parser.position, stop)
    if len(found) != count:
        raise PdfError("malformed cross-reference entry")
    for number, (offset, generation, kind) in enumerate(found, first):
        if number in entries or number in free:
            raise PdfError(f"object {number} stands twice in the cross-reference table")
        if kind == b"n":
            entries[number] = (int(offset), int(generation))
        else:
            free[number] = int(generation)
    parser.position = stop


class Document:
    """One revision of a file: the objects as its cross-reference chain gives them."""

    def __init__(self, data: Buffer, sections: list[Section]) -> None:
        """``sections``: newest first."""
        self.data = data
        self.sections = sections
        self.trailer = sections[0].trailer
        self.end = sections[0].end
        self._entries: dict[int, tuple[int, int]] = {}
        for section in reversed(sections):
            self._entries.update(section.entries)
            for number in section.free:
                self._entries.pop(number, None)
        self._cache: dict[Ref, Value] = {}
        self._open: set[Ref] = set()

    @property
    def size(self) -> int:
        size = self.trailer.get("Size")
        if type(size) is not int or size < 1:
            raise PdfError("the trailer has no /Size")
        return size

    @property
    def root(self) -> Ref:
        root = self.trailer.get("Root")
        if not isinstance(root, Ref):
            raise PdfError("the trailer has no /Root")
        return root

    @property
    def catalog(self) -> dict[str, Value]:
        catalog = self.dictionary(self.root)
        if catalog.get("Type") != "Catalog":
            raise PdfError("the root object is no catalog")
        return catalog

    def has(self, ref: Ref) -> bool:
        return self._entries.get(ref.number, (0, -1))[1] == ref.generation

    def get(self, value: Value) -> Value:
        """Return the value, references followed; a reference to nothing is None."""
        if not isinstance(value, Ref):
            return value
        if value in self._cache:
            return self._cache[value]
        if not self.has(value):
            return None
        if value in self._open:
            raise PdfError("an object refers to itself")
        self._open.add(value)
        try:
            found = self._read(value)
        finally:
            self._open.discard(value)
        if isinstance(found, Ref):
            raise PdfError("an object is nothing but a reference")
        self._cache[value] = found
        return found

    def dictionary(self, value: Value) -> dict[str, Value]:
        found = self.get(value)
        if not isinstance(found, dict):
            raise PdfError("expected a dictionary")
        return found

    def array(self, value: Value) -> list[Value]:
        found = self.get(value)
        if not isinstance(found, list):
            raise PdfError("expected an array")
        return found

    def stream_bytes(self, stream: Stream, limit: int = MAX_UNPACKED) -> bytes:
        """Return a stream's bytes, raw or through one FlateDecode, at most ``limit`` of them."""
        raw = bytes(self.data[stream.start : stream.end])
        filters = self.get(stream.entries.get("Filter"))
        if filters is None or filters == []:
            return raw
        if filters not in ("FlateDecode", ["FlateDecode"]) or "DecodeParms" in stream.entries:
            raise PdfError("a stream has an unexpected filter")
        return unpack(raw, limit)

    def _read(self, ref: Ref) -> Value:
        offset, _ = self._entries[ref.number]
        if not 0 < offset < self.end:
            raise PdfError(f"object {ref.number} lies outside its revision")
        found = read_object(Parser(self.data, offset, self.end, comments=True), self)
        if found.ref != ref:
            raise PdfError(f"object {ref.number} is not where the table says")
        return found.value


def unpack(raw: bytes, limit: int) -> bytes:
    """Return zlib data unpacked; raises LimitExceeded above ``limit`` bytes."""
    engine = zlib.decompressobj()
    try:
        data = engine.decompress(raw, limit + 1)
    except zlib.error as error:
        raise PdfError("a stream cannot be unpacked") from error
    if len(data) > limit:
        raise LimitExceeded("a stream unpacks to more than is allowed")
    if not engine.eof or engine.unused_data.strip(b"\r\n"):
        raise PdfError("a stream does not end where it should")
    return data


def open_revision(data: Buffer, end: int) -> Document:
    """Return the revision whose ``%%EOF`` (and line end) is the last thing before ``end``."""
    tail_start = max(0, end - 64)
    tail = bytes(data[tail_start:end])
    position = tail.rfind(b"startxref")
    found = _END.fullmatch(tail, position) if position >= 0 else None
    if found is None:
        raise PdfError("the revision does not end with startxref and %%EOF")
    start, sections, limit = int(found[1]), list[Section](), end
    while True:
        if not 0 < start < limit or len(sections) >= MAX_REVISIONS:
            raise PdfError("the cross-reference chain does not lead backwards")
        if sum(len(one.entries) for one in sections) > MAX_OBJECTS:
            raise LimitExceeded("too many objects")
        section = read_section(data, start, limit)
        sections.append(section)
        previous = section.trailer.get("Prev")
        if previous is None:
            break
        if type(previous) is not int:
            raise PdfError("/Prev is no number")
        start, limit = previous, start
    if sections[0].end != end:
        raise PdfError("bytes follow the end of the revision")
    return Document(data, sections)


def text_of(value: Value) -> str:
    """Return a text string (UTF-16 with mark, otherwise Latin-1) for comparison."""
    if not isinstance(value, String):
        return ""
    if value.value.startswith(b"\xfe\xff"):
        return value.value[2:].decode("utf-16-be", "replace")
    return value.value.decode("latin-1")
