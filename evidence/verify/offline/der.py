"""A strict DER reader (ITU-T X.690): one encoding per value, or refusal.

Refused: indefinite and non-minimal lengths, tag numbers above 30, non-minimal integers and
object identifiers, booleans other than 00 and FF, trailing bytes, structures beyond the caps.
Values are read one level at a time, so depth is bounded by the reader's own code; ``walk``
checks a whole tree down to ``MAX_DEPTH``.

Example: ``02 01 05`` is INTEGER 5. Broken: ``02 81 01 05`` (length not minimal).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise

MAX_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
ENUMERATED, UTC_TIME, GENERALIZED_TIME = 0x0A, 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31
_CONSTRUCTED = 0x20

_UTC = re.compile(rb"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z")
_GENERALIZED = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,8}[1-9]))?Z")


class DerError(ValueError):
    """The bytes are not the one DER encoding of what was expected; the file's fault."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value: its identifier byte, its content and its whole encoding."""

    tag: int
    content: bytes
    raw: bytes

    def expect(self, tag: int) -> Node:
        if self.tag != tag:
            raise DerError(f"expected tag {tag:02x}, found {self.tag:02x}")
        return self

    def children(self, tag: int | None = None) -> list[Node]:
        """Return the values inside a constructed one; ``tag`` is checked when given."""
        if tag is not None:
            self.expect(tag)
        if not self.tag & _CONSTRUCTED:
            raise DerError(f"tag {self.tag:02x} holds no values")
        return list(_read_all(self.content))

    def integer(self, tag: int = INTEGER) -> int:
        self.expect(tag)
        content = self.content
        if not content:
            raise DerError("empty integer")
        if len(content) > 1 and (content[0], content[1] >> 7) in {(0, 0), (0xFF, 1)}:
            raise DerError("integer is not minimal")
        return int.from_bytes(content, "big", signed=True)

    def small(self, tag: int = INTEGER, *, maximum: int = 2**31) -> int:
        """Return a non-negative integer of at most ``maximum``."""
        value = self.integer(tag)
        if not 0 <= value <= maximum:
            raise DerError(f"integer out of range: {len(self.content)} bytes")
        return value

    def boolean(self, tag: int = BOOLEAN) -> bool:
        self.expect(tag)
        if self.content not in (b"\x00", b"\xff"):
            raise DerError("boolean is neither 00 nor FF")
        return self.content == b"\xff"

    def octets(self, tag: int = OCTET_STRING) -> bytes:
        return self.expect(tag).content

    def bits(self, tag: int = BIT_STRING) -> bytes:
        """Return a bit string of whole bytes."""
        self.expect(tag)
        if self.content[:1] != b"\x00":
            raise DerError("bit string has unused bits")
        return self.content[1:]

    def flags(self, tag: int = BIT_STRING) -> frozenset[int]:
        """Return the numbers of the bits set in a named bit list (X.690 11.2.2)."""
        self.expect(tag)
        if not self.content or self.content[0] > 7:
            raise DerError("malformed bit string")
        unused, data = self.content[0], self.content[1:]
        if not data:
            if unused:
                raise DerError("malformed bit string")
            return frozenset()
        if data[-1] & ((1 << unused) - 1) or not data[-1] >> unused & 1:
            raise DerError("named bit list is not minimal")
        return frozenset(
            index for index in range(len(data) * 8) if data[index // 8] >> (7 - index % 8) & 1
        )

    def oid(self, tag: int = OID) -> str:
        self.expect(tag)
        return _oid(self.content)

    def null(self) -> None:
        if self.tag != NULL or self.content:
            raise DerError("expected NULL")

    def time(self) -> datetime:
        """Return UTCTime or GeneralizedTime as an aware datetime (RFC 5280 section 4.1.2.5)."""
        if self.tag == UTC_TIME:
            return _utc_time(self.content)
        return _generalized_time(self.expect(GENERALIZED_TIME).content)


def parse(data: bytes) -> Node:
    """Return the one value ``data`` holds, without a byte before or after it."""
    node, end = read(data, 0)
    if end != len(data):
        raise DerError("bytes after the value")
    return node


def read(data: bytes, start: int) -> tuple[Node, int]:
    """Return the value that begins at ``start`` and the position after it."""
    if len(data) > MAX_BYTES:
        raise DerError("too many bytes")
    try:
        tag, first = data[start], data[start + 1]
    except IndexError:
        raise DerError("value is cut off") from None
    if tag & 0x1F == 0x1F:
        raise DerError("tag number above 30")
    position, length = start + 2, first
    if first >= 0x80:
        count = first & 0x7F
        digits = data[position : position + count]
        if not 1 <= count <= 4 or len(digits) != count or digits[0] == 0:
            raise DerError("indefinite, oversized or non-minimal length")
        length = int.from_bytes(digits, "big")
        if length < 0x80:
            raise DerError("length is not minimal")
        position += count
    end = position + length
    if end > len(data):
        raise DerError("value is cut off")
    return Node(tag, data[position:end], data[start:end]), end


def walk(node: Node, depth: int = 0) -> None:
    """Check that every constructed value below ``node`` is well formed; raises DerError."""
    if depth > MAX_DEPTH:
        raise DerError("nested too deeply")
    if node.tag & _CONSTRUCTED:
        for child in node.children():
            walk(child, depth + 1)


def encode(tag: int, content: bytes) -> bytes:
    """Return the DER encoding of one value from its content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def is_sorted_set(nodes: list[Node]) -> bool:
    """Tell whether the values stand in the one order DER gives a SET OF (X.690 11.6)."""
    encodings = [node.raw for node in nodes]
    return all(a < b for a, b in pairwise(encodings))


def _read_all(data: bytes) -> Iterator[Node]:
    position = 0
    while position < len(data):
        node, position = read(data, position)
        yield node


def _oid(content: bytes) -> str:
    if not content or len(content) > 64 or content[-1] & 0x80:
        raise DerError("malformed object identifier")
    arcs: list[int] = []
    value, is_first_byte = 0, True
    for byte in content:
        if is_first_byte and byte == 0x80:
            raise DerError("object identifier is not minimal")
        value = value << 7 | byte & 0x7F
        is_first_byte = not byte & 0x80
        if is_first_byte:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def _utc_time(content: bytes) -> datetime:
    match = _UTC.fullmatch(content)
    if match is None:
        raise DerError("malformed UTCTime")
    year, *rest = (int(part) for part in match.groups())
    month, day, hour, minute, second = rest
    return _moment(year + (1900 if year >= 50 else 2000), month, day, hour, minute, second)


def _generalized_time(content: bytes) -> datetime:
    match = _GENERALIZED.fullmatch(content)
    if match is None:
        raise DerError("malformed GeneralizedTime")
    fraction = (match[7] or b"0").decode()[:6].ljust(6, "0")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    return _moment(year, month, day, hour, minute, second, int(fraction))


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int, micro: int = 0
) -> datetime:
    try:
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=timezone.utc)
    except ValueError as error:
        raise DerError("no such time") from error
