"""Ranges of 1-based sequences as text: ``12-90,101``.

Grammar: spans joined by ``,``; a span is ``n`` or ``n-m`` with n < m; decimal without leading zero;
ascending, not touching (``1-2,3`` must be written ``1-3``). The empty text is the empty set.
So every set has exactly one spelling.

Broken examples: ``3-3``, ``5,4``, ``1-2,3``, ``01``, ``0``, ``1-``, `` 1``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..values import Json, Ranges

_SPAN = re.compile(r"([1-9][0-9]{0,15})(?:-([1-9][0-9]{0,15}))?\Z")


def parse(text: Json) -> Ranges:
    """Return the ranges that ``text`` spells.

    Raises ValueError for any other spelling.
    """
    if not isinstance(text, str):
        raise ValueError("ranges are written as a string")
    found = Ranges(tuple(_span(part) for part in text.split(",")) if text else ())
    if str(found) != text:
        raise ValueError("ranges are not in their one spelling")
    return found


def of(sequences: Iterable[int]) -> Ranges:
    """Return the ranges holding exactly ``sequences``, in any order, repeats allowed."""
    spans: list[tuple[int, int]] = []
    for sequence in sorted(set(sequences)):
        if spans and spans[-1][1] == sequence - 1:
            spans[-1] = (spans[-1][0], sequence)
        else:
            spans.append((sequence, sequence))
    return Ranges(tuple(spans))


def sequences(ranges: Ranges) -> Iterator[int]:
    """Yield every sequence of ``ranges``, ascending."""
    for first, last in ranges.spans:
        yield from range(first, last + 1)


def _span(part: str) -> tuple[int, int]:
    match = _SPAN.match(part)
    if match is None:
        raise ValueError(f"not a range: {part[:40]}")
    return int(match[1]), int(match[2] or match[1])
