"""Read ``data/messages.jsonl`` of any length, in several processes where that pays.

Each line is opened alone (``formats.message.read_line`` re-derives its leaf hash); what comes back is
small: hashes, runs of sequences, and a note for each line that withholds or attaches something.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ...formats import message
from ...formats.message import Line
from .bundle_source import Region

CHUNK_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20
WORTH_BYTES = 4 << 20


@dataclass(frozen=True)
class Attachment:
    """An attachment whose hash a disclosed message states. number: from 1."""

    series: str
    sequence: int
    number: int
    sha256: str
    size: int


@dataclass
class Chunk:
    """What some neighbouring lines hold. error: of the first bad line, after which nothing counts.

    runs: (series, first sequence, how many), in order, one after the other.
    """

    lines: int = 0
    runs: list[tuple[str, int, int]] = field(default_factory=list)
    leaf_hashes: bytearray = field(default_factory=bytearray)
    sm3_leaf_hashes: bytearray = field(default_factory=bytearray)
    withheld: list[tuple[str, int, tuple[str, ...], str]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    error: str = ""

    def add(self, line: Line) -> None:
        self.lines += 1
        self.leaf_hashes += line.leaf_hash
        self.sm3_leaf_hashes += line.sm3_leaf_hash or b""
        if self.runs and self.runs[-1][0] == line.series:
            series, first, count = self.runs[-1]
            if line.sequence == first + count:
                self.runs[-1] = (series, first, count + 1)
            else:
                self.runs.append((series, line.sequence, 1))
        else:
            self.runs.append((line.series, line.sequence, 1))
        if line.withheld:
            self.withheld.append((line.series, line.sequence, line.withheld, line.reason))
        if attached := line.fields.get("attachments"):
            self.attachments += _attachments(line, attached)


def _attachments(line: Line, attached: object) -> Iterator[Attachment]:
    for number, item in enumerate(attached if isinstance(attached, list) else (), start=1):
        if isinstance(item, dict) and item.get("included") is True:
            digest, size = item.get("sha256"), item.get("size")
            if isinstance(digest, str) and isinstance(size, int):
                yield Attachment(line.series, line.sequence, number, digest, size)


class MessageReader:
    """Reads all lines of a region; work begins at once, ``result`` waits for it.

    processes: how many to use; None decides by size, and takes one when forking would be unsafe.
    """

    def __init__(self, region: Region, *, sm3: bool, processes: int | None = None) -> None:
        self._region, self._sm3 = region, sm3
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: list[Future[Chunk]] = []
        self._error = ""
        try:
            pieces = list(_split(region))
        except ValueError as error:
            self._error, pieces = str(error), []
        self._pieces = pieces
        count = _processes(region.size) if processes is None else processes
        if count > 1 and len(pieces) > 1:
            context = multiprocessing.get_context("fork")
            self._pool = ProcessPoolExecutor(count, mp_context=context)
            self._waiting = [
                self._pool.submit(read_chunk, region.path, start, size, sm3)
                for start, size in pieces
            ]

    def result(self) -> Chunk:
        """Return everything as one chunk; its error names the line, counted from 1."""
        total = Chunk(error=self._error)
        try:
            for chunk in self._chunks():
                _join(total, chunk)
                if total.error:
                    break
        finally:
            self.close()
        return total

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _chunks(self) -> Iterator[Chunk]:
        for index, (start, size) in enumerate(self._pieces):
            if self._pool is not None:
                try:
                    yield self._waiting[index].result()
                    continue
                except (BrokenProcessPool, OSError):
                    self.close()
            yield read_chunk(self._region.path, start, size, self._sm3)


def read_chunk(path: str, offset: int, size: int, sm3: bool) -> Chunk:
    """Return what the lines in this stretch hold; total."""
    with Path(path).open("rb") as file:
        file.seek(offset)
        data = file.read(size)
    found = Chunk()
    if not data.endswith(b"\n"):
        found.error = "the last line does not end"
        return found
    for line in data[:-1].split(b"\n"):
        try:
            found.add(message.read_line(line, sm3=sm3))
        except ValueError as error:
            found.error = f"line {found.lines + 1}: {error}"
            break
    return found


def _join(total: Chunk, chunk: Chunk) -> None:
    if chunk.error:
        total.error = chunk.error
        prefix, colon, rest = chunk.error.partition(": ")
        if colon and prefix.startswith("line "):
            total.error = f"line {total.lines + int(prefix[5:])}: {rest}"
    total.lines += chunk.lines
    for run in chunk.runs:
        last = total.runs[-1] if total.runs else None
        if last and last[0] == run[0] and last[1] + last[2] == run[1]:
            total.runs[-1] = (last[0], last[1], last[2] + run[2])
        else:
            total.runs.append(run)
    total.leaf_hashes += chunk.leaf_hashes
    total.sm3_leaf_hashes += chunk.sm3_leaf_hashes
    total.withheld += chunk.withheld
    total.attachments += chunk.attachments


def _split(region: Region) -> Iterator[tuple[int, int]]:
    """Yield offset and size of stretches of whole lines, about a megabyte each."""
    start, end = region.offset, region.offset + region.size
    with Path(region.path).open("rb") as file:
        while start < end:
            stop = _line_end(file, min(start + CHUNK_BYTES, end), end)
            if stop - start > MAX_LINE_BYTES:
                raise ValueError("a line is too long to be a message")
            yield start, stop - start
            start = stop


def _line_end(file: BinaryIO, at: int, end: int) -> int:
    """Return the offset after the first line feed at or after ``at`` - 1, at most ``end``."""
    at -= 1
    limit = at + MAX_LINE_BYTES
    while at < min(end, limit):
        file.seek(at)
        piece = file.read(min(65536, end - at))
        found = piece.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += max(len(piece), 1)
    return min(at, end)


def _processes(size: int) -> int:
    can_fork = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
    if size < WORTH_BYTES or not can_fork or multiprocessing.current_process().daemon:
        return 1
    return min(os.cpu_count() or 1, 8)
