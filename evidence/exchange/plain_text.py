"""Text of strangers made fit for places with rules of their own; what changes is never silent.

A chat may hold any code point: NUL, lone surrogates, line breaks in names. JSON, headers and load
files each allow less. Where a text cannot stand as it is, its exact bytes stand beside it in hex.
"""

from __future__ import annotations

import base64
import re

REPLACEMENT = "\ufffd"
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ENDINGS = re.compile(r"\r\n|[\r\u0085\u2028\u2029]")
_BREAKS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# Short enough to stand behind the longest header name within 76 characters.
_WORD_BYTES = 30


def valid(text: str) -> str:
    """Return ``text`` as valid Unicode: each lone surrogate becomes U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


def exact(text: str) -> str:
    """Return the bytes of ``text`` in hex: UTF-8, each lone surrogate encoded on its own."""
    return text.encode("utf-8", "surrogatepass").hex()


def readable(text: str) -> str:
    """Return ``text`` for a plain text file: valid, no control characters, ``\\n`` line ends."""
    return _CONTROL.sub(REPLACEMENT, _ENDINGS.sub("\n", valid(text)))


def one_line(text: str, longest: int = 200) -> str:
    """Return ``text`` on one line, white space and controls as single spaces, cut at ``longest``."""
    line = _BREAKS.sub(" ", valid(text[: 4 * longest])).strip()
    return line if len(line) <= longest else line[: longest - 1] + "…"


def header(name: str, value: str, *, longest: int = 200) -> bytes:
    """Return one header line with its CRLF, folded, RFC 2047 where ``value`` is not plain ASCII.

    No line break of ``value`` survives, so no header can be smuggled in.
    """
    return _fold(name, phrase(one_line(value, longest), name_length=len(name) + 2))


def phrase(line: str, *, name_length: int = 0) -> list[str]:
    """Return the words of ``line`` as they may stand in a header."""
    room = 76 - name_length
    plain = line.isascii() and "=?" not in line
    if plain and all(len(word) <= min(room, 70) for word in line.split(" ")):
        return line.split(" ")
    return _encoded_words(line)


def mailbox(display: str, address: str) -> list[str]:
    """Return the words of a mailbox; ``display`` may be anything, ``address`` is ours."""
    line = one_line(display, 100)
    if line.isascii() and "=?" not in line and len(line) <= 60:
        quoted = line.replace("\\", "\\\\").replace('"', '\\"')
        return [*f'"{quoted}"'.split(" "), f"<{address}>"]
    return [*_encoded_words(line), f"<{address}>"]


def words_header(name: str, words: list[str]) -> bytes:
    """Return a header made of ``words``, folded between them."""
    return _fold(name, words)


def _encoded_words(line: str) -> list[str]:
    words, piece = [], b""
    for char in line:
        data = char.encode()
        if len(piece) + len(data) > _WORD_BYTES:
            words.append(piece)
            piece = b""
        piece += data
    return [f"=?utf-8?B?{base64.b64encode(word).decode()}?=" for word in (*words, piece) if word]


def _fold(name: str, words: list[str]) -> bytes:
    lines, line = [], f"{name}:"
    for word in words:
        if len(line) + 1 + len(word) > 76 and line != f"{name}:":
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    return "\r\n".join([*lines, line, ""]).encode("ascii")
