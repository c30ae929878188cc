"""Push streams: shared by everyone in the organisation that registered them."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.people import Person, memberships_of
from evidence.errors import NotFound
from evidence.models import Organisation, PushStream


def push_streams_of(person: Person, within: Organisation | None = None) -> QuerySet[PushStream]:
    """Return the streams ``person`` may see, newest first."""
    return (
        PushStream.objects.filter(
            organisation__in=memberships_of(person, within).values("organisation"),
            series__erased_at__isnull=True,
        )
        .select_related("organisation", "series", "acquisition__organisation")
        .order_by("-pk")
    )


def push_stream_for(
    person: Person, public_id: str, within: Organisation | None = None
) -> PushStream:
    """Return one stream. Raises NotFound."""
    found = push_streams_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("push stream")
    return found
