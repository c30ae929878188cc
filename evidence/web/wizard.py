"""The way to a bundle in nine steps: each has an address, and what was filled in is kept.

Forms carry a mark of what they were filled in upon. Where another tab has changed the same step
meanwhile, nothing is overwritten unseen: the page comes back with what was typed and says so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page as PaginatorPage
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from evidence.access import matters_of, organisation_to_change, series_for, series_of
from evidence.access.drafts import draft_for, open_drafts_of
from evidence.actions.keep_draft import (
    State,
    begin_draft,
    change_draft,
    confirm_draft,
    describe_draft,
    drop_draft,
)
from evidence.actions.log_view import log_view
from evidence.actions.open_matter import describe_matter
from evidence.actions.party_pictures import pictures_of
from evidence.actions.request_export import closed, quotes_of
from evidence.archive.pushed import is_growing
from evidence.archive.read import SeriesFacts, describe_series
from evidence.archive.read import messages as stored_messages
from evidence.errors import InvalidSelection
from evidence.formats.message import segments
from evidence.formats.ranges import of as ranges_of
from evidence.formats.ranges import sequences
from evidence.front.clusters import LONGEST_CLUSTER, clickable
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
from evidence.front.estimates import estimate
from evidence.front.exporting import ask_for_bundle, count_of, counted, require_own_name
from evidence.front.marks import plain
from evidence.front.sentences import error_sentence
from evidence.front.step_up import step_up
from evidence.front.thumbnails import kept_places
from evidence.front.times import zone_of_days
from evidence.models import Draft, Export, Series
from evidence.select import Choice, Picked, Redaction
from evidence.values import Message, Ranges
from evidence.web.page import Page
from evidence.web.search import words_of
from evidence.web.wizard_forms import NUMBERS, AuthorityForm, PurposeForm, RuleForm
from evidence.web.wizard_parties import PartiesStep
from evidence.web.wizard_steps import STEPS, DraftChanged, Step, step_address, turned_to

WINDOW = 30
"""Messages on one page of a step."""
PIECES = 600
"""Pieces of a text to click on one page: a form has no more fields than a browser may send at once."""
OFFERED = 50
"""Conversations on one page of a step, or drafts on one of theirs."""
MOST_CONVERSATIONS = 50


class Drafts(Page):
    """The drafts of the person; posting begins one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        page = Paginator(open_drafts_of(self.person), OFFERED).get_page(request.GET.get("page"))
        shown = [
            {"draft": one, "name": describe_draft(one).get("purpose", {}).get("matter", "")}
            for one in page
        ]
        return render(request, "web/wizard/drafts.html", {"drafts": shown, "page": page})

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
        if form.is_valid():
            self.check(form, draft)
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

    def check(self, form: Form, draft: Draft) -> None:
        """Say in ``form`` what is wrong beyond its fields."""

    def initial(self) -> dict[str, Any]:
        return {}

    def extra(self) -> dict[str, Any]:
        return {}


