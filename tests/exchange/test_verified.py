"""Rows of a bundle that was verified just now: the same rows, and none of another file."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from importlib import import_module

import pytest

from evidence.exchange import NotConvertible, Verified, from_bundle
from evidence.formats import bundle, message
from tests.exchange.bundles import Conversation, attachment, row, write_bundle
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


def of_one_picture(path, body, data):
    one = row(1, body, attachments=[attachment("a.png", data)])
    return write_bundle(path, [Conversation([one], files={(1, 1): data})], b"%PDF" + data)


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


@pytest.mark.parametrize("worth_a_process", [1, 5_000])
def test_rows_attachments_and_pdfs_are_those_of_the_file_that_was_opened(
    tmp_path, monkeypatch, worth_a_process
):
    module = import_module("evidence.exchange.from_bundle")
    monkeypatch.setattr(module, "_WORTH_A_PROCESS", worth_a_process)
    path = of_one_picture(tmp_path / "bundle.zip", "as it was said", b"genuine")
    exchange = from_bundle(path, pages=False)
    of_one_picture(tmp_path / "forged.zip", "as somebody would like", b"forged!").replace(path)
    for _again in range(2):
        (found,) = exchange.series[0].rows()
        assert found.text() == "as it was said"
        assert found.files[0].load is not None
        assert b"".join(found.files[0].load()) == b"genuine"
        assert b"".join(exchange.volumes[0].load()) == b"%PDF" + b"genuine"


def test_the_place_of_an_opened_file_is_left_alone(path):
    with path.open("rb") as file:
        file.seek(7)
        exchange = from_bundle(file, pages=False)
        assert len(list(exchange.series[0].rows())) == 7
        assert file.tell() == 7
    assert len(list(exchange.series[1].rows())) == 4


def test_lines_that_changed_since_they_were_verified_are_refused(path, verified):
    with pytest.raises(NotConvertible, match="not those that were verified"):
        rows_of(path, replace(verified, sha256=sha256(b"other").digest()))


def test_fewer_hashes_than_lines_are_refused(path, verified):
    with pytest.raises(NotConvertible):
        rows_of(path, replace(verified, leaf_hashes=verified.leaf_hashes[:-32]))
