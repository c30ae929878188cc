"""Search in one conversation: messages are opened one after another, for no index could be kept."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from evidence.access import series_for
from evidence.actions.log_view import log_view
from evidence.archive.read import StoredMessage, describe_series
from evidence.archive.read import messages as stored_messages
from evidence.models import Series
from evidence.values import Message, Ranges
from evidence.web.page import Page

SCANNED = 50_000
"""Messages one request opens at most."""
SECONDS = 2.0
"""How long one request scans at most."""
FOUND = 50
"""Hits on one page."""
_LOOK = 500
_AROUND = 60


@dataclass(frozen=True, slots=True)
class Hit:
    """A message in which the words stand: before, hit and after are its text around them."""

    sequence: int
    message: Message
    before: str
    hit: str
    after: str


class Search(Page):
    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = series_for(self.person, series_id)
        words = " ".join(request.GET.get("q", "")[:100].split())
        start = request.GET.get("from", "")
        first = int(start) if start.isdecimal() and 0 < len(start) < 13 else 1
        first = min(max(1, first), max(1, series.size))
        hits, last = _scanned(series, words, first) if words else ([], first - 1)
        for hit in hits:
            log_view(
                series=series, actor=self.actor, first=hit.sequence, last=hit.sequence,
                at=timezone.now(),
            )  # fmt: skip
        context = {
            "series": series,
            "facts": describe_series(series),
            "words": words,
            "hits": hits,
            "first": first,
            "last": last,
            "next": last + 1 if words and last < series.size else None,
        }
        answer = render(request, "web/search.html", context)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _scanned(series: Series, words: str, first: int) -> tuple[list[Hit], int]:
    """Return the hits from ``first`` on and the last message that was looked at."""
    hits: list[Hit] = []
    needle, until = _folded(words), time.monotonic() + SECONDS
    end = min(series.size, first + SCANNED - 1)
    last = first - 1
    for stored in stored_messages(series, Ranges(((first, end),)) if series.size else Ranges()):
        last = stored.sequence
        hit = _hit(stored, needle)
        if hit is not None:
            hits.append(hit)
        if len(hits) >= FOUND or (last % _LOOK == 0 and time.monotonic() > until):
            break
    return hits, last


def _hit(stored: StoredMessage, needle: str) -> Hit | None:
    if stored.is_erased:
        return None
    message = stored.message()
    for text in _texts(message):
        place = _folded(text).find(needle)
        if place >= 0:
            # Folding may change lengths; then the start of the text is shown, without a mark.
            same = len(_folded(text)) == len(text)
            at, end = (place, place + len(needle)) if same else (0, 0)
            return Hit(
                stored.sequence, message, text[max(0, at - _AROUND) : at], text[at:end],
                text[end : end + _AROUND],
            )  # fmt: skip
    return None


def _texts(message: Message) -> list[str]:
    found = [message.body or ""]
    found += [str(one.get("name") or "") for one in message.attachments if isinstance(one, dict)]
    if message.body is None and isinstance(message.source_text, str):
        found.append(message.source_text)
    return [text for text in found if text]


def _folded(text: str) -> str:
    """Return ``text`` as it is compared: case, width and composition make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()
