"""What queue and log keep encrypted: entries name people, so only digests are readable.

One key per epoch, wrapped by the key-encryption key. Each payload is bound to its place, so that a
ciphertext moved to another row does not open.
"""

from __future__ import annotations

from functools import lru_cache

from evidence.errors import Corrupt
from evidence.formats import canonical
from evidence.formats.custody import Entry, read_entry
from evidence.gateways import crypt
from evidence.gateways.current import current
from evidence.models import LogEpoch
from evidence.values import Json

SALT_BYTES = 32


def new_wrapped_key(origin: str) -> bytes:
    """Return a fresh payload key for the epoch ``origin``, wrapped."""
    return crypt.wrap_key(current().kek, crypt.new_key(), _key_aad(origin))


def seal_pending(epoch: LogEpoch, event_id: str, draft: Entry) -> bytes:
    """Return the queue's payload of an event that has no place yet."""
    return crypt.seal_bytes(_key(epoch), canonical.dumps(draft.value()), _pending_aad(event_id))


def open_pending(epoch: LogEpoch, event_id: str, payload: bytes) -> Entry:
    """Return what ``seal_pending`` sealed. Raises Corrupt when it does not open."""
    data = crypt.open_bytes(_key(epoch), payload, _pending_aad(event_id))
    return read_entry(canonical.loads(data))


def seal_entry(epoch: LogEpoch, place: int, salt: bytes, entry: Entry) -> bytes:
    """Return the log's payload: 32-byte salt, then the canonical entry."""
    data = salt + canonical.dumps(entry.value())
    return crypt.seal_bytes(_key(epoch), data, _entry_aad(epoch, place))


def open_entry(epoch: LogEpoch, place: int, payload: bytes) -> tuple[bytes, Json]:
    """Return (salt, JSON object) of an entry, whose digest is **not** checked here.

    Raises Corrupt when the payload does not open or holds no canonical object.
    """
    data = crypt.open_bytes(_key(epoch), payload, _entry_aad(epoch, place))
    try:
        return data[:SALT_BYTES], canonical.loads(data[SALT_BYTES:])
    except ValueError as error:
        raise Corrupt(f"entry {place} is not canonical: {error}") from error


def _key(epoch: LogEpoch) -> bytes:
    return _unwrapped(current().kek, bytes(epoch.wrapped_key), epoch.origin)


@lru_cache(maxsize=8)
def _unwrapped(kek: bytes, wrapped: bytes, origin: str) -> bytes:
    return crypt.unwrap_key(kek, wrapped, _key_aad(origin))


def _key_aad(origin: str) -> bytes:
    return crypt.aad(origin, "log", "key", 1)


def _pending_aad(event_id: str) -> bytes:
    return crypt.aad("log", event_id, "pending", 1)


def _entry_aad(epoch: LogEpoch, place: int) -> bytes:
    return crypt.aad(epoch.origin, str(place), "entry", 1)
