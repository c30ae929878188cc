"""Take a delivered file in: read it, seal what it holds, keep its bytes, log it.

Nothing is visible until everything stands: rows are written under an acquisition without
``stored_at``; the last transaction seals every series, logs it and makes it visible at once. What a
killed process leaves behind is removed when the same organisation next acquires, or by a sweep.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from evidence import custody, ingest
from evidence.actions.announce import announce_acquisition
from evidence.actions.link_delivery import link_delivery
from evidence.actions.store_series import SeriesWriter
from evidence.archive.blobs import store_blob
from evidence.archive.keys import keyed, seal_json
from evidence.archive.read import describe_acquisition, describe_series
from evidence.formats.series_head import Original
from evidence.ingest import Answers, Examination, Question, SeriesEnd, SeriesStart
from evidence.models import Acquisition, Attachment, Matter, Message, Organisation, Series, User
from evidence.models.ids import opaque_id
from evidence.seal import LeafMaker
from evidence.values import Actor, Subject

ABANDONED_AFTER = timedelta(hours=6)
_TOLD_EVERY = 2_000
"""Messages between two reports of progress."""


@dataclass(frozen=True, slots=True)
class AcquireResult:
    """What became of a delivery: questions (nothing stored), or an acquisition."""

    examination: Examination
    acquisition: Acquisition | None = None
    recognised: bool = False
    questions: tuple[Question, ...] = ()
    warnings: list[dict[str, str]] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """Return the answer of command line and API; the README lists its keys."""
        conversations = []
        if self.acquisition is not None:
            series = Series.objects.filter(acquisition=self.acquisition).order_by("place")
            conversations = [
                _conversation(one)
                for one in series.select_related(
                    "organisation", "conversation", "acquisition__organisation"
                )
            ]
        return {
            "acquisition": self.acquisition.public_id if self.acquisition else None,
            "format": self.examination.format,
            "sha256": self.examination.sha256,
            "recognised": self.recognised,
            "conversations": conversations,
            "questions": [
                {"code": q.code, "choices": list(q.choices), "examples": list(q.examples)}
                for q in self.questions
            ],
            "warnings": self.warnings,
            "unparsed": self.acquisition.unparsed_count if self.acquisition else 0,
        }


def _conversation(series: Series) -> dict[str, Any]:
    facts = describe_series(series)
    return {
        "id": series.public_id,
        "title": facts.title,
        "messages": series.size,
        "participants": len(facts.participants),
        "first": _utc(series.first_at),
        "last": _utc(series.last_at),
    }


def _utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def acquire_file(
    *,
    organisation: Organisation,
    actor: Actor,
    path: Path,
    name: str,
    answers: Answers,
    at: datetime,
    user: User | None = None,
    matter: Matter | None = None,
    public_id: str = "",
    progress: Callable[[int], None] | None = None,
) -> AcquireResult:
    """Take ``path`` in for ``organisation`` and return what became of it.

    matter: what it is delivered for, of the same organisation; the caller has checked access. name:
    the file name as delivered; it is sealed with the original. public_id: the id the
    acquisition is to have; where it stands already it is returned, and what a killed run left under
    it is removed. progress: called now and then with the number of messages sealed so far; what it
    raises passes through. Raises IngestRefused (the file's fault) or StorageFailed. Whenever this
    raises, nothing is stored.
    """
    examination = ingest.examine(path, name)
    questions = tuple(ingest.questions(path, examination, answers))
    if questions:
        return AcquireResult(examination, questions=questions)
    public_id = public_id or opaque_id()
    before = Acquisition.objects.filter(organisation=organisation, public_id=public_id).first()
    if before is not None and before.stored_at is not None:
        return AcquireResult(examination, before, warnings=describe_acquisition(before)["warnings"])
    if before is not None:
        _remove(before)
    fingerprint = _fingerprint(organisation, examination, answers)
    found = _known(organisation, fingerprint)
    if found is not None:
        return _recognised(found, examination, actor, at, matter)
    _sweep(organisation, at)
    acquisition = Acquisition(
        public_id=public_id,
        organisation=organisation,
        created_by=user,
        created_at=at,
        format=examination.format,
        parser_version=f"{examination.parser_name}/{examination.parser_version}",
        fingerprint=fingerprint,
        payload=b"",
    )
    acquisition.save()
    try:
        warnings = _store(acquisition, path, examination, answers, actor, at, matter, progress)
    except IntegrityError:
        # The same file arrived twice at once and the other delivery was first.
        _remove(acquisition)
        found = _known(organisation, fingerprint)
        if found is None:
            raise
        return _recognised(found, examination, actor, at, matter)
    except BaseException:
        _remove(acquisition)
        raise
    custody.sequence_pending()
    return AcquireResult(examination, acquisition, warnings=warnings)


def _fingerprint(organisation: Organisation, examined: Examination, answers: Answers) -> bytes:
    return keyed(
        organisation,
        "acquisition",
        examined.sha256,
        examined.parser_name,
        examined.parser_version,
        "sm3" if settings.TRUETHREAD_SM3 else "",
        *(value or "" for value in (answers.timezone, answers.date_order, answers.owner)),
    )


def _known(organisation: Organisation, fingerprint: bytes) -> Acquisition | None:
    return Acquisition.objects.filter(
        organisation=organisation,
        fingerprint=fingerprint,
        stored_at__isnull=False,
        original__isnull=False,
    ).first()


def _recognised(
    found: Acquisition,
    examination: Examination,
    actor: Actor,
    at: datetime,
    matter: Matter | None,
) -> AcquireResult:
    with transaction.atomic():
        custody.append(
            event_id=f"acquisition.recognised:{found.public_id}:{secrets.token_hex(4)}",
            event="acquisition.recognised",
            actor=actor,
            subjects=[Subject("acquisition", found.public_id)],
            details={},
            at=at,
        )
        if matter is not None:
            link_delivery(acquisition=found, matter=matter, actor=actor, at=at)
    custody.sequence_pending()
    warnings = describe_acquisition(found)["warnings"]
    return AcquireResult(examination, found, recognised=True, warnings=warnings)


def _store(
    acquisition: Acquisition,
    path: Path,
    examination: Examination,
    answers: Answers,
    actor: Actor,
    at: datetime,
    matter: Matter | None,
    progress: Callable[[int], None] | None,
) -> list[dict[str, str]]:
    organisation = acquisition.organisation
    with path.open("rb") as file:
        acquisition.original = store_blob(organisation, file, at=at)
    original = Original(
        name=examination.name,
        owner=answers.owner,
        sha256=bytes.fromhex(examination.sha256),
        size=examination.size,
    )
    seed = secrets.token_bytes(32)
    committed = original.commitment(seed)
    writers: list[SeriesWriter] = []
    count = 0
    with LeafMaker(sm3=settings.TRUETHREAD_SM3) as leaves:
        for event in ingest.read(path, examination, answers):
            if isinstance(event, SeriesStart):
                place = len(writers) + 1
                writers.append(
                    SeriesWriter(acquisition, place, event, path, examination, answers, at, leaves)
                )
            elif isinstance(event, SeriesEnd):
                writers[-1].finish(event)
            else:
                writers[-1].add(event)
                count += 1
                if progress is not None and count % _TOLD_EVERY == 0:
                    progress(count)
    warnings = [warning for writer in writers for warning in writer.warnings()]
    acquisition.unparsed_count = sum(writer.unparsed for writer in writers)
    report = {
        "name": examination.name,
        "size": examination.size,
        "sha256": examination.sha256,
        "answers": asdict(answers),
        "warnings": warnings,
        "seed": seed.hex(),
        "members": examination.members,
    }
    acquisition.payload = seal_json(organisation, acquisition.public_id, "acquisition", report)
    acquisition.stored_at = at
    with transaction.atomic():
        acquisition.save()
        custody.append(
            event_id=f"acquisition.received:{acquisition.public_id}",
            event="acquisition.received",
            actor=actor,
            subjects=[Subject("acquisition", acquisition.public_id)],
            details={
                "format": acquisition.format,
                "parser": acquisition.parser_version,
                "original": committed.hex(),
                "series": [writer.public_id for writer in writers],
            },
            at=at,
        )
        for writer in writers:
            writer.seal(committed, actor, at)
        if matter is not None:
            link_delivery(acquisition=acquisition, matter=matter, actor=actor, at=at)
        announce_acquisition(acquisition, at)
    return warnings


def _sweep(organisation: Organisation, at: datetime) -> None:
    for left in Acquisition.objects.filter(
        organisation=organisation, stored_at__isnull=True, created_at__lt=at - ABANDONED_AFTER
    ):
        _remove(left)


def _remove(acquisition: Acquisition) -> None:
    """Remove the rows of an acquisition that never became visible."""
    with transaction.atomic():
        series = Series.objects.filter(acquisition=acquisition, sealed_at__isnull=True)
        for one in series:
            Attachment.objects.filter(series=one).delete()
            Message.objects.filter(series=one)._raw_delete(Message.objects.db)
        series.delete()
        Acquisition.objects.filter(pk=acquisition.pk, stored_at__isnull=True).delete()
