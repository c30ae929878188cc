"""One door for all formats: what was written, in the same words for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evidence.exchange.case_graph import write_case
from evidence.exchange.csv_table import write_csv
from evidence.exchange.disclosed import Exchange
from evidence.exchange.load_file import write_load_file
from evidence.exchange.rsmf import write_rsmf


@dataclass(frozen=True, slots=True)
class Converted:
    """What one conversion wrote. counts: what it holds, by name; files: those a reader starts from."""

    format: str
    files: tuple[Path, ...]
    counts: dict[str, int]


def convert(exchange: Exchange, format: str, folder: Path, *, zone: str | None = None) -> Converted:
    """Write ``exchange`` as ``format``, one of ``FORMATS``, into ``folder`` and return what was written.

    zone: IANA zone of the days and local times of RSMF and DAT; see there.
    Raises ValueError for an unknown format or zone, OSError when the folder cannot be written.
    """
    if format not in FORMATS:
        raise ValueError(f"no such format: {format[:40]}")
    folder.mkdir(parents=True, exist_ok=True)
    return _WRITERS[format](exchange, folder, zone)


def _rsmf(exchange: Exchange, folder: Path, zone: str | None) -> Converted:
    files = write_rsmf(exchange, folder, zone=zone)
    context = sum(one.context for one in files)
    events = sum(one.events for one in files)
    counts = {"files": len(files), "events": events, "context": context}
    return Converted("rsmf", tuple(one.path for one in files), counts)


def _dat(exchange: Exchange, folder: Path, zone: str | None) -> Converted:
    made = write_load_file(exchange, folder, zone=zone)
    counts = {
        "records": made.records,
        "messages": made.messages,
        "attachments": made.attachments,
        "pages": made.pages,
        "changes": made.changes,
    }
    data = sorted((made.folder / "DATA").iterdir())
    return Converted("dat", tuple(data), counts)


def _case(exchange: Exchange, folder: Path, zone: str | None) -> Converted:
    path = folder / f"custody-{exchange.bundle}.jsonld"
    return Converted("case", (path,), {"entries": write_case(exchange, path)})


def _csv(exchange: Exchange, folder: Path, zone: str | None) -> Converted:
    path = folder / f"messages-{exchange.bundle}.csv"
    return Converted("csv", (path,), {"rows": write_csv(exchange, path)})


_WRITERS: dict[str, Callable[[Exchange, Path, str | None], Converted]] = {
    "rsmf": _rsmf,
    "dat": _dat,
    "case": _case,
    "csv": _csv,
}
FORMATS = tuple(_WRITERS)
