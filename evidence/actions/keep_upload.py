"""Receive a file in pieces, so that a lost connection or a closed page costs one piece at most.

A piece is taken only at the offset where the last one ended. The **chain** says which bytes were
received: it begins as 32 zero bytes, and each piece makes it SHA-256(chain ‖ SHA-256(piece)).
Whoever goes on with a file computes it over the pieces again and learns whether it is that file.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from django.db import transaction

from evidence import ingest
from evidence.archive import incoming
from evidence.archive.keys import open_json, seal_json
from evidence.errors import EvidenceError, FileTooLarge, NotFound
from evidence.gateways import crypt
from evidence.gateways.wake import wake_for_upload
from evidence.ingest import Answers, Question
from evidence.models import Organisation, Upload, User
from evidence.models.ids import opaque_id
from evidence.values import Actor

PIECE = 4 << 20
"""Bytes of every piece but the last, which is shorter."""
LARGEST = 4_000_000_000
MOST_AT_ONCE = 200
"""Files one person may have on their way."""
GOING = (Upload.Phase.READING, Upload.Phase.STORING)
"""Phases in which a worker is at work, or should be."""
ENDED = (Upload.Phase.STORED, Upload.Phase.FAILED, Upload.Phase.CANCELLED)


class WrongOffset(EvidenceError):
    """A piece does not begin where the last one ended; ``received`` says where that is."""

    code = "wrong_offset"
    sentence = "This piece of the file does not follow the one before it."


class TooManyUploads(EvidenceError):
    """The person has too many unfinished files on their way."""

    code = "too_many_uploads"
    sentence = "Too many files are on their way. Please finish or remove some of them first."


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What the payload of an upload says. chain: 32 raw bytes; asked: the open questions."""

    name: str
    mark: str
    key: bytes
    chain: bytes
    actor: Actor
    format: str
    asked: tuple[Question, ...]
    answers: Answers


def begin_upload(
    *,
    organisation: Organisation,
    user: User,
    actor: Actor,
    name: str,
    size: int,
    at: datetime,
    mark: str = "",
) -> Upload:
    """Return a new upload of ``size`` bytes, of which none has arrived.

    mark: what the sender's side knows the file by; "" for nothing. Raises FileTooLarge or
    TooManyUploads.
    """
    if size > LARGEST:
        raise FileTooLarge(f"{size} bytes")
    if Upload.objects.filter(created_by=user).exclude(phase__in=ENDED).count() >= MOST_AT_ONCE:
        raise TooManyUploads(user.public_id)
    upload = Upload(
        public_id=opaque_id(), organisation=organisation, created_by=user, size=size,
        created_at=at, changed_at=at,
    )  # fmt: skip
    values = {
        "name": name, "mark": mark, "key": crypt.new_key().hex(), "chain": bytes(32).hex(),
        "actor": asdict(actor), "format": "", "asked": [], "answers": {},
    }  # fmt: skip
    upload.payload = _sealed(upload, values)
    upload.save()
    return upload


def describe_upload(upload: Upload) -> UploadFacts:
    """Return what is known of ``upload``. Raises Corrupt when it does not open."""
    values = _values(upload)
    return UploadFacts(
        name=values["name"],
        mark=values["mark"],
        key=bytes.fromhex(values["key"]),
        chain=bytes.fromhex(values["chain"]),
        actor=Actor(**values["actor"]),
        format=values["format"],
        asked=tuple(_question(one) for one in values["asked"]),
        answers=Answers(**values["answers"]),
    )


def receive_piece(*, upload: Upload, offset: int, data: bytes, at: datetime) -> Upload:
    """Keep the next piece and return the upload; the last one sets workers going.

    Raises WrongOffset (nothing is kept), StorageFailed, NotFound once nothing is received any more.
    """
    left = upload.size - offset
    if offset != upload.received or len(data) != min(PIECE, left) or not data:
        raise WrongOffset(f"{len(data)} at {offset} of {upload.received}")
    facts = describe_upload(upload)
    incoming.keep_piece(upload.organisation, upload.public_id, facts.key, offset, data)
    with transaction.atomic():
        row = _locked(upload, Upload.Phase.RECEIVING)
        if row.received != offset:
            raise WrongOffset("another page sends the same file")
        values = _values(row)
        chain = bytes.fromhex(values["chain"])
        values["chain"] = sha256(chain + sha256(data).digest()).hexdigest()
        row.payload = _sealed(row, values)
        row.received, row.changed_at = offset + len(data), at
        if row.received == row.size:
            _set_going(row, Upload.Phase.READING)
        row.save(update_fields=["payload", "received", "phase", "attempts", "changed_at"])
    return row


