"""The process that derives leaf hashes while its parent writes; run by path with ``python -I``.

    leaf_worker.py DESCRIPTOR OFFSET SIZE FIRST COUNT
reads the bytes of ``data/messages.jsonl`` at OFFSET of the inherited file, whose place it leaves alone, opens COUNT lines from line FIRST (0-based) on and
writes 32 bytes for each. It ends with 0, or with 1 at the first line that is not in its one spelling.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_PIECE = 1 << 20


def main(arguments: list[str]) -> int:
    """Do what the module says; return the exit status."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from evidence.formats.message import read_line

    descriptor, offset, size, first, count = map(int, arguments)
    out = sys.stdout.buffer
    for place, line in enumerate(_lines(descriptor, offset, size)):
        if place >= first + count:
            break
        if place >= first:
            try:
                out.write(read_line(line).leaf_hash)
            except ValueError:
                return 1
    out.flush()
    return 0


def _lines(descriptor: int, offset: int, size: int) -> Iterator[bytes]:
    rest, end = b"", offset + size
    while offset < end:
        piece = os.pread(descriptor, min(_PIECE, end - offset), offset)
        if not piece:
            return
        offset += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
