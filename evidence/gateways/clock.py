"""What time it is here. A clock reading is never evidence: only tokens prove time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that tells the time."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current time, aware, UTC."""
        return datetime.now(UTC)


@dataclass(slots=True)
class FixedClock:
    """Stand-in: a clock that moves only when told to."""

    time: datetime

    def now(self) -> datetime:
        """Return the set time."""
        return self.time

    def advance(self, by: timedelta) -> None:
        """Move the clock forward, or back when ``by`` is negative."""
        self.time += by
