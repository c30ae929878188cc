"""Record that a person looked at stored messages: once per person, series, hour and stretch."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from django.db import transaction

from evidence import custody
from evidence.models import CustodyEntry, CustodyPending, Series
from evidence.values import Actor, Subject

STRETCH = 1_000
"""Looks are recorded by stretches of so many numbers, so that paging does not fill the log."""


def log_view(*, series: Series, actor: Actor, first: int, last: int, at: datetime) -> None:
    """Record that ``actor`` was shown messages ``first`` to ``last`` of ``series``.

    Looking again within the hour adds nothing.
    """
    for start in range((first - 1) // STRETCH, (last - 1) // STRETCH + 1):
        _log_stretch(series, actor, start, at)


def log_whole_view(*, series: Series, actor: Actor, at: datetime) -> None:
    """Record that every message of ``series`` was opened for ``actor``: one entry, whatever its size."""
    _log(series, actor, f"1-{series.size}", 1, series.size, at)


def _log_stretch(series: Series, actor: Actor, stretch: int, at: datetime) -> None:
    first = stretch * STRETCH + 1
    _log(series, actor, f"{stretch}", first, min(series.size, first + STRETCH - 1), at)


def _log(series: Series, actor: Actor, stretch: str, first: int, last: int, at: datetime) -> None:
    hour = at.astimezone(UTC).strftime("%Y-%m-%dT%H")
    words = f"{series.public_id}:{actor.kind}:{actor.id}:{hour}:{stretch}"
    event_id = f"conversation.viewed:{sha256(words.encode()).hexdigest()[:32]}"
    if _is_known(event_id):
        return
    with transaction.atomic():
        custody.append(
            event_id=event_id,
            event="conversation.viewed",
            actor=actor,
            subjects=[Subject("series", series.public_id)],
            details={"messages": f"{first}-{last}"},
            at=at,
        )


def _is_known(event_id: str) -> bool:
    """Return early without writing: most looks are repeated ones."""
    return any(
        rows.objects.filter(event_id=event_id).exists() for rows in (CustodyPending, CustodyEntry)
    )
