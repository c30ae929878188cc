"""Times as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(moment: datetime | None) -> str | None:
    """Return an aware time as RFC 3339 with ``Z``, None for None."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None
