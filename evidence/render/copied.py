"""Right-to-left text inside left-to-right text, so that it is copied out as it was written.

Glyphs are drawn in logical order at their visual places, so readers that go by the order of drawing
(MuPDF, pdf.js) give the text as it was written. Poppler (pdftotext, Evince, Okular) sorts by place
and then turns stretches round by a rule of its own: from a right-to-left letter up to the next
left-to-right letter, digit, or one of ``,:.-/+``. Arabic or Hebrew with a number in it then comes out
with its parts exchanged.

Such a stretch is marked with the text it stands for (ActualText, ISO 32000 section 14.9.4), three
times, one inside the other, because readers differ in which mark they follow:

- outermost, as the standard has it, and innermost, as MuPDF and PDFium have it: the text as written;
- between them ``Span``, the only tag poppler follows: the text as poppler must see it, so that its
  turning yields the text as written.

No control characters are used, and every mark holds the drawn characters and no others. A line that
runs from right to left as a whole is left alone: PDFium turns the words of such a mark round.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_FROM_NUMBERS = frozenset(("EN", "ES", "ET", "AN", "CS"))
_SPACES = re.compile(r"\s")
CLOSING = b"EMC EMC EMC"


class Stretch(NamedTuple):
    """Units ``first`` to ``last`` of a line, in logical order, and their text."""

    first: int
    last: int
    written: str

    @property
    def opening(self) -> bytes:
        """Return the operators before the stretch; CLOSING stands after it."""
        written, placed = _hex(self.written), _hex(turned(self.written))
        return b"/P <</ActualText <%s>>> BDC /Span <</ActualText <%s>>> BDC /P <</ActualText <%s>>> BDC" % (
            written, placed, written,
        )  # fmt: skip


@lru_cache(4096)
def _kind(character: str) -> str:
    found = unicodedata.bidirectional(character)
    if found in ("R", "AL"):
        return "R"
    return "L" if found == "L" or found in _FROM_NUMBERS else ""


def turned(seen: str) -> str:
    """Return what poppler makes of the characters of a line, seen from left to right.

    Applied twice it gives the same text again, but for the place of neutral characters at the ends
    of right-to-left stretches. Source: poppler, TextPage::dumpFragment, for a page on which most
    letters run from left to right.
    """
    parts, i = [], 0
    while i < len(seen):
        start = i
        while i < len(seen) and _kind(seen[i]) != "R":
            i += 1
        parts.append(seen[start:i])
        start = i
        while i < len(seen) and _kind(seen[i]) != "L":
            i += 1
        parts.append(seen[start:i][::-1])
    return "".join(parts)


def stretches(texts: Sequence[str], levels: Sequence[int], order: Sequence[int]) -> list[Stretch]:
    """Return the stretches of a left-to-right line to be marked; none where that would not help.

    texts, levels: of the line's units in logical order. order: their visual order.
    """
    written = _SPACES.sub("", "".join(texts))
    seen = "".join(texts[i][::-1] if levels[i] % 2 else texts[i] for i in order)
    if _SPACES.sub("", turned(seen)) == written:
        return []
    found = _right_to_left(texts, levels)
    line, done = "", 0
    for stretch in found:
        line += "".join(texts[done : stretch.first]) + turned(stretch.written)
        done = stretch.last + 1
    line += "".join(texts[done:])
    return found if _SPACES.sub("", turned(line)) == written else []


def _right_to_left(texts: Sequence[str], levels: Sequence[int]) -> list[Stretch]:
    found, i = [], 0
    while i < len(texts):
        first = i
        while i < len(texts) and levels[i]:
            i += 1
        if i > first:
            found.append(Stretch(first, i - 1, "".join(texts[first:i])))
        i = max(i, first + 1)
    return found


def _hex(text: str) -> bytes:
    return b"FEFF" + text.encode("utf-16-be", "surrogatepass").hex().upper().encode("ascii")
