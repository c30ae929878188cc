"""Opaque ids: what the outside world may know an object by."""

from __future__ import annotations

import secrets


def opaque_id() -> str:
    """Return a fresh random 128-bit id as 32 lower-case hex characters."""
    return secrets.token_hex(16)
