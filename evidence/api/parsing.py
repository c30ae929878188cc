"""JSON as it comes in: one meaning for each body, or none.

A body that names a member twice, nests without end or holds what is no number is refused: two programs
could read two things in it. Source: RFC 8259 section 4, RFC 7493.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MOST_DEPTH = 40


class StrictJsonParser(JSONParser):
    """Reads a body into lists, mappings, texts and numbers. Raises ParseError."""

    def parse(
        self, stream: Any, media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        try:
            found = json.loads(
                stream.read().decode("utf-8"),
                object_pairs_hook=_members,
                parse_constant=_no_number,
                parse_float=_finite,
            )
        except (ValueError, RecursionError) as error:
            raise ParseError("not JSON of one meaning") from error
        _refuse_depth(found)
        return found


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    found = float(text)
    if found in (float("inf"), float("-inf")):
        raise ValueError("a number without end")
    return found


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ParseError("nested too deeply")
