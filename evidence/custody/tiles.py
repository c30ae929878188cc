"""What the public log serves: checkpoints and, below the latest of them, tiles and proofs.

Nothing beyond the latest checkpoint is given out: entries count as published once the log has signed
for them. Everything here is the same for everyone and names nobody; leaf data are digests.
"""

from __future__ import annotations

from evidence.custody.epochs import current_epoch
from evidence.errors import Corrupt, NotFound
from evidence.formats import tiles
from evidence.formats.merkle import leaf_hash
from evidence.formats.tiles import Tile
from evidence.models import Checkpoint, CustodyEntry, LogEpoch, LogNode


def latest_checkpoint(epoch_number: int | None = None) -> Checkpoint:
    """Return the largest checkpoint of an epoch, of the current one by default. Raises NotFound."""
    rows = Checkpoint.objects.filter(epoch=_epoch(epoch_number)).select_related("epoch")
    found: Checkpoint | None = rows.order_by("-size").first()
    if found is None:
        raise NotFound("nothing was published yet")
    return found


def checkpoint_of_size(size: int, epoch_number: int | None = None) -> Checkpoint:
    """Return the checkpoint that was signed at ``size`` entries. Raises NotFound."""
    rows = Checkpoint.objects.filter(epoch=_epoch(epoch_number)).select_related("epoch")
    found: Checkpoint | None = rows.filter(size=size).first()
    if found is None:
        raise NotFound(f"no checkpoint at {size}")
    return found


def tile_bytes(published: Checkpoint, tile: Tile) -> bytes:
    """Return a tile of the published tree (see ``formats.tiles``).

    Raises NotFound when the tree is too small for it, Corrupt when rows are missing.
    """
    if not tile.is_in(published.size):
        raise NotFound(f"no {tile.path()} in a tree of {published.size}")
    if tile.level is None:
        return tiles.entry_bundle(_digests(published.epoch, tile))
    if tile.level == 0:
        return tiles.hash_tile([leaf_hash(digest) for digest in _digests(published.epoch, tile)])
    return tiles.hash_tile(_nodes(published.epoch, tile))


def _digests(epoch: LogEpoch, tile: Tile) -> list[bytes]:
    rows = CustodyEntry.objects.filter(epoch=epoch, **_span(tile)).order_by("place")
    return _whole(tile, [bytes(one) for one in rows.values_list("digest", flat=True)])


def _nodes(epoch: LogEpoch, tile: Tile) -> list[bytes]:
    rows = LogNode.objects.filter(epoch=epoch, level=8 * (tile.level or 0), **_span(tile))
    found = rows.order_by("place").values_list("hash", flat=True)
    return _whole(tile, [bytes(one) for one in found])


def _span(tile: Tile) -> dict[str, int]:
    return {"place__gte": tile.first, "place__lt": tile.first + tile.width}


def _whole(tile: Tile, found: list[bytes]) -> list[bytes]:
    if len(found) != tile.width:
        raise Corrupt(f"{tile.path()}: {len(found)} of {tile.width} rows")
    return found


def _epoch(number: int | None) -> LogEpoch:
    found = current_epoch()
    if number is not None:
        found = LogEpoch.objects.filter(number=number).first()
    if found is None:
        raise NotFound("no such log")
    return found
