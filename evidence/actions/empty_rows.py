"""Empty the rows of erased conversations: what erasing leaves to be done in the background.

With its key an erased series has lost its contents for good (``erase_conversation``). Its rows still
say who wrote when, by number and time, and hold bytes nobody can open; those go here, so many rows at
a time, each lot in a short transaction. Killed in between, it goes on where it was.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import F

from evidence.archive.keys import keyed
from evidence.models import Conversation, Message, PushBatch, Series

ROWS = 5_000
"""Emptied in one transaction; others wait for it as long on SQLite."""


def unemptied_series(conversation: Conversation | None = None) -> list[int]:
    """Return the erased series, of ``conversation`` or of all, of which rows are left to be emptied,
    oldest first."""
    rows = Series.objects.filter(erased_at__isnull=False, emptied_to__lt=F("size"))
    if conversation is not None:
        rows = rows.filter(conversation=conversation)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def empty_rows(series_id: int) -> bool:
    """Empty the next ``ROWS`` rows of an erased series; return whether there is more to empty."""
    overwrite_what_is_freed()
    with transaction.atomic():
        series = Series.objects.select_for_update(of=("self",)).get(pk=series_id)
        first, last = series.emptied_to + 1, min(series.size, series.emptied_to + ROWS)
        if series.erased_at is None or first > last:
            return False
        _empty_batches(series, first if first > 1 else 0, last)
        rows = Message.objects.filter(series=series, sequence__gte=first, sequence__lte=last)
        rows.update(payload=b"", participant=0, occurred_at=None)
        Series.objects.filter(pk=series.pk).update(emptied_to=last)
    return last < series.size


def overwrite_what_is_freed() -> None:
    """Let SQLite write zeros where something is deleted, for the rest of this connection."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def _empty_batches(series: Series, first: int, last: int) -> None:
    """Let go of what says which bytes were pushed, where a batch ended between two rows."""
    batches = list(
        PushBatch.objects.filter(
            stream__series=series, size__gte=first, size__lte=last
        ).only("pk")
    )  # fmt: skip
    for batch in batches:
        batch.fingerprint = keyed(series.organisation, "erased", f"{batch.pk}")
    PushBatch.objects.bulk_update(batches, ["fingerprint"], batch_size=300)
