"""From choice to bundle: selections, jobs, exports and their artifacts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.archive import Blob, Series
from evidence.models.ids import opaque_id
from evidence.models.leases import Leased
from evidence.models.matters import Matter
from evidence.models.people import Organisation, User


class Selection(models.Model):
    """A frozen, ordered choice of messages; never changed once it is frozen.

    payload: encrypted canonical JSON of the selection parts (formats/manifest) with the reasons;
    until it is frozen, what was asked for. digest: the salt-free selection digest that manifest and
    PDF carry; empty until it is frozen.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="selections")
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="selections")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    payload = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    series = models.ManyToManyField(Series, related_name="selections")
    disclosed_count = models.PositiveBigIntegerField()
    row_count = models.PositiveBigIntegerField()
    gap_count = models.PositiveBigIntegerField()

    class Meta:
        verbose_name = _("choice of messages")
        verbose_name_plural = _("choices of messages")

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_frozen(self) -> bool:
        return bool(self.digest)


class Export(models.Model):
    """One bundle: asked for, made by its job, issued once.

    payload: encrypted options (language, paper, style, jurisdiction, requester, purpose …) and,
    as phases finish, what later phases need. The public id is the bundle id.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="exports")
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="exports")
    selection = models.ForeignKey(Selection, models.PROTECT, related_name="exports")
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    request_key = models.BinaryField(max_length=32, db_index=True)
    """HMAC under the tenant key of what was asked for: the same request, made again while its
    bundle is unfinished or not yet handed over, goes on with it instead of making a second."""
    payload = models.BinaryField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField(null=True, blank=True)
    zip_sha256 = models.BinaryField(max_length=32, null=True, blank=True, db_index=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    superseded_by = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="supersedes"
    )

    class Meta:
        verbose_name = _("bundle")
        verbose_name_plural = _("bundles")

    def __str__(self) -> str:
        return self.public_id


class Artifact(models.Model):
    """A released file of an export: the ZIP, its receipt, each PDF."""

    class Kind(models.TextChoices):
        ZIP = "zip", "ZIP"
        RECEIPT = "receipt", "Receipt"
        PDF = "pdf", "PDF"

    export = models.ForeignKey(Export, models.PROTECT, related_name="artifacts")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.BinaryField(max_length=32, db_index=True)
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="artifacts")
    begins = models.PositiveBigIntegerField(default=0)
    """Where the file begins within the blob: a PDF is stored once, as a member of the ZIP."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["export", "name"], name="one_artifact_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class Job(Leased):
    """The work on an export, advanced phase by phase by whoever holds the lease.

    phase: the next phase to run, or an end state. A phase may be run again after a kill; what it
    left is replaced, and it adds one custody entry, never two.
    """

    class Phase(models.TextChoices):
        FREEZING = "freezing", "Freezing the choice"
        PREPARING = "preparing", "Preparing"
        STAMPING = "stamping", "Time-stamping"
        RENDERING = "rendering", "Rendering"
        SIGNING = "signing", "Signing"
        PACKING = "packing", "Packing"
        SELF_VERIFYING = "self_verifying", "Checking the result"
        ISSUING = "issuing", "Issuing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    export = models.OneToOneField(Export, models.PROTECT, related_name="job")
    phase = models.CharField(max_length=16, choices=Phase, default=Phase.PREPARING)
    told_at = models.DateTimeField(null=True, blank=True)
    """When the person who asked was told by e-mail how it ended."""

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [models.Index(fields=["phase", "lease_until"], name="job_phase_lease")]

    def __str__(self) -> str:
        return f"{self.public_id} {self.phase}"
