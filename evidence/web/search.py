"""Search in one conversation: one answer, which grows while messages are opened one after another.

Hits and progress are sent as they come, as plain HTML; the browser shows what has arrived, with or
without scripts, and whoever leaves the page ends the search. It holds a thread of its server as long
as it runs, so few run at a time on one machine and each ends after ``SECONDS``.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone, translation

from evidence.access import series_for
from evidence.actions.log_view import STRETCH, log_view
from evidence.archive.read import describe_series
from evidence.archive.search import Hit, search
from evidence.errors import BusyNow, Corrupt
from evidence.front.limits import Turnstile
from evidence.front.sentences import error_sentence
from evidence.models import Series, User
from evidence.values import Actor
from evidence.web.page import Page

SECONDS = 60.0
"""How long one search runs; it can be gone on with from where it stopped."""
FOUND = 200
"""Hits on one page."""
AT_ONCE = 3
PATIENCE = 8.0
"""Seconds a search waits for a place, and for an earlier one of the same person to end."""
_EVERY = 0.25
_LOOK = 200


class Search(Page):
    def get(self, request: HttpRequest, series_id: str) -> HttpResponseBase:
        asked = Asked.of(request, series_for(self.person, series_id))
        context = {"series": asked.series, "facts": describe_series(asked.series)}
        page = render(request, "web/search.html", context | asked.context)
        return searched(page, asked, self.person, self.actor)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for, and from which message on. mark: where on the page hits are to stand."""

    series: Series
    words: str
    first: int
    mark: str

    @classmethod
    def of(cls, request: HttpRequest, series: Series) -> Asked:
        """Return what the query of ``request`` asks for."""
        start = request.GET.get("from", "")
        first = int(start) if start.isdecimal() and 0 < len(start) < 13 else 1
        return cls(
            series=series,
            words=words_of(request.GET.get("q", "")),
            first=min(max(1, first), max(1, series.size)),
            mark=f"<!-- {secrets.token_hex(16)} -->",
        )

    @property
    def context(self) -> dict[str, object]:
        """Return what the page needs to make room for the hits."""
        return {"words": self.words, "mark": self.mark}


def words_of(text: str) -> str:
    """Return what is looked for when somebody wrote ``text``."""
    return " ".join(text[:100].split())


def searched(
    page: HttpResponse,
    asked: Asked,
    person: User,
    actor: Actor,
    *,
    templates: tuple[str, str] = ("web/_hit.html", "web/_searched.html"),
    more: Mapping[str, object] = MappingProxyType({}),
) -> HttpResponseBase:
    """Return ``page`` as an answer that grows: where it bears the mark, hits come as they are found.
    Without words to look for it is the page itself.

    templates: of a hit, and of how far the search has come. more: what they need besides. Raises
    BusyNow.
    """
    page.headers["Cache-Control"] = "no-store"
    if not asked.words:
        return page
    head, _, tail = page.content.decode().partition(asked.mark)
    found = _Found(asked, actor, templates, more)
    answer = StreamingHttpResponse(
        _Stream(_pieces(head, found, tail), _taken_places(person.public_id))
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


_TOGETHER = Turnstile("search", at_once=AT_ONCE, patience=PATIENCE, per_minute=60)


def _taken_places(person: str) -> ExitStack:
    """Return the place of one person who searches, to be closed. Raises BusyNow."""
    one_each = Turnstile(f"search-{person}", at_once=1, patience=PATIENCE, per_minute=60)
    with ExitStack() as places:
        try:
            places.enter_context(one_each.passed(None))
            places.enter_context(_TOGETHER.passed(person))
        except BusyNow as error:
            raise BusyNow(str(error), code="search_busy") from error
        return places.pop_all()


class _Stream:
    """The pieces of the answer; the server closes it at the end, or when nobody listens any more."""

    def __init__(self, pieces: Iterator[str], places: ExitStack) -> None:
        self._pieces = pieces
        self._places = places

    def __iter__(self) -> Iterator[str]:
        return self._pieces

    def close(self) -> None:
        self._places.close()


class _Found:
    """A search under way, written down as HTML."""

    def __init__(
        self, asked: Asked, actor: Actor, templates: tuple[str, str], more: Mapping[str, object]
    ) -> None:
        self._series, self._words, self._first = asked.series, asked.words, asked.first
        self._actor, self._more = actor, more
        self._hit_template, self._progress_template = templates
        self._language = translation.get_language()
        self._logged: set[int] = set()
        self._number = 0
        self._last = asked.first - 1

    def pieces(self) -> Iterator[str]:
        """Yield hits and, a few times a second, how far the search has come. Shown is logged."""
        yield self._progress()
        until = time.monotonic() + SECONDS
        said = time.monotonic()
        for sequence, hit in search(self._series, self._words, self._first):
            self._last = sequence
            if hit is not None:
                self._number += 1
                yield self._shown(hit)
            if sequence % _LOOK and hit is None:
                continue
            now = time.monotonic()
            if self._number >= FOUND or now > until:
                break
            if now - said > _EVERY:
                said = now
                yield self._progress()
        yield self._progress(is_over=True)

    def _shown(self, hit: Hit) -> str:
        stretch = (hit.sequence - 1) // STRETCH
        if stretch not in self._logged:
            self._logged.add(stretch)
            log_view(
                series=self._series, actor=self._actor, first=hit.sequence, last=hit.sequence,
                at=timezone.now(),
            )  # fmt: skip
        return self._html(self._hit_template, {"series": self._series, "hit": hit})

    def _progress(self, *, is_over: bool = False) -> str:
        is_whole = self._last >= self._series.size
        context = {
            "size": self._series.size,
            "first": self._first,
            "last": self._last,
            "number": self._number,
            "words": self._words,
            "is_over": is_over,
            "next": self._last + 1 if is_over and not is_whole else None,
        }
        return self._html(self._progress_template, context)

    def failed(self, error: Corrupt) -> str:
        """Return the end of a search that met a message which does not open."""
        return self._html(self._progress_template, {"error": error_sentence(error)})

    def _html(self, template: str, context: dict[str, object]) -> str:
        with translation.override(self._language):
            return render_to_string(template, {**self._more, **context})


def _pieces(head: str, found: _Found, tail: str) -> Iterator[str]:
    yield head
    try:
        yield from found.pieces()
    except Corrupt as error:
        yield found.failed(error)
    yield tail
