"""Legal holds on the pages of matters and conversations: which stand, placing one, releasing one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access import (
    conversation_for,
    hold_for,
    holds_of,
    matter_to_change,
    matters_of,
    may_change,
    series_for,
    series_of,
)
from evidence.actions.holds import describe_hold, place_hold, release_hold
from evidence.actions.open_matter import describe_matter
from evidence.archive.read import SeriesFacts, describe_series
from evidence.errors import NotFound
from evidence.front.step_up import step_up
from evidence.models import Matter, Series, User
from evidence.web.page import Page

REASON_LENGTH = 500
OFFERED = 100
"""Conversations, or matters, to choose from on one page."""
LISTED = 50
"""Holds of a matter on one page."""


def shown_holds(person: User, matter: Matter, number: str | None) -> dict[str, Any]:
    """Return what the page of a matter shows: page ``number`` of its ``holds`` and that page itself,
    and ``holdable`` conversations where one may be placed, the latest ``OFFERED``; others are held
    from their own page.

    A conversation is named by its latest delivery; of an erased one only the reason remains.
    """
    every = holds_of(person).filter(matter=matter)
    holds = Paginator(every, LISTED).get_page(number)
    stored = series_of(person).filter(organisation=matter.organisation)
    offered: list[int] = []
    if may_change(person, matter.organisation):
        standing = every.filter(released_at=None).order_by().values("conversation")
        newest = (
            stored.exclude(conversation__in=standing).select_related(None).order_by()
            .values_list("conversation").annotate(newest=Max("pk")).order_by("-newest")
        )  # fmt: skip
        offered = [conversation for conversation, _newest in newest[:OFFERED]]
    held = {hold.conversation_id for hold in holds}
    facts = _latest(stored.filter(conversation__in=held | set(offered)))
    shown = [
        {
            "hold": hold,
            "facts": facts.get(hold.conversation_id),
            "reason": describe_hold(hold)["reason"],
        }
        for hold in holds
    ]
    return {
        "holds": shown,
        "holds_page": holds,
        "reason_length": REASON_LENGTH,
        "holdable": [facts[one] for one in offered if one in facts],
        "is_cut": len(offered) == OFFERED,
    }


def holds_over(person: User, series: Series) -> dict[str, Any]:
    """Return what the page of a conversation shows: ``holds`` that stand, and ``matters`` that may
    place one, the latest ``OFFERED``; others place it from their own page."""
    holds = list(holds_of(person).filter(conversation=series.conversation, released_at=None))
    matters: list[Matter] = []
    if may_change(person, series.organisation):
        own = matters_of(person).filter(organisation=series.organisation)
        matters = list(own.exclude(pk__in=[hold.matter_id for hold in holds])[:OFFERED])
    return {
        "holds": [{"hold": one, "name": describe_matter(one.matter)["name"]} for one in holds],
        "matters": [{"id": one.public_id, "name": describe_matter(one)["name"]} for one in matters],
        "reason_length": REASON_LENGTH,
    }


def _latest(stored: QuerySet[Series]) -> dict[int, SeriesFacts]:
    """Return the facts of each conversation's latest delivery, by conversation."""
    latest: dict[int, Series] = {}
    for series in stored.order_by("-pk"):
        latest.setdefault(series.conversation_id, series)
    return {conversation: describe_series(series) for conversation, series in latest.items()}


class PlaceHold(Page):
    """Let a matter hold a conversation: neither it nor its original is deleted while that stands."""

    def post(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        matter = matter_to_change(self.person, matter_id)
        conversation = conversation_for(self.person, request.POST.get("conversation", ""))
        if reason := _reason(request):
            step_up(request)
            place_hold(
                matter=matter, conversation=conversation, actor=self.actor, reason=reason,
                at=timezone.now(), user=self.person,
            )  # fmt: skip
            messages.success(request, _("The hold stands: nobody can delete this conversation."))
        return redirect("matter", matter_id=matter.public_id)


class HoldConversation(Page):
    """The same from the page of the conversation, for a matter that is chosen there."""

    def post(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = series_for(self.person, series_id)
        matter = matter_to_change(self.person, request.POST.get("matter", ""))
        if reason := _reason(request):
            step_up(request)
            place_hold(
                matter=matter, conversation=series.conversation, actor=self.actor, reason=reason,
                at=timezone.now(), user=self.person,
            )  # fmt: skip
            messages.success(request, _("The hold stands: nobody can delete this conversation."))
        return redirect("stored", series_id=series.public_id)


class ReleaseHold(Page):
    """Release a hold of a matter; it stays listed, and both reasons stand in the log."""

    def post(self, request: HttpRequest, matter_id: str, hold_id: str) -> HttpResponse:
        matter = matter_to_change(self.person, matter_id)
        hold = hold_for(self.person, hold_id)
        if hold.matter_id != matter.pk:
            raise NotFound("not a hold of this matter")
        if reason := _reason(request):
            step_up(request)
            release_hold(hold=hold, actor=self.actor, reason=reason, at=timezone.now())
            messages.success(request, _("The hold was released."))
        return redirect("matter", matter_id=matter.public_id)


def _reason(request: HttpRequest) -> str:
    """Return the reason given; without one the person is told to state it."""
    reason = request.POST.get("reason", "").strip()[:REASON_LENGTH]
    if not reason:
        messages.error(request, _("Please state a reason; nothing was changed."))
    return reason
