"""Gives queued events their places in the log: one sequencer at a time, all or nothing per batch.

It takes whatever is not yet sequenced, in the order of queueing, never "everything after the last
number seen": a transaction that commits late holds a smaller number and must not be passed over.

PostgreSQL: a session advisory lock, so a connection pool in transaction mode must not sit between.
SQLite: the transaction begins as a writer (``BEGIN IMMEDIATE``, from the settings) and queues there.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from django.db import connection, transaction

from evidence.custody.epochs import current_epoch, opening_id
from evidence.custody.payloads import SALT_BYTES, open_pending, seal_entry
from evidence.custody.tree import Growth, frontier
from evidence.errors import Corrupt
from evidence.formats import custody as formats
from evidence.formats.shape import utc
from evidence.models import CustodyEntry, CustodyPending, CustodySubject, LogEpoch, LogNode

BATCH = 500
_ADVISORY_LOCK = 0x7472_7565_6C6F_6701
"""The lock's name inside this database; any fixed 63-bit number."""


def sequence_pending(limit: int | None = None, *, wait: bool = True) -> int:
    """Move queued events into the log and return how many were moved.

    limit: move no more than this; None empties the queue. wait: when another sequencer is at
    work, wait for it; otherwise leave the work to it and return 0.
    Runs outside transactions only, since a place is given once and for all when it is committed:
    RuntimeError inside one. Raises Corrupt when a queued event does not open.
    """
    moved = 0
    with _the_only_sequencer(wait=wait) as is_mine:
        while is_mine and (limit is None or moved < limit):
            wanted = BATCH if limit is None else min(BATCH, limit - moved)
            taken, kept = _sequence_batch(wanted)
            moved += kept
            if taken < wanted:
                break
    return moved


def log_size(epoch: LogEpoch) -> int:
    """Return the number of entries in ``epoch``."""
    last = (
        CustodyEntry.objects.filter(epoch=epoch)
        .order_by("-place")
        .values_list("place", flat=True)
        .first()
    )
    return 0 if last is None else last + 1


@contextmanager
def _the_only_sequencer(*, wait: bool) -> Iterator[bool]:
    if connection.vendor != "postgresql":
        yield True
        return
    with connection.cursor() as cursor:
        function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
        cursor.execute(f"SELECT {function}(%s)", [_ADVISORY_LOCK])
        (answer,) = cursor.fetchone()
        is_mine = wait or bool(answer)
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def _sequence_batch(wanted: int) -> tuple[int, int]:
    """Return how many events left the queue and how many of them entered the log.

    They differ where an event that was queued twice had its place already.
    """
    if not CustodyPending.objects.exists():
        return 0, 0
    with transaction.atomic(durable=True):
        epoch = current_epoch()
        rows = _next(epoch, wanted) if epoch else []
        if epoch is None or not rows:
            return 0, 0
        fresh = _without_sequenced(rows)
        _Batch(epoch).insert(fresh)
        CustodyPending.objects.filter(pk__in=[row.pk for row in rows]).delete()
        return len(rows), len(fresh)


def _next(epoch: LogEpoch, wanted: int) -> list[CustodyPending]:
    """Return what was queued first; but nothing stands before the entry that opens an epoch."""
    rows = list(CustodyPending.objects.order_by("pk")[:wanted])
    if log_size(epoch):
        return rows
    first = CustodyPending.objects.get(event_id=opening_id(epoch))
    return [first, *(row for row in rows if row.pk != first.pk)][:wanted]


def _without_sequenced(rows: Sequence[CustodyPending]) -> list[CustodyPending]:
    known = set(
        CustodyEntry.objects.filter(event_id__in=[row.event_id for row in rows]).values_list(
            "event_id", flat=True
        )
    )
    return [row for row in rows if row.event_id not in known]


