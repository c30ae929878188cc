"""Events of one series, laid aside on disk by day until their files can be written.

Memory holds some thirty bytes a row: which day it is in, where it lies, and what it replies to.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from evidence.exchange.slices import UNDATED


@dataclass(frozen=True, slots=True)
class Record:
    """One event on disk. event: its JSON; people: keys it names; files: names in the archive."""

    sequence: int
    utc: str
    people: tuple[str, ...]
    files: tuple[tuple[str, int], ...]
    event: bytes
    text: bytes
    is_gap: bool = False


class Spool:
    """Rows come in ascending by sequence; a row without a time stays with the one before it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._days: list[str] = []
        self._numbers: dict[str, int] = {}
        self._sequences = array("Q")
        self._day = array("I")
        self._offsets = array("Q")
        self._parents = array("Q")
        self._gaps: set[int] = set()
        self._now: int | None = None
        self._open: tuple[int, BinaryIO] | None = None

    def add(self, record: Record, day: str | None, parent: int) -> None:
        """Lay ``record`` aside under ``day``; parent: sequence it replies to, 0 if none."""
        number = self._number_of(day)
        file = self._file(number)
        if record.is_gap:
            self._gaps.add(len(self._sequences))
        self._sequences.append(record.sequence)
        self._day.append(number)
        self._offsets.append(file.tell())
        self._parents.append(parent if 0 < parent < 1 << 63 else 0)
        file.write(_write(record))

    def _number_of(self, day: str | None) -> int:
        if day is None and self._now is not None:
            return self._now
        name = UNDATED if day is None else day
        if name not in self._numbers:
            self._numbers[name] = len(self._days)
            self._days.append(name)
        if day is not None:
            self._now = self._numbers[name]
        return self._numbers[name]

    def _file(self, number: int) -> BinaryIO:
        if self._open is not None and self._open[0] == number:
            return self._open[1]
        self.close()
        # Kept open until another day comes: most chats go from one day to the next.
        file = (self._folder / str(number)).open("ab")
        file.seek(0, 2)
        self._open = (number, file)
        return file

    def close(self) -> None:
        """Close the file of the current day."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def days(self) -> Iterator[tuple[str, array[int]]]:
        """Yield each day with the places of its rows, in order of date.

        Rows before the first time go with the day of that time; "undated" only when there is none.
        """
        self.close()
        places = [array("Q") for _ in self._days]
        for place, number in enumerate(self._day):
            places[number].append(place)
        if len(self._days) > 1 and self._days[0] == UNDATED:
            places[1] = places[0] + places[1]
            places[0] = array("Q")
        for number in sorted(range(len(self._days)), key=self._days.__getitem__):
            if places[number]:
                yield self._days[number], places[number]

    def read(self, places: array[int]) -> Iterator[Record]:
        """Yield the records at ``places``."""
        self.close()
        number, file = -1, None
        try:
            for place in places:
                if file is None or self._day[place] != number:
                    if file is not None:
                        file.close()
                    number = self._day[place]
                    file = (self._folder / str(number)).open("rb")
                file.seek(self._offsets[place])
                yield _read(file.readline())
        finally:
            if file is not None:
                file.close()

    def sequence(self, place: int) -> int:
        """Return the sequence of the row at ``place``."""
        return self._sequences[place]

    def root(self, place: int) -> int | None:
        """Return the place of the message that began the thread of the row at ``place``.

        None when the row replies to nothing disclosed or, in a forged source, in a circle.
        """
        chain: list[int] = []
        seen: set[int] = set()
        at = place
        while self._parents[at]:
            above = self._place(self._parents[at])
            if above is None:
                self._parents[at] = 0
                break
            chain.append(at)
            seen.add(at)
            if above in seen:
                for one in chain:
                    self._parents[one] = 0
                return None
            at = above
        for one in chain:
            self._parents[one] = self._sequences[at]
        return at if chain else None

    def _place(self, sequence: int) -> int | None:
        place = bisect_left(self._sequences, sequence)
        if place == len(self._sequences) or self._sequences[place] != sequence:
            return None
        return None if place in self._gaps else place


_encode = json.JSONEncoder().encode


def _write(record: Record) -> bytes:
    head = _encode([record.sequence, record.utc, record.people, record.files]).encode()
    return b"%b\0%b\0%b\n" % (head, record.event, record.text.replace(b"\n", b"\1"))


def _read(line: bytes) -> Record:
    head, event, text = line[:-1].split(b"\0")
    sequence, utc, people, files = json.loads(head)
    return Record(
        sequence=sequence,
        utc=utc,
        people=tuple(people),
        files=tuple((name, place) for name, place in files),
        event=event,
        text=text.replace(b"\1", b"\n"),
    )
