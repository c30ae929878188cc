"""Files on their way in: of the person who sends them, and of nobody else."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.people import CHANGING_ROLES, Person, memberships_of
from evidence.errors import NotFound
from evidence.models import Upload


def uploads_of(person: Person) -> QuerySet[Upload]:
    """Return what ``person`` is sending or has just sent, newest first."""
    roles = memberships_of(person).filter(role__in=CHANGING_ROLES)
    return (
        Upload.objects.filter(created_by=person.pk, organisation__in=roles.values("organisation"))
        .exclude(phase=Upload.Phase.CANCELLED)
        .select_related("organisation", "acquisition")
        .order_by("-pk")
    )


def upload_for(person: Person, public_id: str) -> Upload:
    """Return one of them. Raises NotFound."""
    found = uploads_of(person).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("upload")
    return found
