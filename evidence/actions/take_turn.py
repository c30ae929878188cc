"""Count a request of a program against its token bucket; the database keeps one row per program.

The bucket is kept as one moment, when it will be full again (the generic cell rate algorithm), so
that a request costs one read and one write and nothing has to be refilled.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError

from evidence.models.api import ApiBucket

logger = logging.getLogger(__name__)

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether a request may pass, and how many more may follow at once."""

    is_granted: bool
    remaining: int


def take_turn(caller: str, *, per_second: int, burst: int, at: datetime) -> Turn:
    """Take one of ``burst`` turns, of which ``per_second`` come back; never waits.

    A database that refuses to count lets the request pass: a limit must not stop the service.
    """
    try:
        return _take(caller, timedelta(seconds=1) / per_second, burst, at)
    except OperationalError as error:
        logger.warning("requests could not be counted: %s", error)
        return Turn(True, 0)


def _take(caller: str, turn: timedelta, burst: int, at: datetime) -> Turn:
    for _ in range(_TRIES):
        row, _made = ApiBucket.objects.get_or_create(caller=caller, defaults={"full_at": at})
        full_at = max(row.full_at, at) + turn
        left = (at + turn * burst - full_at) // turn
        if left < 0:
            return Turn(False, 0)
        same = ApiBucket.objects.filter(pk=row.pk, full_at=row.full_at)
        if same.update(full_at=full_at):
            return Turn(True, left)
    return Turn(True, 0)
