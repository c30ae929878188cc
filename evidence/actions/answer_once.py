"""Answer a creating request once: who asks again under the same key gets the same answer.

    claim (own transaction) → work and remembered answer (one transaction) → repeat, as often as asked

What a process that died left claimed is free again after ``ABANDONED_AFTER``; its work was rolled
back, or is one that recognises itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from evidence.actions.lazily import lazily
from evidence.archive.keys import keyed, open_json, seal_json
from evidence.errors import InvalidSelection
from evidence.models import Organisation
from evidence.models.api import ApiAnswer

KEPT = timedelta(hours=48)
ABANDONED_AFTER = timedelta(minutes=30)
PATIENCE = 8.0
"""Seconds a repeat waits for the first one before it is told to come again."""
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is remembered; body is JSON."""

    status: int
    headers: dict[str, str]
    body: Any
    is_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A creating request: who sent it, under which key, and the digest of what it asks for."""

    organisation: Organisation
    caller: str
    key: str
    digest: str


def answer_once(
    asked: Asked, work: Callable[[], Answer], *, at: datetime, in_one: bool = True
) -> Answer:
    """Return what ``work`` answers, or what it answered before under the same key.

    Only success (status below 300) is remembered: after a refusal or an exception the key is free
    again. in_one: whether work and remembered answer are one transaction; work that commits in
    between says no, and must recognise what it did before.
    Raises InvalidSelection: ``idempotency_key_reused`` for another request under the same key,
    ``idempotency_in_progress`` while the first is still worked on.
    """
    row, is_mine = _claimed(asked, at)
    if not is_mine:
        return _repeated(row, asked)
    is_kept = False
    try:
        answer = _answered(row, work, in_one=in_one)
        is_kept = answer.status < 300
    finally:
        if not is_kept:
            _release(row)
    return answer


def _answered(row: ApiAnswer, work: Callable[[], Answer], *, in_one: bool) -> Answer:
    if not in_one:
        return _kept(row, work())
    with transaction.atomic():
        return _kept(row, work())


def _claimed(asked: Asked, at: datetime) -> tuple[ApiAnswer, bool]:
    """Return the row of the key, and whether this call made it; most calls do, in one write."""
    made = _make(asked, at)
    if made is None and _forget(asked, at):
        made = _make(asked, at)
    if made is not None:
        return made, True
    found = ApiAnswer.objects.filter(caller=asked.caller, key=asked.key).first()
    if found is None:
        raise _in_progress()
    return found, False


def _make(asked: Asked, at: datetime) -> ApiAnswer | None:
    try:
        # A claim that a loss of power undoes is of work that it undid too.
        with lazily(), transaction.atomic():
            return ApiAnswer.objects.create(
                organisation=asked.organisation,
                caller=asked.caller,
                key=asked.key,
                request=_request(asked),
                created_at=at,
            )
    except IntegrityError:
        return None


def _forget(asked: Asked, at: datetime) -> bool:
    """Remove what stands under the key when its time is over; return whether there was such."""
    same = ApiAnswer.objects.filter(caller=asked.caller, key=asked.key)
    abandoned = Q(payload=b"", created_at__lt=at - ABANDONED_AFTER)
    return bool(same.filter(abandoned | Q(created_at__lt=at - KEPT)).delete()[0])


def _repeated(row: ApiAnswer, asked: Asked) -> Answer:
    if bytes(row.request) != _request(asked):
        raise InvalidSelection("another request", code="idempotency_key_reused")
    waited_until = time.monotonic() + PATIENCE
    found: ApiAnswer | None = row
    while found is not None and not found.payload:
        if time.monotonic() > waited_until:
            raise _in_progress()
        time.sleep(_PAUSE)
        found = ApiAnswer.objects.filter(pk=row.pk).first()
    if found is None:
        # The first was refused; whoever asks again is heard anew.
        raise _in_progress()
    kept = open_json(asked.organisation, _name(row), "api answer", found.payload)
    return Answer(kept["status"], kept["headers"], kept["body"], is_repeated=True)


def _kept(row: ApiAnswer, answer: Answer) -> Answer:
    if answer.status < 300:
        value = {"status": answer.status, "headers": answer.headers, "body": answer.body}
        payload = seal_json(row.organisation, _name(row), "api answer", value)
        ApiAnswer.objects.filter(pk=row.pk).update(payload=payload)
    return answer


def _release(row: ApiAnswer) -> None:
    ApiAnswer.objects.filter(pk=row.pk, payload=b"").delete()


def forget_answers(at: datetime) -> int:
    """Remove answers that were kept long enough; return how many."""
    return ApiAnswer.objects.filter(created_at__lt=at - KEPT).delete()[0]


def _request(asked: Asked) -> bytes:
    return keyed(asked.organisation, "api request", asked.digest)


def _name(row: ApiAnswer) -> str:
    return f"{row.caller}/{row.key}"


def _in_progress() -> InvalidSelection:
    return InvalidSelection("the first is not done", code="idempotency_in_progress")
