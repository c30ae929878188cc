"""Physical lines by byte, split at line feed only.

``str.splitlines`` also splits at U+0085, U+2028, vertical tab and others, which people type or
paste into messages; a line here ends at a line feed and nowhere else and keeps its ending.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

LONGEST_PIECE = 1 << 20
_UNITS = {"utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}


def lines(stream: BinaryIO, encoding: str = "utf-8") -> Iterator[tuple[int, bytes, bool]]:
    """Yield offset, bytes, and whether the bytes begin a line.

    A line longer than 1 MiB comes in pieces; only the first piece begins the line.
    """
    if encoding in _UNITS:
        yield from _wide_lines(stream, _UNITS[encoding])
        return
    offset, begins = 0, True
    readline = stream.readline
    while line := readline(LONGEST_PIECE):
        yield offset, line, begins
        offset += len(line)
        begins = line.endswith(b"\n")


def _wide_lines(stream: BinaryIO, feed: bytes) -> Iterator[tuple[int, bytes, bool]]:
    offset, begins, buffer, at = 0, True, b"", 0
    while True:
        end = _aligned(buffer, feed, at)
        if end < 0 and len(buffer) - at < LONGEST_PIECE:
            chunk = stream.read(LONGEST_PIECE)
            if chunk:
                buffer, at = buffer[at:] + chunk, 0
                continue
        cut = end + 2 if end >= 0 else min(len(buffer), at + LONGEST_PIECE)
        if cut == at:
            return
        yield offset, buffer[at:cut], begins
        begins = end >= 0
        offset += cut - at
        at = cut


def _aligned(buffer: bytes, feed: bytes, start: int) -> int:
    """Return where the next feed stands on an even distance from ``start``, or -1."""
    at = buffer.find(feed, start)
    while at >= 0 and (at - start) % 2:
        at = buffer.find(feed, at + 1)
    return at
