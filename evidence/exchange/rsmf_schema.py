"""The shape of an RSMF manifest, versions 1.0 and 2.0, written down from the vendor's schemas.

A shape is a type name, a closed list of values, a list of one shape, or an object with its
properties; required ones end in ``!``. Types: ``text`` (any), ``filled`` (not empty), ``time``,
``email``, ``count``, ``flag``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

Shape = Any
_CUSTOM: Shape = [{"name!": "filled", "value!": "filled"}]
_PARTICIPANT: Shape = {
    "id!": "filled", "display": "text", "email": "email", "avatar": "text", "account_id": "text",
    "custom": _CUSTOM,
}  # fmt: skip
_CONVERSATION: dict[str, Shape] = {
    "id!": "filled", "display": "text", "platform!": "filled", "type": ("direct", "channel"),
    "participants!": ["filled"], "custodian": "text", "custom": _CUSTOM,
}  # fmt: skip
_EVENT: dict[str, Shape] = {
    "id": "text", "type!": ("message", "disclaimer", "join", "leave"), "parent": "text",
    "body": "text", "participant": "text", "conversation": "text", "timestamp": "time",
    "deleted": "flag", "importance": ("normal", "high"),
    "reactions": [{"value!": "filled", "count": "count", "participants": ["filled"]}],
    "attachments": [{"id!": "filled", "display": "text", "size": "count"}],
    "edits": [{"participant!": "filled", "timestamp": "time", "previous": "text", "new": "text"}],
    "custom": _CUSTOM,
}  # fmt: skip
_VERSION: Shape = "version"

ROOT_1_0: Shape = {
    "version!": _VERSION,
    "participants!": [_PARTICIPANT],
    "conversations!": [_CONVERSATION],
    "events!": [_EVENT],
}
ROOT_2_0: Shape = {
    "version!": _VERSION,
    "participants!": [_PARTICIPANT],
    "conversations!": [{**_CONVERSATION, "icon": "text"}],
    "events!": [
        {
            **_EVENT,
            "type!": ("message", "disclaimer", "join", "leave", "history", "unknown"),
            "direction": ("incoming", "outgoing"),
            "read_receipts": [
                {"participant!": "filled", "timestamp": "time", "action": ("read", "delivered")}
            ],
        }
    ],
    "eventcollectionid": "text",
}

Violation = tuple[str, str, str]
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?\Z", re.ASCII)


def violations(value: Any, shape: Shape, where: str = "") -> Iterator[Violation]:
    """Yield (code, JSON path, sentence): ``schema``, ``naive_timestamp``, ``unknown_property``."""
    if isinstance(shape, Mapping):
        yield from _of_object(value, shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield "schema", where, "A list was expected."
            return
        for number, item in enumerate(value):
            yield from violations(item, shape[0], f"{where}[{number}]")
    elif isinstance(shape, tuple):
        if value not in shape:
            yield "schema", where, f"One of {', '.join(shape)} was expected."
    else:
        yield from _of_plain(value, shape, where)


def _of_object(value: Any, shape: Mapping[str, Shape], where: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield "schema", where, "An object was expected."
        return
    known = {name.rstrip("!"): name for name in shape}
    for name, key in known.items():
        if key.endswith("!") and name not in value:
            yield "schema", _join(where, name), "This required property is missing."
    for name, item in value.items():
        if name in known:
            yield from violations(item, shape[known[name]], _join(where, name))
        else:
            yield "unknown_property", _join(where, name), "RSMF defines no such property."


def _join(where: str, name: str) -> str:
    return f"{where}.{name[:60]}" if where else name[:60]


def _of_plain(value: Any, shape: str, where: str) -> Iterator[Violation]:
    if shape in ("count", "flag"):
        right = isinstance(value, bool) is (shape == "flag") and isinstance(value, int)
        if not right:
            yield (
                "schema",
                where,
                f"A {'number' if shape == 'count' else 'true or false'} was expected.",
            )
        return
    if not isinstance(value, str):
        yield "schema", where, "A text was expected."
        return
    if shape == "filled" and not value:
        yield "schema", where, "The text is empty."
    if shape == "version" and len(value) < 5:
        yield "schema", where, "A version such as 2.0.0 was expected."
    if shape == "time":
        yield from _of_time(value, where)


def _of_time(value: str, where: str) -> Iterator[Violation]:
    match = _TIME.match(value)
    try:
        real = match is not None and datetime.fromisoformat(value) is not None
    except ValueError:
        real = False
    if match is None or not real:
        yield "schema", where, "A date and time by ISO 8601 was expected."
    elif match[2] is None:
        yield "naive_timestamp", where, "The time has no offset; what it means is a guess."
