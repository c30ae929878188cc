"""The short notation of ranges and redactions, as command line and API take it.

Ranges: ``12-90,101``. Redactions: ``17`` (the whole message), ``18:body`` (one field),
``19:body:3-5`` (segments 3 to 5 of the body, see formats/message); several are joined by commas,
so several stretches of one body are joined by ``+``: ``19:body:3-5+8``.
"""

from __future__ import annotations

import re

from evidence.errors import InvalidSelection
from evidence.select.choice import Redaction
from evidence.values import Ranges

WITHHOLDABLE = (
    "platform_id", "time_raw", "time", "sender", "direction", "body", "reply_to", "forward",
    "edits", "deletion", "reactions", "receipts", "attachments", "system", "details", "source",
    "source_text", "warnings",
)  # fmt: skip
"""Fields that may be withheld singly: all but the sequence and the kind."""

_NUMBER = re.compile(r"[0-9]{1,12}")
_RANGE = re.compile(r"([0-9]{1,12})(?:-([0-9]{1,12}))?")


def parse_ranges(text: str, separator: str = ",") -> Ranges:
    """Return the ranges written in ``text``, merged and ascending.

    Raises InvalidSelection (the caller's fault) when a part is not a number or a range.
    """
    spans = []
    for part in text.split(separator):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise InvalidSelection(f"not a range: {part!r}", code="invalid_range", where=part)
        first = int(match[1])
        last = int(match[2] or first)
        if first < 1 or last < first:
            raise InvalidSelection(f"not a range: {part!r}", code="invalid_range", where=part)
        spans.append((first, last))
    return merged(spans)


def merged(spans: list[tuple[int, int]]) -> Ranges:
    """Return ``spans`` (any order, overlaps allowed) as ascending separate ranges."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return Ranges(tuple(result))


def ranges_of(sequences: list[int]) -> Ranges:
    """Return ascending ``sequences`` without repeats as ranges."""
    spans: list[tuple[int, int]] = []
    for sequence in sequences:
        if spans and sequence == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], sequence)
        else:
            spans.append((sequence, sequence))
    return Ranges(tuple(spans))


def parse_redactions(text: str, reason: str = "") -> dict[int, Redaction]:
    """Return sequence → Redaction of the notation above.

    Raises InvalidSelection (the caller's fault) when a part fits no form.
    """
    targets: dict[int, list[str]] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        number, _, target = part.partition(":")
        if not _NUMBER.fullmatch(number) or int(number) < 1:
            raise InvalidSelection(
                f"not a redaction: {part!r}", code="invalid_redaction", where=part
            )
        targets.setdefault(int(number), []).append(normal_target(target))
    return {sequence: Redaction(tuple(found), reason) for sequence, found in targets.items()}


def normal_target(target: str) -> str:
    """Return ``target`` as formats/message writes it (``*``, ``field`` or ``body:1-2,4``)."""
    if target in ("", "*"):
        return "*"
    field, _, segments = target.partition(":")
    if field not in WITHHOLDABLE or (segments and field != "body"):
        raise InvalidSelection(
            f"cannot withhold {target!r}", code="invalid_redaction", where=target
        )
    return f"body:{parse_ranges(segments, '+')}" if segments else field
