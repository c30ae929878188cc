"""Describe the parts of a bundle and pack them."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from queue import SimpleQueue
from tempfile import NamedTemporaryFile
from threading import Thread
from typing import BinaryIO, Literal, Protocol, TypeAlias

from evidence.errors import StorageFailed
from evidence.formats import bundle, manifest
from evidence.formats.manifest import FileEntry
from evidence.formats.receipt import IssuedFile


class Source(Protocol):
    """Content that lies somewhere else than in a plain file."""

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        """Return the content from its beginning; the caller closes it."""


Part: TypeAlias = bytes | Path | Source
"""The content of one file of a bundle, or where it lies."""


def describe(
    parts: Mapping[str, Part], *, sm3: bool = False, known: Mapping[str, FileEntry] | None = None
) -> tuple[FileEntry, ...]:
    """Return the ``files`` of the manifest: every listed part and ``bagit.txt``, by path.

    parts: path in the bundle → content. Parts the manifest does not list are left out.
    known: entries made before, which are taken as they are; ``pack`` refuses what does not fit them.
    Raises ValueError for a path that may not stand in a bundle, StorageFailed when one is unreadable.
    """
    known = known or {}
    listed = {path: part for path, part in parts.items() if path not in bundle.UNLISTED}
    listed[bundle.BAGIT] = bundle.BAGIT_TXT
    bundle.check_names(listed)
    return tuple(known.get(path) or _entry(path, listed[path], sm3) for path in sorted(listed))


def pack(parts: Mapping[str, Part], out_path: Path) -> IssuedFile:
    """Write the bundle of ``parts`` to ``out_path`` and return its name, size and SHA-256.

    parts: every file but the BagIt ones, which are made here. The file appears under its name only
    when it is complete and on disk; memory does not grow with it.
    Raises ValueError when the parts are not those the manifest lists, StorageFailed when the disk
    refuses or the content of a part is not the one that was described: each is read once.
    """
    found = manifest.loads(_whole(parts[bundle.MANIFEST]))
    known = {entry.path: entry for entry in found.files}
    lying = {path: known[path] for path in known if not isinstance(parts.get(path), bytes)}
    if describe(parts, sm3=found.uses_sm3, known=lying) != found.files:
        raise ValueError("the parts are not the files the manifest lists")
    del known[bundle.BAGIT]
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
            with _Following(out.fileno()) as following:
                told = {
                    path: (size, following.settling(out.tell, read))
                    for path, (size, read) in members.items()
                }
                size = bundle.write_zip(out, told)  # type: ignore[arg-type]  # a wrapper of BinaryIO
                out.flush()
                following.settled(size)
                os.fsync(out.fileno())
                digest = following.digest()
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


class _Following:
    """The SHA-256 of a file that is still being written, taken beside the writing.

    What was written is hashed once it does not change any more: a member of the ZIP when the next
    begins, since its header is completed after its content.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._sha256 = hashlib.sha256()
        self._limits: SimpleQueue[int | None] = SimpleQueue()
        self._trouble: OSError | None = None
        self._end = 0
        self._thread = Thread(target=self._follow, daemon=True)

    def __enter__(self) -> _Following:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._limits.put(None)
        self._thread.join()

    def settling(
        self, tell: Callable[[], int], read: Callable[[], Iterator[bytes]]
    ) -> Callable[[], Iterator[bytes]]:
        """Return ``read`` for a member: what was written before it has settled."""

        def following() -> Iterator[bytes]:
            self.settled(self._end)
            yield from read()
            self._end = tell()

        return following

    def settled(self, end: int) -> None:
        """Say that the bytes before ``end`` are written and stay as they are."""
        self._limits.put(end)

    def digest(self) -> bytes:
        """Return the SHA-256 of all that settled. Raises OSError when it cannot be read."""
        self._limits.put(None)
        self._thread.join()
        if self._trouble is not None:
            raise self._trouble
        return self._sha256.digest()

    def _follow(self) -> None:
        at = 0
        try:
            while (end := self._limits.get()) is not None:
                while at < end:
                    piece = os.pread(self._handle, min(bundle.CHUNK_BYTES, end - at), at)
                    if not piece:
                        raise OSError("the file became shorter while it was written")
                    self._sha256.update(piece)
                    at += len(piece)
        except OSError as error:
            self._trouble = error


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
        twin = hashlib.new("sm3") if entry.sm3 is not None else None
        for piece in _pieces(part):
            digest.update(piece)
            if twin is not None:
                twin.update(piece)
            yield piece
        if digest.digest() != entry.sha256 or (twin and twin.digest() != entry.sm3):
            raise StorageFailed(f"{entry.path} is not what was described")

    return read


def _pieces_of(data: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([data])


def _pieces(part: Part) -> Iterator[bytes]:
    with io.BytesIO(part) if isinstance(part, bytes) else part.open("rb") as file:
        while piece := file.read(bundle.CHUNK_BYTES):
            yield piece


def _whole(part: Part) -> bytes:
    return b"".join(_pieces(part))
