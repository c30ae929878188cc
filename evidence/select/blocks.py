"""Who sent which messages of a series and when, without opening or even reading its rows.

Rows never change once they are stored, so what the readable columns of ``BLOCK`` neighbours come to
is kept beside them (``MessageBlock``). What no block covers, the last few thousand rows as a rule,
is read from the rows themselves: blocks make choosing fast and never decide what is chosen.

``senders`` is compressed: the number of different participants (2 bytes), their numbers (4 bytes
each), then for every row its place among them, in one byte where 256 are enough and two otherwise;
all little endian.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from evidence.models import Message, MessageBlock, Series

BLOCK = 4_096
_MOST_PIECES = 40
"""Stretches of rows asked for one by one; beyond, one stretch that holds them all."""
_YES, _NO = b"1", b"0"
_TIME = Coalesce("occurred_at", "occurred_at")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages: a time in [start, end) and one of ``senders``; None does not limit."""

    start: datetime | None
    end: datetime | None
    senders: Collection[int] | None

    @property
    def has_period(self) -> bool:
        return self.start is not None or self.end is not None

    def condition(self) -> Q:
        """Return the same as a condition on rows."""
        found = Q()
        # As an expression: an index by time would be walked for half the series.
        if self.start is not None:
            found &= Q(GreaterThanOrEqual(_TIME, self.start))
        if self.end is not None:
            found &= Q(LessThan(_TIME, self.end))
        if self.senders is not None:
            found &= Q(participant__in=self.senders)
        return found


def add_blocks(series: Series, size: int) -> None:
    """Make the blocks that are not there yet of the first ``size`` rows, which are stored."""
    number = MessageBlock.objects.filter(series=series).count()
    made = []
    while (number + 1) * BLOCK <= size:
        made.append(_block(series, number))
        number += 1
    # Whoever else makes a block at the same time makes the same one: rows never change.
    MessageBlock.objects.bulk_create(made, batch_size=100, ignore_conflicts=True)


def _block(series: Series, number: int) -> MessageBlock:
    first = number * BLOCK + 1
    rows = list(
        Message.objects.filter(
            series=series, sequence__gte=first, sequence__lt=first + BLOCK
        ).order_by("sequence").values_list("participant", "occurred_at")
    )  # fmt: skip
    if len(rows) != BLOCK:
        raise RuntimeError(f"rows are missing from {first} on")
    return _made(series, number, [one for one, _ in rows], [at for _, at in rows])


def _made(
    series: Series, number: int, senders: list[int], times: list[datetime | None]
) -> MessageBlock:
    known = [at for at in times if at is not None]
    return MessageBlock(
        series=series, number=number, timed=len(known), senders=_packed(senders),
        first_at=min(known, default=None), last_at=max(known, default=None),
    )  # fmt: skip


class BlockMaker:
    """Makes the blocks of a new series from its rows as they are stored, without reading them."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._made: list[MessageBlock] = []
        self._senders: list[int] = []
        self._times: list[datetime | None] = []

    def take(self, sender: int, at: datetime | None) -> None:
        """Note the next row: who sent it (0 for nobody) and when."""
        self._senders.append(sender)
        self._times.append(at)
        if len(self._senders) == BLOCK:
            self._made.append(_made(self._series, len(self._made), self._senders, self._times))
            self._senders, self._times = [], []

    def write(self) -> None:
        """Store the blocks; the rows are stored."""
        MessageBlock.objects.bulk_create(self._made, batch_size=100)


def marks_of(series: Series, wanted: Wanted) -> bytes:
    """Return one ASCII digit for each message of ``series``: ``1`` for those wanted.

    Two queries, whatever the size.
    """
    pieces, doubtful = [], []
    for number, mark in enumerate(_marks(series, wanted)):
        if mark is None:
            doubtful.append((number * BLOCK + 1, (number + 1) * BLOCK))
        pieces.append(mark or _NO * BLOCK)
    known = len(pieces) * BLOCK
    found = bytearray(b"".join(pieces)[: series.size])
    if known < series.size:
        found += _NO * (series.size - known)
        doubtful.append((known + 1, series.size))
    for sequence in _from_rows(series, wanted, doubtful):
        found[sequence - 1] = _YES[0]
    return bytes(found)


def _marks(series: Series, wanted: Wanted) -> Iterator[bytes | None]:
    """Yield what each block says, in order; None where its rows must be asked."""
    columns = ["number", "first_at", "last_at", "timed"]
    columns += ["senders"] if wanted.senders is not None else []
    blocks = MessageBlock.objects.filter(
        series=series, number__lt=-(-series.size // BLOCK)
    ).order_by("number").values_list(*columns)  # fmt: skip
    for place, (number, first_at, last_at, timed, *senders) in enumerate(blocks):
        if number != place:
            return
        if wanted.has_period:
            if not timed or _lies_outside(first_at, last_at, wanted):
                yield _NO * BLOCK
                continue
            if timed < BLOCK or not _lies_inside(first_at, last_at, wanted):
                yield None
                continue
        yield (
            _sent(bytes(senders[0]), wanted.senders) if wanted.senders is not None else _YES * BLOCK
        )


def _lies_outside(first_at: datetime, last_at: datetime, wanted: Wanted) -> bool:
    is_before = wanted.start is not None and last_at < wanted.start
    return is_before or (wanted.end is not None and first_at >= wanted.end)


def _lies_inside(first_at: datetime, last_at: datetime, wanted: Wanted) -> bool:
    is_after = wanted.start is None or first_at >= wanted.start
    return is_after and (wanted.end is None or last_at < wanted.end)


def _from_rows(series: Series, wanted: Wanted, stretches: list[tuple[int, int]]) -> Iterator[int]:
    """Yield the wanted sequences in ``stretches``, and of such between them that are read along."""
    if not stretches:
        return
    joined: list[tuple[int, int]] = []
    for first, last in stretches:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    if len(joined) > _MOST_PIECES:
        joined = [(joined[0][0], joined[-1][1])]
    where = Q()
    for first, last in joined:
        where |= Q(series=series, sequence__gte=first, sequence__lte=min(last, series.size))
    rows = Message.objects.filter(where, wanted.condition())
    yield from rows.values_list("sequence", flat=True)


def _packed(participants: list[int]) -> bytes:
    keys = sorted(set(participants))
    place = {key: at for at, key in enumerate(keys)}
    kind = "B" if len(keys) <= 256 else "H"
    parts = (
        array("H", [len(keys)]),
        array("I", keys),
        array(kind, [place[one] for one in participants]),
    )
    return zlib.compress(b"".join(_little(part).tobytes() for part in parts), 1)


def _sent(packed: bytes, wanted: Collection[int]) -> bytes:
    """Return one digit for each row of a block: ``1`` where one of ``wanted`` sent it."""
    data = zlib.decompress(packed)
    count = int.from_bytes(data[:2], "little")
    keys = _read("I", data[2 : 2 + 4 * count])
    places = data[2 + 4 * count :]
    hits = [_YES[0] if key in wanted else _NO[0] for key in keys]
    if count <= 256:
        return places.translate(bytes(hits).ljust(256, _NO))
    return bytes(hits[at] for at in _read("H", places))


def _read(kind: str, data: bytes) -> array[int]:
    found = array(kind)
    found.frombytes(data)
    return _little(found)


def _little(values: array[int]) -> array[int]:
    if sys.byteorder == "big":
        values.byteswap()
    return values
