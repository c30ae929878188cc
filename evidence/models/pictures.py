"""Pictures a person adds to say who is behind an account: profile pictures, screenshots."""

from __future__ import annotations

from django.db import models

from evidence.models.archive import Blob, Series
from evidence.models.drafts import Draft
from evidence.models.exports import Export
from evidence.models.ids import opaque_id
from evidence.models.people import Organisation


class PartyPicture(models.Model):
    """One picture beside one participant of one series, as somebody supplied it.

    payload: encrypted ``{"party", "name", "media_type", "size", "sha256", "width", "height", "by"}``.
    blob: the untouched bytes; shown: the small copy drawn anew, the only one that is ever displayed.
    draft: where it was added, none once that is gone; exports: the bundles it was frozen into.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="party_pictures")
    series = models.ForeignKey(Series, models.PROTECT, related_name="party_pictures")
    draft = models.ForeignKey(
        Draft, models.SET_NULL, null=True, blank=True, related_name="pictures"
    )
    exports = models.ManyToManyField(Export, related_name="party_pictures")
    created_at = models.DateTimeField()
    payload = models.BinaryField()
    blob = models.ForeignKey(Blob, models.PROTECT, related_name="party_pictures")
    shown = models.ForeignKey(Blob, models.PROTECT, related_name="shown_party_pictures")

    def __str__(self) -> str:
        return self.public_id
