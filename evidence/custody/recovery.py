"""A new epoch after a loss, and a new key for the log.

The first entry of an epoch opened by recovery has as details
    {"after":{"checkpoint":note or null,"entries":int,"loss":text,"origin":text},"vkey":vkey}
checkpoint: the last one kept outside the database; origin, entries: the epoch before and how many
entries of it are left; loss: what happened, in the operator's words. Nothing is repaired or hidden:
what is left stays readable, and old bundles verify against the log they came from.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from evidence.custody.epochs import create_epoch, current_epoch, log_id, signing_key
from evidence.custody.head import head_mismatch, read_head
from evidence.custody.keys import rotation_details
from evidence.custody.queue import append, queue_opening
from evidence.custody.sequencer import log_size, sequence_pending
from evidence.formats import checkpoint as formats
from evidence.gateways.current import current
from evidence.gateways.keys import LogKey
from evidence.models import LogEpoch
from evidence.values import Actor, Subject


def open_epoch_after_loss(*, loss: str, at: datetime) -> LogEpoch:
    """Open a new epoch whose first entry names the last published checkpoint and the loss.

    Only where the log does not continue that checkpoint: ValueError otherwise. loss: what
    happened, in a sentence.
    """
    found, note = head_mismatch(), read_head()
    if found is None or not loss.strip():
        raise ValueError("a new epoch needs a loss, and a sentence that says what happened")
    before = current_epoch()
    with transaction.atomic(durable=True):
        epoch = create_epoch(max(_number(note), before.number if before else 0) + 1, at)
        after = {
            "checkpoint": None if note is None else note.decode(),
            "origin": before.origin if before else "",
            "entries": log_size(before) if before else 0,
            "loss": loss,
        }
        queue_opening(epoch, after, at)
    sequence_pending()
    return epoch


def rotate_key(new: LogKey, *, actor: Actor, at: datetime) -> None:
    """Let the log pass to the key ``new``, by an entry signed with the old and the new key.

    The service signs nothing (LogRefused) until ``new`` stands where its log key is configured.
    """
    epoch = current_epoch()
    if epoch is None:
        raise ValueError("there is no log yet whose key could change")
    old, key = signing_key(epoch), formats.VerifierKey(epoch.origin, new.public)
    with transaction.atomic(durable=True):
        append(
            event_id=f"rotated-{key.key_id.hex()}",
            event="key.rotated",
            actor=actor,
            subjects=[Subject("log", log_id(epoch))],
            details=rotation_details(epoch.origin, old, key, current().log_key.sign, new.sign),
            at=at,
        )
        LogEpoch.objects.filter(pk=epoch.pk).update(vkey=str(key))
    sequence_pending()


def _number(note: bytes | None) -> int:
    """Return the epoch a checkpoint of ours belongs to, 0 for none."""
    if note is None:
        return 0
    epoch = formats.read(note).origin.rpartition("/")[2]
    return int(epoch) if epoch.isdecimal() else 0
