"""What is kept of one conversation: how much, since when, who looked; comparing and deleting it."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access import organisation_to_run, role_in, series_for, series_of
from evidence.actions.compare_deliveries import request_comparison
from evidence.actions.erase_conversation import erase_conversation, plan_erasure
from evidence.archive.read import describe_acquisition, describe_series
from evidence.errors import NotErasable, NotFound
from evidence.front.entries import latest_about
from evidence.front.sentences import code_sentence, error_sentence
from evidence.front.step_up import step_up
from evidence.gateways.wake import wake_for_comparison
from evidence.models import Comparison, Membership, Series
from evidence.web.holds import holds_over
from evidence.web.page import Page

LISTED = 50
"""People, or other deliveries, on one page."""


class Stored(Page):
    """What is kept, since when, who is in it, and who looked at it."""

    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = series_for(self.person, series_id)
        facts = describe_series(series)
        others = series_of(self.person).filter(conversation=series.conversation)
        others, asked = others.exclude(pk=series.pk), request.GET
        context = {
            "series": series,
            "facts": facts,
            "people": Paginator(facts.participants, LISTED).get_page(asked.get("people")),
            "delivery": describe_acquisition(series.acquisition),
            "attachments": series.attachments.filter(blob__isnull=False).count(),
            "others": Paginator(others, LISTED).get_page(asked.get("deliveries")),
            "may_erase": role_in(self.person, series.organisation) == Membership.Role.OWNER,
            **holds_over(self.person, series),
            **latest_about(self.person, series),
        }
        return render(request, "web/stored.html", context)


class Compare(Page):
    """Two deliveries of the same conversation, side by side in numbers, once somebody asked."""

    def get(self, request: HttpRequest, series_id: str, other_id: str) -> HttpResponse:
        series, other = self._both(series_id, other_id)
        asked = Comparison.objects.filter(series=series, other=other).first()
        if request.headers.get("HX-Request"):
            return self._progress(request, asked)
        context = {
            "facts": describe_series(series),
            "other": describe_series(other),
            "asked": asked,
            "is_waiting": asked is not None and asked.phase == Comparison.Phase.WAITING,
            "is_grown": asked is not None
            and (asked.size, asked.other_size) != (series.size, other.size),
        }
        return render(request, "web/compare.html", context)

    def post(self, request: HttpRequest, series_id: str, other_id: str) -> HttpResponse:
        series, other = self._both(series_id, other_id)
        asked = request_comparison(series=series, other=other, actor=self.actor, at=timezone.now())
        if asked.phase == Comparison.Phase.WAITING:
            wake_for_comparison(asked.pk)
        return redirect("compare", series_id, other_id)

    def _both(self, series_id: str, other_id: str) -> tuple[Series, Series]:
        series, other = series_for(self.person, series_id), series_for(self.person, other_id)
        if series.conversation_id != other.conversation_id or series == other:
            raise NotFound("not another delivery of this conversation")
        return series, other

    def _progress(self, request: HttpRequest, asked: Comparison | None) -> HttpResponse:
        """Return the moving part of the page; once it moves no more, have the page shown anew."""
        if asked is None or asked.phase != Comparison.Phase.WAITING:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "web/_compared.html", {"asked": asked})


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
        messages.success(
            request,
            _(
                "The conversation was deleted; nobody can open it any more. Its seals remain in the log."
            ),
        )
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
