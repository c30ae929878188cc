"""Proves that a reading left no source byte out and used none twice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from evidence.ingest.interface import ChatFile, Event, SeriesStart
from evidence.ingest.jsonscan import skip_to
from evidence.values import Message

_CHUNK = 1 << 20
_SEPARATORS = frozenset(b" \t\r\n,")


def gaps(chat: ChatFile, events: Iterable[Event]) -> list[tuple[int, int]]:
    """Return the half-open byte ranges of the chat file no event accounts for.

    Blanks and commas between the elements of a JSON list count as accounted for. Raises
    ValueError when two events claim one byte, or one claims bytes outside the file: that is a
    mistake of a parser.
    """
    spans = sorted(_spans(chat.member, events))
    with chat.open() as stream:
        is_json = stream.read(8).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    end = 0
    found = []
    with chat.open() as stream:
        standing = 0
        for start, length in spans:
            if start < end or start + length > chat.size:
                raise ValueError(f"byte {start} is claimed twice or lies outside")
            if start > end:
                skip_to(stream, end, standing)
                if not (_only_separators(stream, start - end) and is_json):
                    found.append((end, start))
                standing = start
            end = start + length
    if end < chat.size:
        found.append((end, chat.size))
    return found


def _spans(member: str, events: Iterable[Event]) -> Iterable[tuple[int, int]]:
    for event in events:
        if isinstance(event, Message):
            if event.source["file"] == member:
                yield int(str(event.source["offset"])), int(str(event.source["length"]))
            continue
        spans = event.header_spans if isinstance(event, SeriesStart) else event.trailer_spans
        yield from ((offset, length) for name, offset, length in spans if name == member)


def _only_separators(stream: BinaryIO, length: int) -> bool:
    """True when the next ``length`` bytes, all of which are read, are blanks and commas."""
    only = True
    while length > 0:
        data = stream.read(min(length, _CHUNK))
        only = only and _SEPARATORS.issuperset(data)
        length -= len(data) or length
    return only
