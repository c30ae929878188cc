"""Compare a chosen series with every other series this custodian holds of the same conversation.

So that nobody can seal several variants of a talk and show one: the bundle lists them all and
counts, over the selected period, which messages are the same. Salted leaves cannot be compared,
so contents are: two messages are the same when kind, raw time, sender name and body agree, and
different when only raw time and sender agree.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from evidence.actions.export_steps.parts import Part
from evidence.archive.read import describe_series, opened
from evidence.formats import canonical, series_head
from evidence.models import Message as MessageRow
from evidence.models import Series
from evidence.values import Ranges


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
    mine = _contents(part.series, part.chosen if period is None else None, period)
    return [_compared(mine, sibling, period) for sibling in siblings]


def compare_whole(series: Series, other: Series) -> Comparison:
    """Return how ``other``, of the same conversation, differs from ``series`` as a whole.

    Opens every message of both. Raises Corrupt when one does not open.
    """
    return _compared(_contents(series, None, None), other, None)


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


def _contents(
    series: Series, ranges: Ranges | None, period: tuple[datetime, datetime] | None
) -> Counter[tuple[str, str, str, str]]:
    inside = None
    if period is not None:
        rows = MessageRow.objects.filter(
            series=series, occurred_at__gte=period[0], occurred_at__lte=period[1]
        )
        inside = set(rows.values_list("sequence", flat=True))
    whole = Ranges(((1, series.size),)) if series.size else Ranges()
    return Counter(
        _content(fields)
        for sequence, fields in opened(series, whole if ranges is None else ranges)
        if fields and (inside is None or sequence in inside)
    )


def _content(fields: bytes) -> tuple[str, str, str, str]:
    """Return what of a message is compared: only that is taken from its canonical bytes."""
    values: dict[str, Any] = json.loads(fields)
    if b'"wtf8"' in fields:
        values = cast("dict[str, Any]", canonical.loads(fields))
    sender = str(values["sender"]["name"]) if values["sender"] else ""
    return values["time_raw"] or "", sender, values["kind"], values["body"] or ""


def _compared(
    mine: Counter[tuple[str, str, str, str]],
    sibling: Series,
    period: tuple[datetime, datetime] | None,
) -> Comparison:
    theirs = _contents(sibling, None, period)
    same = mine & theirs
    left = Counter(key[:2] for key in (mine - same).elements())
    right = Counter(key[:2] for key in (theirs - same).elements())
    different = (left & right).total()
    facts = describe_series(sibling)
    sealed = facts.sealed_at.isoformat() if facts.sealed_at else ""
    return Comparison(
        series=sibling.public_id,
        head_digest=series_head.read(canonical.loads(bytes(sibling.head))).digest().hex(),
        sealed_at=sealed.replace("+00:00", "Z"),
        parser=facts.parser,
        timezone=facts.timezone,
        size=sibling.size,
        same=same.total(),
        different=different,
        missing=left.total() - different,
        extra=right.total() - different,
    )
