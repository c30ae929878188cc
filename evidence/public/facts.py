"""What our own log and store say about what we issued: never text from inside the file.

Whoever holds the bytes, their SHA-256 or the bundle id gets to know this; nobody can guess any of
them. What was never issued looks like what never was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from evidence import custody
from evidence.access import issued_bundle, issued_file
from evidence.actions.request_export import selection_parts
from evidence.models import Artifact, Export
from evidence.select import parse_ranges
from evidence.values import Ranges

MOST_ENTRIES = 200
"""Custody entries shown; every download adds one, so a page must end somewhere."""


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
class ReleasedFile:
    """A file that was issued with the bundle."""

    kind: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CustodyLine:
    """One entry of the bundle's own chain: what happened and when.

    Who did it and from where is left out: the entry names people to those who keep the log, and this
    is read by whoever got hold of a copy. The digest ties the line to the published log.
    """

    place: int
    time: str
    event: str
    actor_kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """An issued bundle, as its log records it.

    kind, sha256: of the file that was asked about; None when the bundle itself was.
    stamped_at: the proven time over the entry that records the issue; None while it is pending.
    """

    bundle: str
    kind: str | None
    sha256: str | None
    issued_at: datetime | None
    withdrawn_at: datetime | None
    superseded_by: str | None
    renewed: tuple[str, ...]
    stamped_at: datetime | None
    series: tuple[SeriesFacts, ...]
    files: tuple[ReleasedFile, ...]
    custody: tuple[CustodyLine, ...]
    has_more_custody: bool
    log_origin: str

    @property
    def chosen(self) -> int:
        return sum(one.chosen for one in self.series)

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.series)

    @property
    def gaps(self) -> int:
        return sum(one.gaps for one in self.series)

    @property
    def withheld(self) -> int:
        return sum(one.withheld for one in self.series)


def known_file(sha256: bytes) -> Known | None:
    """Return the facts of the issued file with this SHA-256, None for any other file."""
    artifact = issued_file(sha256)
    return None if artifact is None else _facts(artifact.export, artifact)


def known_bundle(bundle: str) -> Known | None:
    """Return the facts of the issued bundle with this id, None for any other text."""
    export = issued_bundle(bundle)
    return None if export is None else _facts(export, None)


def _facts(export: Export, artifact: Artifact | None) -> Known:
    newer = export.superseded_by
    logged = list(islice(custody.entries_of("bundle", export.public_id), MOST_ENTRIES + 1))
    issued = next((one for one in logged if one.entry.event == "export.issued"), None)
    return Known(
        bundle=export.public_id,
        kind=artifact.kind if artifact else None,
        sha256=bytes(artifact.sha256).hex() if artifact else None,
        issued_at=export.issued_at,
        withdrawn_at=export.withdrawn_at,
        superseded_by=newer.public_id if newer else None,
        renewed=tuple(one.entry.time for one in logged if one.entry.event == "bundle.renewed"),
        stamped_at=_stamped_at(issued) if issued else None,
        series=tuple(_series_facts(export)),
        files=tuple(_files(export)),
        custody=tuple(map(_custody_line, logged[:MOST_ENTRIES])),
        has_more_custody=len(logged) > MOST_ENTRIES,
        log_origin=logged[-1].epoch.origin if logged else "",
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


def _files(export: Export) -> Iterator[ReleasedFile]:
    order = {kind: place for place, kind in enumerate(("zip", "receipt", "pdf"))}
    found = sorted(export.artifacts.all(), key=lambda one: (order[one.kind], one.name))
    for artifact in found:
        yield ReleasedFile(artifact.kind, artifact.size, bytes(artifact.sha256).hex())


def _custody_line(logged: custody.Logged) -> CustodyLine:
    return CustodyLine(
        place=logged.place,
        time=logged.entry.time,
        event=logged.entry.event,
        actor_kind=logged.entry.actor.kind,
        digest=logged.digest.hex(),
    )


def _stored_by(series: str) -> datetime | None:
    """Return the time of the first stamp over the series' seal."""
    for logged in custody.entries_of("series", series, 1):
        return _stamped_at(logged)
    return None


def _stamped_at(logged: custody.Logged) -> datetime | None:
    checkpoint = custody.stamped_checkpoint_over(logged)
    stamp = checkpoint.stamps.order_by("gen_time").first() if checkpoint else None
    return stamp.gen_time if stamp else None
