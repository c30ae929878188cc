"""Large bytes: encrypted, named by keyed hash, whole or absent.

Writing has two steps, because a name is known only when all bytes have passed, and because the
row that holds the blob's key decides who was first: ``receive`` encrypts into a hidden file,
``keep`` gives it its name. What is not kept vanishes.

    with store.receive(pieces, key=key, name_key=tenant_key, associated=aad) as blob:
        …  insert the row for blob.name; if it is there already, leave without keeping
        blob.keep()

A blob that stands under a name without a row (a crash between the two) is replaced by the next
``keep`` of the same bytes; one that has a row is never touched again until it is deleted.
"""

from __future__ import annotations

import io
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from evidence.errors import Corrupt, StorageFailed
from evidence.gateways import crypt

READ_BUFFER = 64 * 1024
NAME_LENGTH = 64


class Incoming(Protocol):
    """Bytes that arrived whole but have no name yet."""

    name: str
    """Hex, 64 digits: HMAC of the plain bytes' SHA-256 under the name key."""
    sha256: bytes
    """Of the plain bytes, 32 raw bytes."""
    size: int
    """Of the plain bytes."""
    stored_size: int
    """Of the encrypted file."""

    def keep(self) -> None:
        """Put the bytes under their name, durably. Raises StorageFailed."""


class BlobStore(Protocol):
    """Where large bytes live. Everything that leaves it is decrypted and checked."""

    def receive(
        self, pieces: Iterable[bytes], *, key: bytes, name_key: bytes, associated: bytes
    ) -> AbstractContextManager[Incoming]:
        """Take in all of ``pieces``; what is not kept inside the ``with`` vanishes.

        key: the blob's own, 32 bytes. name_key: the tenant's. associated: see ``crypt.aad``.
        Raises StorageFailed when the disk refuses; whatever ``pieces`` raises passes through.
        """

    def open(self, name: str, *, key: bytes, associated: bytes) -> io.BufferedReader:
        """Return the plain bytes as a seekable file; the caller closes it.

        Raises Corrupt, here or while reading; a missing blob has the code
        ``stored_bytes_missing``.
        """

    def exists(self, name: str) -> bool:
        """Tell whether a blob stands under ``name``; nothing is said about its bytes."""

    def delete(self, name: str) -> None:
        """Destroy the blob; one that is not there is no trouble. Raises StorageFailed."""

    def names(self) -> Iterator[str]:
        """Yield every name that stands here, in no order."""


@dataclass(slots=True)
class _FolderIncoming:
    name: str
    sha256: bytes
    size: int
    stored_size: int
    hidden: Path
    target: Path

    def keep(self) -> None:
        """Move the finished file to its name and make the move durable."""
        with _disk_trouble(self.name):
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self.hidden.replace(self.target)
            _sync_folder(self.target.parent)


class FolderStore:
    """Blobs in a local folder: ``<first two digits>/<name>``, arrivals in ``incoming/``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"

    @contextmanager
    def receive(
        self, pieces: Iterable[bytes], *, key: bytes, name_key: bytes, associated: bytes
    ) -> Iterator[Incoming]:
        """See ``BlobStore.receive``."""
        hidden = self._incoming / secrets.token_hex(16)
        try:
            counted = _Counted(pieces)
            stored_size = self._write(hidden, crypt.seal_stream(key, counted, associated))
            name = crypt.keyed_name(name_key, counted.sha256.digest())
            yield _FolderIncoming(
                name=name,
                sha256=counted.sha256.digest(),
                size=counted.size,
                stored_size=stored_size,
                hidden=hidden,
                target=self._path(name),
            )
        finally:
            hidden.unlink(missing_ok=True)

    def open(self, name: str, *, key: bytes, associated: bytes) -> io.BufferedReader:
        """See ``BlobStore.open``."""
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError as error:
            raise Corrupt(f"blob {name}", code="stored_bytes_missing") from error
        except OSError as error:
            raise StorageFailed(f"blob {name}: {error}") from error
        try:
            return io.BufferedReader(crypt.SealedReader(key, file, associated), READ_BUFFER)
        except BaseException:
            file.close()
            raise

    def exists(self, name: str) -> bool:
        """See ``BlobStore.exists``."""
        return self._path(name).is_file()

    def delete(self, name: str) -> None:
        """See ``BlobStore.delete``."""
        with _disk_trouble(name):
            self._path(name).unlink(missing_ok=True)

    def names(self) -> Iterator[str]:
        """See ``BlobStore.names``."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            if len(path.name) == NAME_LENGTH:
                yield path.name

    def sweep(self, older_than_seconds: float) -> int:
        """Remove arrivals that a killed process left behind; return how many."""
        limit = time.time() - older_than_seconds
        stale = [path for path in self._incoming.glob("*") if path.stat().st_mtime < limit]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _path(self, name: str) -> Path:
        if len(name) != NAME_LENGTH or not set(name) <= set("0123456789abcdef"):
            raise ValueError(f"not a blob name: {name!r}")
        return self._folder / name[:2] / name

    def _write(self, hidden: Path, sealed: Iterator[bytes]) -> int:
        """Write and sync; only the disk's own refusals become StorageFailed."""
        with _disk_trouble("incoming"):
            self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
            file = hidden.open("xb")
        try:
            for chunk in sealed:
                with _disk_trouble("incoming"):
                    file.write(chunk)
            with _disk_trouble("incoming"):
                file.flush()
                os.fsync(file.fileno())
                return file.tell()
        finally:
            with _disk_trouble("incoming"):
                file.close()


class _Counted:
    """Pieces on their way through, hashed and counted."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.sha256 = sha256()
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.sha256.update(piece)
            self.size += len(piece)
            yield piece


@contextmanager
def _disk_trouble(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"blob {name}: {error}") from error


def _sync_folder(folder: Path) -> None:
    """Make a rename inside ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
