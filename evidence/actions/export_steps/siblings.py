"""Compare a chosen series with every other series this custodian holds of the same conversation.

So that nobody can seal several variants of a talk and show one: the bundle lists them all and
counts, over the selected period, which messages are the same. Salted leaves cannot be compared,
so contents are: two messages are the same when kind, raw time, sender name and body agree, and
different when only raw time and sender agree.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, cast

from evidence.actions.export_steps.parts import Part
from evidence.archive.read import describe_series, opened
from evidence.formats import canonical, series_head
from evidence.models import Message as MessageRow
from evidence.models import Series
from evidence.select.blocks import Wanted, marks_of
from evidence.values import Ranges

Mark = bytes
"""What of a message is compared, in 32 bytes: of raw time and sender, then of kind and body."""
_HALF = 16


@dataclass(frozen=True, slots=True)
class Counts:
    """same + different + missing = messages of the first lot; missing: not in the second; extra:
    only in the second."""

    same: int
    different: int
    missing: int
    extra: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """same + different + missing = messages of the chosen series in the period; missing: not in
    the sibling; extra: only in the sibling."""

    series: str
    head_digest: str
    sealed_at: str
    parser: str
    timezone: str | None
    size: int
    same: int
    different: int
    missing: int
    extra: int

    def statement(self) -> dict[str, Any]:
        return asdict(self)


def compare(part: Part) -> list[Comparison]:
    """Return one comparison for each sibling of the part's series, oldest first."""
    siblings = (
        Series.objects.filter(conversation=part.series.conversation, sealed_at__isnull=False)
        .exclude(pk=part.series.pk)
        .select_related("organisation", "conversation__organisation", "acquisition__organisation")
        .order_by("sealed_at", "pk")
    )
    if not siblings:
        return []
    period = _period(part)
    marks = _Marks()
    mine = Counter(_marked(part.series, marks, part.chosen if period is None else None, period))
    return [
        _compared(sibling, counted(mine.copy(), _marked(sibling, marks, None, period)))
        for sibling in siblings
    ]


def count_whole(
    series: Series, other: Series, sizes: tuple[int, int], opened_one: Callable[[], None]
) -> Counts:
    """Return how the first messages of ``other``, of the same conversation, differ from those of
    ``series``; sizes: how many of each.

    Opens each of them and says so to ``opened_one``. A million need about 150 MB. Raises Corrupt
    when one does not open.
    """
    marks = _Marks()

    def read(one: Series, size: int) -> Iterator[Mark]:
        for mark in _marked(one, marks, _first(size), None):
            opened_one()
            yield mark

    return counted(Counter(read(series, sizes[0])), read(other, sizes[1]))


def counted(mine: Counter[Mark], theirs: Iterable[Mark]) -> Counts:
    """Return how two lots of messages differ; no order matters. Uses ``mine`` up."""
    right: Counter[bytes] = Counter()
    same = extra = 0
    for mark in theirs:
        if left := mine.get(mark):
            mine[mark] = left - 1
            same += 1
        else:
            right[mark[:_HALF]] += 1
            extra += 1
    rest: Counter[bytes] = Counter()
    for mark, left in mine.items():
        if left:
            rest[mark[:_HALF]] += left
    different = (rest & right).total()
    return Counts(same, different, missing=rest.total() - different, extra=extra - different)


def _period(part: Part) -> tuple[datetime, datetime] | None:
    first, last = part.chosen.spans[0][0], part.chosen.spans[-1][1]
    times = (
        MessageRow.objects.filter(
            series=part.series, sequence__gte=first, sequence__lte=last, occurred_at__isnull=False
        )
        .order_by("occurred_at")
        .values_list("occurred_at", flat=True)
    )
    earliest, latest = times.first(), times.last()
    return (earliest, latest) if earliest and latest else None


def _first(size: int) -> Ranges:
    return Ranges(((1, size),)) if size else Ranges()


def _marked(
    series: Series,
    marks: _Marks,
    ranges: Ranges | None,
    period: tuple[datetime, datetime] | None,
) -> Iterator[Mark]:
    """Yield the mark of each message of ``ranges``, of all by default, that lies in ``period``."""
    inside = None
    if period is not None:
        end = period[1] + timedelta(microseconds=1)
        inside = marks_of(series, Wanted(period[0], end, None))
    for sequence, fields in opened(series, _first(series.size) if ranges is None else ranges):
        if fields and (inside is None or inside[sequence - 1 : sequence] == b"1"):
            yield marks.of(fields)


class _Marks:
    """Short marks of what is compared, under a key that is thrown away: nobody can write messages
    whose marks collide, and a mark gives nothing away."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def of(self, fields: bytes) -> Mark:
        """Return the mark of a message of these canonical bytes."""
        values: dict[str, Any] = json.loads(fields)
        if b'"wtf8"' in fields:
            values = cast("dict[str, Any]", canonical.loads(fields))
        sender = str(values["sender"]["name"]) if values["sender"] else ""
        return self._half(values["time_raw"] or "", sender) + self._half(
            values["kind"], values["body"] or ""
        )

    def _half(self, first: str, second: str) -> bytes:
        words = f"{len(first)}:{first}{second}".encode("utf-8", "surrogatepass")
        return blake2b(words, digest_size=_HALF, key=self._key).digest()


def _compared(sibling: Series, counts: Counts) -> Comparison:
    facts = describe_series(sibling)
    sealed = facts.sealed_at.isoformat() if facts.sealed_at else ""
    return Comparison(
        series=sibling.public_id,
        head_digest=series_head.read(canonical.loads(bytes(sibling.head))).digest().hex(),
        sealed_at=sealed.replace("+00:00", "Z"),
        parser=facts.parser,
        timezone=facts.timezone,
        size=sibling.size,
        **asdict(counts),
    )
