"""The way to a bundle in nine steps: each has an address, and what was filled in is kept.

Forms carry a mark of what they were filled in upon. Where another tab has changed the same step
meanwhile, nothing is overwritten unseen: the page comes back with what was typed and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from evidence.access import matters_of, organisation_to_change, series_for, series_of
from evidence.access.drafts import draft_for, drafts_of
from evidence.actions.keep_draft import (
    State,
    begin_draft,
    change_draft,
    describe_draft,
    drop_draft,
    finish_draft,
)
from evidence.actions.log_view import log_view
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import closed, frozen_parts
from evidence.archive.read import SeriesFacts, describe_series
from evidence.archive.read import messages as stored_messages
from evidence.errors import EvidenceError, InvalidSelection
from evidence.formats.message import segments
from evidence.formats.ranges import of as ranges_of
from evidence.formats.ranges import sequences
from evidence.front.drafting import (
    BASES,
    choices_of,
    chosen_by,
    mark,
    options_of,
    redactions_of,
    rule_choice,
    rule_of,
)
from evidence.front.exporting import ask_for_export, counted
from evidence.front.marks import plain
from evidence.front.sentences import error_sentence
from evidence.front.step_up import step_up
from evidence.front.times import zone_of_days
from evidence.models import Draft, Series
from evidence.select import FrozenPart
from evidence.values import Message, Ranges
from evidence.web.page import Page
from evidence.web.wizard_forms import NUMBERS, AuthorityForm, PurposeForm, RuleForm

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
WINDOW = 50
"""Messages on one page of a step."""
MOST_CONVERSATIONS = 50
MOST_PEOPLE = 60
_ROWS_PER_PAGE = {"record": 9, "conversation": 11}
"""What fits on a printed page by experience; an estimate for the review, nothing more."""


class DraftChanged(EvidenceError):
    """The same step was changed in another tab since the form was shown."""

    code = "draft_changed"
    sentence = "This step was changed in another tab meanwhile."


class Drafts(Page):
    """The drafts of the person; posting begins one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        shown = [
            {"draft": one, "name": describe_draft(one).get("purpose", {}).get("matter", "")}
            for one in drafts_of(self.person).filter(export=None)[:100]
        ]
        return render(request, "web/wizard/drafts.html", {"drafts": shown})

    def post(self, request: HttpRequest) -> HttpResponse:
        organisation = self.organisation
        state: State = {}
        if request.POST.get("series"):
            series = series_for(self.person, request.POST["series"])
            organisation = organisation_to_change(self.person, series.organisation)
            state["conversations"] = [series.public_id]
        draft = begin_draft(
            organisation=organisation, user=self.person, state=state, at=timezone.now()
        )
        return redirect("wizard_purpose", draft_id=draft.public_id)


class DropDraft(Page):
    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        drop_draft(draft=draft_for(self.person, draft_id))
        messages.success(request, _("The draft was deleted."))
        return redirect("drafts")


