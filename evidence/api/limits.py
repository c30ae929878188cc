"""How often one client may ask: a token bucket, kept in the database for all processes."""

from __future__ import annotations

PER_SECOND = 20
BURST = 100
