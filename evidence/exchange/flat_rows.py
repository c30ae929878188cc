"""One disclosed row as flat texts, for formats that are tables."""

from __future__ import annotations

import json

from evidence.exchange.disclosed import Exchange, ExchangeRow, ExchangeSeries, string
from evidence.exchange.plain_text import exact
from evidence.values import Json

COLUMNS = (
    "series", "number", "disclosure", "withheld", "reason", "kind", "time_utc", "time_raw",
    "time_basis", "time_offset", "time_zone", "time_precision", "time_ambiguous", "sender",
    "sender_key", "sender_id", "direction", "body", "body_wtf8", "reply_to", "reply_to_id",
    "reply_quote", "forward", "edits", "deletion", "reactions", "receipts", "attachments", "system", "details", "platform_id",
    "source_file", "source_offset", "source_length", "warnings", "message_hash", "bates",
)  # fmt: skip
"""``body_wtf8``: exact bytes of the body in hex, only where ``body`` cannot say it exactly.
``reply_to``: number of the message replied to; ``reply_to_id``: its ``platform_id`` where that is stated."""

_OBJECTS = (
    "forward",
    "edits",
    "deletion",
    "reactions",
    "receipts",
    "attachments",
    "system",
    "details",
)


def flat(row: ExchangeRow, series: ExchangeSeries, exchange: Exchange) -> dict[str, str]:
    """Return the columns of ``row`` that are not empty; a gap has number, disclosure and reason."""
    found = {"series": series.id, "number": str(row.sequence), "disclosure": row.disclosure}
    if row.disclosure == "gap":
        return found | {"reason": f"{row.sequence}-{row.last} not included"}
    fields = row.fields
    found |= {
        "withheld": ",".join(row.withheld),
        "reason": row.reason,
        "kind": string(fields.get("kind")) or "",
        "time_raw": string(fields.get("time_raw")) or "",
        "direction": string(fields.get("direction")) or "",
        "body": row.text() or "",
        "platform_id": string(fields.get("platform_id")) or "",
        "message_hash": row.leaf,
        "bates": exchange.bates(row.page),
    }
    time, sender, source = row.mapping("time"), row.mapping("sender"), row.mapping("source")
    for name in ("utc", "basis", "offset", "zone", "precision"):
        found[f"time_{name}"] = string(time.get(name)) or ""
    found["time_ambiguous"] = "true" if time.get("ambiguous") is True else ""
    found["sender"] = string(sender.get("name")) or ""
    found["sender_key"] = string(sender.get("key")) or ""
    found["sender_id"] = string(sender.get("id")) or ""
    for name in ("file", "offset", "length"):
        found[f"source_{name}"] = _plain(source.get(name))
    if reply := row.mapping("reply_to"):
        found["reply_to"] = _plain(reply.get("sequence"))
        found["reply_to_id"] = _plain(reply.get("platform_id"))
        found["reply_quote"] = _plain(reply.get("quote"))
    warnings = fields.get("warnings")
    found["warnings"] = ";".join(map(str, warnings)) if isinstance(warnings, list) else ""
    for name in _OBJECTS:
        if fields.get(name):
            found[name] = as_json(fields[name])
    return found


def body_in_hex(row: ExchangeRow) -> str:
    """Return the exact bytes of the body in hex."""
    return exact(row.text() or "")


def _plain(value: Json) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def as_json(value: Json) -> str:
    """Return ``value`` as one line of JSON, readable by people who read Chinese."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
