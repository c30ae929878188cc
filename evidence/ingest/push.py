"""Rows of a series from the batches a chat cloud pushes (``formats.push``).

What the provider wrote of a message stays beside the row as ``source_text``, byte for byte; where it
stands in which batch is the row's ``source``. A gap the provider declares becomes a row of its own,
and so does the filling of one: the series itself says what is missing in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from evidence.formats import canonical, push
from evidence.ingest.clock import offset_text
from evidence.ingest.rows import MOST_NAMES, clean
from evidence.values import Json, Message, Participant

GAP, GAP_FILLED = "push_gap", "push_gap_filled"
"""Templates of the rows we write ourselves."""


class PushedPeople:
    """Who spoke in a stream so far. account: the provider's id of the custodian."""

    def __init__(self, account: str, known: Iterable[Participant] = ()) -> None:
        self._account = account
        self._known = {str(one.platform_id): one for one in known}
        self._senders: dict[tuple[str, str], dict[str, Json]] = {}

    def sender(self, platform_id: str, name: str) -> dict[str, Json]:
        """Return the ``sender`` of a message, the person noted if new."""
        found = self._senders.get((platform_id, name))
        if found is None:
            shown = clean(name) or platform_id
            key = self._noted(platform_id, shown).key
            found = {"key": key, "name": shown, "id": platform_id}
            self._senders[platform_id, name] = found
        return found

    def count(self, spoken: Iterable[tuple[str, int]]) -> None:
        """Add the rows of a batch: (platform id, sequence) of each that has a sender, ascending."""
        first: dict[str, int] = {}
        last: dict[str, int] = {}
        counts: dict[str, int] = {}
        for platform_id, sequence in spoken:
            first.setdefault(platform_id, sequence)
            last[platform_id] = sequence
            counts[platform_id] = counts.get(platform_id, 0) + 1
        for platform_id, number in counts.items():
            one = self._known[platform_id]
            self._known[platform_id] = replace(
                one,
                message_count=one.message_count + number,
                first_sequence=one.first_sequence or first[platform_id],
                last_sequence=last[platform_id],
            )

    def all(self) -> tuple[Participant, ...]:
        """Return everybody, in the order of first appearance."""
        return tuple(self._known.values())

    def _noted(self, platform_id: str, name: str) -> Participant:
        found = self._known.get(platform_id)
        if found is None:
            found = Participant(
                key=f"p{len(self._known) + 1}",
                names=(name,),
                platform_id=platform_id,
                is_owner=platform_id == self._account,
            )
        elif name not in found.names and len(found.names) < MOST_NAMES:
            found = replace(found, names=(*found.names, name))
        self._known[platform_id] = found
        return found


def batch_file(number: int) -> str:
    """Return what the rows of batch ``number`` name as their source."""
    return f"batch-{number:08d}.ndjson"


def rows(batch: push.Batch, people: PushedPeople, after: int) -> Iterator[Message]:
    """Yield the rows of ``batch`` for a series of ``after`` rows, those we write ourselves first.

    Raises ValueError (the provider's fault) naming the line that is no message of the format.
    """
    file = batch_file(batch.envelope.number)
    sequence = after
    note = _note(batch, file, after + 1)
    if note is not None:
        sequence += 1
        yield note
    for offset, line, value in push.messages(batch):
        sequence += 1
        yield _row(sequence, file, offset, line, value, people)


def _row(
    sequence: int,
    file: str,
    offset: int,
    line: bytes,
    value: dict[str, Any],
    people: PushedPeople,
) -> Message:
    get = value.get
    sender = get("sender")
    return Message(
        sequence=sequence,
        kind=value["kind"],
        source={"file": file, "offset": offset, "length": len(line)},
        source_text=line.decode(),
        platform_id=value["platform_id"],
        time_raw=value["time_raw"],
        time=time_of(value["time_raw"]),
        sender=people.sender(sender["id"], sender["name"]) if sender else None,
        direction=get("direction"),
        body=get("body"),
        reply_to=_reply(get("reply_to")),
        forward=get("forward"),
        edits=get("edits") or [],
        deletion=get("deletion"),
        reactions=get("reactions") or [],
        receipts=get("receipts") or [],
        attachments=[_attachment(one) for one in get("attachments") or ()],
        system=get("system"),
        details=_details(value),
    )


def time_of(raw: str) -> dict[str, Json]:
    """Return the ``time`` of an RFC 3339 time with offset. Raises ValueError for no real moment."""
    try:
        moment = datetime.fromisoformat(raw)
        offset = moment.utcoffset()
        utc = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such time: {raw}") from error
    if offset is None:
        raise ValueError("time_raw states no offset")
    is_fine = "." in raw
    return {
        "utc": utc.isoformat(timespec="milliseconds" if is_fine else "seconds") + "Z",
        "offset": offset_text(offset),
        "zone": None,
        "basis": "offset",
        "precision": "millisecond" if is_fine else "second",
        "ambiguous": False,
    }


def _note(batch: push.Batch, file: str, sequence: int) -> Message | None:
    """Return the row that says what is missing, or that it came after all; None without either."""
    gap, fills = batch.envelope.gap, batch.envelope.fills
    stated = gap or fills
    if stated is None:
        return None
    text = canonical.dumps(stated.value())
    values: dict[str, Json] = {"after": str(stated.first), "up_to": str(stated.last)}
    if gap is not None:
        values["reason"] = gap.reason
    return Message(
        sequence=sequence,
        kind="system",
        source={"file": file, "offset": batch.line.index(text), "length": len(text)},
        source_text=text.decode(),
        time_raw=batch.envelope.time,
        time=None,
        system={"template": GAP if gap is not None else GAP_FILLED, "values": values},
    )


def _reply(value: dict[str, Any] | None) -> dict[str, Json] | None:
    if value is None:
        return None
    return {"platform_id": value["platform_id"], "sequence": None, "quote": value["quote"]}


def _attachment(value: dict[str, Any]) -> Json:
    return {
        "name": value["name"],
        "kind": value["kind"],
        "media_type": value["media_type"],
        "declared_size": None,
        "duration": None,
        "included": value["sha256"] is not None,
        "member": value["sha256"],
        "size": value["size"],
        "sha256": value["sha256"],
    }


def _details(value: dict[str, Any]) -> dict[str, Json] | None:
    given = dict(value.get("details") or {})
    for name in ("edit_of", "recall_of"):
        if value.get(name) is not None:
            given[name] = value[name]
    return given or None