def receive_nothing(*, upload: Upload, at: datetime) -> Upload:
    """Let an empty file go its way, which ends in a refusal that says so."""
    with transaction.atomic():
        row = _locked(upload, Upload.Phase.RECEIVING)
        if row.size:
            raise WrongOffset("the file is not empty")
        _set_going(row, Upload.Phase.READING)
        row.changed_at = at
        row.save(update_fields=["phase", "attempts", "changed_at"])
    return row


def ask_about_upload(
    *, upload: Upload, format: str, asked: tuple[Question, ...], messages: int, at: datetime
) -> Upload.Phase:
    """Note what the file is and what it leaves open; return the phase that follows."""
    following = Upload.Phase.ASKING if asked else Upload.Phase.STORING
    with transaction.atomic():
        row = _locked(upload, Upload.Phase.READING)
        values = _values(row)
        values |= {"format": format, "asked": [asdict(one) for one in asked]}
        row.payload, row.total_units = _sealed(row, values), messages
        row.phase, row.attempts, row.changed_at = following, 0, at
        row.save(update_fields=["payload", "total_units", "phase", "attempts", "changed_at"])
    return following


def answer_upload(*, upload: Upload, answers: Answers, actor: Actor, at: datetime) -> Upload:
    """Keep the answers and set workers going. Raises NotFound where nothing is asked (any more)."""
    with transaction.atomic():
        row = _locked(upload, Upload.Phase.ASKING)
        values = _values(row) | {"answers": asdict(answers), "actor": asdict(actor)}
        row.payload, row.changed_at = _sealed(row, values), at
        _set_going(row, Upload.Phase.STORING)
        row.save(update_fields=["payload", "phase", "attempts", "changed_at"])
    return row


def ask_again(*, upload: Upload, code: str, at: datetime) -> bool:
    """Put the questions again after answers that cannot be; return whether there are any."""
    with transaction.atomic():
        row = _locked(upload, Upload.Phase.STORING)
        if not _values(row)["asked"]:
            return False
        row.phase, row.error_code, row.changed_at = Upload.Phase.ASKING, code, at
        row.attempts = 0
        row.save(update_fields=["phase", "error_code", "attempts", "changed_at"])
    return True


def retry_upload(*, upload: Upload, at: datetime) -> None:
    """Try again what failed on our side. Raises NotFound for any other."""
    with transaction.atomic():
        row = _locked(upload, Upload.Phase.FAILED)
        answered = bool(_values(row)["format"])
        row.error_code, row.cancel_requested, row.changed_at = "", False, at
        _set_going(row, Upload.Phase.STORING if answered else Upload.Phase.READING)
        row.save(
            update_fields=["phase", "attempts", "error_code", "cancel_requested", "changed_at"]
        )


def drop_upload(*, upload: Upload, at: datetime) -> None:
    """Give the file up: at once where nobody works on it, otherwise as soon as the worker sees it.

    What was stored of it before stays.
    """
    Upload.objects.filter(pk=upload.pk).update(cancel_requested=True, changed_at=at)
    gone = Upload.objects.filter(pk=upload.pk, lease_holder="").exclude(phase=Upload.Phase.STORED)
    if gone.exclude(phase__in=GOING).delete()[0]:
        incoming.discard(upload.public_id)


def sweep_uploads(at: datetime) -> None:
    """Forget what nobody came back for within a day, and what was stored a day ago."""
    old = Upload.objects.filter(changed_at__lt=at - timedelta(seconds=incoming.KEPT_SECONDS))
    for upload in old.exclude(phase__in=GOING):
        upload.delete()
        incoming.discard(upload.public_id)
    incoming.sweep(set(Upload.objects.values_list("public_id", flat=True)))


def questions_of(facts: UploadFacts) -> dict[str, Question]:
    """Return the open questions by code: ``timezone``, ``date_order``, ``owner``."""
    return {one.code: one for one in facts.asked}


def _set_going(row: Upload, phase: Upload.Phase) -> None:
    row.phase, row.attempts = phase, 0
    transaction.on_commit(partial(wake_for_upload, row.pk), robust=True)


def _locked(upload: Upload, phase: Upload.Phase) -> Upload:
    rows = Upload.objects.select_for_update(of=("self",)).select_related("organisation")
    row = rows.filter(pk=upload.pk, phase=phase).first()
    if row is None:
        raise NotFound("the upload is in another phase")
    return row


def _question(value: dict[str, Any]) -> ingest.Question:
    return Question(value["code"], tuple(value["choices"]), tuple(value["examples"]))


def _values(upload: Upload) -> dict[str, Any]:
    values: dict[str, Any] = open_json(
        upload.organisation, upload.public_id, "upload", upload.payload
    )
    return values


def _sealed(upload: Upload, values: dict[str, Any]) -> bytes:
    return seal_json(upload.organisation, upload.public_id, "upload", values)
