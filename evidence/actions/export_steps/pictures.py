"""The pictures frozen into an export, beside the participants it names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from evidence.actions.export_steps.parts import Part
from evidence.actions.party_pictures import (
    PictureFacts,
    described,
    frozen_pictures,
    shown_bytes,
)
from evidence.actions.request_export import ExportOptions
from evidence.archive.blobs import open_blob
from evidence.errors import Corrupt
from evidence.formats import bundle, shape
from evidence.formats.manifest import PartyPicture as Stated
from evidence.models import Export, PartyPicture
from evidence.render import exhibit as e

_ENDINGS = {"image/jpeg": "a.jpg", "image/png": "a.png", "image/webp": "a.webp"}


@dataclass(frozen=True, slots=True)
class Placed:
    """One picture with its place in the bundle."""

    row: PartyPicture
    facts: PictureFacts
    path: str

    def stated(self) -> Stated:
        """Return the picture as the manifest states it."""
        return Stated(
            path=self.path,
            name=self.facts.name,
            media_type=self.facts.media_type,
            size=self.facts.size,
            sha256=bytes.fromhex(self.facts.sha256),
            by=self.facts.by,
            supplied=shape.utc_text(self.facts.at.astimezone(UTC).replace(microsecond=0)),
        )

    def drawn(self) -> e.PartyPicture:
        """Return the picture as the exhibit prints it: the copy of our own, never the file."""
        return e.PartyPicture(
            load=partial(shown_bytes, self.row),
            width=self.facts.width,
            height=self.facts.height,
            name=self.facts.name,
            size=self.facts.size,
            sha256=self.facts.sha256,
            path=self.path,
            by=self.facts.by,
            supplied=self.facts.at,
        )


class Pictures:
    """The pictures of one export, found once."""

    def __init__(self, export: Export, options: ExportOptions) -> None:
        self._options = options
        wanted = any(party.pictures for party in options.parties)
        self._rows = frozen_pictures(export) if wanted else {}

    def of(self, series: str, key: str) -> list[Placed]:
        """Return the pictures beside the participant ``key`` of ``series``, in order.

        Raises Corrupt when one was destroyed since.
        """
        party = self._options.party(series, key)
        ids = party.pictures if party else ()
        missing = [one for one in ids if one not in self._rows]
        if missing:
            raise Corrupt("a picture is gone", code="stored_bytes_missing", where=missing[0])
        found = [self._rows[one] for one in ids]
        return [
            Placed(row, facts, bundle.picture_path(series, key, number, _ENDINGS[facts.media_type]))
            for number, (row, facts) in enumerate(zip(found, described(found), strict=True), 1)
        ]


def copy_pictures(parts: list[Part], pictures: Pictures, bag: Path) -> None:
    """Copy every picture beside a participant who is named; each must still fit its hash."""
    for placed in _placed(parts, pictures):
        path = bag / placed.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_blob(placed.row.blob) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        if sha256(path.read_bytes()).hexdigest() != placed.facts.sha256:
            raise Corrupt("a picture does not fit its hash", where=placed.facts.id)


def _placed(parts: list[Part], pictures: Pictures) -> Iterator[Placed]:
    for part in parts:
        for one in part.named():
            yield from pictures.of(part.series.public_id, one.key)


def stated_pictures(placed: list[Placed]) -> dict[str, Any]:
    """Return the member ``pictures`` of what is stated, nothing where there are none."""
    return {"pictures": [one.stated().value() for one in placed]} if placed else {}
