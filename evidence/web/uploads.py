"""From a file to stored, sealed conversations: upload, questions, what was recognised.

A file arrives in pieces, sent by a script of the page, or all at once from a plain form. Reading and
storing it is background work; small files are not worth the wait and are stored within the request,
by the same action.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import custody
from evidence.access import acquisition_for, series_of
from evidence.access.uploads import upload_for, uploads_of
from evidence.actions.hand_original import hand_original, seal_receipt
from evidence.actions.keep_upload import (
    GOING,
    PIECE,
    TooManyUploads,
    UploadFacts,
    WrongOffset,
    answer_upload,
    begin_upload,
    describe_upload,
    drop_upload,
    questions_of,
    receive_nothing,
    receive_piece,
    retry_upload,
)
from evidence.actions.take_upload import run_upload
from evidence.archive.read import describe_acquisition, describe_series
from evidence.errors import FileTooLarge, NotFound, StorageFailed
from evidence.front.asking import date_read_as
from evidence.front.files import cleaned_name, file_name, handed_out
from evidence.front.limits import STORED_AT_ONCE
from evidence.front.sentences import code_sentence, error_sentence
from evidence.ingest import Answers, Question
from evidence.models import Acquisition, Stamp, Upload, User
from evidence.web.page import Page

LISTED = 50
_MARK = 200
_REFUSALS = (FileTooLarge, StorageFailed, TooManyUploads)
_Phase = Upload.Phase

ORDERS: dict[str, Promise] = {
    "dmy": gettext_lazy("day, month, year"),
    "mdy": gettext_lazy("month, day, year"),
    "ymd": gettext_lazy("year, month, day"),
}


class Uploads(Page):
    """Where files are chosen, with those still on their way."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        return self.page(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take whole files in from a plain form: what works without any script."""
        self.may_store()
        files = request.FILES.getlist("file")
        if not files:
            return self.page(request, _("Please choose a file first."))
        try:
            taken = [self._taken(file) for file in files]
        except _REFUSALS as error:
            return self.page(request, error_sentence(error))
        if len(taken) > 1:
            return redirect("upload")
        upload = taken[0]
        if upload.phase == _Phase.FAILED:
            drop_upload(upload=upload, at=timezone.now())
            return self.page(request, code_sentence(upload.error_code))
        return redirect(_address(upload))

    def page(self, request: HttpRequest, error: str = "") -> HttpResponse:
        context = _listed(self.person, request) | {"error": error, "piece": PIECE}
        answer = render(request, "web/upload.html", context, status=400 if error else 200)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _taken(self, file: UploadedFile[Any]) -> Upload:
        upload = begin_upload(
            organisation=self.organisation, user=self.person, actor=self.actor,
            name=file_name(file), size=file.size or 0, at=timezone.now(),
        )  # fmt: skip
        for offset, data in _pieces(file):
            upload = receive_piece(upload=upload, offset=offset, data=data, at=timezone.now())
        if not upload.size:
            upload = receive_nothing(upload=upload, at=timezone.now())
        return _hurried(upload)


def _pieces(file: UploadedFile[Any]) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while data := file.read(PIECE):
        yield offset, data
        offset += len(data)


def _hurried(upload: Upload) -> Upload:
    """Run what is due at once where the file is small; return the upload as it stands then."""
    if upload.size <= STORED_AT_ONCE and upload.phase in GOING:
        return run_upload(upload.pk) or upload
    return upload


def _address(upload: Upload) -> str:
    """Return where the person goes on with ``upload``."""
    if upload.acquisition is not None:
        return reverse("acquisition", args=[upload.acquisition.public_id])
    return reverse("questions", args=[upload.public_id])


