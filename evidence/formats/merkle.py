"""Merkle trees of RFC 9162 section 2.1 over leaf hashes, with proofs and pruned trees.

Node = H(0x01 ‖ left ‖ right), leaf hash = H(0x00 ‖ leaf data), empty tree = H(""), and a tree of n > 1
leaves splits at the largest power of two below n. H is SHA-256 unless another ``digest`` is passed.
Leaf indices count from 0 here and nowhere else; a message's index is its sequence - 1.

**Pruned tree.** To show some leaves of one tree and nothing of the rest: walk the tree from the root;
a subtree without a shown leaf is written as its one hash, a subtree of shown leaves only as nothing,
any other is entered, left before right. What is written, in that order, is the proof; the verifier
walks the same way and puts its own leaf hashes in. The list has exactly one right length.

Worked example, leaves a b c d e of which c is shown (sequence 3): the root splits {a b c d} {e}, then
{a b} {c d}. Written: H(ab), d, e. Rebuilt: H(H(H(ab) ‖ H(c d)) ‖ e).
Broken example: H(ab), d, e, e (one hash too many) is refused with ValueError, not ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..values import Ranges
from .hashes import SHA256, Algorithm

_LEAF = b"\x00"
_NODE = b"\x01"


def leaf_hash(data: bytes, algorithm: Algorithm = SHA256) -> bytes:
    """Return the 32-byte hash of a leaf holding ``data``."""
    return algorithm.digest(_LEAF + data)


class TreeBuilder:
    """A growing tree in O(log n) memory.

    ``frontier`` holds the roots of the full subtrees, largest first; a builder made from a stored
    size and frontier goes on where the stored one stopped.
    """

    def __init__(
        self, size: int = 0, frontier: Iterable[bytes] = (), algorithm: Algorithm = SHA256
    ) -> None:
        self.size = size
        self._digest = algorithm.digest
        self._frontier = list(frontier)
        if size < 0 or len(self._frontier) != size.bit_count():
            raise ValueError("the frontier does not fit the size")

    @property
    def frontier(self) -> tuple[bytes, ...]:
        """Return the roots of the full subtrees, largest first."""
        return tuple(self._frontier)

    def append(self, leaf: bytes) -> None:
        """Add one 32-byte leaf hash at the end."""
        frontier, digest, size = self._frontier, self._digest, self.size
        while size & 1:
            leaf = digest(_NODE + frontier.pop() + leaf)
            size >>= 1
        frontier.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """Return the root over everything appended so far; the builder can go on."""
        if not self._frontier:
            return self._digest(b"")
        root = self._frontier[-1]
        for left in reversed(self._frontier[:-1]):
            root = self._digest(_NODE + left + root)
        return root


def tree_root(leaf_hashes: Iterable[bytes], algorithm: Algorithm = SHA256) -> bytes:
    """Return the root over ``leaf_hashes`` in order; none give the hash of no bytes."""
    builder = TreeBuilder(algorithm=algorithm)
    for leaf in leaf_hashes:
        builder.append(leaf)
    return builder.root()


def growth_proof(old: int, frontier: Sequence[bytes], fresh: Sequence[bytes]) -> list[bytes]:
    """Return the consistency proof from a tree of ``old`` leaves to it with ``fresh`` appended.

    frontier: of the old tree (``TreeBuilder``). The same hashes as ``Tree.consistency_proof``, for
    one who keeps no old leaves. Source: RFC 9162 section 2.1.4.1.
    """
    size, left = old + len(fresh), list(frontier)
    if old < 0 or len(left) != old.bit_count():
        raise ValueError("the frontier does not fit the size")
    if old in (0, size):
        return []
    low, high, whole, proof = 0, size, True, list[bytes]()
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(tree_root(fresh[middle - old : high - old]))
            high = middle
        else:
            proof.append(left.pop(0))
            low, whole = middle, False
    if not whole:
        proof.append(TreeBuilder(old - low, left).root())
    return proof[::-1]


class Tree:
    """All full subtrees of a list of leaf hashes, so that each proof costs O(log n).

    Source: RFC 9162 sections 2.1.3.1 and 2.1.4.1.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = (), algorithm: Algorithm = SHA256) -> None:
        self._digest = algorithm.digest
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaf_hashes:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash at the end."""
        node, height = leaf, 0
        while True:
            level = self._levels[height]
            level.append(node)
            if len(level) & 1:
                return
            node, height = self._digest(_NODE + level[-2] + level[-1]), height + 1
            if height == len(self._levels):
                self._levels.append([])

    def root(self, size: int | None = None) -> bytes:
        """Return the root over the first ``size`` leaves, all by default."""
        return self._range(0, self._checked(size))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the path of leaf ``index`` in the tree of the first ``size`` leaves."""
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError("no such leaf")
        low, high, proof = 0, size, list[bytes]()
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low = middle
        return proof[::-1]

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """Return the proof that the first ``old`` leaves are a prefix; empty for 0 and ``size``."""
        size = self._checked(size)
        if not 0 <= old <= size:
            raise ValueError("the older tree is larger")
        if old in (0, size):
            return []
        low, high, whole, proof = 0, size, True, list[bytes]()
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                proof.append(self._range(middle, high))
                high = middle
            else:
                proof.append(self._range(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._range(low, high))
        return proof[::-1]

    def prune(self, shown: Ranges, size: int | None = None) -> list[bytes]:
        """Return the pruned tree for the ``shown`` sequences: see the module."""
        size = self._checked(size)
        return [self._range(low, high) for low, high in _hidden(size, _leaf_spans(size, shown))]

    def _checked(self, size: int | None) -> int:
        if size is None:
            return len(self)
        if not 0 <= size <= len(self):
            raise ValueError("the tree is not that large")
        return size

    def _range(self, low: int, high: int) -> bytes:
        """Return the hash of leaves ``low`` up to ``high``, a subtree the split rule reaches."""
        if low == high:
            return self._digest(b"")
        count = high - low
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._levels[height][low >> height]
        middle = low + _split(count)
        return self._digest(_NODE + self._range(low, middle) + self._range(middle, high))


def prune(
    leaf_hashes: Sequence[bytes], shown: Ranges, algorithm: Algorithm = SHA256
) -> list[bytes]:
    """Return the hashes of the pruned tree over ``leaf_hashes`` that shows ``shown``.

    shown: 1-based sequences, none beyond the tree. Only hidden leaves are hashed.
    """
    spans = _leaf_spans(len(leaf_hashes), shown)
    return [
        tree_root(leaf_hashes[low:high], algorithm)
        for low, high in _hidden(len(leaf_hashes), spans)
    ]


def root_from_pruned(
    size: int,
    shown: Ranges,
    leaf_hashes: Iterable[bytes],
    hashes: Iterable[bytes],
    algorithm: Algorithm = SHA256,
) -> bytes:
    """Return the root of the pruned tree.

    leaf_hashes: of the ``shown`` sequences, ascending; consumed as they are needed.
    hashes: what ``prune`` returned.
    Raises ValueError when either list is too short or too long. Never recurses deeper than log n.
    """
    leaves, others = iter(leaf_hashes), iter(hashes)
    spans = _leaf_spans(size, shown)
    root = _rebuild(0, size, spans, leaves, others, algorithm) if size else algorithm.digest(b"")
    if next(leaves, None) is not None or next(others, None) is not None:
        raise ValueError("the proof holds more hashes than the tree has places")
    return root


def root_from_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], algorithm: Algorithm = SHA256
) -> bytes:
    """Return the root that ``proof`` gives for ``leaf`` at ``index`` in a tree of ``size``.

    Raises ValueError when the proof cannot belong to that place. Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ValueError("no such leaf")
    place, last, node = index, size - 1, leaf
    for other in proof:
        if last == 0:
            raise ValueError("the inclusion proof is too long")
        if place & 1 or place == last:
            node = algorithm.digest(_NODE + other + node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = algorithm.digest(_NODE + node + other)
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the inclusion proof is too short")
    return node


def verify_inclusion(
    index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Return whether ``leaf`` is leaf ``index`` of the tree of ``size`` with ``root``."""
    try:
        return len(leaf) == 32 and root_from_inclusion(index, size, leaf, proof) == root
    except ValueError:
        return False


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Return whether the tree of ``old`` leaves is a prefix of the tree of ``new``.

    An empty older tree is a prefix of anything, with an empty proof.
    Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == SHA256.digest(b"")
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    return bool(path) and _consistent(old - 1, new - 1, old_root, new_root, path)


