"""Seal a series, message by message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from evidence.formats import merkle, message
from evidence.formats.hashes import SHA256, SM3
from evidence.values import Json, Message


@dataclass(frozen=True, slots=True)
class Leaf:
    """The leaf hashes of one message, 32 raw bytes each; SM3 only where it is in use.

    fields: the canonical JSON object of all fields, for keeping the message as it was sealed.
    """

    sha256: bytes
    sm3: bytes | None = None
    fields: bytes = b""


@dataclass(frozen=True, slots=True)
class Seal:
    """What is committed to about a whole series.

    first_utc, last_utc: the earliest and latest interpreted times, as the messages spell them.
    frontier, sm3_frontier: from which a push stream's ``SeriesSealer`` goes on.
    """

    size: int
    root: bytes
    sm3_root: bytes | None
    first_utc: str | None
    last_utc: str | None
    frontier: tuple[bytes, ...]
    sm3_frontier: tuple[bytes, ...] | None


def seal_message(row: Message, seed: bytes, *, sm3: bool = False) -> Leaf:
    """Return the leaf of one message.

    seed: 32 random bytes of this message alone.
    Raises ValueError for a value without a canonical form: our own mistake, ingest cleans values.
    """
    return seal_values(message.field_values(row), seed, sm3=sm3)


def seal_values(values: Sequence[Json], seed: bytes, *, sm3: bool = False) -> Leaf:
    """Return what ``seal_message`` does, from the values in the order of ``formats.message.FIELDS``."""
    encoded, salts = message.encode_values(values), message.salts_of(seed)
    body = cast("str | None", values[message.BODY])
    leaf = message.leaf_hash(message.commit(encoded, body, salts))
    fields = message.object_bytes(encoded)
    if not sm3:
        return Leaf(leaf, None, fields)
    twin = message.leaf_hash(message.commit(encoded, body, salts, SM3), SM3)
    return Leaf(leaf, twin, fields)


class SeriesSealer:
    """Seals one series in order, in memory that does not grow with it.

    after: the seal to go on from, for a push stream; it must have been made with the same ``sm3``.
    """

    def __init__(self, *, sm3: bool = False, after: Seal | None = None) -> None:
        self._first = after.first_utc if after else None
        self._last = after.last_utc if after else None
        self._tree = _builder(after.size if after else 0, after.frontier if after else ())
        self._sm3_tree: merkle.TreeBuilder | None = None
        if sm3:
            if after and after.sm3_frontier is None:
                raise ValueError("the earlier seal has no SM3 tree to go on from")
            frontier = (after.sm3_frontier or ()) if after else ()
            self._sm3_tree = merkle.TreeBuilder(self._tree.size, frontier, SM3)

    @property
    def size(self) -> int:
        """Return the number of messages sealed so far."""
        return self._tree.size

    def add(self, row: Message, seed: bytes) -> Leaf:
        """Seal the next message and return its leaf.

        Raises ValueError unless its sequence is the next one: a leaf's place is its number.
        """
        leaf = seal_message(row, seed, sm3=self._sm3_tree is not None)
        self.take(row, leaf)
        return leaf

    def take(self, row: Message, leaf: Leaf) -> None:
        """Add the next message by its ``leaf``, which ``LeafMaker`` made; otherwise like ``add``."""
        if row.sequence != self._tree.size + 1:
            raise ValueError(f"sequence {row.sequence} cannot follow {self._tree.size}")
        if self._sm3_tree is not None and leaf.sm3 is None:
            raise ValueError("the leaf lacks its SM3 hash")
        self._tree.append(leaf.sha256)
        if self._sm3_tree is not None and leaf.sm3 is not None:
            self._sm3_tree.append(leaf.sm3)
        if row.time is not None:
            self._note_time(str(row.time["utc"]))

    def finish(self) -> Seal:
        """Return the seal over everything added; the sealer can go on."""
        return Seal(
            size=self._tree.size,
            root=self._tree.root(),
            sm3_root=self._sm3_tree.root() if self._sm3_tree else None,
            first_utc=self._first,
            last_utc=self._last,
            frontier=self._tree.frontier,
            sm3_frontier=self._sm3_tree.frontier if self._sm3_tree else None,
        )

    def _note_time(self, utc: str) -> None:
        # Without the Z, spellings of different precision sort by time.
        key = utc[:-1]
        if self._first is None or key < self._first[:-1]:
            self._first = utc
        if self._last is None or key > self._last[:-1]:
            self._last = utc


def _builder(size: int, frontier: Iterable[bytes]) -> merkle.TreeBuilder:
    return merkle.TreeBuilder(size, frontier, SHA256)
