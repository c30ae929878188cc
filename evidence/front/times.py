"""Times of messages as their source meant them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from evidence.values import Json


def local_time(time: Mapping[str, Json]) -> datetime:
    """Return a message's ``time`` value as an aware time with the offset it was sent at."""
    exact = datetime.fromisoformat(str(time["utc"]))
    return exact.astimezone(_offset(str(time.get("offset") or "+00:00")))


def _offset(text: str) -> timezone:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")] + [0, 0]
    return timezone(sign * timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2]))
