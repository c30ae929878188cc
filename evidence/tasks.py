"""Background work, in two ways that do the same.

``work`` is one loop that polls the database: ``manage.py work``, and a thread under ``serve``.
``advance_job`` and ``tend`` are among what Celery calls: a message wakes a worker for one job, and a
schedule calls ``tend``, which wakes workers again for whatever still waits. Both end in the same
action under the same lease, so running both at once is allowed.

Webhooks are told by threads of their own (``deliver``), so that no receiver keeps a worker waiting:
beside ``work``, or as ``manage.py deliver_webhooks`` where Celery does the work.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from django.db import close_old_connections, connection
from django.db.models import Q
from django.utils import timezone

from evidence import custody
from evidence.access.webhooks import may_know
from evidence.actions import tell_webhooks, workspace
from evidence.actions.advance import ENDED, run_to_end
from evidence.actions.answer_once import forget_answers
from evidence.actions.compare_deliveries import run_comparison
from evidence.actions.complete_blocks import complete_blocks, incomplete_series
from evidence.actions.convert_bundle import make_conversion, waiting_conversions
from evidence.actions.empty_rows import empty_rows, unemptied_series
from evidence.actions.keep_upload import GOING, sweep_uploads
from evidence.actions.stamp_log import stamp_if_possible
from evidence.actions.take_upload import run_upload
from evidence.actions.tell_requester import tell_requester, tell_requesters
from evidence.gateways.wake import wake, wake_for_comparison, wake_for_upload
from evidence.models import Comparison, Job, Stamp, Upload, WebhookDelivery, WebhookEvent

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
DELIVER_EVERY = 0.2
STAMP_EVERY = timedelta(minutes=1)
WAKE_AGAIN_SECONDS = 15.0
"""How often ``tend`` runs; a job whose message was lost waits no longer than that."""
SENDERS = 8
"""Webhooks told at the same time; of each one, one event at a time."""
OVERDUE = timedelta(minutes=5)
_FORGET_EVERY = timedelta(hours=1)


def work(stop: threading.Event, *, once: bool = False) -> None:
    """Advance every unfinished job, then wait for more, until ``stop`` is set; tell webhooks beside.

    once: return as soon as no job is left to do, and tell no webhook. An exception in one job is
    logged and the job tried again in the next round, so one bad job never stops the others.
    """
    if once:
        _work(stop, once=True)
        return
    sender = threading.Thread(target=deliver, args=(stop,), name="webhooks", daemon=True)
    sender.start()
    try:
        _work(stop, once=False)
    finally:
        stop.set()
        sender.join(timeout=10)


def _work(stop: threading.Event, *, once: bool) -> None:
    workspace.sweep()
    sweep_uploads(timezone.now())
    older = incomplete_series()
    while not stop.is_set():
        close_old_connections()
        moved = store_all(stop) + compare_all(stop) + advance_all(stop) + make_conversions()
        moved += empty_erased()
        keep_the_log()
        tell_requesters(timezone.now())
        tell_webhooks.tell_owners(timezone.now())
        if not moved and older:
            complete_one(older)
        elif not moved:
            if once:
                return
            stop.wait(IDLE_SECONDS)


def complete_one(older: list[int]) -> None:
    """Make a few blocks of the first of ``older``, which is taken out once it has them all."""
    try:
        if complete_blocks(older[0]):
            return
    except Exception:
        logger.exception("the blocks of series %s could not be made", older[0])
    older.pop(0)


def advance_job(job_id: int) -> None:
    """Run one job as far as it goes and tell whoever asked for it; for a worker that was woken.

    A job that is gone, ended or held by another worker is left alone.
    """
    if not Job.objects.filter(pk=job_id).exclude(phase__in=ENDED).exists():
        return
    if run_to_end(job_id).phase in ENDED:
        tell_requester(job_id, timezone.now())


def store_upload(upload_id: int) -> None:
    """Read or store one file as far as it goes; for a worker that was woken. Gone: nothing."""
    run_upload(upload_id)


def compare_two(comparison_id: int) -> None:
    """Count how two deliveries differ; for a worker that was woken. Gone or counted: nothing."""
    run_comparison(comparison_id)


def tend() -> None:
    """Do what no message asks for: the log, mails, left-over folders, work nobody is at."""
    workspace.sweep()
    sweep_uploads(timezone.now())
    forget_answers(timezone.now())
    keep_the_log()
    tell_requesters(timezone.now())
    tell_webhooks.tell_owners(timezone.now())
    make_conversions()
    empty_erased()
    older = incomplete_series()[:1]
    while older:
        complete_one(older)
    if webhooks_wait_in_vain(timezone.now()):
        logger.error("webhooks wait and nobody tells them: is manage.py deliver_webhooks running?")
    for job_id in waiting_jobs(timezone.now()):
        wake(job_id, expires=WAKE_AGAIN_SECONDS)
    for upload_id in waiting_uploads(timezone.now()):
        wake_for_upload(upload_id, expires=WAKE_AGAIN_SECONDS)
    for comparison_id in waiting_comparisons(timezone.now()):
        wake_for_comparison(comparison_id, expires=WAKE_AGAIN_SECONDS)


def deliver(stop: threading.Event) -> None:
    """Tell webhooks what is in their outbox until ``stop`` is set; what is under way is finished.

    A receiver that hangs holds one of ``SENDERS`` threads for five seconds and nobody else.
    """
    under_way: dict[Future[None], int] = {}
    forgotten_at = datetime.min.replace(tzinfo=UTC)
    with ThreadPoolExecutor(SENDERS, thread_name_prefix="webhook") as pool:
        while not stop.is_set():
            close_old_connections()
            now = timezone.now()
            under_way = {task: pk for task, pk in under_way.items() if not task.done()}
            try:
                tell_webhooks.spread(now, may_know)
                free = SENDERS - len(under_way)
                for one in tell_webhooks.due(now, set(under_way.values()), free):
                    under_way[pool.submit(_attempt, one.pk)] = one.webhook_id
                if now - forgotten_at > _FORGET_EVERY:
                    forgotten_at = now
                    tell_webhooks.forget_events(now)
                    forget_answers(now)
            except Exception:
                logger.exception("webhooks could not be told and will be tried again")
            stop.wait(DELIVER_EVERY if under_way else IDLE_SECONDS)
    connection.close()


def _attempt(delivery_id: int) -> None:
    try:
        tell_webhooks.attempt(delivery_id, clock=timezone.now)
    except Exception:
        logger.exception("delivery %s stopped unexpectedly and will be tried again", delivery_id)
    finally:
        connection.close()


def make_conversions() -> int:
    """Make the files in other formats that were asked for; return how many were worked on."""
    done = 0
    for conversion_id in waiting_conversions(timezone.now()):
        try:
            done += make_conversion(conversion_id, timezone.now())
        except Exception:
            logger.exception("conversion %s stopped and will be tried again", conversion_id)
    return done


def webhooks_wait_in_vain(at: datetime) -> bool:
    """Return whether events wait so long that no process can be telling webhooks."""
    late = at - OVERDUE
    untold = WebhookEvent.objects.filter(spread_at=None, created_at__lt=late)
    undelivered = WebhookDelivery.objects.filter(
        state=WebhookDelivery.State.WAITING, next_at__lt=late, webhook__disabled_at=None
    )
    return untold.exists() or undelivered.exists()


def waiting_jobs(at: datetime) -> list[int]:
    """Return the unfinished jobs that no live lease holds, oldest first."""
    unfinished = Job.objects.exclude(phase__in=ENDED).filter(_free(at))
    return list(unfinished.order_by("pk").values_list("pk", flat=True))


def waiting_uploads(at: datetime) -> list[int]:
    """Return the files to be read or stored that no live lease holds, oldest first."""
    waiting = Upload.objects.filter(phase__in=GOING).filter(_free(at))
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def waiting_comparisons(at: datetime) -> list[int]:
    """Return the comparisons to be made that no live lease holds, oldest first."""
    waiting = Comparison.objects.filter(phase=Comparison.Phase.WAITING).filter(_free(at))
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def _free(at: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=at)


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


def store_all(stop: threading.Event) -> int:
    """Read or store every file that is due; return how many were worked on."""
    count = 0
    for upload_id in (
        Upload.objects.filter(phase__in=GOING).order_by("pk").values_list("pk", flat=True)
    ):
        if stop.is_set():
            break
        try:
            upload = run_upload(upload_id)
        except Exception:
            logger.exception("upload %s stopped unexpectedly and will be tried again", upload_id)
            stop.wait(IDLE_SECONDS)
        else:
            count += upload is None or upload.phase not in GOING
    return count


def compare_all(stop: threading.Event) -> int:
    """Make every comparison that is due; return how many were worked on."""
    count = 0
    waiting = Comparison.objects.filter(phase=Comparison.Phase.WAITING)
    for comparison_id in waiting.order_by("pk").values_list("pk", flat=True):
        if stop.is_set():
            break
        try:
            made = run_comparison(comparison_id)
        except Exception:
            logger.exception("comparison %s stopped and will be tried again", comparison_id)
            stop.wait(IDLE_SECONDS)
        else:
            count += made is None or made.phase != Comparison.Phase.WAITING
    return count


def empty_erased() -> int:
    """Empty what is left of erased conversations; return of how many there was something left."""
    count = 0
    for series_id in unemptied_series():
        try:
            while empty_rows(series_id):
                pass
        except Exception:
            logger.exception("series %s is not emptied yet and will be tried again", series_id)
        else:
            count += 1
    return count


def stamp_is_due() -> bool:
    """Return whether something other than a stamp waits to be stamped, and long enough."""
    last = Stamp.objects.order_by("-pk").first()
    rested = last is None or timezone.now() - last.gen_time > STAMP_EVERY
    return rested and custody.checkpoint_is_due()
