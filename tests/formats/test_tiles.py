"""Paths and bytes of tiles, against the examples of C2SP and of other implementations."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import tiles
from evidence.formats.tiles import Tile

PUBLISHED = [
    # C2SP tlog-tiles; transparency-dev/tessera api/layout; FiloSottile/torchwood tile paths.
    ("tile/0/x001/x234/067", Tile(0, 1234067)),
    ("tile/0/x001/x234/067.p/8", Tile(0, 1234067, 8)),
    ("tile/0/000.p/1", Tile(0, 0, 1)),
    ("tile/0/000.p/255", Tile(0, 0, 255)),
    ("tile/0/000", Tile(0, 0)),
    ("tile/2/000.p/1", Tile(2, 0, 1)),
    ("tile/entries/000", Tile(None, 0)),
    ("tile/entries/255", Tile(None, 255)),
    ("tile/entries/x123/x456/789", Tile(None, 123456789)),
    ("tile/entries/x123/x456/x789/000", Tile(None, 123456789000)),
    ("tile/entries/x001/x234/067.p/6", Tile(None, 1234067, 6)),
]


@pytest.mark.parametrize(("path", "tile"), PUBLISHED)
def test_published_paths_are_read_and_written(path: str, tile: Tile) -> None:
    assert tiles.read_path(path) == tile
    assert tile.path() == path


@pytest.mark.parametrize(
    "path",
    [
        "", "tile/", "tile/0/1", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/0/000.p/", "tile/00/000", "tile/64/000", "tile/-1/000",
        "tile/15/455/007", "tile/0/x001", "tile/0/001/000", "tile/0/٠٠٠", "tile/0/000\n",
        "tile/0/000/", "/tile/0/000", "tile/entries", "tile/0/" + "x999/" * 30 + "999",
        "tile/0/../0/000", "0/000",
    ],
)  # fmt: skip
def test_another_spelling_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        tiles.read_path(path)


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_specification() -> None:
    found = list(tiles.tiles_of(70_000))
    assert Counter((tile.level, tile.width) for tile in found) == {
        (0, 256): 273, (0, 112): 1, (1, 256): 1, (1, 17): 1, (2, 1): 1,
    }  # fmt: skip
    assert [tile.path() for tile in tiles.tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles.tiles_of(0)) == []


@given(st.integers(0, 2_000_000))
def test_a_tree_has_its_own_tiles_and_none_that_is_wider(size: int) -> None:
    for tile in list(tiles.tiles_of(size))[-5:]:
        assert tile.is_in(size)
        if tile.width < 255:
            assert not Tile(tile.level, tile.index, tile.width + 1).is_in(size)


@given(st.integers(0, tiles.MAX_INDEX), st.integers(1, 256), st.none() | st.integers(0, 63))
def test_paths_come_back(index: int, width: int, level: int | None) -> None:
    tile = Tile(level, index, width)
    assert tiles.read_path(tile.path()) == tile


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=256))
def test_entry_bundles_come_back(entries: list[bytes]) -> None:
    data = tiles.entry_bundle(entries)
    assert tiles.read_entry_bundle(data, len(entries)) == entries


@pytest.mark.parametrize("data", [b"\x00\x05abc", b"\x00", b"", b"\x00\x00\x00\x00"])
def test_a_bundle_of_another_width_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        tiles.read_entry_bundle(data, 1)


def test_a_tile_is_its_hashes_and_nothing_else() -> None:
    hashes = [bytes([n]) * 32 for n in range(3)]
    assert tiles.read_hash_tile(tiles.hash_tile(hashes), 3) == hashes
    with pytest.raises(ValueError, match="width"):
        tiles.read_hash_tile(b"x" * 95, 3)
    with pytest.raises(ValueError, match="hashes"):
        tiles.hash_tile([])
