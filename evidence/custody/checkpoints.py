"""Checkpoints: what the log says about itself, signed, and stamped by others."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from django.db import IntegrityError, connection, transaction

from evidence.custody import time_rule, tree
from evidence.custody.epochs import ensure_epoch, log_id, signing_key
from evidence.custody.head import keep_head, refuse_broken_log
from evidence.custody.queue import THE_LOG, append, open_first_epoch
from evidence.custody.sequencer import log_size, sequence_pending
from evidence.custody.witnesses import cosigned
from evidence.errors import StampUnavailable
from evidence.formats import checkpoint as formats
from evidence.gateways.current import current
from evidence.gateways.witnesses import Witnesses
from evidence.models import Checkpoint, CustodyEntry, LogEpoch, Stamp
from evidence.sign.protocols import Stamp as Token
from evidence.sign.protocols import Stamper
from evidence.values import Subject


def cut_checkpoint(at: datetime, witnesses: Witnesses | None = None) -> Checkpoint:
    """Return the signed checkpoint over everything queued and logged until now.

    witnesses: asked to cosign it, within their time. Sequences first. The same size gives the same
    checkpoint again, with the cosignatures it got then. Outside transactions only.
    Raises LogRefused when the log does not continue the checkpoint kept outside the database, or
    the log key is not the epoch's; nothing is signed then.
    """
    open_first_epoch(at)
    sequence_pending()
    refuse_broken_log()
    epoch, _ = ensure_epoch(at)
    size = log_size(epoch)
    found = Checkpoint.objects.filter(epoch=epoch, size=size).first()
    checkpoint = found or _insert(epoch, size, at, witnesses)
    keep_head(bytes(checkpoint.note))
    return checkpoint


def stamp_checkpoint(checkpoint: Checkpoint, stamper: Stamper, at: datetime) -> Stamp:
    """Have ``checkpoint`` stamped and return the stored token, itself queued as an entry.

    A checkpoint that has a token keeps it: that one is returned. The authority is asked outside
    any transaction: RuntimeError inside one. at: our time, for the entry.
    Raises StampUnavailable when there is no token, or when one contradicts our clock.
    """
    _refuse_inside_a_transaction()
    stored: Stamp | None = checkpoint.stamps.order_by("pk").first()
    if stored is not None:
        return stored
    token = stamper.stamp(formats.imprint(bytes(checkpoint.note)))
    _refuse_a_time_too_late(checkpoint, token)
    with transaction.atomic(durable=True):
        stamp = _store(checkpoint, token, at)
        _append_stamped(checkpoint, token, at)
    return stamp


def checkpoint_is_due() -> bool:
    """Return whether anything but stamps of the log itself waits for a stamped checkpoint."""
    stamped = Stamp.objects.order_by("-checkpoint__epoch__number", "-checkpoint__size").first()
    entries = CustodyEntry.objects.exclude(event="checkpoint.stamped")
    if stamped is not None:
        of = stamped.checkpoint
        entries = entries.filter(epoch__number__gte=of.epoch.number).exclude(
            epoch=of.epoch, place__lt=of.size
        )
    return bool(entries.exists())


def _insert(epoch: LogEpoch, size: int, at: datetime, witnesses: Witnesses | None) -> Checkpoint:
    root, key = tree.root(epoch, size), signing_key(epoch)
    text = formats.checkpoint_text(epoch.origin, size, root)
    note = formats.sign_note(text, key, current().log_key.sign)
    if witnesses is not None and witnesses.known:
        # What a witness has seen is published: the head file must know before.
        _refuse_inside_a_transaction()
        keep_head(note)
        note = cosigned(epoch, note, witnesses)
    try:
        with transaction.atomic():
            return Checkpoint.objects.create(
                epoch=epoch, size=size, root=root, note=note, created_at=at
            )
    except IntegrityError:
        return Checkpoint.objects.get(epoch=epoch, size=size)


def _store(checkpoint: Checkpoint, token: Token, at: datetime) -> Stamp:
    return Stamp.objects.create(
        checkpoint=checkpoint,
        token=token.token,
        gen_time=token.time,
        authority=token.authority,
        certificates=_base64(token.certificates),
        crls=_base64(token.crls),
        created_at=at,
    )


def _append_stamped(checkpoint: Checkpoint, token: Token, at: datetime) -> None:
    digest = sha256(token.token).hexdigest()
    append(
        event_id=f"stamped-{digest[:48]}",
        event="checkpoint.stamped",
        actor=THE_LOG,
        subjects=[Subject("log", log_id(checkpoint.epoch))],
        details={
            "checkpoint": sha256(bytes(checkpoint.note)).hexdigest(),
            "size": checkpoint.size,
            "root": bytes(checkpoint.root).hex(),
            "token": digest,
            "authority": token.authority,
        },
        at=at,
    )


def _refuse_a_time_too_late(checkpoint: Checkpoint, token: Token) -> None:
    """Refuse a token that is older than an act it covers (see ``time_rule``)."""
    latest = (
        CustodyEntry.objects.filter(epoch=checkpoint.epoch, place__lt=checkpoint.size)
        .filter(place__gte=_covered_before(checkpoint))
        .order_by("-occurred_at")
        .values_list("occurred_at", flat=True)
        .first()
    )
    if latest is not None and not time_rule.fits(latest, after=None, before=token.time):
        raise StampUnavailable(
            f"{token.authority} says {token.time}, an act it covers says {latest}",
            code="clock_disagrees",
        )


def _covered_before(checkpoint: Checkpoint) -> int:
    """Return how many entries a smaller stamped checkpoint covers already."""
    size = (
        Stamp.objects.filter(
            checkpoint__epoch=checkpoint.epoch, checkpoint__size__lt=checkpoint.size
        )
        .order_by("-checkpoint__size")
        .values_list("checkpoint__size", flat=True)
        .first()
    )
    return int(size or 0)


def _refuse_inside_a_transaction() -> None:
    """Raise RuntimeError unless every open atomic block is the one Django's TestCase put there."""
    if not all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("nobody outside is asked inside a transaction")


def _base64(items: Iterable[bytes]) -> list[str]:
    return [base64.b64encode(item).decode() for item in items]
