"""RSMF 2.0: one file per conversation and day of the matter's time zone.

A day has 23, 24 or 25 hours as the zone has it. A file holds at most 10,000 events; a longer day
has further parts. A reply whose thread began outside the file brings the first message of its
thread along, marked ``context`` in its custom fields, and names it as parent. The header counts and
dates speak of every event in the file, context included; the slice stands in the conversation's
custom fields. Withheld messages and stretches that were not chosen stand as disclaimers without
content. Rows without a readable time stay with the row before them.

The same bundle and zone give the same bytes: JSON as RFC 8785 writes it, archive stored, sorted and
dated 1980, names and ids out of the sealed values.

Sources: the schema of RSMF 2.0 by its vendor; RFC 5322, RFC 2045 to 2047.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from evidence.exchange import rsmf_file
from evidence.exchange.disclosed import Exchange, ExchangeSeries, Load
from evidence.exchange.people import People, Person
from evidence.exchange.plain_text import one_line, readable, valid
from evidence.exchange.rsmf_events import customs, event_id, event_of
from evidence.exchange.slices import UNDATED, bounds, hours, local_time, zone_of
from evidence.exchange.spool import Record, Spool

MAX_EVENTS = 10_000
DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class RsmfFile:
    """One file written. events: context included; first and last: sequences of its own rows."""

    path: Path
    series: str
    day: str
    part: int
    events: int
    context: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Slice:
    day: str
    part: int
    places: array[int]
    context: array[int]


def write_rsmf(
    exchange: Exchange, folder: Path, *, zone: str | None = None, max_events: int = MAX_EVENTS
) -> list[RsmfFile]:
    """Write the RSMF files of ``exchange`` into ``folder`` and return them in order.

    zone: IANA zone whose days cut the files; without it the one stated for each series, or UTC.
    Raises ValueError for an unknown zone. Memory does not grow with the number of messages beyond
    some thirty bytes each.
    """
    if max_events < 2:
        raise ValueError("a reply and its context need two events")
    folder.mkdir(parents=True, exist_ok=True)
    written: list[RsmfFile] = []
    for place, series in enumerate(exchange.series, start=1):
        name = zone or series.zone or DEFAULT_ZONE
        with tempfile.TemporaryDirectory() as spooled:
            writer = _SeriesWriter(exchange, series, place, zone_of(name), Path(spooled))
            written += writer.write(folder, max_events)
    return written


class _SeriesWriter:
    def __init__(
        self, exchange: Exchange, series: ExchangeSeries, place: int, zone: ZoneInfo, spooled: Path
    ) -> None:
        self.exchange, self.series, self.place, self.zone = exchange, series, place, zone
        self.people = People(series.participants)
        self.spool = Spool(spooled)
        self.loads: dict[tuple[int, int], tuple[int, Load]] = {}

    def write(self, folder: Path, max_events: int) -> Iterator[RsmfFile]:
        self._lay_aside()
        for day, places in self.spool.days():
            for piece in self._parts(day, places, max_events):
                yield self._write_part(folder, piece)

    def _lay_aside(self) -> None:
        for row in self.series.rows():
            event = event_of(row, self.people, self.exchange, self.series.id)
            for _, place in event.files:
                file = row.files[place]
                if file.load is not None:
                    self.loads[row.sequence, place] = (file.size or 0, file.load)
            moment = local_time(event.value.get("timestamp"), self.zone)
            record = Record(
                sequence=row.sequence,
                utc=event.value.get("timestamp", ""),
                people=tuple(sorted(event.people)),
                files=event.files,
                event=_json(event.value),
                text=readable(event.text).encode(),
                is_gap=row.disclosure == "gap",
            )
            day = moment.date().isoformat() if moment is not None else None
            self.spool.add(record, day, event.thread)

    def _parts(self, day: str, places: array[int], max_events: int) -> Iterator[_Slice]:
        """Cut one day so that no part, with the context its replies need, is too long."""
        part, own, context = 1, array("Q"), dict[int, None]()
        mine = set[int]()
        for place in places:
            root = self.spool.root(place)
            more = 1 + (root is not None and root not in mine and root not in context)
            if own and len(own) + len(context) + more > max_events:
                yield _slice(day, part, own, context)
                part, own, context, mine = part + 1, array("Q"), {}, set()
            if root is not None and root not in mine:
                context[root] = None
            own.append(place)
            mine.add(place)
        yield _slice(day, part, own, context)

    def _write_part(self, folder: Path, piece: _Slice) -> RsmfFile:
        people: dict[str, None] = {}
        times: list[str] = []
        members: dict[str, tuple[int, Load]] = {}
        first = last = 0
        with rsmf_file.Body() as body:
            for record, is_context in self._records(piece):
                body.add_event(record.event, record.text)
                people.update(dict.fromkeys(record.people))
                if record.utc:
                    times.append(record.utc)
                for name, place in record.files:
                    members[name] = self.loads[record.sequence, place]
                if not is_context:
                    first, last = first or record.sequence, record.sequence
            facts = self._facts(piece, list(people), times, len(members))
            path = folder / self._name(piece)
            with path.open("wb") as out:
                rsmf_file.write(out, facts, body, members)
        return RsmfFile(
            path=path,
            series=self.series.id,
            day=piece.day,
            part=piece.part,
            events=len(piece.places) + len(piece.context),
            context=len(piece.context),
            first=first,
            last=last,
        )

    def _records(self, piece: _Slice) -> Iterator[tuple[Record, bool]]:
        for record in self.spool.read(piece.context):
            yield _as_context(record), True
        for place, record in zip(piece.places, self.spool.read(piece.places), strict=True):
            root = self.spool.root(place)
            yield record if root is None else self._with_parent(record, root), False

    def _with_parent(self, record: Record, root: int) -> Record:
        value = json.loads(record.event)
        value["parent"] = event_id(self.spool.sequence(root))
        return replace(record, event=_json(value))

    def _name(self, piece: _Slice) -> str:
        return f"{self.place:02d}-{self.series.id[:8]}-{piece.day}-{piece.part:02d}.rsmf"

    def _facts(
        self, piece: _Slice, keys: list[str], times: list[str], attachments: int
    ) -> rsmf_file.Facts:
        series = self.series
        owner = self.people.owner()
        everybody = self._everybody(keys)
        title = one_line(series.title) or series.id[:8]
        conversation: dict[str, object] = {
            "custom": customs(self._slice_facts(piece)),
            "display": valid(series.title) or title,
            "id": series.id,
            "participants": [one.key for one in everybody],
            "platform": one_line(series.platform) or "unknown",
            "type": "direct" if len(everybody) <= 2 else "channel",
        }
        if owner is not None:
            conversation["custodian"] = owner.key
        part = f", part {piece.part}" if piece.part > 1 else ""
        return rsmf_file.Facts(
            subject=f"{title} ({series.platform}), {piece.day}{part}",
            application=series.platform,
            custodian=series.custodian or (owner.display if owner else ""),
            sender=owner or (everybody[0] if everybody else None),
            people=tuple(everybody),
            conversation=conversation,
            participants=tuple(_participant(one) for one in everybody),
            times=(min(times, key=_moment), max(times, key=_moment)) if times else None,
            created=self.exchange.created,
            zone=self.zone,
            events=len(piece.places) + len(piece.context),
            attachments=attachments,
            collection=series.id,
            message_id=self._message_id(piece),
        )

    def _message_id(self, piece: _Slice) -> str:
        name = f"{self.exchange.bundle} {self.series.id} {piece.day} {piece.part}"
        return sha256(name.encode()).hexdigest()[:32]

    def _everybody(self, keys: list[str]) -> list[Person]:
        """Return those the bundle names and those this file names, in order of appearance."""
        known = {one.key for one in self.series.participants} | set(keys)
        return [one for one in self.people.all() if one.key in known]

    def _slice_facts(self, piece: _Slice) -> Mapping[str, str]:
        series = self.series
        facts = {
            "bundle": self.exchange.bundle,
            "series": series.id,
            "series_rows": str(series.size),
            "series_root": series.root,
            "parser": series.parser,
            "slice": piece.day,
            "slice_part": str(piece.part),
            "time_zone": self.zone.key,
            "zone_stated_at_acquisition": series.zone or "",
        }
        if piece.day != UNDATED:
            first, end = bounds(piece.day, self.zone)
            facts |= {
                "slice_begin": first.isoformat(),
                "slice_end": end.isoformat(),
                "slice_hours": hours(first, end),
            }
        return facts


def _slice(day: str, part: int, own: array[int], context: Mapping[int, None]) -> _Slice:
    mine = set(own)
    return _Slice(day, part, own, array("Q", sorted(one for one in context if one not in mine)))


def _as_context(record: Record) -> Record:
    value = json.loads(record.event)
    value["custom"].insert(1, {"name": "context", "value": "true"})
    return replace(record, event=_json(value))


def _participant(person: Person) -> dict[str, object]:
    found: dict[str, object] = {"display": valid(person.display) or person.key, "id": person.key}
    if person.platform_id:
        found["account_id"] = valid(person.platform_id)
    if len(person.names) > 1:
        found["custom"] = customs({"other_names": "; ".join(person.names[1:])})
    return found


_moment = datetime.fromisoformat


_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _json(value: object) -> bytes:
    text = _encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return valid(text).encode()