class UploadList(Page):
    """The moving part of the page: what is on its way."""

    def get(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        return render(request, "web/_uploads.html", _listed(self.person, request))


def _listed(person: User, request: HttpRequest) -> dict[str, Any]:
    page = Paginator(uploads_of(person), LISTED).get_page(request.GET.get("page"))
    return {
        "uploads": [{"upload": one, "facts": describe_upload(one)} for one in page],
        "page": page,
        "is_moving": any(one.phase in GOING for one in page),
    }


class BeginUpload(Page):
    """Begins a file sent in pieces, or finds the one that was begun before."""

    def post(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        size, mark = request.POST.get("size", ""), request.POST.get("mark", "")[:_MARK]
        name = cleaned_name(request.POST.get("name", ""))
        if not size.isdecimal() or len(size) > 15:
            return JsonResponse({"error": _("Please choose a file first.")}, status=400)
        upload = None if request.POST.get("fresh") else self._found(name, int(size), mark)
        try:
            upload = upload or begin_upload(
                organisation=self.organisation, user=self.person, actor=self.actor, name=name,
                size=int(size), at=timezone.now(), mark=mark,
            )  # fmt: skip
            if not upload.size:
                _hurried(receive_nothing(upload=upload, at=timezone.now()))
        except _REFUSALS as error:
            return JsonResponse({"error": error_sentence(error)}, status=400)
        return JsonResponse(_state(upload))

    def _found(self, name: str, size: int, mark: str) -> Upload | None:
        """Return the file that is known by the same mark and of which a part has arrived."""
        waiting = uploads_of(self.person).filter(
            phase=_Phase.RECEIVING, size=size, organisation=self.organisation
        )
        for upload in waiting[:LISTED]:
            facts = describe_upload(upload)
            if mark and (facts.name, facts.mark) == (name, mark):
                return upload
        return None


class Piece(Page):
    """Takes the next piece of a file. Its headers: ``Upload-Offset``, in bytes."""

    def get(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        return JsonResponse(_state(upload_for(self.person, upload_id)))

    def patch(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        upload = upload_for(self.person, upload_id)
        offset = request.headers.get("Upload-Offset", "")
        data = request.read(PIECE + 1)
        try:
            if not offset.isdecimal() or len(offset) > 15:
                raise WrongOffset("no offset")
            upload = receive_piece(upload=upload, offset=int(offset), data=data, at=timezone.now())
        except WrongOffset as error:
            again = Upload.objects.get(pk=upload.pk)
            return JsonResponse(_state(again) | {"error": error_sentence(error)}, status=409)
        except StorageFailed as error:
            return JsonResponse(_state(upload) | {"error": error_sentence(error)}, status=507)
        return JsonResponse(_state(_hurried(upload)))


def _state(upload: Upload) -> dict[str, Any]:
    """Return what the page's script needs to go on, or to know that all has arrived."""
    return {
        "id": upload.public_id,
        "received": upload.received,
        "chain": describe_upload(upload).chain.hex(),
        "piece": PIECE,
        "to": reverse("upload_piece", args=[upload.public_id]),
        "page": reverse("questions", args=[upload.public_id]),
    }


class UploadPage(Page):
    """One file on its way: how far it is, the questions about it, what went wrong."""

    def get(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        upload = upload_for(self.person, upload_id)
        if upload.phase == _Phase.STORED:
            return self._stored(request, upload)
        return self._page(request, upload)

    def post(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        upload = upload_for(self.person, upload_id)
        answers = _answers(request, describe_upload(upload))
        if isinstance(answers, str):
            return self._page(request, upload, answers)
        try:
            upload = answer_upload(
                upload=upload, answers=answers, actor=self.actor, at=timezone.now()
            )
        except NotFound:  # answered in another tab, or nothing is asked
            return redirect("questions", upload_id=upload_id)
        upload = _hurried(upload)
        if upload.phase == _Phase.ASKING:
            return self._page(request, upload, code_sentence(upload.error_code))
        return redirect("questions", upload_id=upload_id)

    def _stored(self, request: HttpRequest, upload: Upload) -> HttpResponse:
        if upload.acquisition is None:
            raise NotFound("what it led to was erased")
        if upload.recognised:
            messages.info(request, _("You had delivered this very file before. It was recognised."))
        return redirect("acquisition", acquisition_id=upload.acquisition.public_id)

    def _page(self, request: HttpRequest, upload: Upload, error: str = "") -> HttpResponse:
        facts = describe_upload(upload)
        context: dict[str, Any] = {"upload": upload, "facts": facts, "error": error}
        if upload.phase == _Phase.ASKING:
            if upload.error_code and not error:
                context["error"] = code_sentence(upload.error_code)
            context |= _question_context(facts) | {"given": request.POST}
            template = "web/questions.html"
        else:
            context |= _progress(upload)
            template = "web/upload_state.html"
        answer = render(request, template, context, status=400 if error else 200)
        answer.headers["Cache-Control"] = "no-store"
        return answer


class UploadProgress(Page):
    def get(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        upload = upload_for(self.person, upload_id)
        if upload.phase not in GOING:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "web/_upload_progress.html", _progress(upload))


def _progress(upload: Upload) -> dict[str, Any]:
    return {"upload": upload, "is_moving": upload.phase in GOING}


class DropUpload(Page):
    def post(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        drop_upload(upload=upload_for(self.person, upload_id), at=timezone.now())
        return redirect("upload")


class RetryUpload(Page):
    def post(self, request: HttpRequest, upload_id: str) -> HttpResponse:
        upload = upload_for(self.person, upload_id)
        retry_upload(upload=upload, at=timezone.now())
        return redirect("questions", upload_id=upload_id)


def _answers(request: HttpRequest, facts: UploadFacts) -> Answers | str:
    """Return the answers given, or a sentence about the one that is missing."""
    asked = questions_of(facts)
    given = {code: request.POST.get(code, "") for code in asked}
    if not all(given.get(code, "-") for code in ("timezone", "date_order")):
        return _("Please answer the questions first.")
    if "owner" in asked and given["owner"] not in ("", *asked["owner"].choices):
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


def _question_context(facts: UploadFacts) -> dict[str, Any]:
    by_code = questions_of(facts)
    context: dict[str, Any] = {"waiting": facts, "asked": by_code}
    if "timezone" in by_code:
        likely = by_code["timezone"].choices
        context["likely_zones"] = likely
        context["other_zones"] = [zone for zone in _zones() if zone not in likely]
    if "date_order" in by_code:
        context["orders"] = _orders(by_code["date_order"])
    return context


def _orders(asked: Question) -> list[_OrderChoice]:
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
        page = Paginator(series, LISTED).get_page(request.GET.get("page"))
        conversations = [describe_series(one) for one in page]
        context = {
            "acquisition": acquisition,
            "facts": describe_acquisition(acquisition),
            "page": page,
            "conversations": conversations,
            "incomplete": [one for one in conversations if one.missing_media or one.silences],
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
