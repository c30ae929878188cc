"""Encrypted files of a tenant: kept once per content, read back as streams."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from evidence.archive.keys import tenant_key
from evidence.errors import Corrupt, StorageFailed
from evidence.gateways import crypt
from evidence.gateways.blobs import Incoming
from evidence.gateways.current import current
from evidence.gateways.seekable import Seekable
from evidence.models import (
    Acquisition,
    Artifact,
    Attachment,
    Blob,
    Conversion,
    Organisation,
    PartyPicture,
    PushAttachment,
    PushBatch,
)

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes taken in and sealed on disk, which stay only if they are kept. size: of the plain bytes."""

    organisation: Organisation
    incoming: Incoming
    key: bytes

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the plain bytes, raw."""
        return self.incoming.sha256

    @property
    def size(self) -> int:
        return self.incoming.size

    def keep(self, at: datetime) -> Blob:
        """Return the blob holding them, stored now if the tenant had it not.

        The bytes are durable before their row can be committed. Safe inside and outside a
        transaction.
        """
        organisation, name = self.organisation, self.incoming.name
        known = Blob.objects.filter(organisation=organisation, name=name).first()
        if known is not None and current().blobs.exists(known.name):
            return known
        if known is not None:
            known.delete()
        wrapping = crypt.aad(organisation.public_id, "blob", "key", 1)
        try:
            with transaction.atomic():
                blob = Blob.objects.create(
                    organisation=organisation,
                    name=name,
                    stored_size=self.incoming.stored_size,
                    wrapped_key=crypt.wrap_key(tenant_key(organisation), self.key, wrapping),
                    created_at=at,
                )
                self.incoming.keep()
        except IntegrityError:
            # The same content was stored at the same moment by someone else.
            return Blob.objects.get(organisation=organisation, name=name)
        return blob


@contextmanager
def receive_blob(organisation: Organisation, stream: BinaryIO) -> Iterator[Received]:
    """Take in what ``stream`` gives; what is not kept inside the ``with`` vanishes.

    Raises StorageFailed when the disk refuses.
    """
    key = crypt.new_key()
    associated = crypt.aad(organisation.public_id, "blob", "content", 1)
    with current().blobs.receive(
        _pieces(stream), key=key, name_key=tenant_key(organisation), associated=associated
    ) as incoming:
        yield Received(organisation, incoming, key)


def store_blob(
    organisation: Organisation, stream: BinaryIO, *, at: datetime, sha256: bytes | None = None
) -> Blob:
    """Return the blob holding what ``stream`` gives; see ``Received.keep``.

    sha256: of what the caller means to store, 32 raw bytes. Raises StorageFailed when the disk
    refuses or the stream gave other bytes, and keeps none then.
    """
    with receive_blob(organisation, stream) as received:
        if sha256 is not None and received.sha256 != sha256:
            raise StorageFailed("what was to be stored is not what was read")
        return received.keep(at)


def open_blob(blob: Blob) -> io.BufferedReader:
    """Return the plain bytes as a seekable file; the caller closes it.

    Raises Corrupt, here or while reading, when they are gone or do not open.
    """
    organisation = blob.organisation
    wrapping = crypt.aad(organisation.public_id, "blob", "key", 1)
    key = crypt.unwrap_key(tenant_key(organisation), bytes(blob.wrapped_key), wrapping)
    associated = crypt.aad(organisation.public_id, "blob", "content", 1)
    return current().blobs.open(blob.name, key=key, associated=associated)


def open_artifact(artifact: Artifact) -> io.BufferedReader:
    """Return the plain bytes of a released file, from wherever in its blob they stand.

    As ``open_blob`` otherwise.
    """
    whole = open_blob(artifact.blob)
    if artifact.kind != Artifact.Kind.PDF:
        return whole
    return io.BufferedReader(_Stretch(whole, artifact.begins, artifact.size), _PIECE)


class _Stretch(Seekable):
    """Some bytes within a seekable file as a file of their own; closes what it reads."""

    def __init__(self, whole: io.BufferedReader, begins: int, size: int) -> None:
        super().__init__(size)
        self._whole, self._begins = whole, begins

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # io's own stub names a private type
        length = max(0, min(len(buffer), self.size - self.position))
        self._whole.seek(self._begins + self.position)
        piece = self._whole.read(length)
        if len(piece) < length:
            raise Corrupt("a stored file ends before the bytes it should hold")
        buffer[:length] = piece
        self.position += length
        return length

    def close(self) -> None:
        self._whole.close()
        super().close()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


_REFERENCES = (
    (Acquisition, "original"), (Attachment, "blob"), (Artifact, "blob"), (Conversion, "blob"),
    (PushBatch, "blob"), (PushAttachment, "blob"), (PartyPicture, "blob"), (PartyPicture, "shown"),
)  # fmt: skip
_AT_A_TIME = 5_000
"""Blobs asked about in one query; databases limit the parameters of one."""


def unreferred_blobs(blobs: Iterable[int | None]) -> list[str]:
    """Delete the rows of blobs that nothing refers to, each with its key; return their names, for
    the files to be deleted after the commit. Two queries for some thousand blobs."""
    asked, names = [pk for pk in blobs if pk is not None], list[str]()
    for start in range(0, len(asked), _AT_A_TIME):
        free = Blob.objects.filter(pk__in=asked[start : start + _AT_A_TIME])
        for model, field in _REFERENCES:
            free = free.filter(~Exists(model._default_manager.filter(**{field: OuterRef("pk")})))
        found = dict(free.values_list("pk", "name"))
        # Raw: Django would first let go of whatever began to refer to them this moment.
        Blob.objects.filter(pk__in=found)._raw_delete(Blob.objects.db)
        names += found.values()
    return names
