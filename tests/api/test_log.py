"""The log over the API: what it gives out can be checked, by anyone, without a token."""

from __future__ import annotations

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import custody
from evidence.formats import checkpoint, merkle

ROOT = "/api/v1/log"


@pytest.fixture
def published(alice, stored):
    stored(alice)
    custody.sequence_pending()
    return custody.cut_checkpoint(timezone.now())


def test_the_checkpoint_is_the_signed_note(published):
    said = APIClient().get(f"{ROOT}/checkpoint").json()
    read = checkpoint.read(said["note"].encode())
    assert (read.size, read.root.hex()) == (said["size"], said["root"])
    assert (said["size"], said["log"], said["epoch"]) == (published.size, read.origin, 1)


def test_a_proof_of_inclusion_leads_to_the_root(published):
    size = published.size
    for index in range(size):
        said = APIClient().get(f"{ROOT}/inclusion?index={index}&size={size}").json()
        leaf, path = bytes.fromhex(said["digest"]), [bytes.fromhex(h) for h in said["inclusion"]]
        root = merkle.root_from_inclusion(index, size, merkle.leaf_hash(leaf), path)
        assert root == bytes(published.root)


def test_a_proof_of_consistency_is_given_between_any_two_sizes(published):
    said = APIClient().get(f"{ROOT}/consistency?old=1&new={published.size}").json()
    assert (said["old"], said["new"], len(said["consistency"]) > 0) == (1, published.size, True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("inclusion?index=0&size=999", (404, "not_found")),
        ("inclusion?index=2&size=2", (404, "not_found")),
        ("inclusion?index=-1&size=2", (400, "invalid_request")),
        ("inclusion?index=x&size=2", (400, "invalid_request")),
        ("inclusion", (400, "invalid_request")),
        ("consistency?old=2&new=1", (404, "not_found")),
        ("consistency?old=1&new=999", (404, "not_found")),
        ("checkpoint?epoch=9", (404, "not_found")),
    ],
)
def test_what_cannot_be_proved_is_refused(published, problem_of, query, expected):
    assert problem_of(APIClient().get(f"{ROOT}/{query}")) == expected
