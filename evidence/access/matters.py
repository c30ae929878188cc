"""Matters: owners and auditors reach every matter of their organisation, members their own."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.access.people import Person, memberships_of
from evidence.errors import NotFound
from evidence.models import Matter, Membership, Organisation

EVERY_MATTER = (Membership.Role.OWNER, Membership.Role.AUDITOR)


def matters_of(person: Person, within: Organisation | None = None) -> QuerySet[Matter]:
    """Return the matters ``person`` may see, newest first."""
    return (
        Matter.objects.filter(reach(person, "", within))
        .select_related("organisation")
        .order_by("-pk")
    )


def matter_for(person: Person, public_id: str, within: Organisation | None = None) -> Matter:
    """Return one matter. Raises NotFound."""
    found = matters_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("matter")
    return found


def reach(person: Person, matter: str, within: Organisation | None) -> Q:
    """Return the condition under which a row's matter may be seen.

    matter: the path from the row to its matter with ``__`` at the end; "" for a matter itself.
    """
    member = memberships_of(person, within)
    everywhere = member.filter(role__in=EVERY_MATTER).values("organisation")
    anywhere = member.values("organisation")
    own = Q(**{f"{matter}created_by": person.pk}) & Q(**{f"{matter}created_by__isnull": False})
    joined = Q(
        **{f"{matter}pk__in": Matter.objects.filter(matter_members__user=person.pk).values("pk")}
    )
    return Q(**{f"{matter}organisation__in": everywhere}) | (
        Q(**{f"{matter}organisation__in": anywhere}) & (own | joined)
    )
