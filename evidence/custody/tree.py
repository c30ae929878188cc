"""The log's Merkle tree read from and written to rows, O(log n) of them at a time.

Level 0 is not stored: a leaf hash follows from the entry's digest. Level l, place p stands for the
complete subtree over entries p·2^l up to (p+1)·2^l. Places count from 0, sizes are entry counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import islice
from operator import or_
from typing import TypeAlias, TypeVar

from django.db.models import Q

from evidence.errors import Corrupt
from evidence.formats.hashes import sha256
from evidence.formats.merkle import TreeBuilder, leaf_hash
from evidence.models import CustodyEntry, LogEpoch, LogNode

Node: TypeAlias = "tuple[int, int]"
"""Level and place."""
Span: TypeAlias = "tuple[int, int]"
"""First entry and the one after the last."""
T = TypeVar("T")
_CHUNK = 500


def root(epoch: LogEpoch, size: int) -> bytes:
    """Return the 32-byte root over the first ``size`` entries.

    Raises Corrupt when a row it needs is not there.
    """
    return TreeBuilder(size, frontier(epoch, size)).root()


def frontier(epoch: LogEpoch, size: int) -> list[bytes]:
    """Return the roots of the complete subtrees over ``size`` entries, largest first."""
    wanted = subtrees((0, size))
    found = _fetch(epoch, wanted)
    return [found[node] for node in wanted]


def inclusion(epoch: LogEpoch, place: int, size: int) -> list[bytes]:
    """Return the path of the entry at ``place`` in the tree over ``size`` entries, leaf first.

    Source: RFC 9162 section 2.1.3.1. Raises ValueError unless place < size.
    """
    return _hashes(epoch, _path(place, size))


def inclusions(epoch: LogEpoch, places: Sequence[int], size: int) -> list[list[bytes]]:
    """Return what ``inclusion`` gives for each of ``places``, reading all nodes at once."""
    paths = [_path(place, size) for place in places]
    found = iter(_hashes(epoch, [span for path in paths for span in path]))
    return [list(islice(found, len(path))) for path in paths]


def _path(place: int, size: int) -> list[Span]:
    """Return the spans whose hashes make the inclusion proof, leaf first."""
    if not 0 <= place < size:
        raise ValueError("no such entry in a tree of this size")
    low, high, spans = 0, size, list[Span]()
    while high - low > 1:
        middle = low + _split(high - low)
        if place < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def consistency(epoch: LogEpoch, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree over ``old`` entries is a prefix of the one over ``new``.

    Empty when ``old`` is 0 or ``new``. Source: RFC 9162 section 2.1.4.1.
    """
    if not 0 <= old <= new:
        raise ValueError("the older tree is larger")
    if old in (0, new):
        return []
    low, high, whole, spans = 0, new, True, list[Span]()
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low, whole = middle, False
    if not whole:
        spans.append((low, high))
    return _hashes(epoch, spans[::-1])


class Growth:
    """A tree that grows at its right edge and tells which nodes became complete."""

    def __init__(self, size: int, frontier: Sequence[bytes]) -> None:
        self.size = size
        self._frontier = list(frontier)

    def append(self, digest: bytes) -> Iterator[tuple[Node, bytes]]:
        """Add the entry with this 32-byte ``digest``; yield the nodes above it, lowest first."""
        node, place, level = leaf_hash(digest), self.size, 0
        while place & 1:
            node = sha256(b"\x01" + self._frontier.pop() + node)
            place, level = place >> 1, level + 1
            yield (level, place), node
        self._frontier.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over everything appended so far."""
        return TreeBuilder(self.size, self._frontier).root()


def subtrees(span: Span) -> list[Node]:
    """Return the complete subtrees that make up a span the split rule reaches, left to right."""
    low, high = span
    nodes = []
    for level in reversed(range((high - low).bit_length())):
        if (high - low) >> level & 1:
            nodes.append((level, low >> level))
            low += 1 << level
    return nodes


def _hashes(epoch: LogEpoch, spans: Iterable[Span]) -> list[bytes]:
    """Return the hash of each span, with two queries for a few hundred nodes."""
    wanted = [(span, subtrees(span)) for span in spans]
    found = _fetch(epoch, [node for _, nodes in wanted for node in nodes])
    return [
        TreeBuilder(high - low, (found[node] for node in nodes)).root()
        for (low, high), nodes in wanted
    ]


def _fetch(epoch: LogEpoch, wanted: Sequence[Node]) -> dict[Node, bytes]:
    found = _leaves(epoch, [place for level, place in wanted if level == 0])
    found |= _nodes(epoch, [(level, place) for level, place in wanted if level])
    if missing := set(wanted) - found.keys():
        raise Corrupt(f"the log lacks nodes (level, place): {sorted(missing)[:5]}")
    return found


def _leaves(epoch: LogEpoch, places: Sequence[int]) -> dict[Node, bytes]:
    rows = CustodyEntry.objects.filter(epoch=epoch)
    return {
        (0, place): leaf_hash(bytes(digest))
        for chunk in _in_chunks(places)
        for place, digest in rows.filter(place__in=chunk).values_list("place", "digest")
    }


def _nodes(epoch: LogEpoch, wanted: Sequence[Node]) -> dict[Node, bytes]:
    """Return the stored nodes, one query for a few hundred of whatever levels."""
    rows = LogNode.objects.filter(epoch=epoch)
    found: dict[Node, bytes] = {}
    for chunk in _in_chunks(sorted(set(wanted))):
        places: dict[int, list[int]] = {}
        for level, place in chunk:
            places.setdefault(level, []).append(place)
        either = reduce(or_, (Q(level=level, place__in=at) for level, at in places.items()))
        for level, place, node in rows.filter(either).values_list("level", "place", "hash"):
            found[level, place] = bytes(node)
    return found


def _in_chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield runs of ``items`` short enough for the parameters of one query."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


def _split(count: int) -> int:
    """Return the largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)
