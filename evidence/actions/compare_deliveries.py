"""Compare two deliveries of one conversation as a whole, for whoever wants to see how they differ.

Every message of both is opened, so it is background work, under the same lease as jobs; small ones
are not worth the wait. Sealed messages never change: what was counted once holds for good, until a
delivery that still grows has grown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from evidence.actions.export_steps.siblings import Counts, count_whole
from evidence.actions.lease import (
    lease_kept,
    refuse_too_many_attempts,
    release_lease,
    take_lease,
    this_holder,
)
from evidence.actions.log_view import log_whole_view
from evidence.errors import EvidenceError
from evidence.models import Comparison, Series
from evidence.values import Actor

logger = logging.getLogger(__name__)

AT_ONCE = 2_000
"""Messages of both together up to which they are compared within the request."""
_SAID_EVERY = 20_000

_Phase = Comparison.Phase


def request_comparison(*, series: Series, other: Series, actor: Actor, at: datetime) -> Comparison:
    """Return the comparison of ``other`` with ``series``, asked for now unless it is known already.

    What a grown delivery makes out of date, and what failed, is begun again; every message is opened
    for it, and the log says so first. The caller has checked that ``actor`` reaches both, and that
    they are deliveries of one conversation; where there is a broker, it wakes a worker.
    """
    sizes = {"size": series.size, "other_size": other.size}
    with transaction.atomic():
        asked, is_new = Comparison.objects.select_for_update().get_or_create(
            series=series, other=other,
            defaults=sizes | {"total_units": series.size + other.size, "created_at": at, "changed_at": at},
        )  # fmt: skip
        is_grown = (asked.size, asked.other_size) != (series.size, other.size)
        is_begun = is_new or is_grown or asked.phase == _Phase.FAILED
        if is_begun and not is_new:
            _begin_again(asked, sizes, at)
        for one in (series, other) if is_begun else ():
            if one.size:
                log_whole_view(series=one, actor=actor, at=at)
    if asked.phase == _Phase.WAITING and asked.total_units <= AT_ONCE:
        return run_comparison(asked.pk) or asked
    return asked


def _begin_again(asked: Comparison, sizes: dict[str, int], at: datetime) -> None:
    """Let the row wait anew. Whoever still counts for the old sizes no longer holds it."""
    asked.size, asked.other_size = sizes["size"], sizes["other_size"]
    asked.phase, asked.error_code, asked.attempts = _Phase.WAITING, "", 0
    asked.done_units, asked.total_units = 0, sum(sizes.values())
    asked.lease_holder, asked.lease_until, asked.changed_at = "", None, at
    asked.save()


def run_comparison(
    comparison_id: int, *, clock: Callable[[], datetime] = timezone.now
) -> Comparison | None:
    """Count it if it waits and nobody is at it; return it as it stands then, None when gone.

    Expected trouble ends it as ``failed`` with the error's code. What a dead worker left is begun
    again, a few times.
    """
    row = Comparison.objects.filter(pk=comparison_id).first()
    holder = this_holder()
    if row is None or row.phase != _Phase.WAITING or not take_lease(row, holder, clock()):
        return row
    try:
        waiting = Comparison.objects.filter(pk=row.pk, lease_holder=holder, phase=_Phase.WAITING)
        asked = waiting.select_related("series__organisation", "other__organisation").first()
        if asked is not None:
            with lease_kept(asked, holder):
                _end(asked, clock)
    finally:
        release_lease(row, holder)
    return Comparison.objects.filter(pk=row.pk).first()


def _end(asked: Comparison, clock: Callable[[], datetime]) -> None:
    # Nothing is written into a row that was begun again meanwhile: its lease is no longer this one.
    mine = Comparison.objects.filter(pk=asked.pk, lease_holder=asked.lease_holder)
    try:
        refuse_too_many_attempts(asked)
        counts = _counted(asked)
    except EvidenceError as error:
        logger.warning("comparison %s: %s", asked.pk, error.code)
        mine.update(phase=_Phase.FAILED, error_code=error.code, changed_at=clock())
    else:
        mine.update(
            phase=_Phase.READY, done_units=asked.total_units, changed_at=clock(),
            same=counts.same, different=counts.different, missing=counts.missing, extra=counts.extra,
        )  # fmt: skip


def _counted(asked: Comparison) -> Counts:
    done = 0

    def opened_one() -> None:
        nonlocal done
        done += 1
        if done % _SAID_EVERY == 0:
            Comparison.objects.filter(pk=asked.pk, size=asked.size).update(done_units=done)

    return count_whole(asked.series, asked.other, (asked.size, asked.other_size), opened_one)
