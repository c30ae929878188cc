"""What is stored, as people see it: the list, and one conversation window by window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Max
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from evidence.access import attachment_for, may_change, organisation_of, series_for, series_of
from evidence.actions.log_view import log_view
from evidence.archive.blobs import open_blob
from evidence.archive.pushed import gaps_of, is_growing
from evidence.archive.read import SeriesFacts, StoredMessage, describe_series
from evidence.archive.read import messages as stored_messages
from evidence.errors import InvalidSelection
from evidence.front.exporting import moment
from evidence.front.files import handed_out, small_picture
from evidence.front.thumbnails import attachment_name, kept_places, thumbnail
from evidence.front.times import local_time, zone_of_days
from evidence.models import Message as MessageRow
from evidence.models import Series
from evidence.values import Message, Ranges
from evidence.web.page import Page

WINDOW = 100
"""Messages on one page."""
LISTED = 50
"""Conversations on one page."""
OTHERS = 20
"""Other deliveries of a conversation named on its page; the next page lists more of them."""


class Conversations(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        series = series_of(self.person, organisation_of(self.person))
        newest = (
            series.select_related(None).order_by().values_list("conversation")
            .annotate(newest=Max("pk")).order_by("-newest")
        )  # fmt: skip
        page = Paginator(newest, LISTED).get_page(request.GET.get("page"))
        groups: dict[int, list[Series]] = {conversation: [] for conversation, _ in page}
        for one in series.filter(conversation__in=list(groups)):
            groups[one.conversation_id].append(one)
        shown = [
            {"facts": describe_series(first), "earlier": earlier}
            for first, *earlier in filter(None, groups.values())
        ]
        return render(request, "web/conversations.html", {"conversations": shown, "page": page})


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A row of the conversation page. message is None once it was erased.

    day: the local date in words of the source, set on the first row of a day.
    stored: places of attachments whose bytes are kept.
    """

    sequence: int
    message: Message | None
    day: str
    stored: frozenset[int]


class ConversationPage(Page):
    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = series_for(self.person, series_id)
        facts = describe_series(series)
        first = _first_wanted(request, series, facts)
        last = min(series.size, first + WINDOW - 1)
        others = list(
            series_of(self.person)
            .filter(conversation=series.conversation)
            .exclude(pk=series.pk)[: OTHERS + 1]
        )
        context: dict[str, Any] = {
            "series": series,
            "facts": facts,
            "rows": _rows(series, first, last) if series.size else [],
            "first": first,
            "last": last,
            "previous": max(1, first - WINDOW) if first > 1 else None,
            "next": last + 1 if last < series.size else None,
            "is_growing": is_growing(series),
            "gaps": gaps_of(series),
            "may_export": may_change(self.person, series.organisation),
            "others": others[:OTHERS],
            "has_more_others": len(others) > OTHERS,
        }
        if series.size:
            log_view(series=series, actor=self.actor, first=first, last=last, at=timezone.now())
        return render(request, "web/conversation.html", context)


def _first_wanted(request: HttpRequest, series: Series, facts: SeriesFacts) -> int:
    """Return the sequence the page begins with: by number, by date, otherwise 1."""
    number, day = request.GET.get("from", ""), request.GET.get("date", "")
    if number.isdecimal() and len(number) < 13:
        return min(max(1, int(number)), max(1, series.size))
    try:
        start = moment(day, zone_of_days(series, facts)) if day else None
    except InvalidSelection:
        start = None
    return _first_at(series, start) if start else 1


def _first_at(series: Series, start: datetime) -> int:
    later = MessageRow.objects.filter(series=series, occurred_at__gte=start)
    found = later.order_by("occurred_at", "sequence").values_list("sequence", flat=True).first()
    return found or max(1, series.size)


def _rows(series: Series, first: int, last: int) -> list[ShownMessage]:
    kept = kept_places(series, Ranges(((first, last),)))
    shown, day = [], ""
    for stored in stored_messages(series, Ranges(((first, last),))):
        message = _opened(stored)
        this_day = _local_day(message) or day
        shown.append(
            ShownMessage(
                stored.sequence,
                message,
                this_day if this_day != day else "",
                kept.get(stored.sequence, frozenset()),
            )
        )
        day = this_day
    return shown


def _opened(stored: StoredMessage) -> Message | None:
    return None if stored.is_erased else stored.message()


def _local_day(message: Message | None) -> str:
    return f"{local_time(message.time):%Y-%m-%d}" if message and message.time else ""


class AttachmentFile(Page):
    def get(self, request: HttpRequest, series_id: str, sequence: int, place: int) -> FileResponse:
        series = series_for(self.person, series_id)
        blob = attachment_for(series, sequence, place)
        log_view(series=series, actor=self.actor, first=sequence, last=sequence, at=timezone.now())
        name = _attachment_name(series, sequence, place)
        return handed_out(open_blob(blob), name)


class Thumbnail(Page):
    """An attached picture, small; a plain sign where what is attached cannot be drawn."""

    def get(self, request: HttpRequest, series_id: str, sequence: int, place: int) -> HttpResponse:
        series = series_for(self.person, series_id)
        blob = attachment_for(series, sequence, place)
        log_view(series=series, actor=self.actor, first=sequence, last=sequence, at=timezone.now())
        return small_picture(thumbnail(blob), f"attachment-{sequence}-{place + 1}.jpg")


def _attachment_name(series: Series, sequence: int, place: int) -> str:
    found = stored_messages(series, Ranges(((sequence, sequence),)))
    names = [attachment_name(_opened(stored), place) for stored in found]
    return "".join(names) or f"attachment-{sequence}-{place + 1}"
