"""What is kept of one conversation: how much, since when, who looked; comparing and deleting it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access import organisation_to_run, role_in, series_for, series_of
from evidence.actions.erase_conversation import erase_conversation, plan_erasure
from evidence.actions.export_steps.siblings import Comparison, compare_whole
from evidence.actions.log_view import log_view
from evidence.archive.read import describe_acquisition, describe_series
from evidence.errors import NotErasable, NotFound
from evidence.front.entries import latest_about
from evidence.front.limits import COMPARED
from evidence.front.sentences import code_sentence, error_sentence
from evidence.front.step_up import step_up
from evidence.models import Membership, Series
from evidence.web.page import Page
from evidence.web.search import taken_places

LATEST = 50
"""Entries of the log on the page."""
_SHOWN_PEOPLE = 200


class Stored(Page):
    """What is kept, since when, who is in it, and who looked at it."""

    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = series_for(self.person, series_id)
        facts = describe_series(series)
        others = series_of(self.person).filter(conversation=series.conversation)
        context = {
            "series": series,
            "facts": facts,
            "people": facts.participants[:_SHOWN_PEOPLE],
            "delivery": describe_acquisition(series.acquisition),
            "attachments": series.attachments.filter(blob__isnull=False).count(),
            "others": others.exclude(pk=series.pk)[:LATEST],
            "entries": latest_about("series", series),
            "may_erase": role_in(self.person, series.organisation) == Membership.Role.OWNER,
        }
        return render(request, "web/stored.html", context)


class Compare(Page):
    """Two deliveries of the same conversation, side by side in numbers."""

    def get(self, request: HttpRequest, series_id: str, other_id: str) -> HttpResponse:
        series, other = series_for(self.person, series_id), series_for(self.person, other_id)
        if series.conversation_id != other.conversation_id or series == other:
            raise NotFound("not another delivery of this conversation")
        context: dict[str, Any] = {
            "facts": describe_series(series),
            "other": describe_series(other),
            "limit": COMPARED,
        }
        if max(series.size, other.size) <= COMPARED:
            with taken_places(self.person.public_id):
                context["comparison"] = self._compared(series, other)
        return render(request, "web/compare.html", context)

    def _compared(self, series: Series, other: Series) -> Comparison:
        """Return how the two differ; opening every message of both is logged."""
        for one in filter(lambda one: one.size, (series, other)):
            log_view(series=one, actor=self.actor, first=1, last=one.size, at=timezone.now())
        return compare_whole(series, other)


class Erase(Page):
    """Deleting for ever, for owners only: first what would go and what would stay."""

    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        return self._page(request, self._series(series_id))

    def post(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = self._series(series_id)
        if request.POST.get("sure") != "yes":
            return self._page(request, series, _("Please tick that you are sure."))
        step_up(request)
        reason = request.POST.get("reason", "").strip()[:500]
        try:
            erase_conversation(
                conversation=series.conversation, actor=self.actor, reason=reason,
                at=timezone.now(),
            )  # fmt: skip
        except NotErasable as error:
            return self._page(request, series, error_sentence(error))
        messages.success(request, _("The conversation was deleted. Its seals remain in the log."))
        return redirect("conversations")

    def _series(self, series_id: str) -> Series:
        series = series_for(self.person, series_id)
        organisation_to_run(self.person, series.organisation.public_id)
        return series

    def _page(self, request: HttpRequest, series: Series, error: str = "") -> HttpResponse:
        plan = plan_erasure(series.conversation)
        context = {
            "series": series,
            "facts": describe_series(series),
            "plan": plan,
            "hindrance": code_sentence(plan.hindrance) if plan.hindrance else "",
            "error": error,
        }
        return render(request, "web/erase.html", context, status=400 if error else 200)
