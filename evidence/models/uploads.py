"""A file on its way into the store: received in pieces, asked about, then stored."""

from __future__ import annotations

from django.db import models

from evidence.models.archive import Acquisition
from evidence.models.ids import opaque_id
from evidence.models.leases import Leased
from evidence.models.people import Organisation, User


class Upload(Leased):
    """One file of one person on its way in; nobody else sees it.

    size, received: bytes of the whole file and of what has arrived. payload: encrypted JSON
    ``{"name", "mark", "key", "chain", "actor", "format", "asked", "answers"}``: the file's own key,
    by what the browser knows the file again, the chain over the pieces received (``keep_upload``).
    done_units, total_units: messages sealed and messages in the file.
    """

    class Phase(models.TextChoices):
        RECEIVING = "receiving", "Receiving"
        READING = "reading", "Reading"
        ASKING = "asking", "Waiting for answers"
        STORING = "storing", "Storing"
        STORED = "stored", "Stored"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="uploads")
    created_by = models.ForeignKey(User, models.CASCADE, related_name="uploads")
    phase = models.CharField(max_length=16, choices=Phase, default=Phase.RECEIVING)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    payload = models.BinaryField()
    planned_id = models.CharField(max_length=32, default=opaque_id)
    """The public id its acquisition will have: a second run knows what the first one left."""
    acquisition = models.ForeignKey(
        Acquisition, models.SET_NULL, null=True, blank=True, related_name="uploads"
    )
    recognised = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["phase", "lease_until"], name="upload_phase_lease")]

    def __str__(self) -> str:
        return f"{self.public_id} {self.phase}"
