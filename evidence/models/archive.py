"""What is stored: acquisitions, their originals, series, messages, attachments.

Readable without a key are only ids, counts, times of messages, kinds, opaque participant keys
and salted hashes; everything else is in AEAD payloads.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.ids import opaque_id
from evidence.models.people import Organisation, User


class Blob(models.Model):
    """An encrypted file in the blob store, named by keyed hash.

    name: hex HMAC-SHA256 of the plain bytes' SHA-256 under the tenant key.
    wrapped_key: the blob's own key, wrapped by the tenant key.
    Kept once per organisation; destroyed when the last reference goes.
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="blobs")
    name = models.CharField(max_length=64)
    stored_size = models.PositiveBigIntegerField()
    wrapped_key = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="one_blob_per_content")
        ]

    def __str__(self) -> str:
        return self.name


class Conversation(models.Model):
    """The same talk across acquisitions: what its series have in common.

    identity_key: HMAC under the tenant key of platform and the source's own identity.
    payload: encrypted ``{"platform", "title", "custodian"}`` of the latest reading.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="conversations")
    identity_key = models.BinaryField(max_length=32)
    payload = models.BinaryField()
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "identity_key"], name="one_conversation_per_identity"
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class Acquisition(models.Model):
    """One delivery of conversation data, its original bytes kept.

    fingerprint: HMAC under the tenant key of the original's SHA-256, the parser version and the
    answers: the same bytes under the same reading are recognised by it.
    payload: encrypted report ``{"name", "size", "sha256", "answers", "warnings", …}`` with the
    32-byte seed of the salted commitment to the original.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="acquisitions")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    stored_at = models.DateTimeField(null=True, blank=True)
    """When all its series stood sealed; until then nothing of it is shown, and what a killed
    process left behind is swept."""
    format = models.CharField(max_length=40)
    parser_version = models.CharField(max_length=40)
    fingerprint = models.BinaryField(max_length=32)
    original = models.ForeignKey(
        Blob, models.SET_NULL, null=True, blank=True, related_name="acquisitions"
    )
    payload = models.BinaryField()
    unparsed_count = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "fingerprint"],
                condition=models.Q(stored_at__isnull=False),
                name="one_acquisition_per_reading",
            )
        ]

    def __str__(self) -> str:
        return self.public_id


class Series(models.Model):
    """One conversation as one acquisition delivered it, under one reading; sealed at storage.

    wrapped_key: the series key, wrapped by the tenant key. head: canonical series head bytes.
    payload: encrypted ``{"title", "platform", "type", "participants", "warnings", …}``.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="series")
    acquisition = models.ForeignKey(Acquisition, models.PROTECT, related_name="series")
    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="series")
    place = models.PositiveIntegerField()
    """Order inside its acquisition, from 1."""
    wrapped_key = models.BinaryField()
    size = models.PositiveBigIntegerField(default=0)
    root = models.BinaryField(max_length=32, null=True, blank=True)
    sm3_root = models.BinaryField(max_length=32, null=True, blank=True)
    head = models.BinaryField(default=bytes)
    payload = models.BinaryField(default=bytes)
    first_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    sealed_at = models.DateTimeField(null=True, blank=True)
    """Set once, together with root and head; an unsealed series is shown to nobody."""
    erased_at = models.DateTimeField(null=True, blank=True)
    """From then on its key is gone and no message opens any more, emptied or not."""
    emptied_to = models.PositiveBigIntegerField(default=0)
    """Up to which sequence the rows of an erased series are emptied; ``size`` when all are."""

    class Meta:
        verbose_name = _("series of messages")
        verbose_name_plural = _("series of messages")
        constraints = [
            models.UniqueConstraint(fields=["acquisition", "place"], name="one_series_per_place")
        ]

    def __str__(self) -> str:
        return self.public_id


class Message(models.Model):
    """One row of a series.

    payload: AEAD of the 32-byte seed followed by the canonical JSON of all fields; once erased it
    opens no more and is then emptied. participant: the number in the participant key (``p7`` is 7), 0 for none.
    """

    series = models.ForeignKey(Series, models.PROTECT, related_name="messages")
    sequence = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=12)
    participant = models.PositiveIntegerField(default=0)
    occurred_at = models.DateTimeField(null=True, blank=True)
    leaf_hash = models.BinaryField(max_length=32)
    sm3_leaf_hash = models.BinaryField(max_length=32, null=True, blank=True)
    payload = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="one_message_per_place")
        ]
        indexes = [models.Index(fields=["series", "occurred_at"], name="message_series_time")]

    def __str__(self) -> str:
        return f"{self.series_id}/{self.sequence}"


class MessageBlock(models.Model):
    """What the readable columns of so many neighbouring rows of a series come to.

    Derived from the rows and made again from them at any time: choosing by period and participant
    reads a few hundred of these in the place of a million rows. number: from 0; the block holds the
    sequences ``number * BLOCK + 1`` to ``(number + 1) * BLOCK``, all of them stored. first_at,
    last_at: the earliest and the latest time in it. timed: how many of its rows have a time.
    senders: who sent each (``select/blocks``).
    """

    series = models.ForeignKey(Series, models.CASCADE, related_name="blocks")
    number = models.PositiveIntegerField()
    first_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    timed = models.PositiveIntegerField()
    senders = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="one_block_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.series_id}/{self.number}"


class Attachment(models.Model):
    """An attachment's bytes, where the source included them; its facts are in the message."""

    series = models.ForeignKey(Series, models.PROTECT, related_name="attachments")
    sequence = models.PositiveBigIntegerField()
    place = models.PositiveIntegerField()
    """Index in the message's attachment vector, from 0."""
    blob = models.ForeignKey(
        Blob, models.SET_NULL, null=True, blank=True, related_name="attachments"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["series", "sequence", "place"], name="one_attachment_per_place"
            )
        ]

    def __str__(self) -> str:
        return f"{self.series_id}/{self.sequence}/{self.place}"