class _Batch:
    """The rows that one batch adds to the log."""

    def __init__(self, epoch: LogEpoch) -> None:
        self._epoch = epoch
        self._epochs = list(LogEpoch.objects.order_by("-number"))
        size = log_size(epoch)
        self._growth = Growth(size, frontier(epoch, size))
        self._chains = _Chains(epoch)
        self._entries: list[CustodyEntry] = []
        self._subjects: list[CustodySubject] = []
        self._nodes: list[LogNode] = []

    def insert(self, pending: Sequence[CustodyPending]) -> None:
        """Insert the entries for ``pending`` in this order, with their chains and tree nodes."""
        for row in pending:
            self._add(row)
        CustodyEntry.objects.bulk_create(self._entries)
        for subject in self._subjects:
            subject.entry_id = subject.entry.pk
        CustodySubject.objects.bulk_create(self._subjects)
        LogNode.objects.bulk_create(self._nodes)

    def _add(self, row: CustodyPending) -> None:
        place, salt = self._growth.size, secrets.token_bytes(SALT_BYTES)
        draft = _open(self._epochs, row)
        entry = replace(
            draft,
            log=self._epoch.origin,
            index=place,
            subjects=tuple(self._chains.next(subject.key) for subject in draft.subjects),
        )
        digest = entry.digest(salt)
        stored = CustodyEntry(
            epoch=self._epoch,
            place=place,
            event_id=row.event_id,
            event=entry.event,
            occurred_at=utc(entry.time),
            digest=digest,
            payload=seal_entry(self._epoch, place, salt, entry),
        )
        self._entries.append(stored)
        for subject in entry.subjects:
            row_number = self._chains.note(subject, digest)
            self._subjects.append(
                CustodySubject(
                    entry=stored,
                    kind=subject.kind,
                    subject_id=subject.id,
                    number=row_number,
                )
            )
        for (level, at), node in self._growth.append(digest):
            self._nodes.append(LogNode(epoch=self._epoch, level=level, place=at, hash=node))


class _Chains:
    """The end of each subject's chain, read when first needed and kept up to date.

    Every epoch is a log of its own, in which a subject's numbers begin at 1: what is in another log
    no proof of this one reaches. Rows are numbered through all epochs.
    """

    def __init__(self, epoch: LogEpoch) -> None:
        self._epoch = epoch
        self._ends: dict[tuple[str, str], _End] = {}

    def next(self, key: tuple[str, str]) -> formats.Subject:
        """Return the subject with its next number and the digest before it."""
        end = self._end(key)
        return formats.Subject(*key, end.number + 1, end.digest)

    def note(self, subject: formats.Subject, digest: bytes) -> int:
        """Make the entry with ``digest`` the end of this chain and return its row's number."""
        row = self._end(subject.key).row + 1
        self._ends[subject.key] = _End(row, subject.number, digest)
        return row

    def _end(self, key: tuple[str, str]) -> _End:
        if key not in self._ends:
            self._ends[key] = self._stored(key)
        return self._ends[key]

    def _stored(self, key: tuple[str, str]) -> _End:
        rows = CustodySubject.objects.filter(kind=key[0], subject_id=key[1]).order_by("-number")
        last = rows.values_list("number", "entry__digest", "entry__epoch_id").first()
        if last is None:
            return _End(0, 0, None)
        row, digest, epoch_id = last
        if epoch_id != self._epoch.pk:
            return _End(row, 0, None)
        former = rows.exclude(entry__epoch=self._epoch).values_list("number", flat=True).first()
        return _End(row, row - (former or 0), bytes(digest))


class _End(NamedTuple):
    """The last row of a chain, its number in this log, its digest; 0 and None before the first."""

    row: int
    number: int
    digest: bytes | None


def _open(epochs: Sequence[LogEpoch], row: CustodyPending) -> formats.Entry:
    """Return the queued event; it may have been queued under an earlier epoch."""
    refusal: Corrupt | None = None
    for epoch in epochs:
        try:
            return open_pending(epoch, row.event_id, bytes(row.payload))
        except Corrupt as error:
            refusal = error
    raise Corrupt(f"queued event {row.event_id} does not open") from refusal
