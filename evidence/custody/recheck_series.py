"""Re-derive the seal of every stored series and hold it against the log.

message payload → leaf hash → tree → head → the digest that ``series.sealed`` names. An erased
message has lost its seed; its leaf hash stays in the tree and is taken as it stands, but only
beside a ``conversation.erased`` entry that names its series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from evidence.custody.findings import RecheckReport
from evidence.custody.recheck_log import Seen
from evidence.errors import Corrupt
from evidence.formats import canonical, series_head
from evidence.formats.hashes import SM3, sm3_available
from evidence.formats.merkle import TreeBuilder
from evidence.models import PushBatch, Series
from evidence.seal.sealing import seal_message
from evidence.values import Message


class StoredRow(Protocol):
    """A stored message, opened; without its fields and seed once it is erased."""

    @property
    def sequence(self) -> int: ...
    @property
    def is_erased(self) -> bool: ...
    @property
    def fields(self) -> bytes: ...
    @property
    def seed(self) -> bytes: ...
    @property
    def leaf_hash(self) -> bytes: ...
    @property
    def sm3_leaf_hash(self) -> bytes | None: ...
    def message(self) -> Message: ...


ReadMessages = Callable[[Series], Iterable[StoredRow]]
"""How the archive opens the rows of a series; raises Corrupt naming one that does not open."""


def check_series(read: ReadMessages, report: RecheckReport, seen: Seen) -> None:
    """Check every series there is, and that none the log knows is gone."""
    waiting = dict(seen.sealed)
    rows = Series.objects.select_related("organisation").filter(sealed_at__isnull=False)
    for series in rows.order_by("pk").iterator(100):
        report.series += 1
        try:
            _check_one(series, read, report, seen, waiting.pop(series.public_id, None))
        except Corrupt as error:
            where = error.where or f"series {series.public_id}"
            report.add("message_unreadable", where, str(error))
    for public_id in waiting:
        report.add("series_missing", f"series {public_id}", "sealed in the log, not in the store")


def _check_one(
    series: Series, read: ReadMessages, report: RecheckReport, seen: Seen, logged: str | None
) -> None:
    where = f"series {series.public_id}"
    try:
        head = series_head.read(canonical.loads(bytes(series.head)))
    except ValueError as error:
        report.add("head_unreadable", where, str(error))
        return
    if logged is None:
        _note_unlogged(where, report)
    elif head.digest().hex() != logged:
        _note_other_head(series, logged, where, report)
    roots = _earlier_roots(series, report, seen, where)
    trees = _Trees(has_sm3=head.sm3_root is not None, report=report)
    for row in read(series):
        report.messages += 1
        _check_row(row, trees, report, where, is_erased=series.public_id in seen.erased)
        if trees.size in roots and roots[trees.size] != trees.root():
            report.add("series_altered", where, f"its first {trees.size} rows gave another root")
    if trees.root() != head.root:
        report.add("series_altered", where, "its rows have another root than the head")
    if trees.sm3 is not None and trees.sm3.root() != head.sm3_root:
        report.add("series_altered", where, "another SM3 root than the head")
    if (count := series.messages.count()) != head.size:
        report.add("series_altered", where, f"{count} rows, sealed were {head.size}")
    if (series.size, bytes(series.root or b"")) != (head.size, head.root):
        report.add("series_columns_differ", where, "size or root is not the head's")


def _check_row(
    row: StoredRow, trees: _Trees, report: RecheckReport, where: str, *, is_erased: bool
) -> None:
    place = f"{where}:{row.sequence}"
    if row.sequence != trees.size + 1:
        report.add("message_misplaced", place, f"stands at {trees.size + 1}")
    if row.is_erased:
        report.erased += 1
        if not is_erased:
            report.add("message_gone", place, "no entry says that it was erased")
        trees.append(row.leaf_hash, row.sm3_leaf_hash)
        return
    try:
        values = row.message()
        leaf = seal_message(values, row.seed, sm3=trees.sm3 is not None)
    except (ValueError, TypeError, KeyError) as error:
        raise Corrupt(f"a message without its fields: {error}", where=place) from error
    if values.sequence != row.sequence:
        report.add("message_misplaced", place, f"its own number is {values.sequence}")
    if leaf.fields != row.fields:
        report.add("message_altered", place, "its fields are not in their one spelling")
    if leaf.sha256 != row.leaf_hash or leaf.sm3 not in (None, row.sm3_leaf_hash):
        report.add("message_altered", place, "its content has another leaf hash")
    trees.append(leaf.sha256, leaf.sm3)


def _note_other_head(series: Series, logged: str, where: str, report: RecheckReport) -> None:
    """Report a head that is not the one logged last; one of a stream may still be in the queue."""
    if report.pending and logged in _digests(series):
        report.not_checked.append(f"{where}: its last entry may still be queued")
    else:
        report.add("head_differs", where, "series.sealed names another head")


def _earlier_roots(
    series: Series, report: RecheckReport, seen: Seen, where: str
) -> dict[int, bytes]:
    """Return, by number of rows, the roots a pushed series had; report a logged head it never had."""
    heads = _heads(series)
    known = {head.digest().hex() for head in heads}
    if heads:
        for digest in seen.heads.get(series.public_id, ()):
            if digest not in known:
                report.add("head_differs", where, "series.sealed names a head of no batch")
    return {head.size: head.root for head in heads}


def _heads(series: Series) -> list[series_head.SeriesHead]:
    rows = PushBatch.objects.filter(stream__series=series).order_by("number")
    return [
        series_head.read(canonical.loads(bytes(head)))
        for head in rows.values_list("head", flat=True)
    ]


def _digests(series: Series) -> set[str]:
    return {head.digest().hex() for head in _heads(series)}


class _Trees:
    """The tree of a series, and its SM3 twin where there is one and SM3 works here."""

    def __init__(self, *, has_sm3: bool, report: RecheckReport) -> None:
        self._tree = TreeBuilder()
        self.sm3 = TreeBuilder(algorithm=SM3) if has_sm3 and sm3_available() else None
        unchecked = "SM3 roots: this Python's OpenSSL has no SM3"
        if has_sm3 and self.sm3 is None and unchecked not in report.not_checked:
            report.not_checked.append(unchecked)

    @property
    def size(self) -> int:
        return self._tree.size

    def append(self, leaf: bytes, sm3_leaf: bytes | None) -> None:
        self._tree.append(leaf)
        if self.sm3 is not None:
            self.sm3.append(sm3_leaf or bytes(32))

    def root(self) -> bytes:
        return self._tree.root()


def _note_unlogged(where: str, report: RecheckReport) -> None:
    if report.pending:
        report.not_checked.append(f"{where}: its entry may still be queued")
    else:
        report.add("series_unlogged", where, "no series.sealed entry")
