"""How much one request may bring, and how often one address may ask for costly work."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from pathlib import Path

from django.conf import settings
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
    "/api/v1/push-streams": 500 * MEGABYTE,
}
"""Path → bytes a request body may have; everywhere else ``ORDINARY_LIMIT``."""
STORED_AT_ONCE = 4_000
"""Bytes of an uploaded file up to which it is read and stored within the request: some dozen
messages."""
_ENVELOPE = 64_000
"""What the form around a file may add."""
_BODILESS = ("GET", "HEAD", "OPTIONS")


def limit_of(path: str) -> int:
    """Return how many bytes a file sent to ``path`` may have."""
    fitting = [limit for start, limit in LIMITS.items() if path.startswith(start)]
    return fitting[0] if fitting else ORDINARY_LIMIT


def body_limit(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse a body that is too large by its stated length, or has none, before anything reads it.

    The API answers in its own form and asks ``is_too_large`` and ``lacks_length`` itself.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            return get_response(request)
        if lacks_length(request):
            return render(request, "411.html", status=411)
        if is_too_large(request):
            megabytes = limit_of(request.path) // MEGABYTE
            return render(request, "413.html", {"megabytes": megabytes}, status=413)
        return get_response(request)

    return middleware


def is_too_large(request: HttpRequest) -> bool:
    """Return whether the body is stated to be larger than its address takes."""
    stated = str(request.META.get("CONTENT_LENGTH") or "0")
    length = int(stated) if stated.isdecimal() else 0
    return length > limit_of(request.path) + _ENVELOPE


def lacks_length(request: HttpRequest) -> bool:
    """Return whether the body comes in chunks: Django would take it for an empty one.

    Django reads as many bytes as ``CONTENT_LENGTH`` says, none where it is not said.
    """
    return request.method not in _BODILESS and "HTTP_TRANSFER_ENCODING" in request.META


class Turnstile:
    """Lets few in at a time, and one address only so often; the others are told, not queued for
    ever.

    name: of its files, shared by all processes of this machine that work in one folder. at_once:
    how many work at the same time. patience: seconds someone waits for a place. per_minute: how
    often one address may come. together: how often all of them may, none for no bound. Several
    machines count each for itself.
    """

    def __init__(
        self,
        name: str,
        *,
        at_once: int,
        patience: float,
        per_minute: int,
        together: int | None = None,
    ) -> None:
        self.at_once = at_once
        self.per_minute = per_minute
        self._name = name
        self._patience = patience
        self._together = together

    @contextmanager
    def passed(self, address: str | None) -> Iterator[None]:
        """Hold a place while inside. Raises BusyNow when there is none in time."""
        self._count(address or "")
        place = self._place()
        try:
            yield
        finally:
            os.close(place)  # which gives the lock back, as the end of the process would

    def forget(self) -> None:
        """Count everybody from nought again."""
        (_folder() / f"{self._name}.seen").unlink(missing_ok=True)

    def _place(self) -> int:
        """Return the locked file of a free place."""
        deadline = time.monotonic() + self._patience
        while True:
            for number in range(self.at_once):
                place = _open(f"{self._name}.{number}")
                try:
                    fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(place)
                else:
                    return place
            if time.monotonic() >= deadline:
                raise BusyNow("no place became free")
            time.sleep(_LOOK_AGAIN)

    def _count(self, address: str) -> None:
        who, now = _nameless(address), time.time()
        seen = _open(f"{self._name}.seen")
        try:
            fcntl.flock(seen, fcntl.LOCK_EX)
            visits = [one for one in _VISIT.iter_unpack(_read(seen)) if now - 60 < one[0] <= now]
            if sum(one[1] == who for one in visits) >= self.per_minute:
                raise BusyNow("too often from one address", code="rate_limited")
            if self._together is not None and len(visits) >= self._together:
                raise BusyNow("too often from everywhere")
            _write(seen, b"".join(_VISIT.pack(*one) for one in [*visits, (now, who)]))
        finally:
            os.close(seen)


_VISIT = struct.Struct("<d16s")
"""When somebody came, in seconds since 1970, and who: no address is written down."""
_MOST_SEEN = 1_000_000
_LOOK_AGAIN = 0.02


def _folder() -> Path:
    folder: Path = settings.TRUETHREAD_VAR_DIR / "turnstiles"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _open(name: str) -> int:
    return os.open(_folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _read(file: int) -> bytes:
    data = os.pread(file, _MOST_SEEN, 0)
    return data[: len(data) // _VISIT.size * _VISIT.size]


def _write(file: int, data: bytes) -> None:
    os.pwrite(file, data, 0)
    os.ftruncate(file, len(data))


def _nameless(address: str) -> bytes:
    """Return a name for ``address`` that only this deployment can make."""
    key = sha256(settings.SECRET_KEY.encode()).digest()
    return blake2b(address.encode(), digest_size=16, key=key).digest()


VERIFY_TURNSTILE = Turnstile("verify", at_once=2, patience=20, per_minute=20, together=240)
"""Checking a file costs a process: two at a time here, on pages and API together."""
LOOKUP_TURNSTILE = Turnstile("lookup", at_once=4, patience=5, per_minute=60, together=1_200)
"""Asking the log about a hash or a bundle costs some queries."""
REPORT_TURNSTILE = Turnstile("report", at_once=1, patience=10, per_minute=6, together=30)
"""A signed report costs a signature and two time-stamps of an authority that may charge."""
