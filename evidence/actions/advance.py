"""Advance a job by one phase, under a lease on its row.

Whoever calls (embedded worker, Celery task, command line) gets the same behaviour: one holder at
a time, each phase safe to run again, the phase's result recorded before the next one starts.
A holder that died on this machine is recognised by its process id, so its job goes on at once;
one that died elsewhere is waited for until its lease ends.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import close_old_connections, connection, transaction
from django.db.models import Q
from django.utils import timezone

from evidence import custody
from evidence.actions import workspace
from evidence.actions.announce import announce_export
from evidence.actions.export_steps import check, issue, pack, prepare, render, sign, stamp
from evidence.errors import EvidenceError, StorageFailed
from evidence.models import Job
from evidence.values import Actor, Subject

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
ENDED = workspace.ENDED

Step = Callable[[Job, datetime], None]

STEPS: dict[str, tuple[Step, str]] = {
    Job.Phase.PREPARING: (prepare.run, Job.Phase.STAMPING),
    Job.Phase.STAMPING: (stamp.run, Job.Phase.RENDERING),
    Job.Phase.RENDERING: (render.run, Job.Phase.SIGNING),
    Job.Phase.SIGNING: (sign.run, Job.Phase.PACKING),
    Job.Phase.PACKING: (pack.run, Job.Phase.SELF_VERIFYING),
    Job.Phase.SELF_VERIFYING: (check.run, Job.Phase.ISSUING),
    Job.Phase.ISSUING: (issue.run, Job.Phase.READY),
}
"""Phase → what it does and the phase after it."""

SYSTEM = Actor("system", "worker")


def this_holder() -> str:
    """Return how this process signs its leases: host, process id, thread id."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def run_to_end(job_id: int, *, clock: Callable[[], datetime] = timezone.now) -> Job:
    """Advance the job until it is ready, failed or cancelled; return it.

    Returns it unfinished when another live holder has the lease.
    """
    while True:
        job, moved = advance(job_id, at=clock())
        if job.phase in ENDED or not moved:
            return job


def advance(job_id: int, *, at: datetime, holder: str | None = None) -> tuple[Job, bool]:
    """Run the job's next phase; return the job and whether this call ran one.

    Expected trouble ends the job as ``failed`` with the error's code and an ``export.failed``
    entry; nothing is issued then. An unexpected exception leaves the phase to be run again.
    """
    holder = holder or this_holder()
    if not take_lease(job_id, holder, at):
        return Job.objects.get(pk=job_id), False
    try:
        job = Job.objects.select_related("export__organisation", "export__selection").get(pk=job_id)
        if job.cancel_requested and job.phase != Job.Phase.ISSUING:
            _end(job, Job.Phase.CANCELLED, "export.cancelled", "", at)
            return job, True
        step, following = STEPS[job.phase]
        try:
            with lease_kept(job_id, holder), _disk_errors_named():
                step(job, at)
        except EvidenceError as error:
            logger.warning(
                "export %s failed in %s: %s", job.export.public_id, job.phase, error.code
            )
            _end(job, Job.Phase.FAILED, "export.failed", error.code, at)
            return job, True
        job.phase, job.changed_at = following, at
        with transaction.atomic():
            job.save(update_fields=["phase", "changed_at", "done_units", "total_units"])
            if following == Job.Phase.READY:
                announce_export(job.export, "export.ready", at)
        if following == Job.Phase.READY:
            workspace.clear(job.export)
        return job, True
    finally:
        release_lease(job_id, holder)


@contextmanager
def _disk_errors_named() -> Iterator[None]:
    """Turn what the disk refuses into its named failure, wherever in a phase it happens."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(str(error)) from error


def take_lease(job_id: int, holder: str, at: datetime) -> bool:
    """Take the lease of an unfinished job; return whether it is ours now."""
    job = Job.objects.get(pk=job_id)
    if job.phase in ENDED:
        return False
    free = Q(lease_holder="") | Q(lease_until__lt=at) | Q(lease_holder=holder)
    if job.lease_holder and _died_here(job.lease_holder):
        free |= Q(lease_holder=job.lease_holder)
    taken = (
        Job.objects.filter(pk=job_id)
        .filter(free)
        .exclude(phase__in=ENDED)
        .update(lease_holder=holder, lease_until=at + LEASE, attempts=job.attempts + 1)
    )
    return bool(taken)


def _died_here(holder: str) -> bool:
    host, _, rest = holder.partition(":")
    process = rest.partition(":")[0]
    if host != socket.gethostname() or not process.isdecimal():
        return False
    if int(process) == os.getpid():
        thread = rest.partition(":")[2]
        return thread not in {str(t.ident) for t in threading.enumerate()}
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def release_lease(job_id: int, holder: str) -> None:
    """Give the lease back if it is still ours."""
    Job.objects.filter(pk=job_id, lease_holder=holder).update(lease_holder="", lease_until=None)


@contextmanager
def lease_kept(job_id: int, holder: str) -> Iterator[None]:
    """Keep the lease alive from a second thread while a long phase runs."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 3):
            close_old_connections()
            Job.objects.filter(pk=job_id, lease_holder=holder).update(
                lease_until=timezone.now() + LEASE
            )
        connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _end(job: Job, phase: str, event: str, code: str, at: datetime) -> None:
    with transaction.atomic():
        job.phase, job.error_code, job.changed_at = phase, code, at
        job.save(update_fields=["phase", "error_code", "changed_at"])
        custody.append(
            event_id=f"{event}:{job.export.public_id}",
            event=event,
            actor=SYSTEM,
            subjects=[
                Subject("bundle", job.export.public_id),
                Subject("matter", job.export.matter.public_id),
            ],
            details={"code": code} if code else {},
            at=at,
        )
        announce_export(job.export, event, at, **({"code": code} if code else {}))
    workspace.clear(job.export)
    custody.sequence_pending()


def cancel_export(*, job: Job, at: datetime) -> None:
    """Ask that ``job`` stop before its next phase; a bundle already being issued is not stopped."""
    Job.objects.filter(pk=job.pk).exclude(phase__in=ENDED).update(
        cancel_requested=True, changed_at=at
    )
