"""Answers that several addresses of this surface give."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from evidence.errors import BusyNow
from evidence.front.limits import Turnstile
from evidence.front.sentences import error_sentence


def busy(request: HttpRequest, error: BusyNow, gate: Turnstile) -> HttpResponse:
    """Say that there is no place now, what the bounds are, and when to come back."""
    context = {
        "sentence": error_sentence(error),
        "at_once": gate.at_once,
        "per_minute": gate.per_minute,
        "seconds": 30,
    }
    answer = render(request, "public/busy.html", context, status=429)
    answer.headers["Retry-After"] = "30"
    return answer


def plain_moment(time: datetime | str | None) -> str:
    """Return a time in UTC as text, for sentences and documents."""
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if time else "—"
