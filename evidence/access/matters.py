"""Matters: owners and auditors reach every matter of their organisation, members their own."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.access.people import (
    Person,
    Within,
    matters_in,
    may_change,
    memberships_of,
    organisation_to_change,
)
from evidence.errors import NotAllowed, NotFound
from evidence.models import Matter, Membership

EVERY_MATTER = (Membership.Role.OWNER, Membership.Role.AUDITOR)


def matters_of(person: Person, within: Within = None) -> QuerySet[Matter]:
    """Return the matters ``person`` may see, newest first."""
    return (
        Matter.objects.filter(reach(person, "", within))
        .select_related("organisation")
        .order_by("-pk")
    )


def matter_for(person: Person, public_id: str, within: Within = None) -> Matter:
    """Return one matter. Raises NotFound."""
    found = matters_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("matter")
    return found


def matter_to_change(person: Person, public_id: str) -> Matter:
    """Return a matter ``person`` works on. Raises NotFound; NotAllowed for those who only read."""
    matter = matter_for(person, public_id)
    organisation_to_change(person, matter.organisation)
    return matter


def matter_to_share(person: Person, public_id: str) -> Matter:
    """Return a matter ``person`` lets others into. Raises NotFound; NotAllowed for others on it."""
    matter = matter_for(person, public_id)
    if not may_share(person, matter):
        raise NotAllowed("only owners and who opened a matter let others in")
    return matter


def may_share(person: Person, matter: Matter) -> bool:
    """Return whether ``person`` decides who works on ``matter``: owners, and who opened it."""
    places = memberships_of(person, matter.organisation)
    is_owner = places.filter(role=Membership.Role.OWNER).exists()
    is_own = matter.created_by_id is not None and matter.created_by_id == person.pk
    return is_owner or (is_own and may_change(person, matter.organisation))


def reach(person: Person, matter: str, within: Within) -> Q:
    """Return the condition under which a row's matter may be seen: by the person, and within.

    matter: the path from the row to its matter with ``__`` at the end; "" for a matter itself.
    """
    member = memberships_of(person, within)
    everywhere = member.filter(role__in=EVERY_MATTER).values("organisation")
    anywhere = member.values("organisation")
    own = Q(**{f"{matter}created_by": person.pk}) & Q(**{f"{matter}created_by__isnull": False})
    joined = Q(
        **{f"{matter}pk__in": Matter.objects.filter(matter_members__user=person.pk).values("pk")}
    )
    reached = Q(**{f"{matter}organisation__in": everywhere}) | (
        Q(**{f"{matter}organisation__in": anywhere}) & (own | joined)
    )
    return reached & bound(matter, within)


def bound(matter: str, within: Within) -> Q:
    """Return the condition that a row's matter is one of those a program is limited to."""
    allowed = matters_in(within)
    return Q() if allowed is None else Q(**{f"{matter}public_id__in": allowed})
