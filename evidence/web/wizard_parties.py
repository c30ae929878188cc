"""Who is behind which account, as the person states it, and the pictures they add to say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access.drafts import draft_for, party_picture_for
from evidence.actions.keep_draft import State
from evidence.actions.party_pictures import (
    LARGEST,
    MOST_PER_PARTY,
    PictureRefused,
    add_party_picture,
    described,
    drop_party_picture,
    pictures_of,
    shown_bytes,
)
from evidence.archive.read import SeriesFacts, describe_series
from evidence.front.drafting import BASES
from evidence.front.files import file_name, small_picture
from evidence.front.marks import plain
from evidence.front.sentences import error_sentence
from evidence.models import Draft, Series
from evidence.values import Participant
from evidence.web.page import Page
from evidence.web.wizard_steps import DraftChanged, Step, step_address, turned_to

PEOPLE = 30
"""People on one page: a form has no more fields than a browser may send at once."""
CROWD = 6
"""Where more people are on a page, what is rarely filled in is folded away."""

Person = tuple[Series, SeriesFacts, Participant]


class PartiesStep(Step):
    """Names, what they rest on, and pictures: one form a page, so that nothing typed is lost on the
    way. What was stated of people on other pages stays."""

    step = "parties"

    def get(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        return self._page(request, draft, state, state.get(self.step, {}))

    def post(self, request: HttpRequest, draft_id: str) -> HttpResponse:
        draft, state = self.opened(draft_id)
        people = self._people(draft, state)
        given = self._given(request, state, people)

        def change(kept: State) -> None:
            kept[self.step] = given

        try:
            state = self.keep(request, draft, change)
        except DraftChanged:
            return self._page(request, draft, state, given, status=409, is_stale=True)
        if request.POST.get("remove"):
            picture = party_picture_for(draft, request.POST["remove"])
            (facts,) = described([picture])
            drop_party_picture(picture=picture)
            return self._back_to(draft, people, facts.series, facts.party)
        wrong = self._take_pictures(request, draft, people)
        if wrong:
            return self._page(request, draft, state, given, status=400, wrong=wrong)
        if turned := turned_to(request):
            return redirect(step_address(self.step, draft, page=turned))
        for one, _facts, person in people:
            if request.POST.get("add") == f"{one.public_id}-{person.key}":
                return self._back_to(draft, people, one.public_id, person.key)
        return self.on(request, draft)

    def _given(
        self, request: HttpRequest, state: State, people: list[Person]
    ) -> dict[str, dict[str, dict[str, str]]]:
        """Return what is stated of everybody: as sent of those on the page, as kept of all others."""
        before = state.get(self.step, {})
        given: dict[str, dict[str, dict[str, str]]] = {}
        for one, _facts, person in people:
            stated = before.get(one.public_id, {}).get(person.key)
            name = request.POST.get(f"name-{one.public_id}-{person.key}")
            if name is not None:
                basis = request.POST.get(f"basis-{one.public_id}-{person.key}", "")
                stated = {"name": name.strip()[:200], "basis": basis if basis in BASES else ""}
            if stated and any(stated.values()):
                given.setdefault(one.public_id, {})[person.key] = stated
        return given

    def _back_to(self, draft: Draft, people: list[Person], series: str, key: str) -> HttpResponse:
        """Return the way to the person whose pictures were changed."""
        places = [(one.public_id, person.key) for one, _facts, person in people]
        page = places.index((series, key)) // PEOPLE + 1 if (series, key) in places else 1
        query = {"page": page} if page > 1 else {}
        return redirect(step_address(self.step, draft, **query) + f"#who-{series}-{key}")

    def _people(self, draft: Draft, state: State) -> list[Person]:
        """Return everybody in the chosen conversations: the owner first, then who wrote most."""
        return [
            (one, facts, person)
            for one in self.chosen(draft, state)
            for facts in [describe_series(one)]
            for person in sorted(
                facts.participants, key=lambda who: (not who.is_owner, -who.message_count)
            )
        ]

    def _take_pictures(
        self,
        request: HttpRequest,
        draft: Draft,
        people: list[Person],
    ) -> list[str]:
        """Add the pictures that were sent; return what is to be said of those that were not taken."""
        wrong = []
        for one, _facts, person in people:
            for file in request.FILES.getlist(f"pictures-{one.public_id}-{person.key}"):
                name = file_name(file)
                try:
                    if (file.size or 0) > LARGEST:
                        raise PictureRefused(name, code="picture_too_large")
                    add_party_picture(
                        draft=draft, series=one, party=person.key, data=file.read(), name=name,
                        actor=self.actor, at=timezone.now(),
                    )  # fmt: skip
                except PictureRefused as error:
                    wrong.append(f"{plain(name)}: {error_sentence(error)}")
        return wrong

    def _page(
        self,
        request: HttpRequest,
        draft: Draft,
        state: State,
        given: Mapping[str, Any],
        status: int = 200,
        **more: Any,
    ) -> HttpResponse:
        added = pictures_of(draft)
        groups: dict[str, dict[str, Any]] = {}
        page = Paginator(self._people(draft, state), PEOPLE).get_page(request.GET.get("page"))
        for one, facts, person in page:
            group = groups.setdefault(one.public_id, {"facts": facts, "people": []})
            stated = given.get(one.public_id, {}).get(person.key, {})
            mine = [p for p in added if (p.series, p.party) == (one.public_id, person.key)]
            group["people"].append((person, stated, mine, len(mine) < MOST_PER_PARTY))
        context = {
            "groups": list(groups.values()),
            "page": page,
            "is_crowd": len(page) > CROWD,
            "bases": BASES.items(),
            "most": MOST_PER_PARTY,
            "megabytes": LARGEST // 1_000_000,
        }
        return self.shown(request, draft, state, context | more, status)


class PartyPictureImage(Page):
    """A picture beside a party, as the copy of our own: of the person whose draft it is, alone."""

    def get(self, request: HttpRequest, draft_id: str, picture_id: str) -> HttpResponse:
        picture = party_picture_for(draft_for(self.person, draft_id), picture_id)
        return small_picture(shown_bytes(picture), f"{_('picture')}.jpg")
