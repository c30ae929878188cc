"""Tiles of the custody log: C2SP tlog-tiles, SHA-256, tile height 8. Version 1.

A log is read as fixed resources, each named by its path under the log's address:
    checkpoint                        the signed note (``checkpoint``)
    tile/<L>/<N>[.p/<W>]              hash tile
    tile/entries/<N>[.p/<W>]          entry bundle
L: level 0 to 63, decimal, no leading zero. N: number of the tile in its level, from 0, in groups of
three digits, every group but the last with an ``x`` before it: 1234067 is ``x001/x234/067``; no leading
group of zeros. W: width 1 to 255 of a partial tile, decimal, no leading zero; a full tile has 256.

Hash tile: W hashes of 32 bytes, nothing between. The i-th hash of tile N at level L is the root
    MTH(D[(N * 256 + i) * 256**L : (N * 256 + i + 1) * 256**L])        (RFC 9162 section 2.1.1)
so level 0 holds leaf hashes, and each hash above is the root of one *full* tile below. A tree of s
entries has at level L floor(s / 256**L) hashes; the last (that number mod 256) of them, if any, make
the partial tile. A partial tile is never hashed into the level above.

Entry bundle: W entries, each 2 bytes of length, big endian, then the entry. An entry here is the
32-byte digest of a custody entry (``custody``): leaf data of the tree, from which nothing about the
entry can be learned. So a full bundle has 256 * 34 bytes, and the i-th leaf hash of the level 0 tile
of the same number is SHA-256(0x00 + i-th entry).

Worked example, a tree of 70,000 entries: 273 full tiles and one of width 112 at level 0; one full and
one of width 17 at level 1; one of width 1 at level 2 (``tile/2/000.p/1``).
Broken examples: ``tile/0/1``; ``tile/0/x000/001``; ``tile/0/000.p/0``; ``tile/0/000.p/256``; ``tile/00/000``.

Source: C2SP tlog-tiles v0.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH = 256
HASH_BYTES = 32
MAX_LEVEL = 63
MAX_INDEX = 2**63 - 1

_PATH = re.compile(
    r"(?P<level>0|[1-9][0-9]?|entries)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z"
)


@dataclass(frozen=True)
class Tile:
    """Where a tile stands. level: None for an entry bundle. width: 256 when full."""

    level: int | None
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if self.level is not None and not 0 <= self.level <= MAX_LEVEL:
            raise ValueError("a tile's level is 0 to 63")
        if not 0 <= self.index <= MAX_INDEX or not 1 <= self.width <= WIDTH:
            raise ValueError("no such tile")

    @property
    def is_full(self) -> bool:
        return self.width == WIDTH

    @property
    def first(self) -> int:
        """Return the place of the tile's first hash among those of its level."""
        return self.index * WIDTH

    def path(self) -> str:
        """Return the path below the log's address; ``read_path`` of it gives this tile back."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.is_full else f".p/{self.width}"
        return f"tile/{level}/{_index_path(self.index)}{partial}"

    def is_in(self, size: int) -> bool:
        """Return whether a tree of ``size`` entries has all hashes of this tile."""
        return self.first + self.width <= size >> (8 * (self.level or 0))


def read_path(path: str) -> Tile:
    """Return the tile that ``path`` (from ``tile/`` on) names; ValueError for another spelling."""
    match = _PATH.match(path.removeprefix("tile/")) if path.startswith("tile/") else None
    if match is None or len(path) > 64:
        raise ValueError("not the path of a tile")
    level, width = match["level"], match["width"]
    found = Tile(
        level=None if level == "entries" else int(level),
        index=int(re.sub("[x/]", "", match["index"])),
        width=int(width) if width else WIDTH,
    )
    if found.path() != path:
        raise ValueError("not the one spelling of this path")
    return found


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield the hash tiles of a tree of ``size`` entries, level by level, left to right."""
    level, count = 0, size
    while count:
        for index in range(count // WIDTH):
            yield Tile(level, index)
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)
        level, count = level + 1, count // WIDTH


def hash_tile(hashes: Sequence[bytes]) -> bytes:
    """Return the bytes of a hash tile. hashes: 1 to 256 of 32 bytes."""
    if not 0 < len(hashes) <= WIDTH or any(len(one) != HASH_BYTES for one in hashes):
        raise ValueError("a tile holds 1 to 256 hashes")
    return b"".join(hashes)


def read_hash_tile(data: bytes, width: int) -> list[bytes]:
    """Return the hashes of a tile of ``width``; ValueError when the size differs."""
    if len(data) != width * HASH_BYTES:
        raise ValueError("the tile has another width")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Return the bytes of an entry bundle. entries: 1 to 256, each below 64 KiB."""
    if not 0 < len(entries) <= WIDTH:
        raise ValueError("a bundle holds 1 to 256 entries")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def read_entry_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the entries of a bundle of ``width``; ValueError when it holds more, less or a part."""
    entries, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        end = at + 2 + length
        if at + 2 > len(data) or end > len(data):
            raise ValueError("the bundle is cut short")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != width:
        raise ValueError("the bundle has another width")
    return entries


def _index_path(index: int) -> str:
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    return "/".join(groups)
