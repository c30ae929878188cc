"""Read back what is stored: facts of a series, its messages with their seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from evidence.archive.keys import message_aads, open_json, series_key
from evidence.errors import Corrupt
from evidence.formats import canonical
from evidence.formats.message import FIELDS
from evidence.gateways import crypt
from evidence.models import Acquisition, Conversation, Series
from evidence.models import Message as MessageRow
from evidence.values import Message, Participant, Ranges

_BATCH = 2_000
_Raw = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was sent from ``first_at`` to ``last_at``; ``ends``: the message that ends it."""

    ends: int
    first_at: datetime
    last_at: datetime

    @property
    def days(self) -> int:
        """Whole days."""
        return (self.last_at - self.first_at).days


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """What people see of a series, decrypted."""

    id: str
    conversation: str
    acquisition: str
    title: str | None
    platform: str
    type: str | None
    custodian: str
    participants: tuple[Participant, ...]
    warnings: list[dict[str, str]]
    size: int
    first_at: datetime | None
    last_at: datetime | None
    sealed_at: datetime | None
    timezone: str | None
    source_name: str
    format: str
    parser: str
    unparsed: int
    missing_media: int = 0
    """Attachments that are named and not included."""
    silences: tuple[Silence, ...] = ()
    """The longest stretches of time without a message, in order."""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it was sealed: canonical JSON of all fields, and its seed.

    Both are empty once the message is erased, also while its row waits to be emptied; the leaf hash
    stays.
    """

    sequence: int
    fields: bytes
    seed: bytes
    leaf_hash: bytes
    sm3_leaf_hash: bytes | None

    @property
    def is_erased(self) -> bool:
        return not self.seed

    def message(self) -> Message:
        """Return the decoded message; ValueError once it is erased."""
        return decoded(self.fields)


def describe_acquisition(acquisition: Acquisition) -> dict[str, Any]:
    """Return the decrypted report of ``acquisition`` (name, size, sha256, answers, warnings)."""
    report: dict[str, Any] = open_json(
        acquisition.organisation, acquisition.public_id, "acquisition", acquisition.payload
    )
    return report


def describe_conversation(conversation: Conversation) -> dict[str, Any]:
    """Return ``{"platform", "title", "custodian"}`` of ``conversation``."""
    facts: dict[str, Any] = open_json(
        conversation.organisation, conversation.public_id, "conversation", conversation.payload
    )
    return facts


def describe_series(series: Series) -> SeriesFacts:
    """Return the decrypted facts of ``series``. Raises Corrupt when they do not open."""
    facts = open_json(series.organisation, series.public_id, "series", series.payload)
    report = describe_acquisition(series.acquisition)
    return SeriesFacts(
        id=series.public_id,
        conversation=series.conversation.public_id,
        acquisition=series.acquisition.public_id,
        title=facts["title"],
        platform=facts["platform"],
        type=facts["type"],
        custodian=facts["custodian"],
        participants=tuple(_participant(p) for p in facts["participants"]),
        warnings=facts["warnings"],
        size=series.size,
        first_at=series.first_at,
        last_at=series.last_at,
        sealed_at=series.sealed_at,
        timezone=report["answers"]["timezone"],
        source_name=report["name"],
        format=series.acquisition.format,
        parser=series.acquisition.parser_version,
        unparsed=facts["unparsed"],
        missing_media=facts.get("missing_media", 0),  # older series were not looked at for it
        silences=tuple(
            Silence(
                one["ends"], datetime.fromisoformat(one["from"]), datetime.fromisoformat(one["to"])
            )
            for one in facts.get("silences", [])
        ),
    )


def _participant(stored: dict[str, Any]) -> Participant:
    return Participant(**{**stored, "names": tuple(stored["names"])})


def messages(series: Series, ranges: Ranges | None = None) -> Iterator[StoredMessage]:
    """Yield the stored messages of ``series`` in sequence, those of ``ranges`` if given.

    Decrypts in batches; memory does not grow with length. Raises Corrupt (the store's fault)
    naming the first message that does not open.
    """
    columns = ("sequence", "payload", "leaf_hash", "sm3_leaf_hash")
    for plain, row in _plain(series, ranges, columns):
        sequence, _payload, leaf, sm3_leaf = row
        yield StoredMessage(sequence, plain[32:], plain[:32], bytes(leaf), _maybe(sm3_leaf))


def opened(series: Series, ranges: Ranges) -> Iterator[tuple[int, bytes]]:
    """Yield sequence and canonical JSON of all fields, empty once erased: what ``messages`` gives,
    in half the time. Raises Corrupt likewise."""
    for plain, row in _plain(series, ranges, ("sequence", "payload")):
        yield row[0], plain[32:]


def _plain(
    series: Series, ranges: Ranges | None, columns: Sequence[str]
) -> Iterator[tuple[bytes, Any]]:
    """Yield the decrypted payload of each message, empty once erased, and its row."""
    unseal = crypt.opener(series_key(series))
    aad = message_aads(series.organisation.public_id, series.public_id)
    is_erased = series.erased_at is not None
    for row in _rows(series, ranges, columns):
        sequence, payload = row[0], row[1]
        try:
            yield unseal(bytes(payload), aad(sequence)) if payload and not is_erased else b"", row
        except Corrupt as error:
            raise Corrupt(f"message {sequence}", where=f"{series.public_id}:{sequence}") from error


def decoded(data: bytes) -> Message:
    """Return the Message whose canonical JSON object of all fields is ``data``."""
    values = json.loads(data)
    if b'"wtf8"' in data:
        values = canonical.loads(data)
    return Message(**{name: values[name] for name in FIELDS})


def _rows(series: Series, ranges: Ranges | None, columns: Sequence[str]) -> Iterator[Any]:
    spans = ranges.spans if ranges is not None else ((1, series.size),)
    rows = MessageRow.objects.filter(series=series).order_by("sequence")
    for batch in _batches(spans):
        start, end = batch[0][0], batch[-1][1]
        if len(batch) == 1:
            wanted = rows.filter(sequence__gte=start, sequence__lte=end)
        else:
            numbers = [number for first, last in batch for number in range(first, last + 1)]
            wanted = rows.filter(sequence__in=numbers)
        found = list(wanted.values_list(*columns))
        if len(found) != sum(last - first + 1 for first, last in batch):
            raise Corrupt(
                f"rows {start}-{end}: {len(found)} found", where=f"{series.public_id}:{start}"
            )
        yield from found


def _batches(spans: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield ``spans`` cut and put together so that each list holds up to ``_BATCH`` numbers, all
    but the last as many."""
    batch: list[tuple[int, int]] = []
    room = _BATCH
    for first, last in spans:
        start = first
        while start <= last:
            end = min(last, start + room - 1)
            batch.append((start, end))
            room -= end - start + 1
            start = end + 1
            if not room:
                yield batch
                batch, room = [], _BATCH
    if batch:
        yield batch


def leaf_hashes(series: Series, *, sm3: bool = False) -> Iterator[bytes]:
    """Yield the leaf hashes of ``series`` up to its size in order, without any key."""
    column = "sm3_leaf_hash" if sm3 else "leaf_hash"
    rows = MessageRow.objects.filter(series=series, sequence__lte=series.size).order_by("sequence")
    for value in rows.values_list(column, flat=True).iterator(20_000):
        yield bytes(value)


def _maybe(value: _Raw | None) -> bytes | None:
    return None if value is None else bytes(value)
