"""Matters: the cases export work, access and holds belong to."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.ids import opaque_id
from evidence.models.people import Organisation, User


class Matter(models.Model):
    """A case of one organisation.

    payload: encrypted JSON ``{"name", "number", "purpose", "authority"}``; names of cases are
    personal data. ``next_bates``: the number the next page drawn for this matter gets.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="matters")
    name_key = models.BinaryField(max_length=32)
    """HMAC of the name under the tenant key: finds a matter by name without reading names."""
    payload = models.BinaryField()
    next_bates = models.PositiveBigIntegerField(default=1)
    acquisitions = models.ManyToManyField("evidence.Acquisition", related_name="matters")
    """What was delivered for this matter, where the delivery said so."""
    created_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("matter")
        verbose_name_plural = _("matters")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name_key"], name="one_matter_per_name")
        ]

    def __str__(self) -> str:
        return self.public_id


class MatterMember(models.Model):
    """A member who may work on a matter; owners and auditors reach every matter anyway."""

    matter = models.ForeignKey(Matter, models.CASCADE, related_name="matter_members")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("access to a matter")
        verbose_name_plural = _("accesses to matters")
        constraints = [
            models.UniqueConstraint(fields=["matter", "user"], name="one_place_per_matter_member")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.matter_id}"


class Hold(models.Model):
    """A legal hold: while it stands, what it names cannot be deleted."""

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    matter = models.ForeignKey(Matter, models.PROTECT, related_name="holds")
    conversation = models.ForeignKey("evidence.Conversation", models.PROTECT, related_name="holds")
    payload = models.BinaryField()
    placed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    placed_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")

    def __str__(self) -> str:
        return self.public_id
