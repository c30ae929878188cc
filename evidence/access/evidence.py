"""Deliveries and conversations: shared by everyone in the organisation that stored them.

A program that is limited to matters reaches what belongs to them: what was delivered for them, what
a selection of theirs was made from, and what they hold.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.access.matters import matters_of
from evidence.access.people import Person, Within, matters_in, memberships_of
from evidence.errors import NotFound
from evidence.models import (
    Acquisition,
    Attachment,
    Blob,
    Conversation,
    Hold,
    Matter,
    Selection,
    Series,
)


def acquisitions_of(person: Person, within: Within = None) -> QuerySet[Acquisition]:
    """Return the complete deliveries ``person`` may see, newest first."""
    return (
        Acquisition.objects.filter(
            organisation__in=memberships_of(person, within).values("organisation"),
            stored_at__isnull=False,
        )
        .filter(_deliveries_bound(person, within))
        .select_related("organisation", "created_by")
        .order_by("-pk")
    )


def acquisition_for(person: Person, public_id: str, within: Within = None) -> Acquisition:
    """Return one delivery. Raises NotFound."""
    found = acquisitions_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("acquisition")
    return found


def series_of(person: Person, within: Within = None) -> QuerySet[Series]:
    """Return the sealed series ``person`` may see, newest first; erased ones are gone."""
    return (
        Series.objects.filter(
            organisation__in=memberships_of(person, within).values("organisation"),
            acquisition__stored_at__isnull=False,
            sealed_at__isnull=False,
            erased_at__isnull=True,
        )
        .filter(_series_bound(person, within))
        .select_related("organisation", "conversation__organisation", "acquisition__organisation")
        .order_by("-pk")
    )


def series_for(person: Person, public_id: str, within: Within = None) -> Series:
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


def conversation_for(person: Person, public_id: str, within: Within = None) -> Conversation:
    """Return the conversation the series with this id is a delivery of. Raises NotFound."""
    return series_for(person, public_id, within).conversation


def _series_bound(person: Person, within: Within) -> Q:
    """Return the condition that a series belongs to a matter a program is limited to."""
    if matters_in(within) is None:
        return Q()
    matters = matters_of(person, within).values("pk")
    chosen = Selection.series.through.objects.filter(selection__matter__in=matters)
    delivered = Matter.acquisitions.through.objects.filter(matter__in=matters)
    held = Hold.objects.filter(matter__in=matters, released_at=None)
    return (
        Q(pk__in=chosen.values("series"))
        | Q(acquisition__in=delivered.values("acquisition"))
        | Q(conversation__in=held.values("conversation"))
    )


def _deliveries_bound(person: Person, within: Within) -> Q:
    """Return the condition that a delivery was made for a matter a program is limited to."""
    if matters_in(within) is None:
        return Q()
    matters = matters_of(person, within).values("pk")
    return Q(
        pk__in=Matter.acquisitions.through.objects.filter(matter__in=matters).values("acquisition")
    )
