"""Finding messages by words on the way to a bundle, and choosing what was found."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from evidence.archive.read import describe_series
from evidence.errors import InvalidSelection
from evidence.front.drafting import chosen_by, rule_of
from evidence.front.sentences import error_sentence
from evidence.select import Picked
from evidence.web.search import Asked, searched, words_of
from evidence.web.wizard import RULE, At, MessagesStep, numbered, numbers_in
from evidence.web.wizard_steps import DraftChanged, step_address, turned_to

_HIT, _PROGRESS = "web/wizard/_hit.html", "web/wizard/_searched.html"


class SearchStep(MessagesStep):
    """Part of choosing messages: hits come as they are found, ticked; what stays ticked is chosen,
    in the place of the choice so far or besides it."""

    page = "search"

    def look(self, request: HttpRequest, at: At) -> HttpResponseBase:
        asked = Asked.of(request, at.one)
        chosen = _chosen(at)
        context: dict[str, Any] = {
            "series": at.one,
            "facts": describe_series(at.one),
            "tabs": self.tabs(at),
            "is_all": len(chosen) == at.one.size,
            "count": len(chosen),
            "first": asked.first,
        }
        page = self.shown(request, at.draft, at.state, context | asked.context)
        return searched(
            page, asked, self.person, self.actor, templates=(_HIT, _PROGRESS),
            more={"chosen": Picked() if context["is_all"] else chosen},
        )  # fmt: skip

    def take(self, request: HttpRequest, at: At) -> HttpResponse:
        words = words_of(request.POST.get("q", ""))
        here = {"conversation": at.one.public_id, "q": words}
        found = {n for n in numbers_in(request.POST.getlist("tick")) if n <= at.one.size}
        chosen = _chosen(at)
        is_only = request.POST.get("do") == "only" or len(chosen) == at.one.size
        try:
            numbered(Picked().with_(found))
            picked = Picked().with_(found) if is_only else chosen.with_(found)
            context = rule_of(at.state, at.one).get("context", "") if is_only else ""
            rule = dict.fromkeys(RULE, "") | {"messages": numbered(picked), "context": context}
            chosen_by(at.one, rule)
            self.keep(request, at.draft, self._change(at.one, rule))
        except InvalidSelection as error:
            messages.error(request, error_sentence(error))
            return redirect(_address(at, here | {"from": turned_to(request, "from") or "1"}))
        except DraftChanged as error:
            messages.error(request, error_sentence(error))
            return redirect(step_address(self.step, at.draft, conversation=at.one.public_id))
        messages.success(request, _("What you found is in the choice now."))
        if further := turned_to(request):
            return redirect(_address(at, here | {"from": further}))
        return redirect(
            step_address(self.step, at.draft, conversation=at.one.public_id, **{"from": min(found)})
        )

    def tabs(self, at: At) -> list[dict[str, Any]]:
        """Return the conversations to search in the place of this one, for the same words."""
        words = {"q": words_of(self.request.GET.get("q", ""))}
        return [
            tab | {"address": _address(at, {"conversation": tab["facts"].id} | words)}
            for tab in super().tabs(at)
        ]


def _chosen(at: At) -> Picked:
    try:
        return chosen_by(at.one, rule_of(at.state, at.one))
    except InvalidSelection:
        return Picked()


def _address(at: At, query: dict[str, str]) -> str:
    return f"{reverse('wizard_search', args=[at.draft.public_id])}?{urlencode(query)}"
