"""A bundle is written whole or not at all."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from evidence.bundle import describe, pack
from evidence.errors import StorageFailed
from evidence.formats import bundle
from evidence.formats.bundle import check_name
from tests.bundle.world import Built


def test_the_same_parts_make_the_same_bytes(good: Built, tmp_path: Path) -> None:
    issued = pack(good.parts, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == good.path.read_bytes()
    assert issued.size == good.path.stat().st_size


def test_parts_may_lie_on_disk(good: Built, tmp_path: Path) -> None:
    lying = {}
    for number, (name, data) in enumerate(good.parts.items()):
        lying[name] = tmp_path / str(number)
        lying[name].write_bytes(data)
    pack(lying, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == good.path.read_bytes()


@pytest.mark.parametrize("change", [{bundle.README: b"another"}, {"data/more.txt": b""}])
def test_parts_the_manifest_does_not_list_are_refused(
    good: Built, tmp_path: Path, change: dict[str, bytes]
) -> None:
    with pytest.raises(ValueError, match="not the files the manifest lists"):
        pack({**good.parts, **change}, tmp_path / "x.zip")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_nothing_behind(
    good: Built, tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageFailed):
        pack(good.parts, tmp_path / "x.zip")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("larger", [False, True])
def test_a_part_that_changed_since_it_was_described_is_refused(
    good: Built, tmp_path: Path, larger: bool
) -> None:
    lying = tmp_path / "lying"
    data = good.parts[bundle.README]
    assert isinstance(data, bytes)
    lying.write_bytes(data[:-1] + b"?" + b"more" * larger)
    with pytest.raises(StorageFailed, match="not what was described"):
        pack({**good.parts, bundle.README: lying}, tmp_path / "x.zip")
    assert os.listdir(tmp_path) == ["lying"]


def test_the_digest_taken_beside_the_writing_is_that_of_the_file(
    good: Built, tmp_path: Path
) -> None:
    issued = pack(good.parts, tmp_path / "again.zip")
    assert issued.sha256 == sha256((tmp_path / "again.zip").read_bytes()).digest()


def test_a_part_that_vanished_is_a_storage_failure(good: Built, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed):
        pack({**good.parts, bundle.README: tmp_path / "gone"}, tmp_path / "x.zip")


def test_an_earlier_bundle_stands_until_the_new_one_is_complete(
    good: Built, tmp_path: Path
) -> None:
    target = tmp_path / "x.zip"
    target.write_bytes(b"earlier")
    with pytest.raises(StorageFailed):
        pack({**good.parts, bundle.MASTER: tmp_path / "gone"}, target)
    assert target.read_bytes() == b"earlier"


def test_the_description_leaves_out_what_a_manifest_cannot_vouch_for(good: Built) -> None:
    listed = {entry.path for entry in describe(good.parts)}
    assert bundle.BAGIT in listed
    assert not listed & bundle.UNLISTED


def test_every_fixed_name_may_stand_in_a_bundle() -> None:
    for name in (bundle.MASTER, bundle.README, bundle.VERIFIER, bundle.TAGS_SHA256, bundle.LOG_KEY):
        check_name(name)
