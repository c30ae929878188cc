"""Find words in stored messages: opened one after another, for no index could be kept of them.

Case, width and composition make no difference. Most messages are passed over by a look at their
sealed bytes as text; only those in which the words stand somewhere are decoded.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from evidence.archive.read import decoded, opened
from evidence.models import Series
from evidence.values import Message, Ranges

_AROUND = 60


@dataclass(frozen=True, slots=True)
class Hit:
    """A message in which the words stand: before, hit and after are its text around them.

    cut_before, cut_after: whether its text goes on there.
    """

    sequence: int
    message: Message
    before: str
    hit: str
    after: str
    cut_before: bool
    cut_after: bool


class Words:
    """What is looked for."""

    def __init__(self, words: str) -> None:
        self._folded = folded(words)
        plain = self._folded.isprintable() and not set(self._folded) & {'"', "\\"}
        self._raw = self._folded if plain else ""
        self._ascii = self._raw.encode() if self._raw.isascii() else b""

    def may_stand_in(self, fields: bytes) -> bool:
        """Return False only where the words cannot stand in a message of these canonical bytes."""
        if not self._raw:
            return True
        # Keys are sorted: attachments and body come first, and no text can hold a bare quote.
        head, _, _ = fields.partition(b',"deletion":')
        text = fields if head.endswith(b'"body":null') else head
        if text.isascii():
            found = self._ascii != b"" and self._ascii in text.lower()
        else:
            found = self._raw in folded(text.decode())
        return found or b'"wtf8"' in text

    def stand_in(self, text: str | None) -> bool:
        """Return whether the words stand in ``text``."""
        return self._folded in folded(text or "")

    def hit(self, sequence: int, message: Message) -> Hit | None:
        """Return where the words stand in a message, None where they do not."""
        for text in _texts(message):
            place = folded(text).find(self._folded)
            if place >= 0:
                # Folding may change lengths; then the start of the text is shown, without a mark.
                same = len(folded(text)) == len(text)
                at, end = (place, place + len(self._folded)) if same else (0, 0)
                start, stop = _stretch(text, at, end)
                return Hit(
                    sequence, message, text[start:at], text[at:end], text[end:stop],
                    cut_before=start > 0, cut_after=stop < len(text),
                )  # fmt: skip
        return None


def search(series: Series, words: str, first: int) -> Iterator[tuple[int, Hit | None]]:
    """Yield every message from ``first`` on: its number, and where ``words`` stand in it.

    Memory does not grow. Raises Corrupt when a message does not open.
    """
    if first > series.size:
        return
    wanted = Words(words)
    for sequence, fields in opened(series, Ranges(((first, series.size),))):
        if fields and wanted.may_stand_in(fields):
            yield sequence, wanted.hit(sequence, decoded(fields))
        else:
            yield sequence, None


def folded(text: str) -> str:
    """Return ``text`` as it is compared: case, width and composition make no difference."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).casefold()


def _stretch(text: str, at: int, end: int) -> tuple[int, int]:
    """Return where the text shown around a hit begins and ends: between words where there are any."""
    start, stop = max(0, at - _AROUND), min(len(text), end + _AROUND)
    if start:
        start = text.find(" ", start, at) + 1 or start
    if stop < len(text):
        space = text.rfind(" ", end, stop)
        stop = space if space > end else stop
    return start, stop


def _texts(message: Message) -> list[str]:
    found = [message.body or ""]
    found += [str(one.get("name") or "") for one in message.attachments if isinstance(one, dict)]
    if message.body is None and isinstance(message.source_text, str):
        found.append(message.source_text)
    return [text for text in found if text]
