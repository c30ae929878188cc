"""Add, read and drop the pictures that say who is behind an account.

The bytes are kept as they were supplied and go into the bundle untouched. What is ever shown or
printed is a small copy that a confined process drew anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from django.db import transaction

from evidence import custody
from evidence.archive.blobs import open_blob, store_blob, unreferred_blobs
from evidence.archive.keys import open_json, seal_json
from evidence.errors import EvidenceError
from evidence.gateways.current import current
from evidence.models import Draft, Export, PartyPicture, Series
from evidence.models.ids import opaque_id
from evidence.values import Actor, Subject
from evidence.verify.pool import shared_pool

LARGEST = 10_000_000
MOST_PER_PARTY = 6
MOST_PER_DRAFT = 60
TAKEN = ("image/jpeg", "image/png", "image/webp")
SHOWN_PIXELS = 1_000
"""The longer side of the copy that is shown and printed."""


class PictureRefused(EvidenceError):
    """The picture cannot be added; the fault is in the file, nothing was stored."""

    code = "picture_refused"
    sentence = "This is not a JPEG, PNG or WebP picture that can be drawn. It was not added."


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a picture. party: as ``p1``; sha256: hex, of the untouched bytes.

    width, height: of the copy that is shown. by: who supplied it.
    """

    id: str
    series: str
    party: str
    name: str
    media_type: str
    size: int
    sha256: str
    width: int
    height: int
    by: str
    at: datetime


def add_party_picture(
    *, draft: Draft, series: Series, party: str, data: bytes, name: str, actor: Actor, at: datetime
) -> PartyPicture:
    """Return the picture, stored encrypted and logged.

    Raises PictureRefused (``picture_too_large``, ``too_many_pictures`` or no picture at all) or
    StorageFailed. The same picture of the same party is added once.
    """
    if len(data) > LARGEST:
        raise PictureRefused(f"{len(data)} bytes", code="picture_too_large")
    mine = list(described(draft.pictures.all()))
    digest = sha256(data).hexdigest()
    beside = [one for one in mine if (one.series, one.party) == (series.public_id, party)]
    for one in beside:
        if one.sha256 == digest:
            return draft.pictures.get(public_id=one.id)
    if len(beside) >= MOST_PER_PARTY or len(mine) >= MOST_PER_DRAFT:
        raise PictureRefused(draft.public_id, code="too_many_pictures")
    shown = shared_pool().shrink(data, SHOWN_PIXELS)
    if shown is None or shown.media_type not in TAKEN:
        raise PictureRefused(name)
    organisation, public_id = draft.organisation, opaque_id()
    facts = {
        "party": party, "name": name, "media_type": shown.media_type, "size": len(data),
        "sha256": digest, "width": shown.width, "height": shown.height,
        "by": actor.name or actor.id,
    }  # fmt: skip
    with transaction.atomic():
        picture = PartyPicture.objects.create(
            public_id=public_id,
            organisation=organisation,
            series=series,
            draft=draft,
            created_at=at,
            payload=seal_json(organisation, public_id, "picture", facts),
            blob=store_blob(organisation, io.BytesIO(data), at=at),
            shown=store_blob(organisation, io.BytesIO(shown.data), at=at),
        )
        # No hash of it: the bundle that discloses this entry may not hold the picture.
        custody.append(
            event_id=f"acquisition.received:{public_id}",
            event="acquisition.received",
            actor=actor,
            subjects=[Subject("series", series.public_id)],
            details={"picture": public_id},
            at=at,
        )
    custody.sequence_pending()
    return picture


def described(pictures: Iterable[PartyPicture]) -> Iterator[PictureFacts]:
    """Yield what is known of each picture. Raises Corrupt when one does not open."""
    for one in pictures:
        facts: dict[str, Any] = open_json(one.organisation, one.public_id, "picture", one.payload)
        yield PictureFacts(
            id=one.public_id, series=one.series.public_id, at=one.created_at, **facts
        )


def pictures_of(draft: Draft) -> list[PictureFacts]:
    """Return the pictures of the draft, in the order they were added."""
    rows = draft.pictures.select_related("organisation", "series").order_by("pk")
    return list(described(rows))


def frozen_pictures(export: Export) -> dict[str, PartyPicture]:
    """Return the pictures frozen into ``export`` by their id."""
    rows = export.party_pictures.select_related(
        "organisation", "series", "blob__organisation", "shown__organisation"
    )
    return {one.public_id: one for one in rows}


def shown_bytes(picture: PartyPicture) -> bytes:
    """Return the copy that may be displayed: a JPEG of our own."""
    with open_blob(picture.shown) as stream:
        return stream.read()


def freeze_pictures(export: Export, ids: Sequence[str]) -> None:
    """Keep the pictures of ``ids`` for ``export``, whatever becomes of their draft."""
    if ids:
        rows = PartyPicture.objects.filter(organisation=export.organisation, public_id__in=ids)
        export.party_pictures.add(*rows)


def drop_party_picture(*, picture: PartyPicture) -> None:
    """Take a picture out of its draft; destroy it unless a bundle holds it."""
    with transaction.atomic():
        PartyPicture.objects.filter(pk=picture.pk).update(draft=None)
        destroy_pictures(PartyPicture.objects.filter(pk=picture.pk, exports=None))


def destroy_pictures(pictures: Iterable[PartyPicture]) -> None:
    """Destroy rows, keys and, after the commit, files. The caller holds the transaction."""
    found = list(pictures)
    blobs = {one.blob_id for one in found} | {one.shown_id for one in found}
    for one in found:
        one.delete()
    for name in unreferred_blobs(blobs):
        transaction.on_commit(partial(current().blobs.delete, name))
