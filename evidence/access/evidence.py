"""Deliveries and conversations: shared by everyone in the organisation that stored them."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.people import Person, memberships_of
from evidence.errors import NotFound
from evidence.models import Acquisition, Attachment, Blob, Organisation, Series


def acquisitions_of(person: Person, within: Organisation | None = None) -> QuerySet[Acquisition]:
    """Return the complete deliveries ``person`` may see, newest first."""
    return (
        Acquisition.objects.filter(
            organisation__in=memberships_of(person, within).values("organisation"),
            stored_at__isnull=False,
        )
        .select_related("organisation", "created_by")
        .order_by("-pk")
    )


def acquisition_for(
    person: Person, public_id: str, within: Organisation | None = None
) -> Acquisition:
    """Return one delivery. Raises NotFound."""
    found = acquisitions_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("acquisition")
    return found


def series_of(person: Person, within: Organisation | None = None) -> QuerySet[Series]:
    """Return the sealed series ``person`` may see, newest first; erased ones are gone."""
    return (
        Series.objects.filter(
            organisation__in=memberships_of(person, within).values("organisation"),
            acquisition__stored_at__isnull=False,
            sealed_at__isnull=False,
            erased_at__isnull=True,
        )
        .select_related("organisation", "conversation__organisation", "acquisition__organisation")
        .order_by("-pk")
    )


def series_for(person: Person, public_id: str, within: Organisation | None = None) -> Series:
    """Return one series. Raises NotFound."""
    found = series_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("series")
    return found


def attachment_for(series: Series, sequence: int, place: int) -> Blob:
    """Return the stored bytes of an attachment in a series the person was given.

    Raises NotFound, also where the source did not include them.
    """
    found = (
        Attachment.objects.filter(series=series, sequence=sequence, place=place)
        .select_related("blob__organisation")
        .first()
    )
    if found is None or found.blob is None:
        raise NotFound("attachment")
    return found.blob
