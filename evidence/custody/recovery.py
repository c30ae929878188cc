"""A new epoch after a loss, and a new key for the log.

The first entry of an epoch opened by recovery has as details
    {"after":{"checkpoint":note or null,"entries":int,"loss":text,"origin":text},"vkey":vkey}
checkpoint: the last one kept outside the database; origin, entries: the epoch before and how many
entries of it are left; loss: what happened, in the operator's words. Nothing is repaired or hidden:
what is left stays readable, and old bundles verify against the log they came from.

Proofs do not reach from one log into another, so every seal that is left is brought over: a second
``series.sealed`` entry with the same head names the first. From then on the new log can show that the
series stood no later than the recovery; the former one and its tokens still show since when.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from evidence.custody.epochs import create_epoch, current_epoch, log_id, signing_key
from evidence.custody.head import head_mismatch, read_head
from evidence.custody.keys import rotation_details
from evidence.custody.queue import THE_LOG, append, queue_opening
from evidence.custody.reading import entry
from evidence.custody.sequencer import log_size, sequence_pending
from evidence.errors import Corrupt
from evidence.formats import canonical, series_head
from evidence.formats import checkpoint as formats
from evidence.gateways.current import current
from evidence.gateways.keys import LogKey
from evidence.models import CustodyPending, CustodySubject, LogEpoch, PushStream, Series
from evidence.values import Actor, Json, Subject

logger = logging.getLogger(__name__)


def open_epoch_after_loss(*, loss: str, at: datetime) -> LogEpoch:
    """Open a new epoch whose first entry names the last published checkpoint and the loss.

    Only where the log does not continue that checkpoint: ValueError otherwise. loss: what
    happened, in a sentence.
    """
    found, note = head_mismatch(), read_head()
    if found is None or not loss.strip():
        raise ValueError("a new epoch needs a loss, and a sentence that says what happened")
    before = current_epoch()
    seals = list(_seals_left())
    with transaction.atomic(durable=True):
        epoch = create_epoch(max(_number(note), before.number if before else 0) + 1, at)
        after = {
            "checkpoint": None if note is None else note.decode(),
            "origin": before.origin if before else "",
            "entries": log_size(before) if before else 0,
            "loss": loss,
        }
        queue_opening(epoch, after, at)
        for subjects, details in seals:
            _bring_over(subjects, details, epoch, at)
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


def _seals_left() -> Iterator[tuple[list[Subject], dict[str, Json]]]:
    """Yield subjects and details that bring the seal of each stored series over.

    A series whose entry was lost too is sealed by its stored head, without a former entry. One
    that still waits in the queue is not brought over: it reaches the new log by itself.
    """
    stored = Series.objects.filter(sealed_at__isnull=False, erased_at__isnull=True)
    waiting = set(CustodyPending.objects.filter(event="series.sealed").values_list("event_id"))
    for series in stored.select_related("acquisition").order_by("pk").iterator(100):
        if (f"series.sealed:{series.public_id}",) in waiting:
            continue
        try:
            details = _former_seal(series) or {"head": _head_digest(series)}
            details |= _standing(series)
        except (Corrupt, ValueError) as error:
            logger.error("series %s is not brought over: %s", series.public_id, error)
            continue
        subjects = [Subject("series", series.public_id)]
        yield [*subjects, Subject("acquisition", series.acquisition.public_id)], details


def _former_seal(series: Series) -> dict[str, Json] | None:
    links = CustodySubject.objects.filter(kind="series", subject_id=series.public_id)
    sealed = links.filter(entry__event="series.sealed").select_related("entry__epoch")
    link = sealed.order_by("-number").first()
    if link is None:
        return None
    logged = entry(link.entry.place, link.entry.epoch)
    former: dict[str, Json] = {"log": logged.entry.log, "index": logged.place}
    former["digest"] = logged.digest.hex()
    return {"head": logged.entry.details["head"], "from": former}


def _standing(series: Series) -> dict[str, Json]:
    """Return what the entries of a growing series go on from, nothing for any other."""
    if not PushStream.objects.filter(series=series).exists():
        return {}
    root = bytes(series.root or b"").hex()
    return {"head": _head_digest(series), "size": series.size, "root": root}


def _head_digest(series: Series) -> str:
    return series_head.read(canonical.loads(bytes(series.head))).digest().hex()


def _bring_over(
    subjects: list[Subject], details: dict[str, Json], epoch: LogEpoch, at: datetime
) -> None:
    append(
        event_id=f"series.sealed:{subjects[0].id}:{epoch.number}",
        event="series.sealed",
        actor=THE_LOG,
        subjects=subjects,
        details=details,
        at=at,
    )


def _number(note: bytes | None) -> int:
    """Return the epoch a checkpoint of ours belongs to, 0 for none."""
    if note is None:
        return 0
    epoch = formats.read(note).origin.rpartition("/")[2]
    return int(epoch) if epoch.isdecimal() else 0
