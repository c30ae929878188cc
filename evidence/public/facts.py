"""What our own log and store say about a file we issued: never text from inside the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from evidence import custody
from evidence.access import issued_file
from evidence.actions.request_export import selection_parts
from evidence.models import Artifact, Export
from evidence.select import parse_ranges
from evidence.values import Ranges


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """An excerpt of one series. stored_by: the proven time by which it was in the store."""

    rows: int
    chosen: int
    first: int
    last: int
    gaps: int
    withheld: int
    stored_by: datetime | None

    @property
    def is_contiguous(self) -> bool:
        return self.gaps == 0


@dataclass(frozen=True, slots=True)
class Known:
    """An issued bundle, as its log records it."""

    bundle: str
    kind: str
    issued_at: datetime | None
    withdrawn_at: datetime | None
    superseded_by: str | None
    series: tuple[SeriesFacts, ...]


def known_facts(sha256: bytes) -> Known | None:
    """Return the facts of the issued file with this SHA-256, None for any other file."""
    artifact = issued_file(sha256)
    return None if artifact is None else _facts(artifact)


def _facts(artifact: Artifact) -> Known:
    export = artifact.export
    newer = export.superseded_by
    return Known(
        bundle=export.public_id,
        kind=artifact.kind,
        issued_at=export.issued_at,
        withdrawn_at=export.withdrawn_at,
        superseded_by=newer.public_id if newer else None,
        series=tuple(_series_facts(export)),
    )


def _series_facts(export: Export) -> Iterator[SeriesFacts]:
    rows = dict(export.selection.series.values_list("public_id", "size"))
    for part in selection_parts(export.selection):
        chosen: Ranges = parse_ranges(part["chosen"])
        yield SeriesFacts(
            rows=rows[part["series"]],
            chosen=len(chosen),
            first=chosen.spans[0][0],
            last=chosen.spans[-1][1],
            gaps=len(chosen.spans) - 1,
            withheld=len(part["withheld"]),
            stored_by=_stored_by(part["series"]),
        )


def _stored_by(series: str) -> datetime | None:
    """Return the time of the first stamp over the series' seal."""
    for logged in custody.entries_of("series", series, 1):
        checkpoint = custody.stamped_checkpoint_over(logged)
        stamp = checkpoint.stamps.order_by("gen_time").first() if checkpoint else None
        return stamp.gen_time if stamp else None
    return None
