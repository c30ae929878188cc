"""Local wall-clock strings to UTC, with everything that stays in doubt marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from evidence.errors import IngestRefused
from evidence.values import Json

COMMON_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Asia/Seoul",
    "Asia/Kolkata", "Europe/London", "Europe/Berlin", "Europe/Madrid", "America/New_York",
    "America/Chicago", "America/Los_Angeles", "America/Sao_Paulo", "UTC",
)  # fmt: skip

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINEST_OFFSET_STEP = timedelta(minutes=15)
_FURTHEST_OFFSET = timedelta(hours=15)


def likely_zones(*first: str) -> tuple[str, ...]:
    """Return the common zones with those the file's language suggests in front."""
    return tuple(dict.fromkeys((*first, *COMMON_ZONES)))


def zone_named(name: str) -> ZoneInfo:
    """Return the zone; refuse what is not an IANA name (``unknown_timezone``)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise IngestRefused(f"no such time zone: {name!r}", code="unknown_timezone") from error


def zone_needed(name: str | None) -> ZoneInfo:
    """Return the stated zone; refuse to read on when none was stated (``answers_missing``)."""
    if name is None:
        raise IngestRefused("the export carries no time zone", code="answers_missing")
    return zone_named(name)


def from_local(
    local: datetime, zone: ZoneInfo, precision: str
) -> tuple[dict[str, Json] | None, tuple[str, ...]]:
    """Return the sealed ``time`` value of a wall-clock time in a stated zone, and warnings.

    local: naive. A time the zone went through twice is read as the first one and marked
    ``ambiguous_local_time``; one it skipped is marked ``nonexistent_local_time``. Both set
    "ambiguous". None with ``unreadable_time`` outside the years a UTC time can have.
    """
    try:
        aware = local.replace(tzinfo=zone)
        first, second = aware.utcoffset(), aware.replace(fold=1).utcoffset()
        if first is None or second is None:
            return None, ("unreadable_time",)
        utc = local - first
    except OverflowError:
        return None, ("unreadable_time",)
    warnings: tuple[str, ...] = ()
    if first != second:
        warnings = ("ambiguous_local_time" if first > second else "nonexistent_local_time",)
    return {
        "utc": utc.isoformat(timespec="seconds") + "Z",
        "offset": offset_text(first),
        "zone": zone.key,
        "basis": "stated_zone",
        "precision": precision,
        "ambiguous": bool(warnings),
    }, warnings


def from_epoch(seconds: int, local: datetime | None = None) -> dict[str, Json] | None:
    """Return the ``time`` value of Unix seconds; None outside the years 1 to 9999.

    local: the wall-clock time the source wrote beside it, naive. Where both differ by a
    plausible offset from UTC that offset is the source's own and is kept.
    """
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    offset = None if local is None else source_offset(local, moment)
    return {
        "utc": utc_text(moment),
        "offset": offset_text(offset or timedelta(0)),
        "zone": None,
        "basis": "epoch",
        "precision": "second",
        "ambiguous": False,
    }


def source_offset(local: datetime, moment: datetime) -> timedelta | None:
    """Return what the source's clock was ahead of UTC; None when that is no real offset."""
    ahead = local - moment.replace(tzinfo=None)
    if abs(ahead) > _FURTHEST_OFFSET or ahead % _FINEST_OFFSET_STEP:
        return None
    return ahead


def offset_text(offset: timedelta) -> str:
    """Return ``+08:00``; seconds are added for historic local mean times."""
    total = int(offset.total_seconds())
    sign, total = ("-", -total) if total < 0 else ("+", total)
    text = f"{sign}{total // 3600:02}:{total // 60 % 60:02}"
    return f"{text}:{total % 60:02}" if total % 60 else text


def utc_text(moment: datetime) -> str:
    """Return an aware time as RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def naive(*parts: int) -> datetime | None:
    """Return year, month, day, hour, minute, second as a wall-clock time; None if none exists.

    Naive on purpose: the source states no zone, so the value has none until one is stated.
    """
    try:
        return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001  # six ints, no zone yet
    except (ValueError, OverflowError):
        return None
