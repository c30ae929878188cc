"""Where the files of a bundle are read from: its ZIP, or the folder it was unpacked into."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ...formats import bundle
from ...formats.bundle import CHUNK_BYTES, Member, NotCanonical, TooLarge
from ...formats.manifest import FileEntry

MAX_WHOLE_BYTES = 128 * 1024 * 1024
WORTH_A_THREAD = 16 * 1024 * 1024


@dataclass(frozen=True)
class Region:
    """A stretch of bytes in a file on disk, for another process to read."""

    path: str
    offset: int
    size: int


class BundleSource(Protocol):
    """The files of one bundle. Reading a name that is not there raises KeyError."""

    is_zip: bool

    def names(self) -> list[str]: ...

    def size(self, name: str) -> int: ...

    def pieces(self, name: str) -> Iterator[bytes]: ...

    def region(self, name: str) -> Region: ...


class ZipSource:
    """A canonical ZIP. Opening checks every header; contents are checked as they are read."""

    is_zip = True

    def __init__(self, path: str, *, max_members: int) -> None:
        self._path = path
        self._file: BinaryIO = Path(path).open("rb")
        try:
            self.total = os.fstat(self._file.fileno()).st_size
            members = bundle.read_zip(self._file, self.total, max_members=max_members)
        except BaseException:
            self._file.close()
            raise
        self._members: dict[str, Member] = {member.name: member for member in members}

    def close(self) -> None:
        self._file.close()

    def names(self) -> list[str]:
        return list(self._members)

    def size(self, name: str) -> int:
        return self._members[name].size

    def pieces(self, name: str) -> Iterator[bytes]:
        return bundle.content(self._file, self._members[name])

    def region(self, name: str) -> Region:
        member = self._members[name]
        return Region(self._path, member.offset, member.size)


class FolderSource:
    """An unpacked bundle. Links are not followed: they are not part of a bundle."""

    is_zip = False

    def __init__(self, path: str, *, max_members: int) -> None:
        self._root = Path(path)
        self._sizes: dict[str, int] = {}
        for folder, inner, files in os.walk(path):
            for linked in inner:
                if Path(folder, linked).is_symlink():
                    raise NotCanonical(f"{linked[:200]!r} is a link")
            for file in files:
                found = Path(folder, file)
                name = found.relative_to(self._root).as_posix()
                status = found.lstat()
                self._sizes[name] = status.st_size
                if not stat.S_ISREG(status.st_mode):
                    raise NotCanonical(f"{name[:200]!r} is a link or no file")
                if len(self._sizes) > max_members:
                    raise TooLarge(f"the folder has more than {max_members} files")
        bundle.check_names(self._sizes)

    def close(self) -> None:
        """Nothing is held open."""

    def names(self) -> list[str]:
        return sorted(self._sizes)

    def size(self, name: str) -> int:
        return self._sizes[name]

    def pieces(self, name: str) -> Iterator[bytes]:
        if name not in self._sizes:
            raise KeyError(name)
        with (self._root / name).open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                yield piece

    def region(self, name: str) -> Region:
        return Region(str(self._root / name), 0, self._sizes[name])


def read_whole(source: BundleSource, name: str, limit: int = MAX_WHOLE_BYTES) -> bytes:
    """Return a file's content. Raises KeyError when absent, TooLarge beyond ``limit``."""
    if source.size(name) > limit:
        raise TooLarge(f"{name} is larger than {limit} bytes")
    return b"".join(source.pieces(name))


def hash_file(source: BundleSource, name: str, *, sm3: bool) -> FileEntry:
    """Return size and hashes of one file, checking its CRC-32 where there is one."""
    sha256, twin, size = hashlib.sha256(), hashlib.new("sm3") if sm3 else None, 0
    for piece in source.pieces(name):
        sha256.update(piece)
        size += len(piece)
        if twin is not None:
            twin.update(piece)
    return FileEntry(name, size, sha256.digest(), twin.digest() if twin is not None else None)


class WholeHash:
    """SHA-256 of a whole file, taken in a thread beside the caller where that is worth it.

    Started after processes were forked, and ended before anything else forks.
    """

    def __init__(self, path: str, *, beside: bool) -> None:
        self._path = path
        self._digest = ""
        self._trouble: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        if beside:
            with suppress(RuntimeError):  # no thread to be had: it is done when it is asked for
                self._thread.start()

    def hex(self) -> str:
        """Return the hash in hex. Raises OSError when the file cannot be read."""
        if self._thread.ident is None and not self._digest:
            self._run()
        elif self._thread.ident is not None:
            self._thread.join()
        if self._trouble is not None:
            raise self._trouble
        return self._digest

    def end(self) -> None:
        """Wait for the thread, if there is one."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        digest = hashlib.sha256()
        try:
            with Path(self._path).open("rb") as file:
                while piece := file.read(CHUNK_BYTES):
                    digest.update(piece)
        except OSError as error:
            self._trouble = error
            return
        self._digest = digest.hexdigest()
