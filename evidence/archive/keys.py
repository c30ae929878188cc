"""The key ladder in use: key-encryption key → tenant key → series key → AES-256-GCM.

Every payload is bound to its place by associated data ``tenant | object | field | version``, so a
ciphertext moved to another row does not open.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any

from evidence.gateways import crypt
from evidence.gateways.current import current
from evidence.models import Organisation, Series


def new_tenant_key(public_id: str) -> bytes:
    """Return a fresh tenant key, wrapped for the organisation ``public_id``."""
    return crypt.wrap_key(current().kek, crypt.new_key(), crypt.aad(public_id, "tenant", "key", 1))


def tenant_key(organisation: Organisation) -> bytes:
    """Return the organisation's own key (32 bytes). Raises Corrupt if it does not unwrap."""
    return _unwrapped(bytes(organisation.wrapped_key), organisation.public_id)


@lru_cache(maxsize=64)
def _unwrapped(wrapped: bytes, public_id: str) -> bytes:
    return crypt.unwrap_key(current().kek, wrapped, crypt.aad(public_id, "tenant", "key", 1))


def new_series_key(organisation: Organisation, series_id: str) -> tuple[bytes, bytes]:
    """Return (key, wrapped key) for a new series of ``organisation``."""
    key = crypt.new_key()
    aad = crypt.aad(organisation.public_id, series_id, "key", 1)
    return key, crypt.wrap_key(tenant_key(organisation), key, aad)


def series_key(series: Series) -> bytes:
    """Return the key of ``series`` (32 bytes). Raises Corrupt if it does not unwrap."""
    organisation = series.organisation
    aad = crypt.aad(organisation.public_id, series.public_id, "key", 1)
    return crypt.unwrap_key(tenant_key(organisation), bytes(series.wrapped_key), aad)


def message_aad(organisation_id: str, series_id: str, sequence: int) -> bytes:
    """Return the associated data of one message payload."""
    return crypt.aad(organisation_id, f"{series_id}/{sequence}", "message", 1)


def message_aads(organisation_id: str, series_id: str) -> Callable[[int], bytes]:
    """Return the same as a function of the sequence, for many messages of one series."""
    head, tail = message_aad(organisation_id, series_id, 0).split(b"/0|")
    return lambda sequence: b"%b/%d|%b" % (head, sequence, tail)


def keyed(organisation: Organisation, purpose: str, *parts: str) -> bytes:
    """Return the 32-byte HMAC of ``parts`` under the tenant key: finds, without reading."""
    data = json.dumps([purpose, *parts], ensure_ascii=True).encode()
    return hmac.digest(tenant_key(organisation), b"truethread/index/v1\0" + data, sha256)


def seal_json(organisation: Organisation, object_id: str, field: str, value: Any) -> bytes:
    """Return ``value`` as encrypted JSON, bound to the object and field it belongs to."""
    data = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    aad = crypt.aad(organisation.public_id, object_id, field, 1)
    return crypt.seal_bytes(tenant_key(organisation), data, aad)


def open_json(
    organisation: Organisation, object_id: str, field: str, sealed: bytes | memoryview
) -> Any:
    """Return what ``seal_json`` sealed. Raises Corrupt when it does not open."""
    aad = crypt.aad(organisation.public_id, object_id, field, 1)
    return json.loads(crypt.open_bytes(tenant_key(organisation), bytes(sealed), aad))
