"""Legal holds on a matter's page: which stand, placing one, releasing one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access import (
    conversation_for,
    hold_for,
    holds_of,
    matter_to_change,
    may_change,
    series_of,
)
from evidence.actions.holds import describe_hold, place_hold, release_hold
from evidence.archive.read import SeriesFacts, describe_series
from evidence.errors import NotFound
from evidence.front.step_up import step_up
from evidence.models import Matter, User
from evidence.web.page import Page

REASON_LENGTH = 500


def shown_holds(person: User, matter: Matter) -> dict[str, Any]:
    """Return what the page shows: ``holds``, and ``holdable`` conversations where one may be placed.

    A conversation is named by its latest delivery; of an erased one only the reason remains.
    """
    holds = list(holds_of(person).filter(matter=matter))
    facts = _latest(person, matter)
    shown = [
        {
            "hold": hold,
            "facts": facts.get(hold.conversation_id),
            "reason": describe_hold(hold)["reason"],
        }
        for hold in holds
    ]
    context: dict[str, Any] = {"holds": shown, "reason_length": REASON_LENGTH}
    if may_change(person, matter.organisation):
        standing = {hold.conversation_id for hold in holds if hold.released_at is None}
        context["holdable"] = [one for key, one in facts.items() if key not in standing]
    return context


def _latest(person: User, matter: Matter) -> dict[int, SeriesFacts]:
    """Return the facts of each conversation's latest delivery, by conversation, newest first."""
    latest: dict[int, SeriesFacts] = {}
    for series in series_of(person).filter(organisation=matter.organisation):
        if series.conversation_id not in latest:
            latest[series.conversation_id] = describe_series(series)
    return latest


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
