"""Times of messages as their source meant them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from evidence.archive.read import SeriesFacts, messages
from evidence.models import Series
from evidence.values import Json, Ranges

_LOOKED_AT = 20


def local_time(time: Mapping[str, Json]) -> datetime:
    """Return a message's ``time`` value as an aware time with the offset it was sent at."""
    exact = datetime.fromisoformat(str(time["utc"]))
    return exact.astimezone(_offset(str(time.get("offset") or "+00:00")))


def _offset(text: str) -> timezone:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")] + [0, 0]
    return timezone(sign * timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2]))


def zone_of_days(series: Series, facts: SeriesFacts) -> tzinfo:
    """Return the zone in which a bare date is read: the stated one, else the offset of the first
    message with a time, else UTC. Its ``str`` is fit to be shown."""
    if facts.timezone:
        return ZoneInfo(facts.timezone)
    first = Ranges(((1, min(series.size, _LOOKED_AT)),) if series.size else ())
    for stored in messages(series, first):
        time = None if stored.is_erased else stored.message().time
        if time is not None:
            return local_time(time).tzinfo or UTC
    return UTC
