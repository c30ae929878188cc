"""Push streams: one growing series each, the batches it grew by, and what was refused.

As elsewhere, readable without a key are ids, counts and keyed hashes only: the hash of a batch would
let a guesser recover a short message, so it stands in encrypted payloads and, salted, in heads.
"""

from __future__ import annotations

from django.db import models

from evidence.models.archive import Acquisition, Blob, Series
from evidence.models.ids import opaque_id
from evidence.models.people import Organisation, User


class PushStream(models.Model):
    """A conversation that a provider delivers batch by batch.

    payload: encrypted ``{"provider", "account", "conversation", "cursor", "hash", "frontier", …}``:
    who delivers what, and where the next batch has to go on. batch_count: batches accepted.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="push_streams")
    acquisition = models.OneToOneField(Acquisition, models.PROTECT, related_name="push_stream")
    series = models.OneToOneField(Series, models.PROTECT, related_name="push_stream")
    identity_key = models.BinaryField(max_length=32)
    """HMAC under the tenant key of provider, account and conversation."""
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    batch_count = models.PositiveBigIntegerField(default=0)
    payload = models.BinaryField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "identity_key"], name="one_stream_per_conversation"
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class PushKey(models.Model):
    """A public key a provider signs the batches of one stream with.

    key: public JWK. retired_at: from then on it signs nothing new.
    """

    stream = models.ForeignKey(PushStream, models.PROTECT, related_name="keys")
    kid = models.CharField(max_length=200)
    key = models.JSONField()
    added_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "kid"], name="one_key_per_kid")]

    def __str__(self) -> str:
        return self.kid


class PushBatch(models.Model):
    """An accepted batch: its bytes as received, and the head of the series after it.

    fingerprint: HMAC under the tenant key of the batch hash. head: canonical series head bytes.
    payload: encrypted ``{"hash", "seed", "kid", "cursor", "gap", "fills", "messages"}``.
    """

    stream = models.ForeignKey(PushStream, models.PROTECT, related_name="batches")
    number = models.PositiveBigIntegerField()
    fingerprint = models.BinaryField(max_length=32)
    size = models.PositiveBigIntegerField()
    """Rows of the series after this batch."""
    head = models.BinaryField()
    blob = models.ForeignKey(
        Blob, models.SET_NULL, null=True, blank=True, related_name="push_batches"
    )
    payload = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "number"], name="one_batch_per_number"),
            models.UniqueConstraint(fields=["stream", "fingerprint"], name="one_batch_per_content"),
        ]

    def __str__(self) -> str:
        return f"{self.stream_id}/{self.number}"


class PushAttachment(models.Model):
    """Bytes handed over for a message still to come; name: HMAC of their SHA-256."""

    stream = models.ForeignKey(PushStream, models.PROTECT, related_name="attachments")
    name = models.BinaryField(max_length=32)
    size = models.PositiveBigIntegerField()
    blob = models.ForeignKey(
        Blob, models.SET_NULL, null=True, blank=True, related_name="push_attachments"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "name"], name="one_pushed_file_per_content")
        ]

    def __str__(self) -> str:
        return str(self.pk)


class PushRefusal(models.Model):
    """A batch that was not taken, and why; the newest of a stream are kept."""

    stream = models.ForeignKey(PushStream, models.PROTECT, related_name="refusals")
    code = models.CharField(max_length=40)
    number = models.PositiveBigIntegerField(null=True, blank=True)
    """The number the batch gave itself, where it could be read."""
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.stream_id} {self.code}"


class SeriesNode(models.Model):
    """The hash of a complete subtree of a growing series (see ``archive.growth``).

    Derived from the leaf hashes. level: 8, 16, …; place: counts from 0.
    """

    series = models.ForeignKey(Series, models.PROTECT, related_name="nodes")
    level = models.PositiveSmallIntegerField()
    place = models.PositiveBigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "level", "place"], name="one_series_node_per_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.level}/{self.place}"
