"""Prune the tree of a series to what a bundle shows."""

from __future__ import annotations

from collections.abc import Sequence

from evidence.formats import merkle
from evidence.formats.hashes import SM3
from evidence.formats.proofs import SeriesProof
from evidence.formats.series_head import SeriesHead
from evidence.values import Ranges


def prove(
    head: SeriesHead,
    disclosed: Ranges,
    leaf_hashes: Sequence[bytes],
    sm3_leaf_hashes: Sequence[bytes] | None = None,
) -> SeriesProof:
    """Return the proof that the ``disclosed`` rows stand in the sealed series.

    disclosed: sequences that get a line, withheld rows included. leaf_hashes: of the whole series,
    as stored. Raises ValueError when they are not those of ``head``: no proof of something else.
    """
    if len(leaf_hashes) != head.size or merkle.tree_root(leaf_hashes) != head.root:
        raise ValueError(f"the stored leaf hashes of series {head.series} do not give its root")
    sm3_hashes = None
    if head.sm3_root is not None:
        if sm3_leaf_hashes is None or merkle.tree_root(sm3_leaf_hashes, SM3) != head.sm3_root:
            raise ValueError(
                f"the stored SM3 leaf hashes of series {head.series} do not give its root"
            )
        sm3_hashes = tuple(merkle.prune(sm3_leaf_hashes, disclosed, SM3))
    return SeriesProof(
        series=head.series,
        size=head.size,
        root=head.root,
        disclosed=disclosed,
        hashes=tuple(merkle.prune(leaf_hashes, disclosed)),
        sm3_root=head.sm3_root,
        sm3_hashes=sm3_hashes,
    )
