"""Files in the formats of review platforms, made from issued bundles and kept beside them."""

from __future__ import annotations

from django.db import models

from evidence.models.archive import Blob
from evidence.models.exports import Export
from evidence.models.ids import opaque_id


class Conversion(models.Model):
    """One format of one bundle: asked for, made by a worker once the bundle is issued.

    zone: IANA zone of its days and local times, "" for the format's own default. The file is no part
    of the bundle and of its receipt: it can be made again from the bundle by anyone.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    export = models.ForeignKey(Export, models.PROTECT, related_name="conversions")
    format = models.CharField(max_length=10)
    zone = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    error_code = models.CharField(max_length=60, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    free_at = models.DateTimeField()
    """When it may be worked on; while it is, when its worker is taken for dead."""
    name = models.CharField(max_length=200, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.BinaryField(max_length=32, default=bytes)
    blob = models.ForeignKey(
        Blob, models.PROTECT, null=True, blank=True, related_name="conversions"
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["export", "format", "zone"], name="one_conversion_per_format"
            )
        ]

    def __str__(self) -> str:
        return f"{self.format} of {self.export_id}"
