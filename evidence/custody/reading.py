"""The read side: entries by place, chains of a subject, proofs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from evidence.custody import tree
from evidence.custody.epochs import current_epoch
from evidence.custody.payloads import open_entry
from evidence.errors import Corrupt, NotFound
from evidence.formats import custody as formats
from evidence.models import Checkpoint, CustodyEntry, CustodySubject, LogEpoch


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as it stands in the log, opened; its digest was re-derived on the way."""

    epoch: LogEpoch
    place: int
    """0-based index in the tree."""
    event_id: str
    entry: formats.Entry
    salt: bytes
    digest: bytes


def entry(place: int, epoch: LogEpoch | None = None) -> Logged:
    """Return the entry at ``place`` of ``epoch``, of the current one by default.

    Raises NotFound beyond the end, Corrupt when the row does not fit its digest.
    """
    row = CustodyEntry.objects.filter(epoch=epoch or current_epoch(), place=place).first()
    if row is None:
        raise NotFound(f"no entry at place {place}")
    return _opened(row)


def entry_of_event(event_id: str) -> Logged:
    """Return the entry of the event queued under ``event_id``; NotFound until it is sequenced."""
    row = CustodyEntry.objects.filter(event_id=event_id).select_related("epoch").first()
    if row is None:
        raise NotFound(f"no entry of event {event_id}")
    return _opened(row)


def entries_of(
    kind: str, subject_id: str, up_to: int | None = None, epoch: LogEpoch | None = None
) -> Iterator[Logged]:
    """Yield a subject's chain in its order, the first ``up_to`` entries, all by default.

    epoch: only what stands in this log; by default all that is left of former ones comes first.
    """
    links = CustodySubject.objects.filter(kind=kind, subject_id=subject_id)
    if epoch is not None:
        links = links.filter(entry__epoch=epoch)
    if up_to is not None:
        links = links.filter(number__lte=up_to)
    for link in links.select_related("entry__epoch").order_by("number").iterator(500):
        yield _opened(link.entry)


def entries_about(
    subjects: Mapping[str, QuerySet[Any, str]],
    *,
    reached: Mapping[str, QuerySet[Any, str]] | None = None,
    before: int | None = None,
    limit: int,
) -> list[tuple[int, Logged]]:
    """Return the latest entries about any of ``subjects``, newest first, each with its key.

    subjects: kind → queryset of ids. reached: the same, of kinds of which an entry may name no
    other: it would tell of something that the reader does not reach. before: the key of an entry,
    to go on from there.
    """
    about = CustodySubject.objects.filter(_any_of(subjects)).values("entry")
    rows = CustodyEntry.objects.filter(pk__in=about)
    if reached:
        named = CustodySubject.objects.filter(entry=OuterRef("pk"), kind__in=list(reached))
        rows = rows.filter(~Exists(named.exclude(_any_of(reached))))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    latest = rows.select_related("epoch").order_by("-pk")[:limit]
    return [(row.pk, _opened(row)) for row in latest]


def _any_of(subjects: Mapping[str, QuerySet[Any, str]]) -> Q:
    found = Q()
    for kind, ids in subjects.items():
        found |= Q(kind=kind, subject_id__in=ids)
    return found


def sealing_of(series_id: str, epoch: LogEpoch, head: str) -> Logged:
    """Return the first ``series.sealed`` entry in ``epoch`` that names ``head`` (hex) of a series.

    A series that grows has one for each of its heads. Raises NotFound.
    """
    links = (
        CustodySubject.objects.filter(kind="series", subject_id=series_id)
        .filter(entry__epoch=epoch, entry__event="series.sealed")
        .select_related("entry__epoch")
        .order_by("number")
    )
    for link in links.iterator(500):
        found = _opened(link.entry)
        if found.entry.details.get("head") == head:
            return found
    raise NotFound(f"no seal of series {series_id} in {epoch.origin}")


def inclusion(place: int, size: int, epoch: LogEpoch | None = None) -> list[bytes]:
    """Return the inclusion proof of the entry at ``place`` in the tree of ``size`` entries."""
    return tree.inclusion(_epoch(epoch), place, size)


def inclusions(
    places: Sequence[int], size: int, epoch: LogEpoch | None = None
) -> list[list[bytes]]:
    """Return the inclusion proof of each of ``places``, with a few queries for all of them."""
    return tree.inclusions(_epoch(epoch), places, size)


def consistency(old: int, new: int, epoch: LogEpoch | None = None) -> list[bytes]:
    """Return the proof that the tree of ``old`` entries is a prefix of the tree of ``new``."""
    return tree.consistency(_epoch(epoch), old, new)


def stamped_checkpoint_over(logged: Logged) -> Checkpoint | None:
    """Return the smallest stamped checkpoint that holds the entry; None is "stamp pending"."""
    found: Checkpoint | None = (
        Checkpoint.objects.filter(epoch=logged.epoch, size__gt=logged.place, stamps__isnull=False)
        .order_by("size")
        .first()
    )
    return found


def _epoch(epoch: LogEpoch | None) -> LogEpoch:
    found = epoch or current_epoch()
    if found is None:
        raise NotFound("nothing was logged yet")
    return found


def _opened(row: CustodyEntry) -> Logged:
    salt, value = open_entry(row.epoch, row.place, bytes(row.payload))
    digest = formats.value_digest(value, salt)
    if digest != bytes(row.digest):
        raise Corrupt(f"entry {row.place} does not fit its digest")
    return Logged(
        epoch=row.epoch,
        place=row.place,
        event_id=row.event_id,
        entry=formats.read_entry(value),
        salt=salt,
        digest=digest,
    )
