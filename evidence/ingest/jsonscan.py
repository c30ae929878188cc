"""A window over a JSON file that finds whole values by their bytes, in flat memory.

The bytes are looked at as Latin-1, so that one character is one byte and the C scanner of the
standard library can find where a value ends; values are decoded properly from their slice.
Damage is survived: a value the scanner refuses is cut out by counting brackets.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

LONGEST_VALUE = 4 << 20
_CHUNK = 1 << 17
"""Small, because the standard library counts the lines of the window to word each error."""
_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_BRACKET = re.compile(r"[{}\[\]]")
_QUOTE_END = re.compile(r'["\\]')
_BRACKET_OR_QUOTE = re.compile(r'["\[\]{}]')
_FINDER = json.JSONDecoder(strict=False, parse_float=str, parse_constant=str)
_NEAR_END = 16
_NO_VALUE = ("", "}", "]", ",", ":")


class Broken(Exception):
    """No whole value begins here within LONGEST_VALUE bytes."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes of one value. value: decoded; None with ``damaged`` when it is not JSON."""

    offset: int
    data: bytes
    value: Any
    damaged: bool = False

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class Window:
    """Moves forward through a stream; ``offset`` is where it stands."""

    def __init__(self, stream: BinaryIO, offset: int = 0) -> None:
        self._stream = stream
        self._base = offset
        self._text = ""
        self._at = 0
        self._ended = False

    @property
    def offset(self) -> int:
        return self._base + self._at

    def peek(self) -> str:
        """Return the next character that is not blank, standing on it; "" at the end."""
        while True:
            match = _BLANK.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> bool:
        """Step over ``character`` if it is next."""
        if self.peek() != character:
            return False
        self._at += 1
        return True

    def value(self) -> Slice:
        """Return the value that begins here and step behind it. Raises Broken, standing still."""
        if self.peek() in _NO_VALUE:
            raise Broken
        while True:
            try:
                value, end = _FINDER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.pos + _NEAR_END >= len(self._text)
                if (cut or error.msg.startswith("Unterminated")) and self._more_of_value():
                    continue
                return self._damaged()
            except (RecursionError, ValueError):
                return self._damaged()
            if end == len(self._text) and self._more_of_value():
                continue
            return self._sliced(value, end)

    def skip(self) -> None:
        """Step behind the value that begins here, however long; to the end if it has none."""
        first = self.peek()
        if first == '"':
            self._at += 1
            self._skip_string()
            return
        if first not in ("{", "["):
            self._skip_scalar()
            return
        depth = 0
        while (match := self._find(_BRACKET_OR_QUOTE)) is not None:
            if match == '"':
                self._skip_string()
                continue
            depth += 1 if match in "{[" else -1
            if depth <= 0:
                return

    def resync(self) -> None:
        """Step to the next bracket that could begin or end something; at least one byte on."""
        self._at += 1
        if self._find(_BRACKET) is not None:
            self._at -= 1

    def _skip_string(self) -> None:
        while self._find(_QUOTE_END) == "\\":
            if self._at < len(self._text) or self._more():
                self._at += 1

    def _skip_scalar(self) -> None:
        while True:
            match = _SCALAR.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or not self._more():
                return

    def _find(self, pattern: re.Pattern[str]) -> str | None:
        while True:
            match = pattern.search(self._text, self._at)
            if match is not None:
                self._at = match.end()
                return match[0]
            self._at = len(self._text)
            if not self._more():
                return None

    def _sliced(self, value: Any, end: int) -> Slice:
        offset, text = self.offset, self._text[self._at : end]
        self._at = end
        data = text.encode("latin-1")
        return Slice(offset, data, value) if text.isascii() else decoded(offset, data)

    def _damaged(self) -> Slice:
        """Cut out what looks like one value by counting brackets."""
        while True:
            end = self._balanced()
            if end is not None:
                break
            if not self._more_of_value():
                raise Broken
        offset, data = self.offset, self._text[self._at : end].encode("latin-1")
        self._at = end
        return Slice(offset, data, None, damaged=True)

    def _balanced(self) -> int | None:
        if self._at >= len(self._text):
            return None
        if self._text[self._at] not in "{[":
            match = _SCALAR.match(self._text, self._at)
            whole = match is not None and (match.end() < len(self._text) or self._ended)
            return match.end() if match and whole else None
        depth = 0
        for match in _TOKEN.finditer(self._text, self._at):
            found = match[0]
            if found in "{[":
                depth += 1
            elif found in "}]":
                depth -= 1
                if depth <= 0:
                    return match.end()
        return None

    def _more_of_value(self) -> bool:
        return len(self._text) - self._at <= LONGEST_VALUE and self._more()

    def _more(self) -> bool:
        left = len(self._text) - self._at
        chunk = b"" if self._ended else self._stream.read(max(_CHUNK, left))
        if not chunk:
            self._ended = True
            return False
        self._base += self._at
        self._text = self._text[self._at :] + chunk.decode("latin-1")
        self._at = 0
        return True


def decoded(offset: int, data: bytes) -> Slice:
    """Return the slice with its value; bytes that are not UTF-8 or not JSON are ``damaged``."""
    try:
        return Slice(offset, data, _FINDER.decode(data.decode("utf-8")))
    except (ValueError, RecursionError):
        return Slice(offset, data, None, damaged=True)


def skip_to(stream: BinaryIO, offset: int, standing: int = 0) -> None:
    """Move a stream forward to ``offset``, reading on from where it stands if it cannot seek."""
    if stream.seekable():
        stream.seek(offset)
        return
    left = offset - standing
    while left > 0:
        left -= len(stream.read(min(left, _CHUNK))) or left
