"""Advance a job by one phase, under a lease on its row.

Whoever calls (embedded worker, Celery task, command line) gets the same behaviour: one holder at
a time (``lease``), each phase safe to run again, the phase's result recorded before the next one
starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from evidence import custody
from evidence.actions import workspace
from evidence.actions.announce import announce_export
from evidence.actions.export_steps import (
    check,
    freeze,
    issue,
    pack,
    prepare,
    render,
    sign,
    stamp,
)
from evidence.actions.lease import (
    disk_errors_named,
    lease_kept,
    refuse_too_many_attempts,
    release_lease,
    take_lease,
    this_holder,
)
from evidence.actions.request_export import cancelled_by, note_cancelled
from evidence.errors import EvidenceError
from evidence.models import Job
from evidence.values import Actor, Subject

logger = logging.getLogger(__name__)

ENDED = workspace.ENDED

Step = Callable[[Job, datetime], None]

STEPS: dict[str, tuple[Step, str]] = {
    Job.Phase.FREEZING: (freeze.run, Job.Phase.PREPARING),
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
    entry; nothing is issued then. An unexpected exception leaves the phase to be run again, and so
    does a worker that dies; a phase that ends neither way is given up as ``given_up``.
    """
    holder = holder or this_holder()
    job = Job.objects.get(pk=job_id)
    if job.phase in ENDED or not take_lease(job, holder, at):
        return job, False
    try:
        job = Job.objects.select_related("export__organisation", "export__selection").get(pk=job_id)
        if job.phase in ENDED:
            return job, False
        if job.cancel_requested and job.phase != Job.Phase.ISSUING:
            who = cancelled_by(job.export) or SYSTEM
            _end(job, Job.Phase.CANCELLED, "export.cancelled", "", at, actor=who)
            return job, True
        step, following = STEPS[job.phase]
        try:
            refuse_too_many_attempts(job)
            with lease_kept(job, holder), disk_errors_named():
                step(job, at)
        except EvidenceError as error:
            logger.warning(
                "export %s failed in %s: %s", job.export.public_id, job.phase, error.code
            )
            _end(job, Job.Phase.FAILED, "export.failed", error.code, at)
            return job, True
        job.phase, job.changed_at, job.attempts = following, at, 0
        with transaction.atomic():
            job.save(update_fields=["phase", "changed_at", "attempts", "done_units", "total_units"])
            if following == Job.Phase.READY:
                announce_export(job.export, "export.ready", at)
        if following == Job.Phase.READY:
            workspace.clear(job.export)
        return job, True
    finally:
        release_lease(job, holder)


def _end(
    job: Job, phase: str, event: str, code: str, at: datetime, *, actor: Actor = SYSTEM
) -> None:
    with transaction.atomic():
        job.phase, job.error_code, job.changed_at = phase, code, at
        job.save(update_fields=["phase", "error_code", "changed_at"])
        custody.append(
            event_id=f"{event}:{job.export.public_id}",
            event=event,
            actor=actor,
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


def cancel_export(*, job: Job, actor: Actor, at: datetime) -> None:
    """Ask that ``job`` stop before its next phase; a bundle already being issued is not stopped.

    Whoever asks first is named by the entry ``export.cancelled`` once it has stopped.
    """
    with transaction.atomic():
        row = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
        if row.phase in ENDED or row.cancel_requested:
            return
        Job.objects.filter(pk=job.pk).update(cancel_requested=True, changed_at=at)
        note_cancelled(row.export, actor)
