"""Holds: whoever reaches the matter that placed them."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.matters import reach
from evidence.access.people import Person, Within
from evidence.errors import NotFound
from evidence.models import Hold


def holds_of(person: Person, within: Within = None) -> QuerySet[Hold]:
    """Return the holds of matters ``person`` reaches, released ones included, newest first."""
    return (
        Hold.objects.filter(reach(person, "matter__", within))
        .select_related("matter__organisation", "conversation__organisation", "placed_by")
        .order_by("-pk")
    )


def hold_for(person: Person, public_id: str, within: Within = None) -> Hold:
    """Return one hold. Raises NotFound."""
    found = holds_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("hold")
    return found
