"""The lives of the log: epoch 1 opens with the first event, later ones only by recovery."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import IntegrityError, transaction

from evidence.custody.payloads import new_wrapped_key
from evidence.errors import LogRefused
from evidence.formats.checkpoint import VerifierKey
from evidence.gateways.current import current
from evidence.models import LogEpoch


def current_epoch() -> LogEpoch | None:
    """Return the epoch new entries go to, or None while nothing was ever logged."""
    return LogEpoch.objects.order_by("-number").first()


def log_id(epoch: LogEpoch) -> str:
    """Return the id by which the log itself is a subject of its entries."""
    return sha256(epoch.origin.encode()).hexdigest()[:32]


def opening_id(epoch: LogEpoch) -> str:
    """Return the event id of the entry that opens ``epoch``, always its first."""
    return f"epoch-{epoch.number}"


def create_epoch(number: int, at: datetime) -> LogEpoch:
    """Insert the row of epoch ``number``; its ``epoch.opened`` entry is the caller's to append.

    Raises IntegrityError when it exists already; the transaction stays usable.
    """
    origin = f"{settings.TRUETHREAD_LOG_ORIGIN}/{number}"
    with transaction.atomic():
        return LogEpoch.objects.create(
            number=number,
            origin=origin,
            vkey=str(VerifierKey(origin, current().log_key.public)),
            wrapped_key=new_wrapped_key(origin),
            opened_at=at,
        )


def ensure_epoch(at: datetime) -> tuple[LogEpoch, bool]:
    """Return the current epoch and whether this call made it. Two that race agree on one."""
    if found := current_epoch():
        return found, False
    try:
        return create_epoch(1, at), True
    except IntegrityError:
        return LogEpoch.objects.get(number=1), False


def signing_key(epoch: LogEpoch) -> VerifierKey:
    """Return the verifier key of our log key; LogRefused unless it is the epoch's own.

    A key that was swapped without a ``key.rotated`` entry would sign checkpoints nobody accepts.
    """
    key = VerifierKey(epoch.origin, current().log_key.public)
    if str(key) != epoch.vkey:
        raise LogRefused(f"the log key is not the one of {epoch.origin}")
    return key
