"""Builds the rows of one series: numbers, senders, neighbours, warnings, the closing summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from evidence.errors import IngestRefused
from evidence.ingest.interface import SeriesEnd, SourceWarning, Span
from evidence.values import Json, Message, Participant

PIECE_BYTES = 64 << 10
"""Unparsed bytes are cut into rows of at most this many bytes."""
ROW_BYTES = 4 << 20
"""No row holds more source bytes than this; what is longer becomes unparsed rows."""
WARNINGS_LISTED = 50
MOST_PEOPLE = 200_000
MOST_NAMES = 100

_SURROGATE = re.compile("[\ud800-\udfff]")


class Person:
    """One sender of a series while it is being read."""

    __slots__ = ("count", "details", "first", "id", "is_owner", "key", "last", "names", "value")

    def __init__(self, key: str, name: str, platform_id: str | None, is_owner: bool) -> None:
        self.key, self.id, self.is_owner = key, platform_id, is_owner
        self.names = [name]
        self.details: dict[str, str] = {}
        self.count = self.first = self.last = 0
        self.value: dict[str, Json] = {"key": key, "name": name, "id": platform_id}


class Rows:
    """Hands out rows one behind, so that a row can still be marked by its successor.

    owner: the name or id the owner was stated or known by. text_can_lie: True for plain-text
    exports, where a pasted line can pass as a message; there a step back in time marks both
    neighbours ``possible_forgery``. source_is_utf8: how ``source_text`` is told.
    """

    def __init__(
        self,
        member: str,
        owners: tuple[str | None, ...] = (),
        *,
        text_can_lie: bool = False,
        encoding: str = "utf-8",
    ) -> None:
        self.member = member
        self.count = self.unparsed_count = 0
        self._owners = {owner for owner in owners if owner}
        self._text_can_lie = text_can_lie
        self._utf8 = encoding.startswith("utf-8")
        self._people: dict[tuple[str | None, str | None], Person] = {}
        self._held: Message | None = None
        self._held_clock: datetime | None = None
        self._first: str | None = None
        self._last: str | None = None
        self._warnings: dict[tuple[str, str], None] = {}
        self._warned: dict[str, int] = {}

    def person(self, name: str | None, platform_id: str | None = None) -> Person:
        """Return the sender with this id or, where the source has no ids, of this name."""
        key = (platform_id, None) if platform_id else (None, name)
        found = self._people.get(key)
        shown = clean(name) if name else (platform_id or "")
        if found is None:
            if len(self._people) >= MOST_PEOPLE:
                raise IngestRefused("senders without end", code="too_many_participants")
            owner = platform_id in self._owners or name in self._owners
            found = Person(f"p{len(self._people) + 1}", shown, platform_id, owner)
            self._people[key] = found
        elif name and shown not in found.names and len(found.names) < MOST_NAMES:
            found.names.append(shown)
        return found

    def known(self) -> Mapping[tuple[str | None, str | None], Person]:
        """Return everyone who spoke so far by ``(id, None)`` or ``(None, name)``."""
        return self._people

    def warn(self, code: str, where: str = "") -> None:
        """Note a warning of the conversation once; after fifty of a kind only a count goes on."""
        if (code, where) in self._warnings:
            return
        self._warned[code] = self._warned.get(code, 0) + 1
        if self._warned[code] <= WARNINGS_LISTED:
            self._warnings[code, where] = None

    def add(
        self,
        kind: str,
        offset: int,
        data: bytes,
        *,
        person: Person | None = None,
        shown_name: str | None = None,
        clock: datetime | None = None,
        time: dict[str, Json] | None = None,
        warnings: list[Json] | None = None,
        text: str | None = None,
        direction: str | None = None,
        **fields: Any,
    ) -> tuple[Message, ...]:
        """Take one row; return the row before it, if there is one.

        data: its source slice, at most ROW_BYTES; text: the same decoded, if at hand.
        direction: where the source itself states it.
        clock: naive local time for the comparison with the row before; None if in doubt.
        """
        self.count += 1
        sequence = self.count
        notes: list[Json] = warnings or []
        sender = None
        if person is not None:
            person.count += 1
            person.first = person.first or sequence
            person.last = sequence
            sender = person.value
            if shown_name is not None and shown_name != sender["name"]:
                sender = {**sender, "name": clean(shown_name)}
            if self._owners and direction is None:
                direction = "out" if person.is_owner else "in"
        held = self._held
        if clock is not None:
            before = self._held_clock
            if before is not None and clock < before:
                notes = [*notes, "time_backwards"]
                if self._text_can_lie:
                    notes.append("possible_forgery")
                    held = _marked(held)
                    self.warn("possible_forgery", str(sequence))
                else:
                    self.warn("time_backwards", str(sequence))
            self._held_clock = clock
        if time is not None:
            utc = str(time["utc"])
            if self._first is None or utc < self._first:
                self._first = utc
            if self._last is None or utc > self._last:
                self._last = utc
        self._held = Message(
            sequence=sequence,
            kind=kind,
            source={"file": self.member, "offset": offset, "length": len(data)},
            source_text=self._source_text(data, text),
            time=time,
            sender=sender,
            direction=direction,
            warnings=notes,
            **fields,
        )
        return (held,) if held is not None else ()

    def unparsed(self, offset: int, data: bytes, code: str = "") -> Iterator[Message]:
        """Take bytes no rule fits, cut into pieces at character borders; yield rows before."""
        while data:
            piece = data[: _piece_end(data)]
            data = data[len(piece) :]
            self.unparsed_count += 1
            notes: list[Json] = [code] if code else []
            body = piece.decode("utf-8", "replace") if self._utf8 else None
            yield from self.add("unparsed", offset, piece, body=body, warnings=notes)
            offset += len(piece)

    def finish(self, trailer_spans: tuple[Span, ...] = ()) -> Iterator[Message | SeriesEnd]:
        """Yield the last row and the summary."""
        if self._held is not None:
            yield self._held
            self._held = None
        yield SeriesEnd(
            participants=tuple(_participant(person) for person in self._people.values()),
            warnings=self._listed(),
            first_utc=self._first,
            last_utc=self._last,
            message_count=self.count,
            unparsed_count=self.unparsed_count,
            trailer_spans=trailer_spans,
        )

    def _listed(self) -> tuple[SourceWarning, ...]:
        if self._owners and not any(person.is_owner for person in self._people.values()):
            self.warn("owner_not_found")
        if self.unparsed_count:
            self.warn("unparsed_rows", str(self.unparsed_count))
        listed = [SourceWarning(code, where) for code, where in self._warnings]
        for code, count in self._warned.items():
            if count > WARNINGS_LISTED:
                listed.append(SourceWarning(code, f"+{count - WARNINGS_LISTED}"))
        return tuple(listed)

    def _source_text(self, data: bytes, text: str | None) -> Json:
        if text is not None:
            return text
        if self._utf8:
            try:
                return data.decode("utf-8")
            except UnicodeDecodeError:
                pass
        return {"hex": data.hex()}


def clean(text: str) -> str:
    """Return ``text`` with lone surrogates replaced: for names and titles, never for bodies."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def _marked(message: Message | None) -> Message | None:
    if message is None or "possible_forgery" in message.warnings:
        return message
    return replace(message, warnings=[*message.warnings, "possible_forgery"])


def _piece_end(data: bytes) -> int:
    end = min(len(data), PIECE_BYTES)
    if end < len(data):
        for back in range(4):
            if data[end - back] & 0xC0 != 0x80:
                return end - back
    return end


def _participant(person: Person) -> Participant:
    return Participant(
        key=person.key,
        names=tuple(person.names),
        platform_id=person.id,
        details=person.details,
        is_owner=person.is_owner,
        message_count=person.count,
        first_sequence=person.first,
        last_sequence=person.last,
    )