class Step(Page):
    """What the steps have in common: the draft, the way there and back, and keeping."""

    step: ClassVar[str]

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
                "address": _address(name, draft),
                "mark": "now" if name == self.step else "done" if name in state else "later",
            }
            for name, words in STEPS.items()
            if name != "result" or draft.export_id
        ]
        frame = {
            "draft": draft,
            "state": state,
            "steps": steps,
            "number": place + 1,
            "step_words": STEPS[self.step],
            "back": _address(names[place - 1], draft) if place else "",
            "seen": mark(self.part(state)),
        }
        answer = render(
            request, f"web/wizard/{self.step}.html", frame | dict(context), status=status
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
        return redirect(_address(list(STEPS)[max(0, place)], draft))


def _address(step: str, draft: Draft, **query: object) -> str:
    address = reverse(f"wizard_{step}", args=[draft.public_id])
    return f"{address}?{urlencode(query)}" if query else address


class FormStep(Step):
    """A step that is one form."""

    form_class: ClassVar[type[Form]]

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        form = self.form_class(initial=self.initial() | (self.part(state) or {}))
        return self.shown(request, draft, state, {"form": form} | self.extra())

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        form = self.form_class(request.POST)
        if request.POST.get("go") != "back" and not form.is_valid():
            return self.shown(request, draft, state, {"form": form} | self.extra(), status=400)
        given = {name: request.POST.get(name, "").strip()[:NUMBERS] for name in form.fields}

        def change(kept: State) -> None:
            kept[self.step] = given

        try:
            self.keep(request, draft, change)
        except DraftChanged:
            context = {"form": form, "is_stale": True} | self.extra()
            return self.shown(request, draft, state, context, status=409)
        return self.on(request, draft)

    def initial(self) -> dict[str, Any]:
        return {}

    def extra(self) -> dict[str, Any]:
        return {}


class PurposeStep(FormStep):
    step = "purpose"
    form_class = PurposeForm

    def initial(self) -> dict[str, Any]:
        return {"language": "zh" if (get_language() or "").startswith("zh") else "en"}

    def extra(self) -> dict[str, Any]:
        matters = matters_of(self.person).filter(organisation=self.organisation)[:50]
        return {"matter_names": [describe_matter(one)["name"] for one in matters]}


class AuthorityStep(FormStep):
    step = "authority"
    form_class = AuthorityForm


class ConversationsStep(Step):
    step = "conversations"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        return self._page(request, draft, state, state.get("conversations", []))

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        given = request.POST.getlist("series")[:MOST_CONVERSATIONS]
        offered = [one.public_id for one in self._offered(draft)]
        picked = [one for one in offered if one in given]

        def change(kept: State) -> None:
            kept[self.step] = picked

        if not picked and request.POST.get("go") != "back":
            error = _("Please choose at least one conversation.")
            return self._page(request, draft, state, picked, status=400, error=error)
        try:
            self.keep(request, draft, change)
        except DraftChanged:
            return self._page(request, draft, state, picked, status=409, is_stale=True)
        return self.on(request, draft)

    def _offered(self, draft: Draft) -> list[Series]:
        return list(series_of(self.person).filter(organisation=draft.organisation)[:500])

    def _page(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        picked: list[str],
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        offered = [describe_series(one) for one in self._offered(draft)]
        return self.shown(
            request, draft, state, {"offered": offered, "picked": picked} | more, status
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A message in a step. pieces: its text as the other side will see it, None is withheld."""

    sequence: int
    message: Message | None
    is_chosen: bool = True
    withheld: tuple[str, ...] = ()
    pieces: tuple[str | None, ...] = ()
    reason: str = ""

    @property
    def is_withheld(self) -> bool:
        return self.withheld == ("*",)


class _PerConversation(Step):
    """A step that is walked once for every conversation of the draft."""

    def current(
        self, request: HttpRequest, series: list[Series], name: str = "conversation"
    ) -> Series:
        wanted = request.GET.get(name, "")
        return next((one for one in series if one.public_id == wanted), series[0])

    def tabs(self, draft: Draft, series: list[Series], current: Series) -> list[dict[str, Any]]:
        """Return the conversations to switch between."""
        return [
            {
                "facts": describe_series(one),
                "address": _address(self.step, draft, conversation=one.public_id),
                "is_current": one == current,
            }
            for one in series
        ]

    def following(self, draft: Draft, series: list[Series], current: Series) -> str:
        """Return where the next conversation is walked; "" after the last."""
        place = series.index(current) + 1
        if place >= len(series):
            return ""
        return _address(self.step, draft, conversation=series[place].public_id)


class MessagesStep(_PerConversation):
    """Choosing by rule and by ticks. Ticks are kept as numbers, in the place of the rule."""

    step = "messages"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        series = self.chosen(draft, state)
        if not series:
            return redirect(_address("conversations", draft))
        one = self.current(request, series)
        return self._page(request, draft, state, one, rule_of(state, one))

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        series = self.chosen(draft, state)
        if not series:
            return redirect(_address("conversations", draft))
        one = self.current(request, series)
        rule = {name: request.POST.get(name, "").strip()[:NUMBERS] for name in _RULE}
        form = RuleForm(_people(describe_series(one)), request.POST)
        try:
            if not form.is_valid():
                raise InvalidSelection(str(next(iter(form.errors.values()))[0]), code="as_said")
            rule = _asked_rule(request, one, rule)
            if request.headers.get("HX-Request"):
                return self._count(request, one, rule)
            self.keep(request, draft, self._change(one, rule))
        except InvalidSelection as error:
            if request.POST.get("go") == "back":
                change_draft(draft=draft, change=self._change(one, rule), at=timezone.now())
                return self.on(request, draft)
            words = str(error) if error.code == "as_said" else error_sentence(error)
            if request.headers.get("HX-Request"):
                return render(request, "web/_count.html", {"error": words})
            return self._page(request, draft, state, one, rule, status=400, error=words)
        except DraftChanged:
            return self._page(request, draft, state, one, rule, status=409, is_stale=True)
        go = request.POST.get("go", "")
        if go == "next" and (following := self.following(draft, series, one)):
            return redirect(following)
        if go in ("next", "back"):
            return self.on(request, draft)
        start = request.POST.get("to") or request.POST.get("first") or "1"
        return redirect(_address(self.step, draft, conversation=one.public_id, **{"from": start}))

    def part(self, state: State) -> Any:
        wanted = self.request.GET.get("conversation", "")
        kept = state.get(self.step, {})
        return kept.get(wanted or next(iter(state.get("conversations", [])), ""), {})

    def _change(self, one: Series, rule: dict[str, str]) -> Callable[[State], None]:
        def change(kept: State) -> None:
            kept.setdefault(self.step, {})[one.public_id] = rule

        return change

    def _count(self, request: HttpRequest, one: Series, rule: dict[str, str]) -> HttpResponse:
        count = counted(one.organisation, [(one, rule_choice(one, rule))])
        return render(request, "web/_count.html", {"count": count})

    def _page(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        one: Series,
        rule: dict[str, str],
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        facts = describe_series(one)
        series = self.chosen(draft, state)
        context: dict[str, Any] = {
            "series": one,
            "facts": facts,
            "tabs": self.tabs(draft, series, one),
            "form": RuleForm(_people(facts), initial=rule),
            "days": zone_of_days(one, facts),
        }
        chosen = Ranges()
        try:
            chosen = chosen_by(one, rule)
            context["count"] = counted(one.organisation, [(one, rule_choice(one, rule))])
        except InvalidSelection as error:
            context["error"] = error_sentence(error)
        first = _start(request, one.size, chosen)
        last = min(one.size, first + WINDOW - 1)
        rows = _rows(one, Ranges(((first, last),)) if one.size else Ranges(), chosen)
        if rows:
            log_view(series=one, actor=self.actor, first=first, last=last, at=timezone.now())
        context |= {
            "rows": rows,
            "first": first,
            "last": last,
            "ticked": ",".join(str(row.sequence) for row in rows if row.is_chosen),
            "previous": max(1, first - WINDOW) if first > 1 else None,
            "next": last + 1 if last < one.size else None,
        }
        return self.shown(request, draft, state, context | more, status)


_RULE = ("period_from", "period_to", "participant", "messages", "context")


def _people(facts: SeriesFacts) -> list[tuple[str, str]]:
    return [(person.key, plain(person.names[-1])) for person in facts.participants]


def _start(request: HttpRequest, size: int, chosen: Ranges) -> int:
    wanted = request.GET.get("from", "") or request.POST.get("first", "")
    if wanted.isdecimal() and len(wanted) < 13:
        return min(max(1, int(wanted)), max(1, size))
    return chosen.spans[0][0] if chosen.spans else 1


def _asked_rule(request: HttpRequest, one: Series, rule: dict[str, str]) -> dict[str, str]:
    """Return the rule with the ticks of the page in it, or widened where that was asked for.

    Only what was ticked or unticked on the page counts, so a page of ticks says nothing about the
    messages it does not show. Raises InvalidSelection.
    """
    before = _numbers(request.POST.get("ticked", "").split(","))
    after = _numbers(request.POST.getlist("tick"))
    has_ticks = "ticked" in request.POST and before != after
    if request.POST.get("do") != "contiguous" and not has_ticks:
        return rule
    chosen = set(sequences(chosen_by(one, rule)))
    if has_ticks:
        chosen = (chosen | (after - before)) - (before - after)
    if not chosen:
        raise InvalidSelection("nothing is ticked", code="nothing_selected")
    found = ranges_of(sorted(chosen))
    if request.POST.get("do") == "contiguous":
        found = Ranges(((found.spans[0][0], found.spans[-1][1]),))
    return dict.fromkeys(_RULE, "") | {"messages": str(found)}


def _numbers(texts: list[str]) -> set[int]:
    return {int(text) for text in texts if text.isdecimal() and len(text) < 13}


def _rows(one: Series, wanted: Ranges, chosen: Ranges) -> list[Row]:
    return [
        Row(
            stored.sequence,
            None if stored.is_erased else stored.message(),
            stored.sequence in chosen,
        )
        for stored in stored_messages(one, wanted)
    ]


class RedactionStep(_PerConversation):
    """Withholding, with the messages shown as the other side will see them."""

    step = "redaction"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        series = self.chosen(draft, state)
        if not series:
            return redirect(_address("conversations", draft))
        return self._page(request, draft, state, self.current(request, series))

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        series = self.chosen(draft, state)
        if not series:
            return redirect(_address("conversations", draft))
        one = self.current(request, series)
        go = request.POST.get("go", "")
        if go in ("next", "back"):
            change_draft(
                draft=draft, change=lambda kept: _touch(kept, self.step), at=timezone.now()
            )
            following = self.following(draft, series, one) if go == "next" else ""
            return redirect(following) if following else self.on(request, draft)
        try:
            number, targets = self._asked(request, one)
            self.keep(request, draft, self._change(request, one, number, targets))
        except InvalidSelection as error:
            words = error_sentence(error)
            return self._page(request, draft, state, one, status=400, error=words)
        except DraftChanged:
            return self._page(request, draft, state, one, status=409, is_stale=True)
        query = {"conversation": one.public_id, "from": number}
        return redirect(_address(self.step, draft, **query) + f"#m{number}")

    def _asked(self, request: HttpRequest, one: Series) -> tuple[int, list[str]]:
        """Return the message asked about and what to withhold of it. Raises InvalidSelection."""
        number = request.POST.get("message", "")
        if not number.isdecimal() or len(number) > 12 or not 1 <= int(number) <= one.size:
            raise InvalidSelection("no such message", code="message_out_of_range")
        if request.POST.get("go") == "show":
            return int(number), []
        targets = []
        if request.POST.get("whole"):
            targets = ["*"]
        else:
            parts = sorted(_numbers(request.POST.getlist("segment")))
            if request.POST.get("body"):
                targets.append("body")
            elif parts:
                targets.append(f"body:{ranges_of(parts)}")
            if request.POST.get("attachments"):
                targets.append("attachments")
        if targets:
            closed(targets)
        return int(number), targets

    def _change(
        self, request: HttpRequest, one: Series, number: int, targets: list[str]
    ) -> Callable[[State], None]:
        reason = request.POST.get("reason", "").strip()[:500]

        def change(kept: State) -> None:
            mine = kept.setdefault(self.step, {}).setdefault(one.public_id, {})
            mine.pop(str(number), None)
            if targets:
                mine[str(number)] = {"targets": targets, "reason": reason}

        return change

    def _page(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        one: Series,
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        context: dict[str, Any] = {
            "series": one,
            "tabs": self.tabs(draft, self.chosen(draft, state), one),
        }
        try:
            (part,) = frozen_parts(one.organisation, choices_of(state, [one]))
        except InvalidSelection as error:
            context["error"] = error_sentence(error)
        else:
            context |= self._window(request, part)
            context |= self._edited(request, state, one, part)
        return self.shown(request, draft, state, context | more, status)

    def _window(self, request: HttpRequest, part: FrozenPart) -> dict[str, Any]:
        numbers = part.chosen
        first = _start(request, part.series.size, numbers)
        shown, before, after = _paged(numbers, first)
        rows = []
        for row in _rows(part.series, shown, numbers):
            targets = part.withheld.get(row.sequence, ())
            rows.append(_as_seen(row, targets, part.reasons.get(row.sequence, "")))
        if rows:
            log_view(
                series=part.series, actor=self.actor, first=rows[0].sequence,
                last=rows[-1].sequence, at=timezone.now(),
            )  # fmt: skip
        return {
            "rows": rows,
            "previous": before,
            "next": after,
            "total": len(numbers),
            "withheld": len(part.withheld),
        }

    def _edited(
        self, request: HttpRequest, state: State, one: Series, part: FrozenPart
    ) -> dict[str, Any]:
        """Return the message that is open for withholding, cut into what can be clicked."""
        wanted = request.GET.get("message", "") or request.POST.get("message", "")
        if not wanted.isdecimal() or len(wanted) > 12 or int(wanted) not in part.chosen:
            return {}
        number = int(wanted)
        (row,) = _rows(one, Ranges(((number, number),)), part.chosen)
        if row.message is None:
            return {}
        kept = redactions_of(state, one).get(number)
        targets = kept.targets if kept else ()
        hidden = closed(targets).segments if targets and targets != ("*",) else Ranges()
        pieces = segments(row.message.body) if row.message.body else []
        return {
            "edited": row,
            "pieces": [(at, text, at in hidden) for at, text in enumerate(pieces, 1)],
            "targets": targets,
            "reason": kept.reason if kept else "",
        }


def _touch(kept: State, step: str) -> None:
    kept.setdefault(step, {})


def _paged(numbers: Ranges, first: int) -> tuple[Ranges, int | None, int | None]:
    """Return a window of chosen messages from ``first`` on, and where its neighbours begin."""
    every = list(sequences(numbers))
    place = next((at for at, number in enumerate(every) if number >= first), 0)
    shown = every[place : place + WINDOW]
    before = every[max(0, place - WINDOW)] if place else None
    after = every[place + WINDOW] if place + WINDOW < len(every) else None
    return ranges_of(shown), before, after


def _as_seen(row: Row, targets: tuple[str, ...], reason: str) -> Row:
    """Return ``row`` with what is withheld taken out of it."""
    body = row.message.body if row.message else None
    if not targets:
        return Row(row.sequence, row.message, True, (), (body,) if body else ())
    held = closed(targets)
    pieces: tuple[str | None, ...] = ()
    if body and "body" not in held.fields and targets != ("*",):
        pieces = tuple(
            None if at in held.segments else text for at, text in enumerate(segments(body), 1)
        )
    elif body:
        pieces = (None,)
    return Row(row.sequence, row.message, True, held.items(), pieces, reason)


class PartiesStep(Step):
    """Who is behind which account, as the person states it."""

    step = "parties"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        return self._page(request, draft, state, state.get(self.step, {}))

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        given: dict[str, dict[str, dict[str, str]]] = {}
        for one in self.chosen(draft, state):
            for person in describe_series(one).participants[:MOST_PEOPLE]:
                name = request.POST.get(f"name-{one.public_id}-{person.key}", "").strip()[:200]
                basis = request.POST.get(f"basis-{one.public_id}-{person.key}", "")
                stated = {"name": name, "basis": basis if basis in BASES else ""}
                given.setdefault(one.public_id, {})[person.key] = stated

        def change(kept: State) -> None:
            kept[self.step] = given

        try:
            self.keep(request, draft, change)
        except DraftChanged:
            return self._page(request, draft, state, given, status=409, is_stale=True)
        return self.on(request, draft)

    def _page(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        given: Mapping[str, Any],
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        groups = []
        for one in self.chosen(draft, state):
            facts = describe_series(one)
            people = [
                (person, given.get(one.public_id, {}).get(person.key, {}))
                for person in facts.participants[:MOST_PEOPLE]
            ]
            groups.append({"facts": facts, "people": people})
        context = {"groups": groups, "bases": BASES.items()} | more
        return self.shown(request, draft, state, context, status)


class ReviewStep(Step):
    """What the bundle will prove and what it will not, before anything is asked for."""

    step = "review"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        return self.shown(request, draft, state, self.facts(draft, state))

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        if request.POST.get("go") != "back" and self.facts(draft, state)["missing"]:
            return self.shown(request, draft, state, self.facts(draft, state), status=400)
        change_draft(draft=draft, change=lambda kept: _touch(kept, self.step), at=timezone.now())
        return self.on(request, draft)

    def facts(self, draft: Draft, state: State) -> dict[str, Any]:
        """Return what there is to look over, and which steps are still to be done."""
        series = self.chosen(draft, state)
        missing = [
            (STEPS[name], _address(name, draft))
            for name, form in (("purpose", PurposeForm), ("authority", AuthorityForm))
            if not form(state.get(name, {})).is_valid()
        ]
        if not series:
            missing.append((STEPS["conversations"], _address("conversations", draft)))
        found: dict[str, Any] = {"missing": missing, "authorities": _authorities()}
        if missing:
            return found
        try:
            choices = choices_of(state, series)
            count = counted(draft.organisation, choices)
        except InvalidSelection as error:
            missing.append((STEPS["messages"], _address("messages", draft)))
            return found | {"error": error_sentence(error)}
        options = options_of(state, series)
        lines: list[dict[str, Any]] = []
        for one, choice in choices:
            facts = describe_series(one)
            lines.append(
                {
                    "facts": facts,
                    "zone": zone_of_days(one, facts),
                    "count": counted(draft.organisation, [(one, choice)]),
                }
            )
        form = PurposeForm(state["purpose"])
        names = {
            (line["facts"].id, person.key): person.names[-1]
            for line in lines
            for person in line["facts"].participants
        }
        stated = [(names.get((one.series, one.key), one.key), one) for one in options.parties]
        return found | {
            "count": count,
            "lines": lines,
            "options": options,
            "form": form,
            "parties": [(account, one.name, BASES[one.basis]) for account, one in stated],
            "pages": 4 + count.chosen // _ROWS_PER_PAGE[options.style],
        }


def _authorities() -> list[str]:
    """Return the hosts of the time-stamp authorities; none is the local one for development."""
    return [urlsplit(one).hostname or one for one in settings.TRUETHREAD_TSA_URLS]


class ConfirmStep(ReviewStep):
    """The last word: here the bundle is asked for, once."""

    step = "confirm"

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        if request.POST.get("go") == "back":
            return self.on(request, draft)
        if draft.export is not None:
            return redirect("export", export_id=draft.export.public_id)
        organisation = organisation_to_change(self.person, draft.organisation)
        facts = self.facts(draft, state)
        if facts["missing"]:
            return self.shown(request, draft, state, facts, status=400)
        if request.POST.get("seen_all") != mark(_asked_for(state)):
            return self.shown(request, draft, state, facts | {"is_stale": True}, status=409)
        step_up(request)
        series = self.chosen(draft, state)
        export = ask_for_export(
            organisation=organisation,
            actor=self.actor,
            user=self.person,
            matter_name=state["purpose"]["matter"],
            choices=choices_of(state, series),
            options=facts["options"],
            at=timezone.now(),
        )
        finish_draft(draft=draft, export=export, at=timezone.now())
        return redirect("export", export_id=export.public_id)

    def facts(self, draft: Draft, state: State) -> dict[str, Any]:
        return super().facts(draft, state) | {"seen_all": mark(_asked_for(state))}


def _asked_for(state: State) -> State:
    """Return what the bundle depends on: not which pages were opened."""
    return {name: value for name, value in state.items() if name not in ("review", "confirm")}


class ResultStep(Step):
    """Where the draft led to: the page of its bundle, or the step that is due."""

    step = "result"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, _state = self.opened(draft_id)
        if draft.export is None:
            return redirect(_address("review", draft))
        return redirect("export", export_id=draft.export.public_id)


WIZARD: tuple[type[Step], ...] = (
    PurposeStep, AuthorityStep, ConversationsStep, MessagesStep, RedactionStep, PartiesStep,
    ReviewStep, ConfirmStep, ResultStep,
)  # fmt: skip
