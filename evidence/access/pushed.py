"""Push streams: shared by everyone in the organisation that registered them.

A program that is limited to matters reaches those whose conversation belongs to one of them.
"""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.evidence import series_of
from evidence.access.people import Person, Within, matters_in, memberships_of
from evidence.errors import NotFound
from evidence.models import PushStream


def push_streams_of(person: Person, within: Within = None) -> QuerySet[PushStream]:
    """Return the streams ``person`` may see, newest first."""
    found = (
        PushStream.objects.filter(
            organisation__in=memberships_of(person, within).values("organisation"),
            series__erased_at__isnull=True,
        )
        .select_related("organisation", "series", "acquisition__organisation")
        .order_by("-pk")
    )
    if matters_in(within) is not None:
        found = found.filter(series__in=series_of(person, within).values("pk"))
    return found


def push_stream_for(person: Person, public_id: str, within: Within = None) -> PushStream:
    """Return one stream. Raises NotFound."""
    found = push_streams_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("push stream")
    return found