def _consistent(
    place: int, last: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    digest = SHA256.digest
    while place & 1:
        place, last = place >> 1, last >> 1
    older = newer = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = digest(_NODE + other + older), digest(_NODE + other + newer)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            newer = digest(_NODE + newer + other)
        place, last = place >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _split(count: int) -> int:
    """Return the largest power of two below ``count``, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _leaf_spans(size: int, shown: Ranges) -> list[tuple[int, int]]:
    """Return ``shown`` as half-open spans of leaf indices, last first, so that it pops in order."""
    if shown.spans and shown.spans[-1][1] > size:
        raise ValueError("a shown sequence lies beyond the tree")
    return [(first - 1, last) for first, last in reversed(shown.spans)]


def _hidden(size: int, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the maximal subtrees without a shown leaf, left to right; consumes ``spans``."""
    waiting = [(0, size)] if size else []
    while waiting:
        low, high = waiting.pop()
        while spans and spans[-1][1] <= low:
            spans.pop()
        if not spans or spans[-1][0] >= high:
            yield low, high
        elif not (spans[-1][0] <= low and high <= spans[-1][1]):
            middle = low + _split(high - low)
            waiting += [(middle, high), (low, middle)]


def _rebuild(
    low: int,
    high: int,
    spans: list[tuple[int, int]],
    leaves: Iterator[bytes],
    others: Iterator[bytes],
    algorithm: Algorithm,
) -> bytes:
    while spans and spans[-1][1] <= low:
        spans.pop()
    if not spans or spans[-1][0] >= high:
        return _take(others)
    if spans[-1][0] <= low and high <= spans[-1][1]:
        return _shown_root(high - low, leaves, algorithm)
    middle = low + _split(high - low)
    left = _rebuild(low, middle, spans, leaves, others, algorithm)
    return algorithm.digest(_NODE + left + _rebuild(middle, high, spans, leaves, others, algorithm))


def _shown_root(count: int, leaves: Iterator[bytes], algorithm: Algorithm) -> bytes:
    builder = TreeBuilder(algorithm=algorithm)
    for _ in range(count):
        builder.append(_take(leaves))
    return builder.root()


def _take(hashes: Iterator[bytes]) -> bytes:
    found = next(hashes, None)
    if found is None or len(found) != 32:
        raise ValueError("the proof holds fewer hashes than the tree has places")
    return found
