"""Sealing a series, showing some of it, proving that it stood there."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from evidence.formats import merkle, message, ranges
from evidence.formats.hashes import SM3, sm3_available
from evidence.formats.message import Withheld
from evidence.formats.series_head import SeriesHead
from evidence.seal import SeriesSealer, disclose, prove, seal_message
from evidence.values import Message

SERIES = "0" * 32
SM3_HERE = pytest.mark.skipif(not sm3_available(), reason="foreign tool missing: SM3 in OpenSSL")


def row(sequence: int, **given: Any) -> Message:
    return Message(
        sequence=sequence,
        kind="text",
        source={"file": "", "offset": 0, "length": 1},
        source_text=f"text {sequence}",
        body=f"text {sequence}",
        **given,
    )


def seed(sequence: int) -> bytes:
    return hashlib.sha256(str(sequence).encode()).digest()


def sealed(rows: int, sm3: bool = False) -> tuple[SeriesSealer, list[Any]]:
    sealer = SeriesSealer(sm3=sm3)
    return sealer, [sealer.add(row(number), seed(number)) for number in range(1, rows + 1)]


def head_of(sealer: SeriesSealer) -> SeriesHead:
    seal = sealer.finish()
    return SeriesHead(
        series=SERIES,
        acquisition=SERIES,
        conversation=SERIES,
        size=seal.size,
        root=seal.root,
        sm3_root=seal.sm3_root,
        parser_name="p",
        parser_version="1",
        timezone=None,
        date_order=None,
        original=b"\0" * 32,
        members=1,
        first_utc=None,
        last_utc=None,
    )


def test_the_root_is_that_of_the_leaves() -> None:
    sealer, leaves = sealed(11)
    assert sealer.finish().root == merkle.tree_root(leaf.sha256 for leaf in leaves)
    assert sealer.finish().sm3_root is None


@SM3_HERE
def test_sm3_is_sealed_beside_sha256_and_changes_nothing_of_it() -> None:
    sealer, leaves = sealed(7, sm3=True)
    plain, _ = sealed(7)
    assert sealer.finish().root == plain.finish().root
    assert sealer.finish().sm3_root == merkle.tree_root((leaf.sm3 for leaf in leaves), SM3)


@pytest.mark.parametrize("sequence", [1, 3, 5])
def test_a_row_out_of_turn_is_refused(sequence: int) -> None:
    sealer, _ = sealed(3)
    with pytest.raises(ValueError, match="cannot follow"):
        sealer.add(row(sequence), seed(sequence))


@pytest.mark.parametrize("sm3", [False, pytest.param(True, marks=SM3_HERE)])
def test_a_push_stream_goes_on_where_it_stopped(sm3: bool) -> None:
    first, _ = sealed(5, sm3)
    second = SeriesSealer(sm3=sm3, after=first.finish())
    for number in range(6, 10):
        second.add(row(number), seed(number))
    assert second.finish() == sealed(9, sm3)[0].finish()


@SM3_HERE
def test_sm3_cannot_begin_in_the_middle_of_a_series() -> None:
    with pytest.raises(ValueError, match="SM3"):
        SeriesSealer(sm3=True, after=sealed(2)[0].finish())


def test_the_same_words_under_another_seed_have_another_leaf() -> None:
    assert seal_message(row(1), seed(1)) != seal_message(row(1), seed(2))


def test_first_and_last_time_do_not_depend_on_their_spelling() -> None:
    sealer = SeriesSealer()
    times = ["2024-01-01T00:00:00.500Z", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.7Z", None]
    for number, utc in enumerate(times, start=1):
        sealer.add(row(number, time={"utc": utc} if utc else None), seed(number))
    seal = sealer.finish()
    assert (seal.first_utc, seal.last_utc) == (times[1], times[2])


def test_what_is_disclosed_opens_to_the_sealed_leaf() -> None:
    _, leaves = sealed(2)
    withheld = Withheld.parse(["body:1"], "privacy")
    for hidden in (None, withheld):
        data = disclose(SERIES, row(2), seed(2), hidden)
        line = message.read_line(data[:-1])
        assert data.endswith(b"}\n")
        assert line.leaf_hash == leaves[1].sha256
    assert line.withheld == ("body:1", "edits", "source", "source_text")


def test_a_proof_gives_the_root_of_the_head() -> None:
    sealer, leaves = sealed(20)
    shown = ranges.parse("3,7-11,20")
    proof = prove(head_of(sealer), shown, [leaf.sha256 for leaf in leaves])
    mine = [leaves[sequence - 1].sha256 for sequence in ranges.sequences(shown)]
    assert merkle.root_from_pruned(20, shown, mine, proof.hashes) == sealer.finish().root


def test_stored_hashes_that_are_not_the_sealed_ones_prove_nothing() -> None:
    sealer, leaves = sealed(4)
    wrong = [leaf.sha256 for leaf in leaves[:-1]] + [b"\0" * 32]
    for hashes in (wrong, wrong[:-1]):
        with pytest.raises(ValueError, match="do not give its root"):
            prove(head_of(sealer), ranges.parse("1"), hashes)


def test_a_value_without_a_canonical_form_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="canonical"):
        seal_message(row(1, details={"duration": 1.5}), seed(1))
