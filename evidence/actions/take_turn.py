"""Count a request of a program against its token bucket; the database keeps one row per program.

The bucket is kept as one moment, when it will be full again (the generic cell rate algorithm), so
that a request costs one read and one write, which waits for no disk; nothing has to be refilled.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError
from django.db.models import DateTimeField, F, QuerySet, Value
from django.db.models.functions import Greatest

from evidence.actions.lazily import lazily
from evidence.models.api import ApiBucket

logger = logging.getLogger(__name__)


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
        with lazily():
            return _take(caller, timedelta(seconds=1) / per_second, burst, at)
    except OperationalError as error:
        logger.warning("requests could not be counted: %s", error)
        return Turn(True, 0)


def _take(caller: str, turn: timedelta, burst: int, at: datetime) -> Turn:
    bucket = ApiBucket.objects.filter(caller=caller)
    if not _pour(bucket, turn, burst, at):
        ApiBucket.objects.get_or_create(caller=caller, defaults={"full_at": at})
        if not _pour(bucket, turn, burst, at):
            return Turn(False, 0)
    full_at = bucket.values_list("full_at", flat=True).get()
    return Turn(True, max((at + turn * burst - full_at) // turn, 0))


def _pour(bucket: QuerySet[ApiBucket], turn: timedelta, burst: int, at: datetime) -> int:
    """Take one turn of ``bucket`` where there is one: in one statement, so that no two take the same."""
    filled = Greatest(F("full_at"), Value(at, output_field=DateTimeField()))
    return bucket.filter(full_at__lte=at + turn * (burst - 1)).update(full_at=filled + turn)
