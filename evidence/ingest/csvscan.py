"""Records of a CSV file with their exact byte slices (RFC 4180, quoted line feeds included).

Works on bytes: comma, quote and line feed are never part of a longer character in UTF-8 or
GB 18030. A quote that is never closed would swallow the rest of the file; then its line alone is
handed out as damaged and reading goes on with the next line.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import BinaryIO

from evidence.ingest.rows import ROW_BYTES

_CHUNK = 1 << 20
_QUOTED = re.compile(rb'"([^"]*(?:""[^"]*)*)"([^,\n]*)')
_PLAIN = re.compile(rb"[^,\n]*")


@dataclass(frozen=True, slots=True)
class Record:
    """One record with its line end. cells: raw bytes, unquoted; None when damaged."""

    offset: int
    data: bytes
    cells: list[bytes] | None


class Records:
    """Iterates over the records of a stream that stands at ``offset``."""

    def __init__(self, stream: BinaryIO, offset: int = 0) -> None:
        self._stream = stream
        self._base = offset
        self._buffer = b""
        self._at = 0
        self._ended = False

    def __iter__(self) -> Records:
        return self

    def __next__(self) -> Record:
        while self._at >= len(self._buffer):
            if not self._more():
                raise StopIteration
        while (found := self._record()) is None:
            ended = self._ended
            too_long = len(self._buffer) - self._at > ROW_BYTES
            if too_long or (not self._more() and ended):
                return self._taken(None, self._line_end())
        return self._taken(*found)

    def _taken(self, cells: list[bytes] | None, end: int) -> Record:
        record = Record(self._base + self._at, self._buffer[self._at : end], cells)
        self._at = end
        return record

    def _record(self) -> tuple[list[bytes], int] | None:
        """Return cells and end; None when the buffer does not hold the record whole."""
        buffer, at, cells = self._buffer, self._at, []
        end = buffer.find(b"\n", at)
        if end >= 0 and buffer.find(b'"', at, end) < 0:
            return buffer[at:end].removesuffix(b"\r").split(b","), end + 1
        while True:
            if buffer[at : at + 1] == b'"':
                match = _QUOTED.match(buffer, at)
                if match is None:
                    return None
                cell = match[1].replace(b'""', b'"') if b'""' in match[1] else match[1]
                cell += match[2].removesuffix(b"\r")
            else:
                match = _PLAIN.match(buffer, at)
                if match is None:
                    return None
                cell = match[0]
            at = match.end()
            if at >= len(buffer):
                if not self._ended:
                    return None
                cells.append(cell.removesuffix(b"\r"))
                return cells, at
            if buffer[at] == 0x0A:
                cells.append(cell.removesuffix(b"\r"))
                return cells, at + 1
            cells.append(cell)
            at += 1

    def _line_end(self) -> int:
        end = self._buffer.find(b"\n", self._at, self._at + ROW_BYTES)
        return end + 1 if end >= 0 else min(len(self._buffer), self._at + ROW_BYTES)

    def _more(self) -> bool:
        chunk = b"" if self._ended else self._stream.read(_CHUNK)
        if not chunk:
            self._ended = True
            return False
        self._base += self._at
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return True


def cells_of(data: bytes) -> list[bytes] | None:
    """Return the cells of one whole record; None when its quotes do not close."""
    record = next(Records(io.BytesIO(data)), None)
    return record.cells if record else None