class PurposeStep(FormStep):
    step = "purpose"
    form_class = PurposeForm

    def check(self, form: Form, draft: Draft) -> None:
        try:
            require_own_name(draft.organisation, self.person, form.cleaned_data["matter"])
        except InvalidSelection as error:
            form.add_error("matter", error_sentence(error))

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
        ticked = request.POST.getlist("series")
        # As sent with the form: others may have come in since, and moved them to another page.
        shown = set(request.POST.get("offered", "").split(","))
        before = [one for one in state.get(self.step, []) if one not in shown]
        offered = self._every(draft).filter(public_id__in=[*before, *ticked])
        picked = list(offered.values_list("public_id", flat=True)[: 2 * MOST_CONVERSATIONS])

        def change(kept: State) -> None:
            kept[self.step] = picked

        turned = turned_to(request)
        if not picked and request.POST.get("go") != "back" and not turned:
            error = _("Please choose at least one conversation.")
            return self._page(request, draft, state, picked, status=400, error=error)
        if len(picked) > MOST_CONVERSATIONS:
            most = {"most": MOST_CONVERSATIONS, "chosen": len(picked)}
            error = (
                _(
                    "One bundle takes %(most)s conversations, and these are %(chosen)s: nothing was changed."
                    " Please choose fewer here and make another bundle of the others."
                )
                % most
            )
            return self._page(request, draft, state, picked, status=400, error=error)
        try:
            self.keep(request, draft, change)
        except DraftChanged:
            return self._page(request, draft, state, picked, status=409, is_stale=True)
        return (
            redirect(step_address(self.step, draft, page=turned))
            if turned
            else self.on(request, draft)
        )

    def _every(self, draft: Draft) -> QuerySet[Series]:
        return series_of(self.person).filter(organisation=draft.organisation)

    def _offered(self, draft: Draft, page: str | None) -> PaginatorPage[Series]:
        return Paginator(self._every(draft), OFFERED).get_page(page)

    def _page(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        picked: list[str],
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        page = self._offered(draft, request.POST.get("page") or request.GET.get("page"))
        offered = [describe_series(one) for one in page]
        context = {"offered": offered, "page": page, "picked": picked} | more
        return self.shown(request, draft, state, context, status)


@dataclass(frozen=True, slots=True)
class Row:
    """A message in a step. pieces: its text as the other side will see it, None is withheld.

    stored: places of attachments whose bytes are kept.
    """

    sequence: int
    message: Message | None
    is_chosen: bool = True
    withheld: tuple[str, ...] = ()
    pieces: tuple[str | None, ...] = ()
    reason: str = ""
    stored: frozenset[int] = frozenset()

    @property
    def is_withheld(self) -> bool:
        return self.withheld == ("*",)


@dataclass(frozen=True, slots=True)
class At:
    """Where somebody is in a step that is walked once for every conversation of the draft: at
    ``one`` of ``series``."""

    draft: Draft
    state: State
    series: list[Series]
    one: Series


class _PerConversation(Step, ABC):
    """A step that is walked once for every conversation of the draft; without any, the step before
    is shown."""

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponseBase:
        at = self._at(request, draft_id)
        return self.look(request, at) if isinstance(at, At) else at

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        at = self._at(request, draft_id)
        return self.take(request, at) if isinstance(at, At) else at

    @abstractmethod
    def look(self, request: HttpRequest, at: At) -> HttpResponseBase:
        """Return the page."""

    @abstractmethod
    def take(self, request: HttpRequest, at: At) -> HttpResponse:
        """Keep what was sent and return where it leads."""

    def _at(self, request: HttpRequest, draft_id: str) -> At | HttpResponse:
        draft, state = self.opened(draft_id)
        series = self.chosen(draft, state)
        if not series:
            return redirect(step_address("conversations", draft))
        wanted = request.GET.get("conversation", "")
        one = next((one for one in series if one.public_id == wanted), series[0])
        return At(draft, state, series, one)

    def tabs(self, at: At) -> list[dict[str, Any]]:
        """Return the conversations to switch between."""
        return [
            {
                "facts": describe_series(one),
                "address": step_address(self.step, at.draft, conversation=one.public_id),
                "is_current": one == at.one,
            }
            for one in at.series
        ]

    def following(self, at: At) -> str:
        """Return where the next conversation is walked; "" after the last."""
        place = at.series.index(at.one) + 1
        if place >= len(at.series):
            return ""
        return step_address(self.step, at.draft, conversation=at.series[place].public_id)


class MessagesStep(_PerConversation):
    """Choosing by rule and by ticks. Ticks are kept as numbers, in the place of the rule."""

    step = "messages"

    def look(self, request: HttpRequest, at: At) -> HttpResponseBase:
        return self._page(request, at, rule_of(at.state, at.one))

    def take(self, request: HttpRequest, at: At) -> HttpResponse:
        draft, one = at.draft, at.one
        rule = {name: request.POST.get(name, "").strip()[:NUMBERS] for name in RULE}
        form = RuleForm(_people(describe_series(one)), request.POST)
        try:
            if not form.is_valid():
                raise InvalidSelection(str(next(iter(form.errors.values()))[0]), code="as_said")
            rule = _asked_rule(request, one, rule)
            if request.headers.get("HX-Request"):
                return self._count(request, one, rule)
            chosen_by(one, rule)
            self.keep(request, draft, self._change(one, rule))
        except InvalidSelection as error:
            if request.POST.get("go") == "back":
                change_draft(draft=draft, change=self._change(one, rule), at=timezone.now())
                return self.on(request, draft)
            words = str(error) if error.code == "as_said" else error_sentence(error)
            if request.headers.get("HX-Request"):
                return render(request, "web/_count.html", {"error": words})
            return self._page(request, at, rule, status=400, error=words)
        except DraftChanged:
            return self._page(request, at, rule, status=409, is_stale=True)
        go = request.POST.get("go", "")
        if go == "search" and (words := words_of(request.POST.get("q", ""))):
            query = urlencode({"conversation": one.public_id, "q": words})
            return redirect(f"{reverse('wizard_search', args=[draft.public_id])}?{query}")
        if go == "next" and (following := self.following(at)):
            return redirect(following)
        if go in ("next", "back"):
            return self.on(request, draft)
        start = turned_to(request) or turned_to(request, "first") or "1"
        return redirect(
            step_address(self.step, draft, conversation=one.public_id, **{"from": start})
        )

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
        at: At,
        rule: dict[str, str],
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        one = at.one
        facts = describe_series(one)
        context: dict[str, Any] = {
            "series": one,
            "facts": facts,
            "tabs": self.tabs(at),
            "form": RuleForm(_people(facts), initial=rule),
            "days": zone_of_days(one, facts),
        }
        chosen = Picked()
        try:
            chosen = chosen_by(one, rule)
            context["count"] = count_of([(one, rule_choice(one, rule))], [chosen])
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
        return self.shown(request, at.draft, at.state, context | more, status)


RULE = ("period_from", "period_to", "participant", "messages", "context")


def _people(facts: SeriesFacts) -> list[tuple[str, str]]:
    return [(person.key, plain(person.names[-1])) for person in facts.participants]


def _start(request: HttpRequest, size: int, chosen: Picked) -> int:
    wanted = request.GET.get("from", "") or request.POST.get("first", "")
    if wanted.isdecimal() and len(wanted) < 13:
        return min(max(1, int(wanted)), max(1, size))
    return chosen.first or 1


def _asked_rule(request: HttpRequest, one: Series, rule: dict[str, str]) -> dict[str, str]:
    """Return the rule with the ticks of the page in it, or widened where that was asked for.

    Only what was ticked or unticked on the page counts, so a page of ticks says nothing about the
    messages it does not show. Raises InvalidSelection.
    """
    before = {n for n in numbers_in(request.POST.get("ticked", "").split(",")) if n <= one.size}
    after = {n for n in numbers_in(request.POST.getlist("tick")) if n <= one.size}
    has_ticks = "ticked" in request.POST and before != after
    if request.POST.get("do") != "contiguous" and not has_ticks:
        return rule
    chosen = chosen_by(one, rule)
    if has_ticks:
        chosen = chosen.with_(after - before).without(before - after)
    if request.POST.get("do") == "contiguous" and chosen.bits:
        chosen = Picked.of(Ranges(((chosen.first, chosen.last),)))
    return dict.fromkeys(RULE, "") | {"messages": numbered(chosen)}


def numbered(chosen: Picked) -> str:
    """Return the numbers of what was chosen one by one, as a rule keeps them. Raises
    InvalidSelection where there is none, or where they are too many stretches."""
    if not chosen.bits:
        raise InvalidSelection("nothing is ticked", code="nothing_selected")
    numbers = str(chosen.ranges()) if chosen.stretches * 2 <= NUMBERS else ""
    if not 0 < len(numbers) <= NUMBERS:
        raise InvalidSelection(f"{chosen.stretches} stretches", code="too_scattered")
    return numbers


def numbers_in(texts: Sequence[str]) -> set[int]:
    """Return the numbers that were sent, without what is none."""
    return {int(text) for text in texts if text.isdecimal() and len(text) < 13}


def _rows(one: Series, wanted: Ranges, chosen: Picked) -> list[Row]:
    kept = kept_places(one, wanted)
    return [
        Row(
            stored.sequence,
            None if stored.is_erased else stored.message(),
            stored.sequence in chosen,
            stored=kept.get(stored.sequence, frozenset()),
        )
        for stored in stored_messages(one, wanted)
    ]


class RedactionStep(_PerConversation):
    """Withholding, with the messages shown as the other side will see them."""

    step = "redaction"

    def look(self, request: HttpRequest, at: At) -> HttpResponse:
        return self._page(request, at)

    def take(self, request: HttpRequest, at: At) -> HttpResponse:
        draft, one = at.draft, at.one
        go = request.POST.get("go", "")
        if go in ("next", "back"):
            change_draft(
                draft=draft, change=lambda kept: _touch(kept, self.step), at=timezone.now()
            )
            following = self.following(at) if go == "next" else ""
            return redirect(following) if following else self.on(request, draft)
        try:
            number, targets = self._asked(request, at)
            self.keep(request, draft, self._change(request, one, number, targets))
        except InvalidSelection as error:
            words = error_sentence(error)
            return self._page(request, at, status=400, error=words)
        except DraftChanged:
            return self._page(request, at, status=409, is_stale=True)
        query: dict[str, object] = {"conversation": one.public_id, "from": number}
        if part := turned_to(request, "part"):
            query |= {"message": number, "part": part}
            return redirect(step_address(self.step, draft, **query) + "#edit")
        return redirect(step_address(self.step, draft, **query) + f"#m{number}")

    def _asked(self, request: HttpRequest, at: At) -> tuple[int, list[str]]:
        """Return the message asked about and what to withhold of it. Raises InvalidSelection."""
        number = request.POST.get("message", "")
        if not number.isdecimal() or len(number) > 12 or not 1 <= int(number) <= at.one.size:
            raise InvalidSelection("no such message", code="message_out_of_range")
        if request.POST.get("go") == "show":
            return int(number), []
        targets = []
        if request.POST.get("whole"):
            targets = ["*"]
        else:
            parts = sorted(self._clicked(request, at, int(number)))
            if request.POST.get("body"):
                targets.append("body")
            elif parts:
                targets.append(f"body:{ranges_of(parts)}")
            if request.POST.get("attachments"):
                targets.append("attachments")
        if targets:
            closed(targets)
        return int(number), targets

    def _clicked(self, request: HttpRequest, at: At, number: int) -> set[int]:
        """Return the segments to be withheld: as clicked of those on the page, as kept of others."""
        clicked = _segments(request.POST.getlist("segment"))
        shown = numbers_in(request.POST.get("shown", "").split("-"))
        if shown:
            hidden = _hidden(redactions_of(at.state, at.one).get(number))
            clicked |= {n for n in sequences(hidden) if not min(shown) <= n <= max(shown)}
        return clicked

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

    def _page(self, request: HttpRequest, at: At, status: int = 200, **more: Any) -> HttpResponse:
        context: dict[str, Any] = {"series": at.one, "tabs": self.tabs(at)}
        try:
            choices, (picked,) = choices_of(at.state, [at.one])
        except InvalidSelection as error:
            context["error"] = error_sentence(error)
        else:
            context |= self._window(request, choices[0], picked)
            context |= self._edited(request, at.state, at.one, picked)
        return self.shown(request, at.draft, at.state, context | more, status)

    def _window(
        self, request: HttpRequest, choice: tuple[Series, Choice], picked: Picked
    ) -> dict[str, Any]:
        series, withheld = choice[0], choice[1].redactions
        shown, before, after = _paged(picked, _start(request, series.size, picked))
        asked = {number: one.targets for number, one in withheld.items()}
        quoting = dict(quotes_of(series, asked, shown))
        rows = []
        for row in _rows(series, shown, picked):
            targets = asked.get(row.sequence, ())
            why = withheld.get(row.sequence) or withheld.get(quoting.get(row.sequence, 0))
            if row.sequence in quoting and "*" not in targets:
                targets = (*targets, "reply_to")
            rows.append(_as_seen(row, targets, why.reason if why else ""))
        if rows:
            log_view(
                series=series, actor=self.actor, first=rows[0].sequence,
                last=rows[-1].sequence, at=timezone.now(),
            )  # fmt: skip
        return {
            "rows": rows,
            "previous": before,
            "next": after,
            "total": len(picked),
            "withheld": len(withheld),
        }

    def _edited(
        self, request: HttpRequest, state: State, one: Series, picked: Picked
    ) -> dict[str, Any]:
        """Return the message that is open for withholding, cut into what can be clicked."""
        wanted = request.GET.get("message", "") or request.POST.get("message", "")
        if not wanted.isdecimal() or len(wanted) > 12 or int(wanted) not in picked:
            return {}
        number = int(wanted)
        (row,) = _rows(one, Ranges(((number, number),)), picked)
        if row.message is None:
            return {}
        kept = redactions_of(state, one).get(number)
        hidden = _hidden(kept)
        part = request.GET.get("part") or request.POST.get("part")
        page = Paginator(list(clickable(row.message.body or "")), PIECES).get_page(part)
        pieces = list(page)
        return {
            "edited": row,
            "pieces": [
                (str(numbers), text, any(at in hidden for at in sequences(numbers)))
                for numbers, text in pieces
            ],
            "parts": page,
            "shown": f"{pieces[0][0].spans[0][0]}-{pieces[-1][0].spans[-1][1]}" if pieces else "",
            "targets": kept.targets if kept else (),
            "reason": kept.reason if kept else "",
        }


def _hidden(kept: Redaction | None) -> Ranges:
    """Return the segments of a text that are withheld one by one."""
    if kept is None or kept.targets == ("*",):
        return Ranges()
    return closed(kept.targets).segments


def _segments(texts: list[str]) -> set[int]:
    """Return the numbers in what was clicked: each is one number, or first and last."""
    found: set[int] = set()
    for text in texts:
        first, _, last = text.partition("-")
        ends = numbers_in([first, last or first])
        if ends and len(ends) == (1 if not last or last == first else 2):
            found |= set(range(min(ends), min(max(ends), min(ends) + LONGEST_CLUSTER) + 1))
    return found - {0}


def _touch(kept: State, step: str) -> None:
    kept.setdefault(step, {})


def _paged(picked: Picked, first: int) -> tuple[Ranges, int | None, int | None]:
    """Return a window of chosen messages from ``first`` on, and where its neighbours begin."""
    shown = picked.from_on(first if first <= picked.last else 1, WINDOW + 1)
    before = picked.before(shown[0], WINDOW) if shown else []
    after = shown[WINDOW] if len(shown) > WINDOW else None
    return ranges_of(shown[:WINDOW]), before[0] if before else None, after


def _as_seen(row: Row, targets: tuple[str, ...], reason: str) -> Row:
    """Return ``row`` with what is withheld taken out of it."""
    body = row.message.body if row.message else None
    if not targets:
        return replace(row, is_chosen=True, pieces=(body,) if body else ())
    held = closed(targets)
    pieces: tuple[str | None, ...] = ()
    if body and "body" not in held.fields and targets != ("*",):
        pieces = tuple(
            None if at in held.segments else text for at, text in enumerate(segments(body), 1)
        )
    elif body:
        pieces = (None,)
    items = held.items()
    shown = frozenset() if "attachments" in held.fields or "*" in items else row.stored
    return replace(row, is_chosen=True, withheld=items, pieces=pieces, reason=reason, stored=shown)


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
            (STEPS[name], step_address(name, draft))
            for name, form in (("purpose", PurposeForm), ("authority", AuthorityForm))
            if not form(state.get(name, {})).is_valid()
        ]
        if not series:
            missing.append((STEPS["conversations"], step_address("conversations", draft)))
        gone = len(state.get("conversations", [])) - len(series)
        found: dict[str, Any] = {"missing": missing, "gone": gone, "authorities": _authorities()}
        if missing:
            return found
        try:
            choices, picked = choices_of(state, series)
        except InvalidSelection as error:
            missing.append((STEPS["messages"], step_address("messages", draft)))
            return found | {"error": error_sentence(error)}
        pictures = pictures_of(draft)
        options = options_of(state, series, pictures)
        lines: list[dict[str, Any]] = []
        for (one, choice), mine in zip(choices, picked, strict=True):
            facts = describe_series(one)
            lines.append(
                {
                    "facts": facts,
                    "zone": zone_of_days(one, facts),
                    "count": count_of([(one, choice)], [mine]),
                }
            )
        form, count = PurposeForm(state["purpose"]), count_of(choices, picked)
        names = {
            (line["facts"].id, person.key): person.names[-1]
            for line in lines
            for person in line["facts"].participants
        }
        stated = [(names.get((one.series, one.key), one.key), one) for one in options.parties]
        return found | {
            "choices": choices,
            "picked": picked,
            "count": count,
            "lines": lines,
            "options": options,
            "form": form,
            "parties": [
                (account, one.name, BASES[one.basis], len(one.pictures)) for account, one in stated
            ],
            "estimate": partial(estimate, choices, picked, options.style, pictures),
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
        if draft.export is not None and draft.is_confirmed:
            return redirect("export", export_id=draft.export.public_id)
        organisation = organisation_to_change(self.person, draft.organisation)
        facts = self.facts(draft, state)
        if facts["missing"]:
            return self.shown(request, draft, state, facts, status=400)
        if request.POST.get("seen_all") != facts["seen_all"]:
            return self.shown(request, draft, state, facts | {"is_stale": True}, status=409)
        step_up(request)
        at = timezone.now()

        def ask(newest: State) -> Export:
            if self._mark(draft, newest) != facts["seen_all"]:
                raise DraftChanged("another tab was faster")
            return ask_for_bundle(
                organisation=organisation,
                actor=self.actor,
                user=self.person,
                matter_name=state["purpose"]["matter"],
                choices=facts["choices"],
                options=facts["options"],
                at=at,
                picked=facts["picked"],
            )

        try:
            export = confirm_draft(draft=draft, ask=ask, at=at)
        except DraftChanged:
            draft, state = self.opened(draft_id)
            facts = self.facts(draft, state)
            return self.shown(request, draft, state, facts | {"is_stale": True}, status=409)
        except InvalidSelection as error:
            facts |= {"error": error_sentence(error)}
            return self.shown(request, draft, state, facts, status=400)
        return redirect("export", export_id=export.public_id)

    def facts(self, draft: Draft, state: State) -> dict[str, Any]:
        return super().facts(draft, state) | {"seen_all": self._mark(draft, state)}

    def _mark(self, draft: Draft, state: State) -> str:
        """Return the mark of all the bundle depends on: conversations that were erased meanwhile,
        and messages that came in where all of a conversation may be chosen, too."""
        pictures = [one.id for one in pictures_of(draft)]
        there = [
            (one.public_id, one.size if _may_choose_more(one, state) else 0)
            for one in self.chosen(draft, state)
        ]
        return mark([_asked_for(state), pictures, there])


def _may_choose_more(series: Series, state: State) -> bool:
    """True when what comes into ``series`` later may be chosen too: no numbers say which."""
    rule = rule_of(state, series)
    is_fixed = rule.get("messages") and rule.get("context") in (None, "", "0")
    return is_growing(series) and not is_fixed


def _asked_for(state: State) -> State:
    """Return what the bundle depends on: not which pages were opened."""
    return {name: value for name, value in state.items() if name not in ("review", "confirm")}


class ResultStep(Step):
    """Where the draft led to: the page of its bundle, or the step that is due."""

    step = "result"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, _state = self.opened(draft_id)
        if draft.export is None:
            return redirect(step_address("review", draft))
        return redirect("export", export_id=draft.export.public_id)


WIZARD: tuple[type[Step], ...] = (
    PurposeStep, AuthorityStep, ConversationsStep, MessagesStep, RedactionStep, PartiesStep,
    ReviewStep, ConfirmStep, ResultStep,
)  # fmt: skip
