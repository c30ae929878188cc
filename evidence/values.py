"""Frozen values handed between rooms. No behaviour beyond what names and shapes need.

Times: aware ``datetime`` where a room computes with them; RFC 3339 strings ending in ``Z`` where
they are sealed. Sequences, numbers and Bates numbers are 1-based; a message's ``sequence`` is
both the number people see and its position in the sealed tree (leaf index + 1).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

API_RESOURCES = (
    "acquisitions", "conversations", "matters", "selections", "exports", "holds", "webhooks",
    "push",
)  # fmt: skip
API_SCOPES = tuple(f"{resource}:{verb}" for resource in API_RESOURCES for verb in ("read", "write"))
"""Every right a client of the API can have: a resource, and reading or changing it."""
MATTER_SCOPE = "matter:"
"""Before the id of a matter among the scopes: the client reaches this one and others so named only."""

WEBHOOK_EVENTS = (
    "acquisition.sealed", "export.ready", "export.failed", "export.cancelled", "bundle.withdrawn",
    "bundle.superseded", "hold.placed", "hold.released",
)  # fmt: skip
"""What a webhook can be told of; ``webhook.ping`` besides, which tries one out."""

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

MESSAGE_KINDS = (
    "text", "image", "voice", "video", "file", "sticker", "location", "contact", "link",
    "call", "transfer", "merged", "poll", "recalled", "system", "other", "unparsed",
)  # fmt: skip
"""Closed list. ``recalled``: a deleted or recalled message of which only a notice is left;
``system``: joins, renames, notices; ``other``: a message whose product type we do not know but
whose fields we read; ``unparsed``: source bytes no rule fits."""


@dataclass(frozen=True, slots=True)
class Message:
    """One row of a series, field for field as it is sealed (see ``formats/message``).

    Every field holds a canonical JSON value (str, bool, int < 2**53, None, list, dict); text may
    hold lone surrogates. Absent is None for single values and an empty list for vectors.
    """

    sequence: int
    kind: str
    source: dict[str, Json]
    """``{"file": member name ("" for a bare file), "offset": int, "length": int}`` in bytes."""
    source_text: Json
    """The source slice as text (``{"hex": …}`` when it is not valid UTF-8)."""
    platform_id: str | None = None
    time_raw: str | None = None
    time: dict[str, Json] | None = None
    """``{"utc": "…Z", "offset": "+08:00", "zone": IANA name or None, "basis":
    "epoch"|"offset"|"stated_zone", "precision": "minute"|"second"|"millisecond",
    "ambiguous": bool}``; None when the source states no readable time."""
    sender: dict[str, Json] | None = None
    """``{"key": "p1", "name": str, "id": str or None}``; key is stable within the series."""
    direction: str | None = None
    """``"in"``, ``"out"`` or None when the source does not say who the owner is."""
    body: str | None = None
    reply_to: dict[str, Json] | None = None
    """``{"platform_id", "sequence", "quote"}``, each a value or None."""
    forward: dict[str, Json] | None = None
    """``{"from": str or None, "time_raw": str or None}``."""
    edits: list[Json] = field(default_factory=list)
    """Each ``{"time_raw", "utc", "previous"}``; previous is None where the source kept none."""
    deletion: dict[str, Json] | None = None
    """``{"by": str or None, "time_raw": str or None}``."""
    reactions: list[Json] = field(default_factory=list)
    """Each ``{"emoji": str, "count": int or None, "senders": [names]}``."""
    receipts: list[Json] = field(default_factory=list)
    """Each ``{"participant": str, "action": "delivered"|"read", "time_raw": str or None}``."""
    attachments: list[Json] = field(default_factory=list)
    """Each ``{"name", "kind", "media_type", "declared_size", "duration", "included": bool,
    "member": archive member or None, "size": int or None, "sha256": hex or None}``."""
    system: dict[str, Json] | None = None
    """``{"template": code, "values": {…}}`` of a recognised system row."""
    details: dict[str, Json] | None = None
    """What only this kind has: call, transfer, location, contact, link, poll, sticker; strings."""
    warnings: list[Json] = field(default_factory=list)
    """Codes, for example ``possible_forgery``, ``time_backwards``, ``ambiguous_local_time``."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Who speaks in a series, as the source names them; identity is never checked here."""

    key: str
    names: tuple[str, ...]
    """Display names in order of first appearance, at least one."""
    platform_id: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    """Phone, e-mail, remark … as the source gives them."""
    is_owner: bool = False
    message_count: int = 0
    first_sequence: int = 0
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class Ranges:
    """Ascending, non-overlapping, non-adjacent inclusive ranges of 1-based sequences."""

    spans: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        before = -1
        for first, last in self.spans:
            if first < 1 or last < first or first <= before + 1:
                raise ValueError(f"ranges are not ascending and apart: {self.spans}")
            before = last

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)

    def __contains__(self, sequence: object) -> bool:
        if not isinstance(sequence, int):
            return False
        place = bisect_right(self.spans, sequence, key=lambda span: span[0])
        return place > 0 and sequence <= self.spans[place - 1][1]

    def __str__(self) -> str:
        return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in self.spans)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as the custody log names them.

    kind: ``person``, ``client`` (an integration), ``system`` or ``operator`` (command line).
    id: opaque id of the person or client, or the operator's account on the host.
    """

    kind: str
    id: str
    name: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What a custody entry is about: ``series``, ``matter``, ``bundle``, ``acquisition``,
    ``organisation`` or ``log``, with its opaque id."""

    kind: str
    id: str
