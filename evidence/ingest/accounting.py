"""Proves that a reading left no source byte out and used none twice."""

from __future__ import annotations

from collections.abc import Iterable

from evidence.ingest.interface import ChatFile, Event, SeriesStart
from evidence.ingest.jsonscan import skip_to
from evidence.values import Message

_SEPARATORS = frozenset(b" \t\r\n,")


def gaps(chat: ChatFile, events: Iterable[Event]) -> list[tuple[int, int]]:
    """Return the half-open byte ranges of the chat file no event accounts for.

    Blanks and commas between the elements of a JSON list count as accounted for. Raises
    ValueError when two events claim one byte, or one claims bytes outside the file: that is a
    mistake of a parser.
    """
    spans = sorted(_spans(chat.member, events))
    end = 0
    found = []
    for start, length in spans:
        if start < end or start + length > chat.size:
            raise ValueError(f"byte {start} is claimed twice or lies outside")
        if start > end and not _only_separators(chat, end, start):
            found.append((end, start))
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


def _only_separators(chat: ChatFile, start: int, end: int) -> bool:
    if not chat.name.lower().endswith(".json"):
        return False
    with chat.open() as stream:
        skip_to(stream, start)
        return _SEPARATORS.issuperset(stream.read(end - start))
