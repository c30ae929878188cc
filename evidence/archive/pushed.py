"""What is kept of a push stream: where it stands, what is missing in it, which batches it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from evidence.archive.keys import keyed, open_json, seal_json
from evidence.formats import canonical, series_head
from evidence.models import Organisation, PushBatch, PushStream, Series
from evidence.seal import Seal
from evidence.values import Json

FORMAT = "push"
"""Format code of a delivery that comes batch by batch."""
PARSER_NAME, PARSER_VERSION = "push", "1"


@dataclass(slots=True)
class StreamGap:
    """Positions after ``first`` up to ``last`` that were declared missing.

    batch: the number that declared it; row: the sequence that says so. filled: what came later,
    each ``[first, last, batch]``.
    """

    first: int
    last: int
    reason: str
    batch: int
    row: int
    filled: list[list[int]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """True while some of it has not come."""
        return sum(last - first for first, last, _ in self.filled) < self.last - self.first


@dataclass(slots=True)
class StreamState:
    """Where a stream stands. cursor: the provider's position; hash: of the last batch (hex)."""

    provider: str
    account: str
    conversation: str
    title: str | None
    type: str
    cursor: int
    hash: str | None = None
    size: int = 0
    root: str = ""
    sm3_root: str | None = None
    frontier: list[str] = field(default_factory=list)
    sm3_frontier: list[str] | None = None
    first_utc: str | None = None
    last_utc: str | None = None
    received_bytes: int = 0
    gaps: list[StreamGap] = field(default_factory=list)

    def seal(self) -> Seal | None:
        """Return the seal to go on from, None before the first batch."""
        if not self.hash:
            return None
        return Seal(
            size=self.size,
            root=bytes.fromhex(self.root),
            sm3_root=None if self.sm3_root is None else bytes.fromhex(self.sm3_root),
            first_utc=self.first_utc,
            last_utc=self.last_utc,
            frontier=tuple(map(bytes.fromhex, self.frontier)),
            sm3_frontier=None
            if self.sm3_frontier is None
            else tuple(map(bytes.fromhex, self.sm3_frontier)),
        )

    def stands_at(self, seal: Seal) -> None:
        """Note the seal after a batch."""
        self.size, self.root = seal.size, seal.root.hex()
        self.sm3_root = None if seal.sm3_root is None else seal.sm3_root.hex()
        self.frontier = [one.hex() for one in seal.frontier]
        twin = seal.sm3_frontier
        self.sm3_frontier = None if twin is None else [one.hex() for one in twin]
        self.first_utc, self.last_utc = seal.first_utc, seal.last_utc


def stream_state(stream: PushStream) -> StreamState:
    """Return where ``stream`` stands. Raises Corrupt when it does not open."""
    found: dict[str, Any] = open_json(
        stream.organisation, stream.public_id, "push_stream", stream.payload
    )
    gaps = [StreamGap(**one) for one in found.pop("gaps")]
    return StreamState(**found, gaps=gaps)


def sealed_state(organisation: Organisation, public_id: str, state: StreamState) -> bytes:
    """Return ``state`` encrypted for the stream ``public_id``."""
    return seal_json(organisation, public_id, "push_stream", asdict(state))


def stream_identity(
    organisation: Organisation, provider: str, account: str, conversation: str
) -> bytes:
    """Return the key by which the stream of a conversation is found."""
    return keyed(organisation, "push_stream", provider, account, conversation)


def batch_fingerprint(organisation: Organisation, batch_hash: bytes) -> bytes:
    """Return the key by which a batch is known again."""
    return keyed(organisation, "push_batch", batch_hash.hex())


def attachment_name(organisation: Organisation, sha256: str) -> bytes:
    """Return the key by which bytes handed over for a stream are found."""
    return keyed(organisation, "push_attachment", sha256)


def batch_facts(batch: PushBatch) -> dict[str, Any]:
    """Return the decrypted facts of an accepted batch."""
    stream = batch.stream
    facts: dict[str, Any] = open_json(
        stream.organisation, f"{stream.public_id}/{batch.number}", "push_batch", batch.payload
    )
    return facts


def is_growing(series: Series) -> bool:
    """True when further batches can add rows to ``series``."""
    return series.acquisition.format == FORMAT


def gaps_of(series: Series) -> list[StreamGap]:
    """Return what is missing in a pushed series, nothing for any other."""
    if not is_growing(series) or series.erased_at is not None:
        return []
    stream = PushStream.objects.select_related("organisation").filter(series=series).first()
    return stream_state(stream).gaps if stream else []


def cut_of(series: Series) -> dict[str, Json]:
    """Return where a growing series stands: all that later batches would change in its row."""
    return {
        "head": bytes(series.head).decode(),
        "payload": bytes(series.payload).hex(),
        "sealed_at": series.sealed_at.isoformat() if series.sealed_at else None,
    }


def cut_back(series: Series, cut: Mapping[str, Any]) -> None:
    """Let ``series``, not saved, be what it was when ``cut_of`` was asked. Erased stays erased."""
    head = series_head.read(canonical.loads(cut["head"].encode()))
    series.size, series.root, series.sm3_root = head.size, head.root, head.sm3_root
    series.head = cut["head"].encode()
    series.first_at, series.last_at = _at(head.first_utc), _at(head.last_utc)
    series.sealed_at = _at(cut["sealed_at"])
    if series.erased_at is None:
        series.payload = bytes.fromhex(cut["payload"])


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def heads_of(stream: PushStream) -> Iterator[tuple[int, bytes]]:
    """Yield (rows, canonical head) after every batch, in order."""
    rows = PushBatch.objects.filter(stream=stream).order_by("number")
    for size, head in rows.values_list("size", "head").iterator(1_000):
        yield size, bytes(head)
