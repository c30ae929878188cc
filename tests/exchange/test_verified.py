"""Rows of a bundle that was verified just now: the same rows, and none of another file."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from evidence.exchange import NotConvertible, Verified, from_bundle
from evidence.formats import bundle, message
from tests.exchange.bundles import Conversation, row, write_bundle
from tests.exchange.test_withheld import secret_rows


@pytest.fixture
def path(tmp_path):
    """A bundle of two series: withheld rows, a gap, and texts that are not valid Unicode."""
    odd = [row(1, "lone \ud800"), row(2, '{"wtf8":"eda080"}'), row(3, None), row(4, "a\u2028b\0")]
    secret = Conversation(secret_rows(), disclosed="1-5,7", withheld={1: ["*"], 2: ["body:1"]})
    return write_bundle(tmp_path / "bundle.zip", [secret, Conversation(odd)])


@pytest.fixture
def verified(path) -> Verified:
    with path.open("rb") as file:
        members = {one.name: one for one in bundle.read_zip(file, path.stat().st_size)}
        data = b"".join(bundle.content(file, members[bundle.MESSAGES]))
    leaves = [message.read_line(line).leaf_hash for line in data[:-1].split(b"\n")]
    return Verified(sha256(data).digest(), b"".join(leaves))


def rows_of(path, verified=None):
    """Return all rows; how an attachment is loaded cannot be compared."""
    exchange = from_bundle(path, pages=False, verified=verified)
    return [
        replace(one, files=tuple(replace(file, load=None) for file in one.files))
        for series in exchange.series
        for one in series.rows()
    ]


def test_rows_with_leaf_hashes_of_the_verifier_are_those_derived_here(path, verified):
    assert rows_of(path, verified) == rows_of(path)


def test_lines_that_changed_since_they_were_verified_are_refused(path, verified):
    with pytest.raises(NotConvertible, match="not those that were verified"):
        rows_of(path, replace(verified, sha256=sha256(b"other").digest()))


def test_fewer_hashes_than_lines_are_refused(path, verified):
    with pytest.raises(NotConvertible):
        rows_of(path, replace(verified, leaf_hashes=verified.leaf_hashes[:-32]))
