"""The custody log as rows: queue, entries, chains per subject, checkpoints, stamps.

Entries, subjects, checkpoints and stamps are insert-only: held by queryset, model and database
trigger (see migration ``append_only_triggers``), and checked by ``recheck_custody``.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.errors import AppendOnly


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Refuses every bulk change; inserting is left to ``custody``."""

    def update(self, **kwargs: object) -> NoReturn:
        raise AppendOnly("custody rows are never updated")

    def delete(self) -> NoReturn:
        raise AppendOnly("custody rows are never deleted")

    def bulk_update(self, *args: object, **kwargs: object) -> NoReturn:
        raise AppendOnly("custody rows are never updated")

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[Any]:
        if kwargs.get("update_conflicts") or kwargs.get("ignore_conflicts"):
            raise AppendOnly("custody rows are inserted, or it fails")
        return super().bulk_create(*args, **kwargs)


class AppendOnlyModel(models.Model):
    """A row that is inserted once and then only read."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("custody rows are never updated")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("custody rows are never deleted")


class LogEpoch(models.Model):
    """One life of the log: a new one is opened only by recovery.

    vkey: the key its checkpoints are signed with now; older ones stand in ``key.rotated`` entries.
    wrapped_key: the key its payloads are encrypted under, wrapped by the key-encryption key.
    """

    number = models.PositiveIntegerField(unique=True)
    origin = models.CharField(max_length=200, unique=True)
    vkey = models.CharField(max_length=400)
    wrapped_key = models.BinaryField()
    opened_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.origin


class CustodyPending(models.Model):
    """An event that has happened and waits for its place in the log.

    Inserted in the transaction of the act; moved by the sequencer in one transaction.
    event_id: unique; an act that runs again with the same event id adds nothing.
    """

    event_id = models.CharField(max_length=64, unique=True)
    event = models.CharField(max_length=40)
    payload = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "custody_pending"

    def __str__(self) -> str:
        return self.event_id


class CustodyEntry(AppendOnlyModel):
    """One leaf of the log.

    payload: AEAD of 32-byte salt and canonical entry. digest: the public leaf data
    (SHA-256 over domain, salt and entry). place: 0-based index in the tree.
    """

    epoch = models.ForeignKey(LogEpoch, models.PROTECT, related_name="entries")
    place = models.PositiveBigIntegerField()
    event_id = models.CharField(max_length=64, unique=True)
    event = models.CharField(max_length=40)
    occurred_at = models.DateTimeField()
    digest = models.BinaryField(max_length=32)
    payload = models.BinaryField()

    class Meta:
        verbose_name = _("entry of the custody log")
        verbose_name_plural = _("entries of the custody log")
        db_table = "custody_entry"
        constraints = [
            models.UniqueConstraint(fields=["epoch", "place"], name="one_entry_per_place")
        ]

    def __str__(self) -> str:
        return f"{self.epoch_id}/{self.place} {self.event}"


class CustodySubject(AppendOnlyModel):
    """An entry's place in the gap-free chain of one subject.

    number: counted through all epochs; the number the entry itself states begins at 1 in each.
    """

    entry = models.ForeignKey(CustodyEntry, models.PROTECT, related_name="subjects")
    kind = models.CharField(max_length=12)
    subject_id = models.CharField(max_length=32)
    number = models.PositiveBigIntegerField()

    class Meta:
        db_table = "custody_subject"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_id", "number"], name="one_entry_per_subject_number"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id} #{self.number}"


class LogNode(AppendOnlyModel):
    """The hash of a complete subtree, kept so that proofs need O(log n) rows.

    Derived from the entries; ``recheck_custody`` computes it again.
    """

    epoch = models.ForeignKey(LogEpoch, models.PROTECT, related_name="nodes")
    level = models.PositiveSmallIntegerField()
    place = models.PositiveBigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "custody_node"
        constraints = [
            models.UniqueConstraint(fields=["epoch", "level", "place"], name="one_node_per_place")
        ]

    def __str__(self) -> str:
        return f"{self.level}/{self.place}"


class Checkpoint(AppendOnlyModel):
    """A signed note over the tree at one size."""

    epoch = models.ForeignKey(LogEpoch, models.PROTECT, related_name="checkpoints")
    size = models.PositiveBigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("state of the log")
        verbose_name_plural = _("states of the log")
        constraints = [
            models.UniqueConstraint(fields=["epoch", "size"], name="one_checkpoint_per_size")
        ]

    def __str__(self) -> str:
        return f"{self.epoch_id}@{self.size}"


class Stamp(AppendOnlyModel):
    """An RFC 3161 token over a checkpoint note, with its chain and revocation data."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="stamps")
    token = models.BinaryField()
    gen_time = models.DateTimeField()
    authority = models.CharField(max_length=300)
    certificates = models.JSONField(default=list)
    """Base64 DER of the authority's chain, leaf first."""
    crls = models.JSONField(default=list)
    """Base64 DER of the CRLs that cover it, fetched when it was obtained."""
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("time-stamp")
        verbose_name_plural = _("time-stamps")

    def __str__(self) -> str:
        return f"{self.checkpoint_id} {self.gen_time}"
