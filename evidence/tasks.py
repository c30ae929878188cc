"""Background work: one loop that advances jobs, sequences the log and stamps it on a schedule."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.db import close_old_connections
from django.utils import timezone

from evidence import custody
from evidence.actions import workspace
from evidence.actions.advance import ENDED, run_to_end
from evidence.actions.stamp_log import stamp_if_possible
from evidence.models import Job, Stamp

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
STAMP_EVERY = timedelta(minutes=1)


def work(stop: threading.Event, *, once: bool = False) -> None:
    """Advance every unfinished job, then wait for more, until ``stop`` is set.

    once: return as soon as nothing is left to do. An exception in one job is logged and the job
    tried again in the next round, so one bad job never stops the others.
    """
    workspace.sweep()
    while not stop.is_set():
        close_old_connections()
        moved = advance_all(stop)
        custody.sequence_pending()
        if stamp_is_due():
            stamp_if_possible(timezone.now())
        if not moved:
            if once:
                return
            stop.wait(IDLE_SECONDS)


def advance_all(stop: threading.Event) -> int:
    """Run every unfinished job as far as it goes; return how many were worked on."""
    count = 0
    for job_id in Job.objects.exclude(phase__in=ENDED).order_by("pk").values_list("pk", flat=True):
        if stop.is_set():
            break
        before = Job.objects.values_list("phase", flat=True).get(pk=job_id)
        try:
            job = run_to_end(job_id)
        except Exception:
            logger.exception("job %s stopped unexpectedly and will be tried again", job_id)
            stop.wait(IDLE_SECONDS)
        else:
            count += job.phase != before
    return count


def stamp_is_due() -> bool:
    """Return whether something other than a stamp waits to be stamped, and long enough."""
    last = Stamp.objects.order_by("-pk").first()
    rested = last is None or timezone.now() - last.gen_time > STAMP_EVERY
    return rested and custody.checkpoint_is_due()
