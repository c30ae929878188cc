"""Files on their way in: encrypted on disk from the first piece on, until they are stored.

Nothing of them is stored evidence yet. A file lies in a folder of its own, in pieces named by the
offset they begin at, each sealed under the file's key and bound to its place.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from evidence.errors import StorageFailed
from evidence.gateways import crypt
from evidence.models.ids import opaque_id
from evidence.models.people import Organisation

KEPT_SECONDS = 24 * 3600
"""How long what nobody comes back for is kept."""


def incoming_folder() -> Path:
    """Return the private folder of files that are being taken in."""
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "incoming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def keep_piece(
    organisation: Organisation, public_id: str, key: bytes, offset: int, data: bytes
) -> None:
    """Write the piece that begins at ``offset``, whole or not at all; again it is replaced.

    Raises StorageFailed when the disk refuses.
    """
    folder = _folder(public_id)
    part = folder / f".{offset:016d}.{opaque_id()}.part"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with part.open("xb") as target:
            for sealed in crypt.seal_stream(key, [data], _bound(organisation, public_id, offset)):
                target.write(sealed)
            target.flush()
            os.fsync(target.fileno())
        part.replace(folder / f"{offset:016d}")
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageFailed(str(error)) from error


@contextmanager
def opened(organisation: Organisation, public_id: str, key: bytes, size: int) -> Iterator[Path]:
    """Give the file as one plain file, which is removed again at the end, or by the next call.

    The caller holds the lease of the upload: one process at a time opens it.
    Raises StorageFailed where pieces are missing or the disk refuses, Corrupt where one does not
    open.
    """
    path = _folder(public_id) / "plain"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        path.unlink(missing_ok=True)
        with path.open("xb") as target:
            for data in _pieces(organisation, public_id, key, size):
                target.write(data)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _pieces(organisation: Organisation, public_id: str, key: bytes, size: int) -> Iterator[bytes]:
    offset = 0
    while offset < size:
        try:
            with (_folder(public_id) / f"{offset:016d}").open("rb") as source:
                bound = _bound(organisation, public_id, offset)
                data = b"".join(crypt.open_stream(key, source, bound))
        except FileNotFoundError as error:
            raise StorageFailed(f"no piece at {offset}") from error
        if not data:
            raise StorageFailed(f"an empty piece at {offset}")
        yield data
        offset += len(data)


def discard(public_id: str) -> None:
    """Remove every piece; nothing happens if they are gone."""
    shutil.rmtree(_folder(public_id), ignore_errors=True)


def sweep(living: set[str]) -> None:
    """Remove what was left for a day: plain files of killed processes, folders without a row.

    living: the ids whose folders stay whatever their age.
    """
    oldest = time.time() - KEPT_SECONDS
    for left in incoming_folder().iterdir():
        try:
            if left.name in living or left.stat().st_mtime > oldest:
                continue
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        except FileNotFoundError:
            continue


def _folder(public_id: str) -> Path:
    return incoming_folder() / public_id


def _bound(organisation: Organisation, public_id: str, offset: int) -> bytes:
    return crypt.aad(organisation.public_id, f"{public_id}/{offset}", "upload", 1)
