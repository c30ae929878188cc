"""The tree of a series that grows, kept so that a proof between two of its heads reads few rows.

Besides the leaf hashes, which stand with the messages, the hash of every complete subtree of 256 leaves
is kept, of 256 such subtrees, and so on: one row for 256 messages. What a proof needs is made from at
most 128 rows for each of its O(log n) hashes, with one query a level. Places count from 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import TypeAlias

from django.db.models import Q

from evidence.formats import merkle
from evidence.models import Message, Series, SeriesNode

HEIGHT = 8
Node: TypeAlias = "tuple[int, int]"
"""Level and place: stands for the leaves from place · 2^level up to (place + 1) · 2^level."""


def keep_growth(series: Series, old: int, leaves: Sequence[bytes]) -> None:
    """Keep the subtrees that became complete when ``leaves`` followed the first ``old`` ones.

    The messages are stored already; inside their transaction.
    """
    size, level = old + len(leaves), HEIGHT
    fresh, first = leaves, old
    while size >> level > old >> level:
        start = (old >> level) << HEIGHT
        below = [*_stored(series, level - HEIGHT, start, first), *fresh]
        whole = range(0, len(below) - (1 << HEIGHT) + 1, 1 << HEIGHT)
        if len(below) < (size >> level << HEIGHT) - start:
            # Grown before anything was kept; proofs then go down to the leaves.
            return
        fresh = [merkle.tree_root(below[one : one + (1 << HEIGHT)]) for one in whole]
        first = old >> level
        SeriesNode.objects.bulk_create(
            SeriesNode(series=series, level=level, place=place, hash=node)
            for place, node in enumerate(fresh, start=first)
        )
        level += HEIGHT


def consistency(series: Series, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree over ``old`` rows is a prefix of the one over ``new``.

    Empty when ``old`` is 0 or ``new``. Source: RFC 9162 section 2.1.4.1. Raises ValueError when
    ``old`` is larger, or the series does not hold ``new`` rows.
    """
    wanted: list[Node] = []

    def note(level: int, place: int) -> bytes:
        wanted.append((level, place))
        return b""

    _Tree(new, note).consistency_proof(old)
    found = _subtrees(series, wanted)
    return _Tree(new, lambda level, place: found[level, place]).consistency_proof(old)


class _Tree(merkle.Tree):
    """A tree of ``size`` leaves whose complete subtrees come from elsewhere."""

    def __init__(self, size: int, node: Callable[[int, int], bytes]) -> None:
        super().__init__()
        self._size, self._node = size, node

    def __len__(self) -> int:
        return self._size

    def _range(self, low: int, high: int) -> bytes:
        count = high - low
        if count and count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._node(height, low >> height)
        return super()._range(low, high)


def _subtrees(series: Series, wanted: Iterable[Node]) -> dict[Node, bytes]:
    found: dict[Node, bytes] = {}
    levels: dict[int, list[Node]] = {}
    for level, place in wanted:
        levels.setdefault(level // HEIGHT * HEIGHT, []).append((level, place))
    for kept, nodes in levels.items():
        rows = _rows(series, kept, [_span(node, kept) for node in nodes])
        for node in nodes:
            first, end = _span(node, kept)
            below = [rows[place] for place in range(first, end) if place in rows]
            if len(below) < end - first:
                below = _stored(series, 0, *_span(node, 0))
            if len(below) < end - first:
                raise ValueError("the series has not that many rows")
            found[node] = merkle.tree_root(below)
    return found


def _span(node: Node, kept: int) -> tuple[int, int]:
    """Return the places on level ``kept`` that make up ``node``: the first, and the one after the last."""
    level, place = node
    return place << (level - kept), (place + 1) << (level - kept)


def _stored(series: Series, level: int, first: int, end: int) -> list[bytes]:
    if first >= end:
        return []
    rows = _rows(series, level, [(first, end)])
    return [rows[place] for place in sorted(rows)]


def _rows(series: Series, level: int, spans: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """Return the stored hashes of ``level`` within ``spans``, by place; one query."""
    if level:
        either = reduce(or_, (Q(place__gte=first, place__lt=end) for first, end in spans))
        nodes = SeriesNode.objects.filter(either, series=series, level=level)
        return {place: bytes(node) for place, node in nodes.values_list("place", "hash")}
    either = reduce(or_, (Q(sequence__gt=first, sequence__lte=end) for first, end in spans))
    rows = Message.objects.filter(either, series=series)
    return {one - 1: bytes(leaf) for one, leaf in rows.values_list("sequence", "leaf_hash")}
