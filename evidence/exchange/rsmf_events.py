"""One row of a series as one event of an RSMF 2.0 manifest.

Nothing is dropped: what RSMF has no place for stands in ``custom``, each value a text that is not
empty. Custom names of an event, in this order where they apply:
    number            place in the sealed series, from 1
    message_hash      leaf hash of the sealed message, hex
    context           "true": this event belongs to an earlier slice and stands here for its replies
    disclosure        partly, withheld or gap; absent when the message is shown whole
    withheld, reason  what is not disclosed, and why
    gap_last          last number of the messages a gap stands for
    kind              kind of row, unless it is plain text
    time_utc          interpreted time, where it is no RFC 3339 time
    time_raw, time_basis, time_offset, time_zone, time_precision, time_ambiguous
    source_file, source_offset, source_length    where the row stood in the delivered file, in bytes
    platform_id, bates
    reply_to_number, reply_to_platform_id, reply_quote
    forward_from, forward_time, deleted_by, deleted_time
    body_wtf8         exact bytes of the body, where it is not valid Unicode
    body_from         the field shown as body, where the row has no body of its own
    attachment_N…     attachments the bundle does not hold
    edit_times, receipt_times    times as written, where the source gave no readable ones
    system, details, warnings
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evidence.exchange.disclosed import ALL, Exchange, ExchangeRow, string
from evidence.exchange.people import People
from evidence.exchange.plain_text import exact, valid
from evidence.values import Json

JOINS = frozenset({
    "join", "joined", "member_joined", "member_added", "added", "invite_members",
    "join_group_by_link", "join_group_by_request",
})  # fmt: skip
LEAVES = frozenset({"leave", "left", "member_left", "member_removed", "removed", "remove_members"})
_UNSPOKEN = frozenset({"system", "unparsed", "other"})
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
Custom = dict[str, str]


@dataclass(frozen=True, slots=True)
class Event:
    """An event before its parent is known. thread: number of the message replied to, 0 if none."""

    value: dict[str, Any]
    people: frozenset[str]
    thread: int
    files: tuple[tuple[str, int], ...]
    """(name in the archive, place in the row's files)."""
    text: str


def event_of(row: ExchangeRow, people: People, exchange: Exchange, conversation: str) -> Event:
    """Return the event of ``row``; ``people`` grows by those it names."""
    if row.disclosure == "gap":
        return _gap(row, conversation)
    value: dict[str, Any] = {"conversation": conversation, "id": event_id(row.sequence)}
    custom = _standing(row, exchange)
    sender = people.of_sender(row.mapping("sender"))
    if sender is not None:
        value["participant"] = sender
    utc = row.utc()
    if _is_timestamp(utc):
        value["timestamp"] = utc
    else:
        custom["time_utc"] = utc or ""
    value["type"] = _type(row, sender)
    direction = {"in": "incoming", "out": "outgoing"}.get(str(row.fields.get("direction")))
    if direction is not None:
        value["direction"] = direction
    if row.mapping("deletion") or row.fields.get("kind") == "recalled":
        value["deleted"] = True
    body = _body(row, custom)
    if body is not None:
        value["body"] = valid(body)
    met = {sender} if sender is not None else set()
    # Most rows have none of these; asking first saves a third of the time.
    if row.fields.get("reactions"):
        _reactions(row, people, value, met)
    if row.fields.get("receipts"):
        _receipts(row, people, value, custom, met)
    if row.fields.get("edits"):
        _edits(row, people, sender, value, custom, met)
    files = _files(row, value, custom) if row.files else ()
    _other_facts(row, custom)
    value["custom"] = customs(custom)
    thread = row.mapping("reply_to").get("sequence")
    return Event(
        value=value,
        people=frozenset(met),
        thread=thread if isinstance(thread, int) and not isinstance(thread, bool) else 0,
        files=files,
        text=_searchable(row, body),
    )


def _is_timestamp(text: str | None) -> bool:
    if text is None or not _TIMESTAMP.match(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def event_id(sequence: int) -> str:
    """Return the id of the event of message ``sequence``."""
    return f"m{sequence}"


def customs(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return name and value pairs as RSMF writes them; empty values are left out."""
    return [{"name": name, "value": valid(value)} for name, value in values.items() if value]


def _gap(row: ExchangeRow, conversation: str) -> Event:
    count = row.last - row.sequence + 1
    words = "1 message is" if count == 1 else f"{count} messages are"
    body = f"{words} not included in this production ({row.sequence}-{row.last})."
    custom = {"number": str(row.sequence), "disclosure": "gap", "gap_last": str(row.last)}
    value = {
        "body": body,
        "conversation": conversation,
        "custom": customs(custom),
        "id": f"gap{row.sequence}",
        "type": "disclaimer",
    }
    return Event(value, frozenset(), 0, (), body)


def _standing(row: ExchangeRow, exchange: Exchange) -> Custom:
    """Return what says which sealed message this is and where it came from."""
    custom = {"number": str(row.sequence), "message_hash": row.leaf}
    if row.disclosure != "whole":
        custom |= {
            "disclosure": row.disclosure,
            "withheld": "everything" if row.withheld == (ALL,) else ", ".join(row.withheld),
            "reason": row.reason,
        }
    kind = row.fields.get("kind")
    if isinstance(kind, str) and kind != "text":
        custom["kind"] = kind
    custom["time_raw"] = string(row.fields.get("time_raw")) or ""
    time = row.mapping("time")
    for name in ("basis", "offset", "zone", "precision"):
        custom[f"time_{name}"] = string(time.get(name)) or ""
    if time.get("ambiguous") is True:
        custom["time_ambiguous"] = "true"
    source = row.mapping("source")
    custom["source_file"] = string(source.get("file")) or ""
    for name in ("offset", "length"):
        if isinstance(source.get(name), int):
            custom[f"source_{name}"] = str(source[name])
    custom["platform_id"] = string(row.fields.get("platform_id")) or ""
    custom["bates"] = exchange.bates(row.page)
    return custom


def _type(row: ExchangeRow, sender: str | None) -> str:
    if row.disclosure == "withheld":
        return "disclaimer"
    if row.fields.get("kind") == "unparsed":
        return "unknown"
    if row.fields.get("kind") != "system":
        return "message"
    template = string(row.mapping("system").get("template")) or ""
    if sender is not None and template in JOINS:
        return "join"
    if sender is not None and template in LEAVES:
        return "leave"
    return "unknown"


def _body(row: ExchangeRow, custom: Custom) -> str | None:
    if row.disclosure == "withheld":
        return f"This message is withheld. Reason: {row.reason}"
    body = row.text()
    if body is not None:
        if valid(body) != body:
            custom["body_wtf8"] = exact(body)
        return body
    source_text = row.fields.get("source_text")
    if row.fields.get("kind") in _UNSPOKEN and isinstance(source_text, str):
        custom["body_from"] = "source_text"
        return source_text
    return None


def _reactions(row: ExchangeRow, people: People, value: dict[str, Any], met: set[str]) -> None:
    found = []
    for item in row.items("reactions"):
        senders = _names(item.get("senders"), people)
        met.update(senders)
        reaction: dict[str, Any] = {"value": valid(string(item.get("emoji")) or "?")}
        count = item.get("count")
        if isinstance(count, int):
            reaction["count"] = count
        if senders:
            reaction["participants"] = senders
        found.append(reaction)
    if found:
        value["reactions"] = found


def _names(value: Json, people: People) -> list[str]:
    names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return list(dict.fromkeys(people.of_name(name) for name in names if name))


def _receipts(
    row: ExchangeRow, people: People, value: dict[str, Any], custom: Custom, met: set[str]
) -> None:
    found, unread = [], []
    for item in row.items("receipts"):
        key = people.of_name(string(item.get("participant")) or "?")
        met.add(key)
        receipt: dict[str, Any] = {"participant": key}
        if item.get("action") in ("read", "delivered"):
            receipt["action"] = item["action"]
        raw = string(item.get("time_raw"))
        if _is_timestamp(raw):
            receipt["timestamp"] = raw
        elif raw is not None:
            unread.append(f"{key} {item.get('action')}: {raw}")
        found.append(receipt)
    if found:
        value["read_receipts"] = found
    custom["receipt_times"] = "; ".join(unread)


def _edits(
    row: ExchangeRow,
    people: People,
    sender: str | None,
    value: dict[str, Any],
    custom: Custom,
    met: set[str],
) -> None:
    """Write each edit with what it replaced and what it made of it, where both are known."""
    items = row.items("edits")
    author = sender or people.of_name("?")
    met.add(author)
    versions = [item.get("previous") for item in items]
    versions.append(row.fields.get("body"))
    found = []
    for item, before, after in zip(items, versions[:-1], versions[1:], strict=True):
        edit: dict[str, Any] = {"participant": author}
        utc = string(item.get("utc"))
        if _is_timestamp(utc):
            edit["timestamp"] = utc
        if isinstance(before, str):
            edit["previous"] = valid(before)
        if isinstance(after, str):
            edit["new"] = valid(after)
        found.append(edit)
    value["edits"] = found
    custom["edit_times"] = "; ".join(string(item.get("time_raw")) or "" for item in items).strip(
        "; "
    )


def _files(row: ExchangeRow, value: dict[str, Any], custom: Custom) -> tuple[tuple[str, int], ...]:
    found, named = [], []
    for place, file in enumerate(row.files):
        if file.load is None:
            custom[f"attachment_{place + 1}_not_included"] = f"{file.name} ({file.kind})"
            continue
        name = file.path.rpartition("/")[2]
        item: dict[str, Any] = {"display": valid(file.name) or name, "id": name}
        if file.size is not None:
            item["size"] = file.size
        if file.sha256:
            custom[f"attachment_{place + 1}_sha256"] = file.sha256
        found.append(item)
        named.append((name, place))
    if found:
        value["attachments"] = found
    return tuple(named)


def _other_facts(row: ExchangeRow, custom: Custom) -> None:
    if reply := row.mapping("reply_to"):
        if isinstance(reply.get("sequence"), int):
            custom["reply_to_number"] = str(reply["sequence"])
        custom["reply_to_platform_id"] = string(reply.get("platform_id")) or ""
        custom["reply_quote"] = string(reply.get("quote")) or ""
    if forward := row.mapping("forward"):
        custom["forward_from"] = string(forward.get("from")) or "not stated"
        custom["forward_time"] = string(forward.get("time_raw")) or ""
    if deletion := row.mapping("deletion"):
        custom["deleted_by"] = string(deletion.get("by")) or ""
        custom["deleted_time"] = string(deletion.get("time_raw")) or ""
    for name in ("system", "details"):
        if row.fields.get(name):
            custom[name] = _json(row.fields[name])
    warnings = row.fields.get("warnings")
    if isinstance(warnings, list) and warnings:
        custom["warnings"] = ", ".join(str(code) for code in warnings)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _searchable(row: ExchangeRow, body: str | None) -> str:
    """Return what a search of the file's text should find of this row."""
    name = string(row.mapping("sender").get("name"))
    lines = [line for line in _parts(row, body) if line]
    when = row.utc() or string(row.fields.get("time_raw")) or "-"
    return f"[{row.sequence}] {when} {name or '-'}: " + "\n".join(lines)


def _parts(row: ExchangeRow, body: str | None) -> Iterator[str]:
    yield body or ""
    for file in row.files:
        yield f"[{file.kind}: {file.name}]"
