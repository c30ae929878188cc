"""On which page of the PDF a row begins, found by the hash printed beside every row.

Transcripts print the first 16 hex digits of each leaf hash, in the order of the rows. Whoever looks
rows up in that order therefore needs to read every page once and to remember a few.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Generator

import pikepdf

DIGITS = 16
_LOOK_AHEAD = 64
_TRIES = 3
# Two bytes a character, as the transcript's fonts write plain text; longer runs are other hashes.
_HASH = re.compile(rb"(?<!\0[0-9a-f])(?:\0[0-9a-f]){16}(?!\0[0-9a-f])")


def hashes_on(page: pikepdf.Page) -> list[str]:
    """Return the short hashes printed on ``page``, in order."""
    contents = page.obj.get("/Contents")
    streams = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    data = b"\n".join(
        stream.read_bytes() for stream in streams if isinstance(stream, pikepdf.Stream)
    )
    return [found.replace(b"\0", b"").decode() for found in _HASH.findall(data)]


class PageFinder:
    """Looks leaf hashes up in pages that are read as they are needed.

    pages: gives (Bates number, short hashes on it), ascending, from the first page each time. The
    first row may stand anywhere; from then on a hash that stands on none of the next pages has no
    page. It is never guessed.
    """

    def __init__(self, pages: Callable[[], Generator[tuple[int, list[str]], None, None]]) -> None:
        self._begin = pages
        self._pages = pages()
        self._ahead: deque[tuple[int, frozenset[str]]] = deque()
        self._found = False
        self._tries = _TRIES

    def page_of(self, leaf: str) -> int | None:
        """Return the Bates number of the page with ``leaf``; call in the order of the rows."""
        short = leaf[:DIGITS]
        if not self._found:
            return self._first(short)
        for place in range(_LOOK_AHEAD):
            if place == len(self._ahead) and not self._read():
                return None
            number, hashes = self._ahead[place]
            if short in hashes:
                for _ in range(place):
                    self._ahead.popleft()
                return number
        return None

    def _first(self, short: str) -> int | None:
        """Search from page to page, forgetting those before; begin again when it is nowhere."""
        if not self._tries:
            return None
        while self._read():
            number, hashes = self._ahead[-1]
            if short in hashes:
                self._found = True
                return number
            self._ahead.clear()
        self._tries -= 1
        self.close()
        self._pages = self._begin()
        return None

    def _read(self) -> bool:
        for number, hashes in self._pages:
            if hashes:
                self._ahead.append((number, frozenset(hashes)))
                return True
        return False

    def close(self) -> None:
        """Let go of the PDF."""
        self._pages.close()
