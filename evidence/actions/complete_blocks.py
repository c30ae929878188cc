"""Make the blocks for choosing of conversations that were stored before there were any.

A background work and no migration: without blocks everything is chosen just as well, only more
slowly, so nobody has to wait for it before the service may start. A few at a time, each in a short
transaction; killed in between, it goes on with the next.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from evidence.models import Conversation, MessageBlock, Series
from evidence.select import blocks

AT_ONCE = 50
"""Blocks made in one transaction, of ``blocks.BLOCK`` rows each."""


def incomplete_series() -> list[int]:
    """Return the living series whose last full block is missing, oldest first."""
    last = MessageBlock.objects.filter(series=OuterRef("pk"), number=OuterRef("full") - 1)
    found = (
        Series.objects.filter(
            sealed_at__isnull=False, erased_at__isnull=True, size__gte=blocks.BLOCK
        )
        .annotate(full=F("size") / blocks.BLOCK)
        .filter(~Exists(last))
    )
    return list(found.order_by("pk").values_list("pk", flat=True))


def complete_blocks(series_id: int) -> bool:
    """Make up to ``AT_ONCE`` of the blocks that are missing; return whether any were.

    The conversation is held as erasing holds it: of one erased meanwhile nothing is left.
    """
    with transaction.atomic():
        series = Series.objects.get(pk=series_id)
        Conversation.objects.select_for_update().get(pk=series.conversation_id)
        series = Series.objects.select_for_update().get(pk=series_id)
        if series.erased_at is not None:
            return False
        there = MessageBlock.objects.filter(series=series).count()
        size = min(series.size, (there + AT_ONCE) * blocks.BLOCK)
        blocks.add_blocks(series, size)
        return size // blocks.BLOCK > there
