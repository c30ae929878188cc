"""What the steps to a bundle have in common: the draft, the way there and back, and keeping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from evidence.access import series_of
from evidence.access.drafts import draft_for
from evidence.actions.keep_draft import DraftConfirmed, State, change_draft, describe_draft
from evidence.errors import EvidenceError
from evidence.front.drafting import mark
from evidence.front.sentences import error_sentence
from evidence.models import Draft, Series
from evidence.web.page import Page

STEPS: dict[str, Promise] = {
    "purpose": gettext_lazy("Purpose"),
    "authority": gettext_lazy("Authority"),
    "conversations": gettext_lazy("Conversations"),
    "messages": gettext_lazy("Messages"),
    "redaction": gettext_lazy("Withhold"),
    "parties": gettext_lazy("Parties"),
    "review": gettext_lazy("Review"),
    "confirm": gettext_lazy("Confirm"),
    "result": gettext_lazy("Result"),
}


class DraftChanged(EvidenceError):
    """The same step was changed in another tab since the form was shown."""

    code = "draft_changed"
    sentence = "This step was changed in another tab meanwhile."


class Step(Page):
    """What the steps have in common: the draft, the way there and back, and keeping."""

    step: ClassVar[str]
    page: ClassVar[str] = ""
    """Its template where that is not called like the step."""

    def troubled(self, request: HttpRequest, error: EvidenceError) -> HttpResponse:
        if not isinstance(error, DraftConfirmed):
            return super().troubled(request, error)
        messages.info(request, error_sentence(error))
        return redirect("wizard_result", draft_id=self.kwargs["draft_id"])

    def opened(self, draft_id: str) -> tuple[Draft, State]:
        """Return the draft and what it holds. Raises NotFound."""
        draft = draft_for(self.person, draft_id)
        return draft, describe_draft(draft)

    def chosen(self, draft: Draft, state: State) -> list[Series]:
        """Return the conversations of the draft that are still there, in its order."""
        wanted = state.get("conversations", [])
        found = {
            one.public_id: one
            for one in series_of(self.person).filter(
                organisation=draft.organisation, public_id__in=wanted
            )
        }
        return [found[one] for one in wanted if one in found]

    def shown(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        context: Mapping[str, Any],
        status: int = 200,
    ) -> HttpResponse:
        """Return the page of this step."""
        names = list(STEPS)
        place = names.index(self.step)
        steps = [
            {
                "name": name,
                "words": words,
                "address": step_address(name, draft),
                "mark": "now" if name == self.step else "done" if name in state else "later",
            }
            for name, words in STEPS.items()
            if name != "result"
        ]
        frame = {
            "draft": draft,
            "state": state,
            "steps": steps,
            "number": place + 1,
            "step_words": STEPS[self.step],
            "back": step_address(names[place - 1], draft) if place else "",
            "seen": mark(self.part(state)),
        }
        answer = render(
            request,
            f"web/wizard/{self.page or self.step}.html",
            frame | dict(context),
            status=status,
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def part(self, state: State) -> Any:
        """Return what this step keeps."""
        return state.get(self.step) or {}

    def keep(self, request: HttpRequest, draft: Draft, change: Callable[[State], None]) -> State:
        """Keep a change of this step. Raises DraftChanged where another tab was faster."""
        seen = request.POST.get("seen", "")

        def checked(state: State) -> None:
            before = mark(self.part(state))
            change(state)
            if before not in (seen, mark(self.part(state))):
                raise DraftChanged("another tab was faster")

        return change_draft(draft=draft, change=checked, at=timezone.now())

    def on(self, request: HttpRequest, draft: Draft) -> HttpResponse:
        """Return the way to the next step, or back."""
        place = list(STEPS).index(self.step)
        place += -1 if request.POST.get("go") == "back" else 1
        return redirect(step_address(list(STEPS)[max(0, place)], draft))


def step_address(step: str, draft: Draft, **query: object) -> str:
    address = reverse(f"wizard_{step}", args=[draft.public_id])
    return f"{address}?{urlencode(query)}" if query else address


def turned_to(request: HttpRequest, name: str = "to") -> str:
    """Return where in the step a button leads: a number, "" where none was sent."""
    sent = request.POST.get(name, "")
    return sent if sent.isdecimal() and len(sent) < 13 else ""
