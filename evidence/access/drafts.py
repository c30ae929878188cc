"""Drafts: of the person who began them, while they may change things there, and of nobody else."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.access.people import CHANGING_ROLES, Person, memberships_of
from evidence.errors import NotFound
from evidence.models import Draft, Job, PartyPicture


def drafts_of(person: Person) -> QuerySet[Draft]:
    """Return the drafts ``person`` began, last changed first."""
    roles = memberships_of(person).filter(role__in=CHANGING_ROLES)
    return (
        Draft.objects.filter(created_by=person.pk, organisation__in=roles.values("organisation"))
        .select_related("organisation", "export__selection", "export__job")
        .order_by("-changed_at", "-pk")
    )


def open_drafts_of(person: Person) -> QuerySet[Draft]:
    """Return those that can still be changed: nothing was asked for with them, or what was asked
    for ended before its choice was frozen (``Draft.is_confirmed``)."""
    ended = Q(export__job__phase__in=(Job.Phase.FAILED, Job.Phase.CANCELLED))
    return drafts_of(person).filter(Q(export=None) | ended & Q(export__selection__digest=b""))


def draft_for(person: Person, public_id: str) -> Draft:
    """Return one draft. Raises NotFound."""
    found = drafts_of(person).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("draft")
    return found


def party_picture_for(draft: Draft, public_id: str) -> PartyPicture:
    """Return one picture of a draft the person was given. Raises NotFound."""
    rows = draft.pictures.select_related("organisation", "series", "shown__organisation")
    found = rows.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("picture")
    return found
