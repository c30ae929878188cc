"""Chosen messages as one bit each: counted, cut and paged in no time however scattered they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from evidence.values import Ranges

_WINDOW = 4_096
_RUN = re.compile("1+")


@dataclass(frozen=True, slots=True)
class Picked:
    """A set of 1-based sequences: ``n`` is in it when bit ``n - 1`` of ``bits`` is set."""

    bits: int = 0

    @classmethod
    def of(cls, ranges: Ranges) -> Picked:
        """Return the set that ``ranges`` hold."""
        if len(ranges.spans) < _FEW:
            return cls(sum(_run(first, last) for first, last in ranges.spans))
        marks = bytearray(b"0" * ranges.spans[-1][1])
        for first, last in ranges.spans:
            marks[first - 1 : last] = b"1" * (last - first + 1)
        return cls.marked(bytes(marks))

    @classmethod
    def marked(cls, marks: bytes) -> Picked:
        """Return the set of places, from 1, at which the ASCII digits ``marks`` hold a ``1``."""
        return cls(int(marks[::-1] or b"0", 2))

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __contains__(self, sequence: object) -> bool:
        return isinstance(sequence, int) and sequence > 0 and bool(self.bits >> (sequence - 1) & 1)

    def __and__(self, other: Picked) -> Picked:
        return Picked(self.bits & other.bits)

    @property
    def first(self) -> int:
        """The lowest sequence, 0 where there is none."""
        return (self.bits & -self.bits).bit_length()

    @property
    def last(self) -> int:
        """The highest sequence, 0 where there is none."""
        return self.bits.bit_length()

    @property
    def stretches(self) -> int:
        """How many runs of neighbours the set consists of."""
        return (self.bits & ~(self.bits << 1)).bit_count()

    def with_(self, sequences: Iterable[int]) -> Picked:
        """Return the set and ``sequences``."""
        return Picked(self.bits | _bits(sequences))

    def without(self, sequences: Iterable[int]) -> Picked:
        """Return the set without ``sequences``."""
        return Picked(self.bits & ~_bits(sequences))

    def up_to(self, size: int) -> Picked:
        """Return those of 1 to ``size``."""
        return Picked(self.bits & _run(1, size))

    def widened(self, context: int, size: int) -> Picked:
        """Return the set with ``context`` neighbours on both sides, within 1 to ``size``."""
        context = min(context, size)
        bits, done = self.bits, 0
        while done < context:
            step = min(done or 1, context - done)
            bits |= bits << step | bits >> step
            done += step
        return Picked(bits).up_to(size)

    def from_on(self, start: int, most: int) -> list[int]:
        """Return up to ``most`` sequences from ``start`` on, ascending."""
        found: list[int] = []
        at = max(1, start)
        rest = self.bits >> (at - 1)
        while rest and len(found) < most:
            skipped = (rest & -rest).bit_length() - 1
            at, rest = at + skipped, rest >> skipped
            window = rest & _MASK
            found += [at + place for place in range(window.bit_length()) if window >> place & 1]
            at, rest = at + _WINDOW, rest >> _WINDOW
        return found[:most]

    def before(self, start: int, most: int) -> list[int]:
        """Return up to ``most`` sequences below ``start``, the nearest ones, ascending."""
        found: list[int] = []
        rest = self.bits & _run(1, start - 1)
        while rest and len(found) < most:
            base = max(0, rest.bit_length() - _WINDOW)
            window = rest >> base
            found[:0] = [base + n + 1 for n in range(window.bit_length()) if window >> n & 1]
            rest &= _run(1, base)
        return found[-most:]

    def ranges(self) -> Ranges:
        """Return the same set as ranges; takes its time where there are many."""
        marks = bin(self.bits)[:1:-1]
        return Ranges(tuple((run.start() + 1, run.end()) for run in _RUN.finditer(marks)))


_FEW = 200
_MASK = (1 << _WINDOW) - 1


def _bits(sequences: Iterable[int]) -> int:
    found = 0
    for one in sequences:
        found |= _run(one, one) if one > 0 else 0
    return found


def _run(first: int, last: int) -> int:
    return ((1 << (last - first + 1)) - 1) << (first - 1) if last >= first else 0
