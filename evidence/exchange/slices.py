"""Days of a time zone: which one a moment belongs to, where it begins and how long it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

UNDATED = "undated"


def zone_of(name: str) -> ZoneInfo:
    """Return the IANA zone ``name``; ValueError for anything else."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"not a time zone: {name[:60]}") from error


def local_time(utc: str | None, zone: ZoneInfo) -> datetime | None:
    """Return the moment of an RFC 3339 text ending in ``Z`` in ``zone``; None for any other text."""
    if utc is None or not utc.endswith("Z"):
        return None
    try:
        found = datetime.fromisoformat(utc).astimezone(zone)
    except (ValueError, OverflowError):
        return None
    return found if 1 < found.year < 9999 else None


def bounds(day: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first moment of ``day`` in ``zone`` and the first after it; 23 to 25 hours apart."""
    first = date.fromisoformat(day)
    return _midnight(first, zone), _midnight(first + timedelta(days=1), zone)


def hours(first: datetime, end: datetime) -> str:
    """Return how many hours lie between two moments, as a number without needless zeros."""
    return f"{(end.astimezone(UTC) - first.astimezone(UTC)).total_seconds() / 3600:g}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Through UTC: where clocks jump over midnight, the day begins at the jump.
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(UTC).astimezone(zone)
