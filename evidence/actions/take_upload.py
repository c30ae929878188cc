"""Advance an upload: read what was received, wait for answers, store it. Under the same lease as jobs.

Killed at any moment and run again it ends with one acquisition: what a dead run left of it is known
by its planned id and removed first, and where it already stands it is not stored twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from evidence import ingest
from evidence.actions.acquire_file import acquire_file
from evidence.actions.keep_upload import (
    GOING,
    UploadFacts,
    ask_about_upload,
    ask_again,
    describe_upload,
)
from evidence.actions.lease import (
    disk_errors_named,
    lease_kept,
    refuse_too_many_attempts,
    release_lease,
    take_lease,
    this_holder,
)
from evidence.archive import incoming
from evidence.errors import EvidenceError, IngestRefused
from evidence.ingest import Answers, Examination, Question, SeriesEnd
from evidence.models import Upload

logger = logging.getLogger(__name__)

_OFFERED_PEOPLE = 40
_ANSWERS_AT_FAULT = ("unknown_timezone", "unknown_date_order", "date_order_impossible")


class UploadCancelled(EvidenceError):
    """The person changed their mind while the file was being stored; nothing of it stays."""

    code = "cancelled"
    sentence = "This was cancelled. Nothing was stored."


def run_upload(upload_id: int, *, clock: Callable[[], datetime] = timezone.now) -> Upload | None:
    """Advance the upload until it waits for somebody or has ended; return it, None when gone.

    Returns it as it is when another live holder has the lease.
    """
    while True:
        upload = Upload.objects.filter(pk=upload_id).first()
        if upload is None or upload.phase not in GOING:
            return upload
        if not advance_upload(upload, at=clock()):
            return Upload.objects.filter(pk=upload_id).first()


def advance_upload(upload: Upload, *, at: datetime, holder: str | None = None) -> bool:
    """Run the phase that is due; return whether this call ran one.

    Expected trouble ends the upload as ``failed`` with the error's code, or puts the questions
    again where the answers are at fault. An unexpected exception or a dead worker leaves the phase
    to be run again, a few times.
    """
    holder = holder or this_holder()
    if not take_lease(upload, holder, at):
        return False
    try:
        upload = Upload.objects.select_related("organisation", "created_by").get(pk=upload.pk)
        if upload.phase not in GOING:
            return False
        try:
            refuse_too_many_attempts(upload)
            with lease_kept(upload, holder), disk_errors_named():
                _run(upload, at)
        except EvidenceError as error:
            logger.warning("upload %s: %s in %s", upload.public_id, error.code, upload.phase)
            _failed(upload, error, at)
        return True
    finally:
        release_lease(upload, holder)


def _run(upload: Upload, at: datetime) -> None:
    _refuse_cancelled(upload)
    facts = describe_upload(upload)
    with incoming.opened(upload.organisation, upload.public_id, facts.key, upload.size) as path:
        step = _read if upload.phase == Upload.Phase.READING else _store
        step(upload, facts, path, at)


def _read(upload: Upload, facts: UploadFacts, path: Path, at: datetime) -> None:
    examination = ingest.examine(path, facts.name)
    asked, messages = looked_through(path, examination)
    ask_about_upload(
        upload=upload, format=examination.format, asked=asked, messages=messages, at=at
    )


def looked_through(path: Path, examination: Examination) -> tuple[tuple[Question, ...], int]:
    """Return the open questions and the number of messages; reads the file once.

    The parser's own questions come first, then whose account it is, where the source does not say.
    Neither names nor numbers depend on how times are read, so any answers do for looking.
    """
    asked = list(ingest.questions(path, examination, Answers()))
    guess = {question.code: question.choices[0] for question in asked}
    tentative = Answers(timezone=guess.get("timezone"), date_order=guess.get("date_order"))
    people: Counter[str] = Counter()
    messages = 0
    for event in ingest.read(path, examination, tentative):
        if isinstance(event, SeriesEnd):
            messages += event.message_count
            if not any(person.is_owner for person in event.participants):
                for person in event.participants:
                    people[person.names[0]] += person.message_count
    if people:
        names = tuple(name for name, _ in people.most_common(_OFFERED_PEOPLE))
        asked.append(Question("owner", names, ()))
    return tuple(asked), messages


def _store(upload: Upload, facts: UploadFacts, path: Path, at: datetime) -> None:
    def progress(done: int) -> None:
        Upload.objects.filter(pk=upload.pk).update(done_units=done)
        _refuse_cancelled(upload)

    result = acquire_file(
        organisation=upload.organisation,
        actor=facts.actor,
        path=path,
        name=facts.name,
        answers=facts.answers,
        at=at,
        user=upload.created_by,
        public_id=upload.planned_id,
        progress=progress,
    )
    if result.acquisition is None:
        raise IngestRefused("questions are still open", code="answers_missing")
    Upload.objects.filter(pk=upload.pk).update(
        phase=Upload.Phase.STORED, acquisition=result.acquisition, recognised=result.recognised,
        attempts=0, error_code="", changed_at=at,
    )  # fmt: skip
    incoming.discard(upload.public_id)


def _refuse_cancelled(upload: Upload) -> None:
    if Upload.objects.filter(pk=upload.pk, cancel_requested=True).exists():
        raise UploadCancelled(upload.public_id)


def _failed(upload: Upload, error: EvidenceError, at: datetime) -> None:
    if error.code in _ANSWERS_AT_FAULT and ask_again(upload=upload, code=error.code, at=at):
        return
    is_cancelled = isinstance(error, UploadCancelled)
    phase = Upload.Phase.CANCELLED if is_cancelled else Upload.Phase.FAILED
    Upload.objects.filter(pk=upload.pk).update(
        phase=phase, error_code=error.code, changed_at=at, attempts=0
    )
    if is_cancelled or isinstance(error, IngestRefused):
        incoming.discard(upload.public_id)
