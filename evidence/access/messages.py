"""Messages and selections: found through a series or a matter the person was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from evidence.access.matters import reach
from evidence.access.people import Person, Within
from evidence.errors import NotFound
from evidence.models import Message, Selection, Series


def message_numbers(
    series: Series,
    *,
    after: int = 0,
    period_from: datetime | None = None,
    period_to: datetime | None = None,
    participants: Sequence[int] | None = None,
) -> QuerySet[Message, int]:
    """Return the ascending sequences above ``after`` in a series the person was given.

    A period is [from, to) and leaves out messages without a readable time; what is None does not
    limit.
    """
    rows = Message.objects.filter(series=series, sequence__gt=after)
    if period_from is not None:
        rows = rows.filter(occurred_at__gte=period_from)
    if period_to is not None:
        rows = rows.filter(occurred_at__lt=period_to)
    if participants is not None:
        rows = rows.filter(participant__in=participants)
    return rows.order_by("sequence").values_list("sequence", flat=True)


def selections_of(person: Person, within: Within = None) -> QuerySet[Selection]:
    """Return the frozen selections of matters ``person`` reaches, newest first."""
    return (
        Selection.objects.filter(reach(person, "matter__", within))
        .exclude(digest=b"")
        .select_related("organisation", "matter__organisation")
        .order_by("-pk")
    )


def selection_for(person: Person, public_id: str, within: Within = None) -> Selection:
    """Return one selection. Raises NotFound."""
    found = selections_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("selection")
    return found
