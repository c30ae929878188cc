"""Describe the parts of a bundle and pack them."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeAlias

from evidence.errors import StorageFailed
from evidence.formats import bundle, manifest
from evidence.formats.manifest import FileEntry
from evidence.formats.receipt import IssuedFile

Part: TypeAlias = bytes | Path
"""The content of one file of a bundle, or where it lies."""


def describe(parts: Mapping[str, Part], *, sm3: bool = False) -> tuple[FileEntry, ...]:
    """Return the ``files`` of the manifest: every listed part and ``bagit.txt``, by path.

    parts: path in the bundle → content. Parts the manifest does not list are left out.
    Raises ValueError for a path that may not stand in a bundle, StorageFailed when one is unreadable.
    """
    listed = {path: part for path, part in parts.items() if path not in bundle.UNLISTED}
    listed[bundle.BAGIT] = bundle.BAGIT_TXT
    bundle.check_names(listed)
    return tuple(_entry(path, listed[path], sm3) for path in sorted(listed))


def pack(parts: Mapping[str, Part], out_path: Path) -> IssuedFile:
    """Write the bundle of ``parts`` to ``out_path`` and return its name, size and SHA-256.

    parts: every file but the BagIt ones, which are made here. The file appears under its name only
    when it is complete and on disk; memory does not grow with it.
    Raises ValueError when the parts are not those the manifest lists, StorageFailed when the disk
    refuses or a part changed while it was packed.
    """
    found = manifest.loads(_whole(parts[bundle.MANIFEST]))
    if describe(parts, sm3=found.uses_sm3) != found.files:
        raise ValueError("the parts are not the files the manifest lists")
    known = {entry.path: entry for entry in found.files if entry.path != bundle.BAGIT}
    for path in (bundle.MANIFEST, bundle.MASTER):
        known[path] = _entry(path, parts[path], found.uses_sm3)
    derived = bundle.bag_files(found, known)
    members: dict[str, tuple[int, Callable[[], Iterator[bytes]]]] = {
        path: (entry.size, _checked(parts[path], entry)) for path, entry in known.items()
    }
    for path, data in derived.items():
        members[path] = (len(data), _pieces_of(data))
    return _write(out_path, members)


def _write(
    out_path: Path, members: Mapping[str, tuple[int, Callable[[], Iterator[bytes]]]]
) -> IssuedFile:
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(
            dir=out_path.parent, prefix=f".{out_path.name}.", delete=False
        ) as out:
            temporary = Path(out.name)
            size = bundle.write_zip(out, members)  # type: ignore[arg-type]  # a wrapper of BinaryIO
            out.flush()
            os.fsync(out.fileno())
        digest = _sha256_of(temporary)
        temporary.chmod(0o644)
        temporary.replace(out_path)
        _sync_folder(out_path.parent)
    except OSError as error:
        raise StorageFailed(f"bundle {out_path.name}: {error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return IssuedFile(out_path.name, size, digest)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256_of(path: Path) -> bytes:
    digest = hashlib.sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return digest.digest()


def _entry(path: str, part: Part, sm3: bool) -> FileEntry:
    sha256, twin, size = hashlib.sha256(), hashlib.new("sm3") if sm3 else None, 0
    try:
        for piece in _pieces(part):
            sha256.update(piece)
            size += len(piece)
            if twin is not None:
                twin.update(piece)
    except OSError as error:
        raise StorageFailed(f"{path}: {error}") from error
    return FileEntry(path, size, sha256.digest(), twin.digest() if twin is not None else None)


def _checked(part: Part, entry: FileEntry) -> Callable[[], Iterator[bytes]]:
    """Return a reader that ends in StorageFailed unless the content is still the described one."""

    def read() -> Iterator[bytes]:
        digest = hashlib.sha256()
        for piece in _pieces(part):
            digest.update(piece)
            yield piece
        if digest.digest() != entry.sha256:
            raise StorageFailed(f"{entry.path} changed while it was packed")

    return read


def _pieces_of(data: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([data])


def _pieces(part: Part) -> Iterator[bytes]:
    with io.BytesIO(part) if isinstance(part, bytes) else part.open("rb") as file:
        while piece := file.read(bundle.CHUNK_BYTES):
            yield piece


def _whole(part: Part) -> bytes:
    return part if isinstance(part, bytes) else part.read_bytes()
