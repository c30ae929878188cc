"""Trees and proofs, against published vectors and as properties."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import merkle, ranges
from evidence.formats.hashes import SM3, sm3_available
from evidence.values import Ranges

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors/merkle/certificate_transparency.json").read_text()
)
LEAVES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]
ODD_SIZES = [9, 10, 11, 13, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 129, 1000]


def hashes(items: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in items]


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(size)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(
        b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])
    ).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_agree_with_certificate_transparency(size: int) -> None:
    assert merkle.tree_root(LEAVES[:size]) == merkle.Tree(LEAVES).root(size) == ROOTS[size]


@pytest.mark.parametrize("vector", VECTORS["inclusion"])
def test_inclusion_agrees_with_certificate_transparency(vector: dict[str, object]) -> None:
    index, size, proof = int(vector["index"]), int(vector["size"]), hashes(vector["proof"])
    assert merkle.Tree(LEAVES).inclusion_proof(index, size) == proof
    assert merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


@pytest.mark.parametrize("vector", VECTORS["consistency"])
def test_consistency_agrees_with_certificate_transparency(vector: dict[str, object]) -> None:
    old, new, proof = int(vector["old"]), int(vector["new"]), hashes(vector["proof"])
    assert merkle.Tree(LEAVES).consistency_proof(old, new) == proof
    assert merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)


@pytest.mark.parametrize("size", [*range(9), *ODD_SIZES])
def test_roots_agree_with_the_standard_read_naively(size: int) -> None:
    leaves = leaves_of(size)
    assert merkle.tree_root(leaves) == merkle.Tree(leaves).root() == naive_root(leaves)


@pytest.mark.parametrize("size", [*range(1, 20), 31, 33, 64, 65])
def test_every_leaf_is_proved_and_no_other_place_accepts_it(size: int) -> None:
    leaves = leaves_of(size)
    tree = merkle.Tree(leaves)
    for index in range(size):
        proof = tree.inclusion_proof(index)
        for place in range(size):
            ok = merkle.verify_inclusion(place, size, leaves[index], proof, tree.root())
            assert ok == (place == index)
        for wrong in (proof[:-1], [*proof, tree.root()], [tree.root(), *proof]):
            if wrong != proof:
                assert not merkle.verify_inclusion(index, size, leaves[index], wrong, tree.root())


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 16, 31, 33])
def test_every_prefix_is_consistent_and_no_other(size: int) -> None:
    tree = merkle.Tree(leaves_of(size))
    for old in range(size + 1):
        proof = tree.consistency_proof(old)
        for claimed in range(size + 1):
            ok = merkle.verify_consistency(claimed, size, tree.root(old), tree.root(), proof)
            assert ok == (claimed == old)
        wrong = [hashlib.sha256(item).digest() for item in proof] or [tree.root()]
        assert not merkle.verify_consistency(old, size, tree.root(old), tree.root(), wrong)


def test_a_builder_goes_on_from_its_frontier() -> None:
    leaves = leaves_of(100)
    first = merkle.TreeBuilder()
    for leaf in leaves[:37]:
        first.append(leaf)
    second = merkle.TreeBuilder(first.size, first.frontier)
    for leaf in leaves[37:]:
        second.append(leaf)
    assert second.root() == merkle.tree_root(leaves)


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="frontier"):
        merkle.TreeBuilder(3, leaves_of(1))


subsets = st.integers(1, 70).flatmap(
    lambda size: st.tuples(st.just(size), st.sets(st.integers(1, size)))
)


@given(subsets)
def test_a_pruned_tree_gives_the_root_again(case: tuple[int, set[int]]) -> None:
    size, chosen = case
    leaves, shown = leaves_of(size), ranges.of(chosen)
    proof = merkle.prune(leaves, shown)
    assert proof == merkle.Tree(leaves).prune(shown)
    mine = [leaves[sequence - 1] for sequence in sorted(chosen)]
    assert merkle.root_from_pruned(size, shown, mine, proof) == merkle.tree_root(leaves)


@given(subsets, st.data())
def test_a_pruned_tree_with_a_wrong_count_is_refused(
    case: tuple[int, set[int]], data: st.DataObject
) -> None:
    size, chosen = case
    leaves, shown = leaves_of(size), ranges.of(chosen)
    proof = merkle.prune(leaves, shown)
    mine = [leaves[sequence - 1] for sequence in sorted(chosen)]
    shorter, longer = proof[:-1], [*proof, leaves[0]]
    with pytest.raises(ValueError, match="more"):
        merkle.root_from_pruned(size, shown, mine, longer)
    with pytest.raises(ValueError, match="more"):
        merkle.root_from_pruned(size, shown, [*mine, leaves[0]], proof)
    if proof:
        with pytest.raises(ValueError, match="fewer"):
            merkle.root_from_pruned(size, shown, mine, shorter)
    if mine:
        with pytest.raises(ValueError, match="fewer"):
            merkle.root_from_pruned(size, shown, mine[:-1], proof)


@given(subsets)
def test_shifted_places_never_give_the_same_root(case: tuple[int, set[int]]) -> None:
    size, chosen = case
    if not chosen or max(chosen) == size or len(chosen) == size:
        return
    leaves, shown = leaves_of(size), ranges.of(chosen)
    shifted = Ranges(tuple((first + 1, last + 1) for first, last in shown.spans))
    mine = [leaves[sequence - 1] for sequence in sorted(chosen)]
    try:
        root = merkle.root_from_pruned(size, shifted, mine, merkle.prune(leaves, shown))
    except ValueError:
        return
    assert root != merkle.tree_root(leaves)


@pytest.mark.skipif(not sm3_available(), reason="foreign tool missing: SM3 in OpenSSL")
def test_a_tree_works_with_sm3_as_well() -> None:
    leaves = [merkle.leaf_hash(bytes([number]), SM3) for number in range(5)]
    shown = ranges.parse("2,4-5")
    proof = merkle.prune(leaves, shown, SM3)
    mine = [leaves[1], leaves[3], leaves[4]]
    assert merkle.root_from_pruned(5, shown, mine, proof, SM3) == merkle.tree_root(leaves, SM3)


def test_an_empty_tree_shows_nothing() -> None:
    assert merkle.root_from_pruned(0, Ranges(), [], []) == hashlib.sha256(b"").digest()
