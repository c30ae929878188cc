"""A choice on its way: what a person has filled in so far, before anything is asked for."""

from __future__ import annotations

from django.db import models

from evidence.models.exports import Export, Job
from evidence.models.ids import opaque_id
from evidence.models.people import Organisation, User


class Draft(models.Model):
    """One walk through the steps, of one person; nobody else sees it.

    payload: encrypted JSON, step → what was filled in. export: what it led to, once confirmed.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="drafts")
    created_by = models.ForeignKey(User, models.CASCADE, related_name="drafts")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    payload = models.BinaryField()
    export = models.ForeignKey(
        Export, models.SET_NULL, null=True, blank=True, related_name="drafts"
    )

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_confirmed(self) -> bool:
        """True when a bundle was asked for and the choice holds; a choice that could not be frozen,
        or was cancelled before it was, can be changed again."""
        return self.export is not None and (
            self.export.selection.is_frozen
            or self.export.job.phase not in (Job.Phase.FAILED, Job.Phase.CANCELLED)
        )
