from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile

import pytest

from evidence.errors import Corrupt, StorageFailed
from evidence.gateways import crypt
from evidence.gateways.blobs import FolderStore

KEY, NAME_KEY, AAD = b"k" * 32, b"n" * 32, b"tenant|original"


@pytest.fixture
def store(folder):
    return FolderStore(folder)


def put(store, content: bytes, key: bytes = KEY):
    with store.receive([content], key=key, name_key=NAME_KEY, associated=AAD) as blob:
        blob.keep()
    return blob


def get(store, name: str, key: bytes = KEY) -> bytes:
    with store.open(name, key=key, associated=AAD) as file:
        return file.read()


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_kept_comes_back(store):
    content = os.urandom(1_000_000)

    blob = put(store, content)

    assert get(store, blob.name) == content
    assert (blob.size, blob.sha256) == (len(content), hashlib.sha256(content).digest())
    assert store.exists(blob.name)
    assert list(store.names()) == [blob.name]


def test_nothing_readable_lies_on_the_disk(store, folder):
    blob = put(store, b"a secret sentence " * 1000)

    (file,) = files(folder)
    assert b"secret" not in file.read_bytes()
    assert file.stat().st_size == blob.stored_size
    assert blob.name != hashlib.sha256(b"a secret sentence " * 1000).hexdigest()


def test_the_same_bytes_get_the_same_name(store):
    assert put(store, b"same").name == put(store, b"same").name


def test_what_is_not_kept_vanishes(store, folder):
    with store.receive([b"x"], key=KEY, name_key=NAME_KEY, associated=AAD) as blob:
        assert not store.exists(blob.name)

    assert files(folder) == []


def test_a_source_that_breaks_off_leaves_nothing(store, folder):
    def broken():
        yield b"x" * 300_000
        raise ConnectionResetError("the sender is gone")

    with pytest.raises(ConnectionResetError):
        with store.receive(broken(), key=KEY, name_key=NAME_KEY, associated=AAD):
            pass

    assert files(folder) == []


def test_a_crash_before_the_row_was_written_does_no_harm_to_the_next_one(store):
    orphan = put(store, b"content", key=b"1" * 32)

    blob = put(store, b"content", key=b"2" * 32)

    assert blob.name == orphan.name
    assert get(store, blob.name, key=b"2" * 32) == b"content"


def test_a_deleted_blob_is_missing_by_name(store):
    blob = put(store, b"x")

    store.delete(blob.name)
    store.delete(blob.name)

    with pytest.raises(Corrupt) as caught:
        get(store, blob.name)
    assert caught.value.code == "stored_bytes_missing"


def test_one_flipped_bit_is_noticed(store, folder):
    blob = put(store, b"x" * 600_000)
    (path,) = files(folder)
    data = bytearray(path.read_bytes())
    data[300_000] ^= 1
    path.write_bytes(data)

    with pytest.raises(Corrupt):
        get(store, blob.name)


def test_two_files_that_changed_places_are_noticed(store, folder):
    one, two = put(store, b"one", key=b"1" * 32), put(store, b"two", key=b"2" * 32)
    first, second = (folder / name[:2] / name for name in (one.name, two.name))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)

    with pytest.raises(Corrupt):
        get(store, one.name, key=b"1" * 32)


def test_a_zip_is_read_in_place(store):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", b"a" * 400_000)
        archive.writestr("b.txt", b"second")
    blob = put(store, packed.getvalue())

    with store.open(blob.name, key=KEY, associated=AAD) as file, zipfile.ZipFile(file) as archive:
        assert archive.read("b.txt") == b"second"
        assert archive.read("a.txt") == b"a" * 400_000


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "0" * 63])
def test_a_name_that_is_none_reaches_no_file(store, name):
    with pytest.raises(ValueError, match="not a blob name"):
        store.exists(name)


class FullDisk:
    """Stands for a file on a disk that is full after a while."""

    def __init__(self, file, room: int) -> None:
        self.file, self.room = file, room

    def write(self, data: bytes) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_a_full_disk_is_a_named_failure_and_frees_the_space(store, folder, monkeypatch):
    from pathlib import Path

    real_open = Path.open

    def limited(path, mode="r", *arguments, **options):
        file = real_open(path, mode, *arguments, **options)
        return FullDisk(file, 500_000) if mode == "xb" else file

    monkeypatch.setattr(Path, "open", limited)

    with pytest.raises(StorageFailed, match="No space left"):
        put(store, b"x" * 2_000_000)

    assert files(folder) == []


def test_a_disk_that_cannot_sync_is_a_named_failure(store, folder, monkeypatch):
    def refuse(handle):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)

    with pytest.raises(StorageFailed, match="Input/output error"):
        put(store, b"x")

    assert files(folder) == []


def test_leftovers_of_killed_processes_are_swept(store, folder):
    incoming = folder / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "old").write_bytes(b"x")
    os.utime(incoming / "old", (0, 0))
    (incoming / "young").write_bytes(b"x")

    assert store.sweep(older_than_seconds=3600) == 1
    assert [path.name for path in files(folder)] == ["young"]


def test_unused_crypt_helpers_agree_on_the_name(store):
    blob = put(store, b"content")

    assert blob.name == crypt.keyed_name(NAME_KEY, hashlib.sha256(b"content").digest())
