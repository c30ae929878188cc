"""Background work, in two ways that do the same.

``work`` is one loop that polls the database: ``manage.py work``, and a thread under ``serve``.
``advance_job`` and ``tend`` are what Celery calls: a message wakes a worker for one job, and a
schedule calls ``tend``, which wakes workers again for whatever still waits. Both end in the same
action under the same lease, so running both at once is allowed.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from django.db import close_old_connections
from django.db.models import Q
from django.utils import timezone

from evidence import custody
from evidence.actions import workspace
from evidence.actions.advance import ENDED, run_to_end
from evidence.actions.stamp_log import stamp_if_possible
from evidence.actions.tell_requester import tell_requester, tell_requesters
from evidence.gateways.wake import wake
from evidence.models import Job, Stamp

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
STAMP_EVERY = timedelta(minutes=1)
WAKE_AGAIN_SECONDS = 15.0
"""How often ``tend`` runs; a job whose message was lost waits no longer than that."""


def work(stop: threading.Event, *, once: bool = False) -> None:
    """Advance every unfinished job, then wait for more, until ``stop`` is set.

    once: return as soon as nothing is left to do. An exception in one job is logged and the job
    tried again in the next round, so one bad job never stops the others.
    """
    workspace.sweep()
    while not stop.is_set():
        close_old_connections()
        moved = advance_all(stop)
        keep_the_log()
        tell_requesters(timezone.now())
        if not moved:
            if once:
                return
            stop.wait(IDLE_SECONDS)


def advance_job(job_id: int) -> None:
    """Run one job as far as it goes and tell whoever asked for it; for a worker that was woken.

    A job that is gone, ended or held by another worker is left alone.
    """
    if not Job.objects.filter(pk=job_id).exclude(phase__in=ENDED).exists():
        return
    if run_to_end(job_id).phase in ENDED:
        tell_requester(job_id, timezone.now())


def tend() -> None:
    """Do what no message asks for: the log, mails, left-over folders, jobs nobody works on."""
    workspace.sweep()
    keep_the_log()
    tell_requesters(timezone.now())
    for job_id in waiting_jobs(timezone.now()):
        wake(job_id, expires=WAKE_AGAIN_SECONDS)


def waiting_jobs(at: datetime) -> list[int]:
    """Return the unfinished jobs that no live lease holds, oldest first."""
    free = Q(lease_until=None) | Q(lease_until__lt=at)
    unfinished = Job.objects.exclude(phase__in=ENDED).filter(free)
    return list(unfinished.order_by("pk").values_list("pk", flat=True))


def keep_the_log() -> None:
    """Give waiting events their places and have the log stamped when that is due."""
    custody.sequence_pending()
    if stamp_is_due():
        stamp_if_possible(timezone.now())


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
