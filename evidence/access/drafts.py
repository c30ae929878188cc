"""Drafts: of the person who began them, while they may change things there, and of nobody else."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.people import CHANGING_ROLES, Person, memberships_of
from evidence.errors import NotFound
from evidence.models import Draft


def drafts_of(person: Person) -> QuerySet[Draft]:
    """Return the drafts ``person`` began, last changed first."""
    roles = memberships_of(person).filter(role__in=CHANGING_ROLES)
    return (
        Draft.objects.filter(created_by=person.pk, organisation__in=roles.values("organisation"))
        .select_related("organisation", "export")
        .order_by("-changed_at", "-pk")
    )


def draft_for(person: Person, public_id: str) -> Draft:
    """Return one draft. Raises NotFound."""
    found = drafts_of(person).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("draft")
    return found
