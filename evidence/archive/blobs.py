"""Encrypted files of a tenant: kept once per content, read back as streams."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import BinaryIO

from django.db import IntegrityError, transaction

from evidence.archive.keys import tenant_key
from evidence.gateways import crypt
from evidence.gateways.current import current
from evidence.models import (
    Acquisition,
    Artifact,
    Attachment,
    Blob,
    Conversion,
    Organisation,
    PushAttachment,
    PushBatch,
)

_PIECE = 1 << 20


def store_blob(organisation: Organisation, stream: BinaryIO, *, at: datetime) -> Blob:
    """Return the blob holding what ``stream`` gives, stored now if the tenant had it not.

    The bytes are durable before their row can be committed. Raises StorageFailed when the disk
    refuses. Safe inside and outside a transaction.
    """
    key, tenant = crypt.new_key(), tenant_key(organisation)
    associated = crypt.aad(organisation.public_id, "blob", "content", 1)
    store = current().blobs
    with store.receive(
        _pieces(stream), key=key, name_key=tenant, associated=associated
    ) as incoming:
        known = Blob.objects.filter(organisation=organisation, name=incoming.name).first()
        if known is not None and store.exists(known.name):
            return known
        if known is not None:
            known.delete()
        wrapped = crypt.wrap_key(tenant, key, crypt.aad(organisation.public_id, "blob", "key", 1))
        try:
            with transaction.atomic():
                blob = Blob.objects.create(
                    organisation=organisation,
                    name=incoming.name,
                    stored_size=incoming.stored_size,
                    wrapped_key=wrapped,
                    created_at=at,
                )
                incoming.keep()
        except IntegrityError:
            # The same content was stored at the same moment by someone else.
            return Blob.objects.get(organisation=organisation, name=incoming.name)
        return blob


def open_blob(blob: Blob) -> io.BufferedReader:
    """Return the plain bytes as a seekable file; the caller closes it.

    Raises Corrupt, here or while reading, when they are gone or do not open.
    """
    organisation = blob.organisation
    wrapping = crypt.aad(organisation.public_id, "blob", "key", 1)
    key = crypt.unwrap_key(tenant_key(organisation), bytes(blob.wrapped_key), wrapping)
    associated = crypt.aad(organisation.public_id, "blob", "content", 1)
    return current().blobs.open(blob.name, key=key, associated=associated)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def unreferred_blobs(blobs: Iterable[int | None]) -> list[str]:
    """Delete the rows of blobs that nothing refers to, each with its key; return their names, for
    the files to be deleted after the commit."""
    names = []
    for blob in Blob.objects.filter(pk__in=[pk for pk in blobs if pk is not None]):
        used = (
            Acquisition.objects.filter(original=blob),
            Attachment.objects.filter(blob=blob),
            Artifact.objects.filter(blob=blob),
            Conversion.objects.filter(blob=blob),
            PushBatch.objects.filter(blob=blob),
            PushAttachment.objects.filter(blob=blob),
        )
        if not any(rows.exists() for rows in used):
            names.append(blob.name)
            blob.delete()
    return names
