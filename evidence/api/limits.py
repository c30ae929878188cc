"""How often one program may ask: 20 times a second, and 100 times at once."""

from __future__ import annotations

from django.utils import timezone

from evidence.actions.take_turn import Turn, take_turn
from evidence.api.callers import Caller

PER_SECOND = 20
BURST = 100


def turn_of(caller: Caller) -> Turn:
    """Count one request of ``caller`` and return whether it may pass."""
    return take_turn(caller.key, per_second=PER_SECOND, burst=BURST, at=timezone.now())


def headers_of(turn: Turn) -> dict[str, str]:
    """Return the RateLimit fields (draft-ietf-httpapi-ratelimit-headers): what is allowed, how
    much of it is left, and in how many seconds all of it is back."""
    window = BURST // PER_SECOND
    back = -(-(BURST - turn.remaining) // PER_SECOND)
    return {
        "RateLimit-Policy": f'"client";q={BURST};w={window}',
        "RateLimit": f'"client";r={turn.remaining};t={back}',
    }
