"""Proofs of a growing series from few rows equal those of the pure function, at every size."""

from __future__ import annotations

from hashlib import sha256

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.archive import growth
from evidence.archive.growth import HEIGHT, consistency, keep_growth
from evidence.archive.insert import MessageRow, insert_messages
from evidence.formats import merkle
from evidence.models import Series, SeriesNode


def leaf(place: int) -> bytes:
    return sha256(b"leaf %d" % place).digest()


@pytest.fixture
def grown(alice, streamed):
    """Grow a series to a size in steps and return it with its leaf hashes."""

    def make(*sizes: int) -> tuple[Series, list[bytes]]:
        series = Series.objects.get(pk=streamed(alice)[0].series_id)
        leaves: list[bytes] = []
        for size in sizes:
            fresh = [leaf(place) for place in range(len(leaves), size)]
            insert_messages(
                [
                    MessageRow(series.pk, len(leaves) + n, "text", 0, None, one, None, b"x")
                    for n, one in enumerate(fresh, start=1)
                ]
            )
            keep_growth(series, len(leaves), fresh)
            leaves += fresh
        return series, leaves

    return make


def test_every_pair_of_sizes_up_to_seventy(grown):
    series, leaves = grown(1, 2, 5, 70)
    tree = merkle.Tree(leaves)
    for new in range(71):
        for old in range(new + 1):
            assert consistency(series, old, new) == tree.consistency_proof(old, new), (old, new)


@pytest.mark.parametrize("height", [2, 3, HEIGHT])
def test_larger_odd_sizes_and_batches_that_cut_subtrees(grown, monkeypatch, height):
    monkeypatch.setattr(growth, "HEIGHT", height)
    sizes = (1, 3, 255, 256, 257, 511, 700, 1023, 1025, 1999, 4097)
    series, leaves = grown(*sizes)
    tree = merkle.Tree(leaves)
    for new in sizes:
        for old in (*(one for one in sizes if one <= new), new // 3, new - 1):
            assert consistency(series, old, new) == tree.consistency_proof(old, new), (old, new)
    kept = {(one.level, one.place): bytes(one.hash) for one in SeriesNode.objects.all()}
    assert len(kept) == sum(4097 >> level for level in range(height, 13, height))
    for (level, place), node in kept.items():
        assert node == merkle.tree_root(leaves[place << level : (place + 1) << level])


def test_a_proof_over_many_rows_reads_few(grown, monkeypatch):
    series, leaves = grown(30_011, 70_001)
    read: list[int] = []
    rows = growth._rows

    def counted(*asked):
        found = rows(*asked)
        read.append(len(found))
        return found

    monkeypatch.setattr(growth, "_rows", counted)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        proof = consistency(series, 30_011, 70_001)
    assert proof == merkle.Tree(leaves).consistency_proof(30_011)
    assert len(queries) <= 3
    assert sum(read) < 2 * 3 * 256


def test_a_stream_that_grew_before_subtrees_were_kept_is_proved_from_its_leaves(grown):
    series, leaves = grown(600, 1_300)
    SeriesNode.objects.all().delete()
    keep_growth(series, 1_300, fresh := [leaf(place) for place in range(1_300, 1_301)])
    assert consistency(series, 600, 1_300) == merkle.Tree(leaves).consistency_proof(600)
    assert (len(fresh), SeriesNode.objects.count()) == (1, 0)


def test_what_the_series_does_not_hold_is_not_proved(grown):
    series, _ = grown(10)
    with pytest.raises(ValueError, match="not that many"):
        consistency(series, 4, 17)
    with pytest.raises(ValueError, match="larger"):
        consistency(series, 9, 5)
