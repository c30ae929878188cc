"""Matters: owners and auditors reach every matter of their organisation, members their own."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.access.people import Person, Within, matters_in, memberships_of
from evidence.errors import NotFound
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
