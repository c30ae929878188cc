"""What was laid down for a bundle: files of its folder, and stored bytes that go in as they are.

Originals and attachments are large and stay where they are stored; ``kept.json`` beside the folder
notes which path of the bundle is which of them. They are read from the store whenever they are
needed, each time decrypted and checked, and never stand on a disk in plain text.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

from django.conf import settings

from evidence import bundle
from evidence.actions import workspace
from evidence.archive.blobs import open_blob
from evidence.errors import Corrupt
from evidence.formats.manifest import FileEntry
from evidence.models import Blob

_NOTE = "kept.json"
_AT_ONCE = 8
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """Stored bytes as the content of one file of a bundle."""

    blob: Blob

    def open(self, mode: Literal["rb"] = "rb", /) -> BinaryIO:
        """Return the plain bytes. Raises Corrupt when they are gone or do not open."""
        return open_blob(self.blob)


class Keeping:
    """Takes stored bytes into a bundle: each is read once and must have the hash it was sealed with.

    Reading, decrypting and hashing go on beside the caller, who looks for the next.
    """

    def __init__(self, bag: Path) -> None:
        self._note = bag.parent / _NOTE
        self._pool = ThreadPoolExecutor(2, "keeping")
        self._reading: deque[tuple[Future[tuple[str, int]], str, Corrupt]] = deque()
        self._lines: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._note.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Note what was taken; nothing is noted when anything went wrong."""
        try:
            while self._reading and kind is None:
                self._check()
        finally:
            self._pool.shutdown(cancel_futures=True)
        if kind is None:
            workspace.write_json(self._note, self._lines)

    def take(self, path: str, blob: Blob, expected: str, otherwise: Corrupt) -> None:
        """Take ``blob`` in under ``path``.

        expected: hex SHA-256. Raises ``otherwise``, here or at the end, for a blob with other
        content; Corrupt when one does not open.
        """
        self._lines[path] = {"blob": blob.pk, "path": path, "sha256": expected}
        self._reading.append((self._pool.submit(_facts, open_blob(blob)), path, otherwise))
        if len(self._reading) >= _AT_ONCE:
            self._check()

    def lines(self) -> list[dict[str, Any]]:
        """Return path, SHA-256 in hex and size of everything taken, once all was read."""
        while self._reading:
            self._check()
        return [
            {name: line[name] for name in ("path", "sha256", "size")}
            for line in self._lines.values()
        ]

    def _check(self) -> None:
        reading, path, otherwise = self._reading.popleft()
        digest, size = reading.result()
        if digest != self._lines[path]["sha256"]:
            raise otherwise
        self._lines[path]["size"] = size


def _facts(file: BinaryIO) -> tuple[str, int]:
    digest, size = sha256(), 0
    with file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            size += len(piece)
    return digest.hexdigest(), size


def files_of(bag: Path) -> dict[str, bundle.Part]:
    """Return path in the bundle → content, for everything laid down so far.

    Raises Corrupt when stored bytes that belong to it were destroyed since.
    """
    found: dict[str, bundle.Part] = {
        str(path.relative_to(bag)): path for path in bag.rglob("*") if path.is_file()
    }
    lines = _noted(bag).values()
    blobs = Blob.objects.select_related("organisation").in_bulk([line["blob"] for line in lines])
    for line in lines:
        if line["blob"] not in blobs:
            raise Corrupt("stored bytes are gone", code="stored_bytes_missing", where=line["path"])
        found[line["path"]] = Kept(blobs[line["blob"]])
    return found


def known_entries(bag: Path) -> dict[str, FileEntry]:
    """Return the manifest's entries of the stored bytes, which were hashed when they were taken.

    Nothing is known where SM3 is asked for beside SHA-256.
    """
    if settings.TRUETHREAD_SM3:
        return {}
    return {
        path: FileEntry(path, line["size"], bytes.fromhex(line["sha256"]))
        for path, line in _noted(bag).items()
    }


def _noted(bag: Path) -> dict[str, dict[str, Any]]:
    note = bag.parent / _NOTE
    found: dict[str, dict[str, Any]] = workspace.read_json(note) if note.exists() else {}
    return found
