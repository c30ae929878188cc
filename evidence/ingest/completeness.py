"""What in a delivery hints that it is not all there was: long silences, media left out."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from typing import Any

from evidence.values import Message

SILENCE = timedelta(days=7)
"""Shorter ones are not worth a word: people rest."""
_NAMED = 3


class Completeness:
    """Notes, message by message in their order, what people should be told of a series."""

    def __init__(self) -> None:
        self._missing = 0
        self._silences: list[tuple[timedelta, int, datetime, datetime]] = []
        self._latest: datetime | None = None

    def take(self, message: Message, at: datetime | None) -> None:
        """Note the next message, sent ``at``."""
        for one in message.attachments:
            if isinstance(one, dict) and not one.get("included"):
                self._missing += 1
        if at is None:
            return
        latest = self._latest
        if latest is None or at > latest:
            self._latest = at
            if latest is not None and at - latest >= SILENCE:
                heapq.heappush(self._silences, (at - latest, message.sequence, latest, at))
                if len(self._silences) > _NAMED:
                    heapq.heappop(self._silences)

    def facts(self) -> dict[str, Any]:
        """Return them as JSON: ``missing_media``, attachments named but not included; ``silences``,
        the longest, in order, each with the sequence of the message that ends it."""
        return {
            "missing_media": self._missing,
            "silences": [
                {"ends": sequence, "from": first.isoformat(), "to": last.isoformat()}
                for _, sequence, first, last in sorted(self._silences, key=lambda one: one[1])
            ],
        }
