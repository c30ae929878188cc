"""Which of the few encodings chat exports use a file is in; undecidable bytes stay bytes."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import BinaryIO

_CHUNK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def encoding_of(opened: Callable[[], BinaryIO]) -> tuple[str, int]:
    """Return the encoding of a file and the length of its byte order mark.

    "utf-8" when every byte fits or nothing else does better, "gb18030" when only that fits the
    whole file (what Chinese Windows programs write), "utf-16-le" or "utf-16-be" by mark only.
    """
    with opened() as stream:
        head = stream.read(4)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    for encoding in ("utf-8", "gb18030"):
        if _fits(opened, encoding):
            return encoding, 0
    return "utf-8", 0


def mark_length(head: bytes) -> int:
    """Return the length of the byte order mark the bytes begin with."""
    return next((len(mark) for mark, _ in _MARKS if head.startswith(mark)), 0)


def utf8_mark_length(head: bytes) -> int:
    """Return 3 when the bytes begin with the mark of UTF-8, else 0."""
    return 3 if head.startswith(codecs.BOM_UTF8) else 0


def _fits(opened: Callable[[], BinaryIO], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with opened() as stream:
        try:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return False
    return True
