"""What a person can click to withhold: never less than what the eye sees as one character.

Segments (``formats/message``) are words, numbers and single code points. A family, a flag, a skin tone
or an accent is several code points; half of one would show another sign than was sent.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from evidence.formats.message import segments
from evidence.values import Ranges

LONGEST_CLUSTER = 200
"""Segments in one piece at most: whoever stacks more accents than that is cut."""
_CLUSTER = regex.compile(r"\X")


def clickable(body: str) -> Iterator[tuple[Ranges, str]]:
    """Yield the segments of ``body`` in pieces that do not cut a grapheme cluster, with their text.

    Source: UAX #29, extended grapheme clusters.
    """
    starts = {found.start() for found in _CLUSTER.finditer(body)}
    first, text, offset = 1, "", 0
    for number, segment in enumerate(segments(body), 1):
        if text and (offset in starts or number - first >= LONGEST_CLUSTER):
            yield Ranges(((first, number - 1),)), text
            first, text = number, ""
        text += segment
        offset += len(segment)
        last = number
    if text:
        yield Ranges(((first, last),)), text
