"""How long and how large a bundle will be, said before it is asked for: an estimate, nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from evidence.actions.party_pictures import PictureFacts
from evidence.front.exporting import Choices
from evidence.models import Acquisition, Attachment
from evidence.select import Picked

_ROWS_PER_PAGE = {"record": 9, "conversation": 11}
_PAGES_AROUND = 4
"""Cover, participants, appendix."""
_BYTES_AROUND = 900_000
"""What every bundle has: the verifier, certificates, tokens, the fonts of its document (Chinese ones
are larger)."""
_BYTES_PER_MESSAGE = 1_170
"""Pages and JSON lines of a message of some hundred characters (``manage.py bench``)."""
_LOOKED_AT = 5_000
"""Attachments whose size is asked for; of more, the others are taken to be like them."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """pages: of the document, its pictures not counted. octets: of the whole bundle; enclosed: of
    them originals, attachments and pictures of parties, at the most."""

    pages: int
    octets: int
    enclosed: int


def estimate(
    choices: Choices, picked: Sequence[Picked], style: str, pictures: Sequence[PictureFacts]
) -> Estimate:
    """Return what a bundle of ``choices``, which mean ``picked``, comes to. Two or three
    queries, quick at any size."""
    chosen = sum(len(one) for one in picked)
    enclosed = _originals(choices, picked) + _attachments(choices, picked)
    enclosed += sum(one.size for one in pictures)
    return Estimate(
        pages=_PAGES_AROUND + chosen // _ROWS_PER_PAGE[style],
        octets=_BYTES_AROUND + chosen * _BYTES_PER_MESSAGE + enclosed,
        enclosed=enclosed,
    )


def _originals(choices: Choices, picked: Sequence[Picked]) -> int:
    """Return the bytes of originals of which everything is disclosed: only they are enclosed."""
    whole: dict[int, int] = {}
    for (series, choice), mine in zip(choices, picked, strict=True):
        if len(mine) == series.size and not choice.redactions:
            whole[series.acquisition_id] = whole.get(series.acquisition_id, 0) + 1
    rows = Acquisition.objects.filter(pk__in=whole, original__isnull=False)
    found = rows.annotate(parts=Count("series")).values_list("pk", "parts", "original__stored_size")
    return sum(size for key, parts, size in found if parts == whole[key])


def _attachments(choices: Choices, picked: Sequence[Picked]) -> int:
    """Return the bytes of attachments from the first to the last chosen message of each series."""
    among = Q()
    for (series, choice), mine in zip(choices, picked, strict=True):
        hidden = [
            number
            for number, one in choice.redactions.items()
            if {"*", "attachments"} & set(one.targets)
        ]
        span = Q(series=series, sequence__gte=mine.first, sequence__lte=mine.last)
        among |= span & ~Q(sequence__in=hidden) if hidden else span
    if not among:
        return 0
    there = Attachment.objects.filter(among, blob__isnull=False).order_by()
    found = there.values("blob__stored_size")[:_LOOKED_AT].aggregate(
        sum=Sum("blob__stored_size"), number=Count("*")
    )
    octets: int = found["sum"] or 0
    if found["number"] < _LOOKED_AT:
        return octets
    return octets * there.count() // _LOOKED_AT
