"""From a file to stored, sealed conversations: upload, questions, what was recognised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import custody, ingest
from evidence.access import acquisition_for, series_of
from evidence.actions.acquire_file import acquire_file
from evidence.actions.hand_original import hand_original, seal_receipt
from evidence.archive.read import describe_acquisition, describe_series
from evidence.errors import IngestRefused, NotFound, StorageFailed
from evidence.front import staging
from evidence.front.asking import asked_about, date_read_as
from evidence.front.files import file_name, handed_out, received
from evidence.front.sentences import error_sentence
from evidence.front.staging import Asked, Waiting
from evidence.ingest import Answers
from evidence.models import Acquisition, Stamp
from evidence.web.page import Page

_TICKETS = "uploads"
_REFUSALS = (IngestRefused, StorageFailed)

ORDERS: dict[str, Promise] = {
    "dmy": gettext_lazy("day, month, year"),
    "mdy": gettext_lazy("month, day, year"),
    "ymd": gettext_lazy("year, month, day"),
}


class Upload(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        return render(request, "web/upload.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        file = request.FILES.get("file")
        if file is None:
            return _refused(request, _("Please choose a file first."))
        try:
            with received(file) as path:
                return self._taken(request, path, file_name(file))
        except _REFUSALS as error:
            return _refused(request, error_sentence(error), error.where)

    def _taken(self, request: HttpRequest, path: Path, name: str) -> HttpResponse:
        examination = ingest.examine(path, name)
        asked = asked_about(path, examination)
        if not asked:
            return self._stored(request, path, name, Answers())
        waiting, ticket = staging.stage(
            self.organisation, path, name=name, format=examination.format, asked=asked
        )
        request.session[_TICKETS] = {**request.session.get(_TICKETS, {}), waiting.id: ticket}
        return redirect("questions", upload_id=waiting.id)

    def _stored(
        self, request: HttpRequest, path: Path, name: str, answers: Answers
    ) -> HttpResponse:
        result = acquire_file(
            organisation=self.organisation,
            actor=self.actor,
            path=path,
            name=name,
            answers=answers,
            at=timezone.now(),
            user=self.person,
        )
        if result.acquisition is None:
            raise IngestRefused("questions are still open", code="answers_missing")
        if result.recognised:
            messages.info(request, _("You had delivered this very file before. It was recognised."))
        return redirect("acquisition", acquisition_id=result.acquisition.public_id)


class Questions(Upload):
    """The questions about an upload; its address is worth nothing without the session."""

    def get(self, request: HttpRequest, upload_id: str = "") -> HttpResponse:
        waiting = self._waiting(request, upload_id)
        return render(request, "web/questions.html", _question_context(waiting))

    def post(self, request: HttpRequest, upload_id: str = "") -> HttpResponse:
        waiting = self._waiting(request, upload_id)
        answers = _answers(request, waiting)
        if isinstance(answers, str):
            return self._again(request, waiting, answers)
        ticket = request.session[_TICKETS][upload_id]
        try:
            with staging.fetched(self.organisation, upload_id, ticket) as path:
                answer = self._stored(request, path, waiting.name, answers)
        except _REFUSALS as error:
            return self._again(request, waiting, error_sentence(error))
        tickets = dict(request.session[_TICKETS])
        del tickets[upload_id]
        request.session[_TICKETS] = tickets
        staging.discard(upload_id)
        return answer

    def _waiting(self, request: HttpRequest, upload_id: str) -> Waiting:
        ticket = request.session.get(_TICKETS, {}).get(upload_id)
        if ticket is None:
            raise NotFound("no such upload in this session")
        return staging.waiting(self.organisation, upload_id, ticket)

    def _again(self, request: HttpRequest, waiting: Waiting, error: str) -> HttpResponse:
        context = _question_context(waiting) | {"error": error, "given": request.POST}
        return render(request, "web/questions.html", context, status=400)


def _refused(request: HttpRequest, error: str, where: str = "") -> HttpResponse:
    return render(request, "web/upload.html", {"error": error, "where": where}, status=400)


def _answers(request: HttpRequest, waiting: Waiting) -> Answers | str:
    """Return the answers given, or a sentence about the one that is missing."""
    given = {one.code: request.POST.get(one.code, "") for one in waiting.asked}
    if not all(given.get(code, "-") for code in ("timezone", "date_order")):
        return _("Please answer the questions first.")
    owner = next((one for one in waiting.asked if one.code == "owner"), None)
    if owner is not None and given["owner"] not in ("", *owner.choices):
        return _("Please choose one of the names.")
    return Answers(
        timezone=given.get("timezone"),
        date_order=given.get("date_order"),
        owner=given.get("owner") or None,
    )


@dataclass(frozen=True, slots=True)
class _OrderChoice:
    code: str
    words: Promise
    examples: list[tuple[str, date]]


def _question_context(waiting: Waiting) -> dict[str, Any]:
    by_code = {one.code: one for one in waiting.asked}
    context: dict[str, Any] = {"waiting": waiting, "asked": by_code}
    if "timezone" in by_code:
        likely = by_code["timezone"].choices
        context["likely_zones"] = likely
        context["other_zones"] = [zone for zone in _zones() if zone not in likely]
    if "date_order" in by_code:
        context["orders"] = _orders(by_code["date_order"])
    return context


def _orders(asked: Asked) -> list[_OrderChoice]:
    return [
        _OrderChoice(
            order,
            ORDERS[order],
            [(text, day) for text in asked.examples[:3] if (day := date_read_as(text, order))],
        )
        for order in asked.choices
    ]


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    """Return the IANA zones people live in, without the historic and technical ones."""
    technical = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    lived_in = (zone for zone in available_timezones() if "/" in zone)
    return (*sorted(zone for zone in lived_in if not zone.startswith(technical)), "UTC")


class AcquisitionPage(Page):
    def get(self, request: HttpRequest, acquisition_id: str) -> HttpResponse:
        acquisition = acquisition_for(self.person, acquisition_id)
        series = series_of(self.person).filter(acquisition=acquisition).order_by("place")
        context = {
            "acquisition": acquisition,
            "facts": describe_acquisition(acquisition),
            "conversations": [describe_series(one) for one in series],
            "stamp": _stamp_over(acquisition),
        }
        return render(request, "web/acquisition.html", context)


class Original(Page):
    """The very bytes that were delivered, back to whoever may see them; the log says so."""

    def get(self, request: HttpRequest, acquisition_id: str) -> FileResponse:
        acquisition = acquisition_for(self.person, acquisition_id)
        facts = describe_acquisition(acquisition)
        opened = hand_original(acquisition=acquisition, actor=self.actor, at=timezone.now())
        return handed_out(opened, facts["name"], facts["size"])


class SealReceipt(Page):
    def get(self, request: HttpRequest, acquisition_id: str) -> HttpResponse:
        acquisition = acquisition_for(self.person, acquisition_id)
        name = f"seal-{acquisition.public_id}.json"
        return HttpResponse(
            seal_receipt(acquisition),
            content_type="application/octet-stream",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "private, no-store",
            },
        )


def _stamp_over(acquisition: Acquisition) -> Stamp | None:
    """Return the time-stamp over the entry that recorded the delivery; None while it is due."""
    for logged in custody.entries_of("acquisition", acquisition.public_id, 1):
        checkpoint = custody.stamped_checkpoint_over(logged)
        return checkpoint.stamps.order_by("gen_time").first() if checkpoint else None
    return None
