"""How much one request may bring, and how often one address may ask for costly work."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evidence.errors import BusyNow

MEGABYTE = 1_000_000
ORDINARY_LIMIT = 2 * MEGABYTE
LIMITS = {
    "/verify/": 50 * MEGABYTE,
    "/api/v1/verifications": 50 * MEGABYTE,
    "/upload/": 4_000 * MEGABYTE,
    "/api/v1/acquisitions": 4_000 * MEGABYTE,
}
"""Path → bytes a request body may have; everywhere else ``ORDINARY_LIMIT``."""
_ENVELOPE = 64_000
"""What the form around a file may add."""


def limit_of(path: str) -> int:
    """Return how many bytes a file sent to ``path`` may have."""
    fitting = [limit for start, limit in LIMITS.items() if path.startswith(start)]
    return fitting[0] if fitting else ORDINARY_LIMIT


def body_limit(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a body that is too large by its stated length, before anything reads it.

    The API answers in its own form and asks ``is_too_large`` itself.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if is_too_large(request) and not request.path.startswith("/api/"):
            megabytes = limit_of(request.path) // MEGABYTE
            return render(request, "413.html", {"megabytes": megabytes}, status=413)
        return get_response(request)

    return middleware


def is_too_large(request: HttpRequest) -> bool:
    """Return whether the body is stated to be larger than its address takes."""
    stated = str(request.META.get("CONTENT_LENGTH") or "0")
    length = int(stated) if stated.isdecimal() else 0
    return length > limit_of(request.path) + _ENVELOPE


class Turnstile:
    """Lets few in at a time, and one address only so often; the others are told, not queued for
    ever.

    at_once: how many work at the same time. patience: seconds someone waits for a place.
    per_minute: how often one address may come. together: how often all of them may, none for no
    bound. Counts live in this process.
    """

    def __init__(
        self, *, at_once: int, patience: float, per_minute: int, together: int | None = None
    ) -> None:
        self.at_once = at_once
        self.per_minute = per_minute
        self._places = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._together = together
        self._seen: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def passed(self, address: str | None) -> Iterator[None]:
        """Hold a place while inside. Raises BusyNow when there is none in time."""
        self._count(address or "")
        if not self._places.acquire(timeout=self._patience):
            raise BusyNow("no place became free")
        try:
            yield
        finally:
            self._places.release()

    def forget(self) -> None:
        """Count everybody from nought again."""
        with self._lock:
            self._seen.clear()

    def _count(self, address: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            visits = self._seen.setdefault(address, deque())
            if len(visits) >= self.per_minute:
                raise BusyNow("too often from one address", code="rate_limited")
            if self._together is not None and self._all_visits() >= self._together:
                raise BusyNow("too often from everywhere")
            visits.append(now)

    def _all_visits(self) -> int:
        return sum(map(len, self._seen.values()))

    def _forget(self, now: float) -> None:
        for address, visits in list(self._seen.items()):
            while visits and visits[0] < now - 60:
                visits.popleft()
            if not visits:
                del self._seen[address]


VERIFY_TURNSTILE = Turnstile(at_once=2, patience=20, per_minute=20, together=240)
"""Checking a file costs a process: two at a time here, on pages and API together."""
LOOKUP_TURNSTILE = Turnstile(at_once=4, patience=5, per_minute=60, together=1_200)
"""Asking the log about a hash or a bundle costs some queries."""
REPORT_TURNSTILE = Turnstile(at_once=1, patience=10, per_minute=6, together=30)
"""A signed report costs a signature and two time-stamps of an authority that may charge."""
