"""The delivered file: bare or an archive, its hash, its members, nothing loaded whole.

Besides the codes of ``zips``: ``empty_file``, ``file_too_large``, ``not_in_archive``. A name is
only ever compared and shown, never used as a path, and nothing is unpacked to disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from evidence.errors import IngestRefused
from evidence.ingest.interface import ChatFile, Limits, StoredMember
from evidence.ingest.zips import Entry, checked_entries, is_zip, open_entry

_CHUNK = 1 << 20


class Source:
    """One delivered file. Raises IngestRefused when made if the file cannot be taken in."""

    def __init__(self, path: Path, name: str, limits: Limits) -> None:
        self.path, self.name = path, name
        self.size = os.path.getsize(path)
        if self.size == 0:
            raise IngestRefused(name, code="empty_file")
        if self.size > limits.max_file_bytes:
            raise IngestRefused(f"{self.size} bytes", code="file_too_large")
        self.is_archive = is_zip(path)
        self.entries = checked_entries(path, limits) if self.is_archive else ()
        self._by_name = {entry.name: entry for entry in self.entries}

    def sha256(self) -> str:
        """Return the hex SHA-256 of the whole file as delivered."""
        with open(self.path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def open(self, member: str) -> BinaryIO:
        """Return a stream of a member, or of the bare file when ``member`` is ""."""
        if not member:
            return open(self.path, "rb")
        entry = self._by_name.get(member)
        if entry is None:
            raise IngestRefused(member, code="not_in_archive")
        return open_entry(self.path, entry)

    def head(self, member: str, length: int = 1 << 16) -> bytes:
        """Return the first bytes of a member or of the bare file."""
        with self.open(member) as stream:
            return stream.read(length)

    def chat_file(self, member: str) -> ChatFile:
        """Return what a parser reads, with the other members as its attachments."""
        others = _Attachments(self, member)
        size = self._by_name[member].size if member else self.size
        return ChatFile(
            name=member or self.name,
            archive_name=self.name if member else "",
            member=member,
            size=size,
            open=lambda: self.open(member),
            attachment=others.find,
            unreferenced=others.unreferenced,
        )


class _Attachments:
    """Finds members as a chat names them: by path, by path beside the chat, by bare name."""

    def __init__(self, source: Source, member: str) -> None:
        self._source = source
        self._folder = member.rpartition("/")[0]
        self._entries = {e.name: e for e in source.entries if e.name != member}
        self._by_base: dict[str, list[Entry]] = {}
        for entry in self._entries.values():
            self._by_base.setdefault(entry.name.rpartition("/")[2], []).append(entry)
        self._known: dict[str, StoredMember] = {}

    def find(self, name: str) -> StoredMember | None:
        entry = self._entry(name)
        if entry is None:
            return None
        if entry.name not in self._known:
            with self._source.open(entry.name) as stream:
                digest = hashlib.sha256()
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
            self._known[entry.name] = StoredMember(entry.name, entry.size, digest.hexdigest())
        return self._known[entry.name]

    def unreferenced(self) -> list[str]:
        return [name for name in self._entries if name not in self._known]

    def _entry(self, name: str) -> Entry | None:
        beside = f"{self._folder}/{name}" if self._folder else name
        found = self._entries.get(beside) or self._entries.get(name)
        if found is None and "/" not in name:
            same = self._by_base.get(name, ())
            found = same[0] if len(same) == 1 else None
        return found


@contextmanager
def member(path: Path, name: str, limits: Limits | None = None) -> Iterator[BinaryIO]:
    """Open one member of the archive at ``path`` as a stream that ends at its declared size."""
    source = Source(path, path.name, limits or Limits())
    with source.open(name) as stream:
        yield stream
