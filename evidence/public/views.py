"""The page where anyone checks a file: one form, one answer, nothing kept."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import View

from evidence.actions.verification_report import signed_report
from evidence.actions.verify_file import verify_and_draw
from evidence.errors import BusyNow, EvidenceError
from evidence.front.files import file_name, received
from evidence.front.limits import LIMITS, REPORT_TURNSTILE, VERIFY_TURNSTILE
from evidence.front.people import address_of
from evidence.front.samples import samples
from evidence.front.sentences import error_sentence
from evidence.gateways.current import current
from evidence.public import lookup
from evidence.public.answers import busy
from evidence.public.facts import known_file
from evidence.public.judged import Judged, restored, ticket
from evidence.public.pictures import picture_pair
from evidence.public.report import document, report_json
from evidence.public.verdicts import (
    cards,
    extra_lines,
    finding_lines,
    proves_evidence,
    three_lines,
    verdict,
)
from evidence.verify.offline.report import PASSED
from evidence.verify.pictures import Pair


class VerifyPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if "bundle" in request.GET:
            return lookup.bundle_page(request, request.GET["bundle"])
        if "known" in request.GET:
            error = _(
                "This is neither: a SHA-256 has 64 characters and the id of a bundle has 32, "
                "each 0–9 or a–f."
            )
            return lookup.asked(request) or _form(request, lookup_error=error, status=400)
        return _form(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        file = request.FILES.get("file")
        if file is None:
            return _form(request, error=_("Please choose a file first."), status=400)
        receipt = request.FILES.get("receipt")
        try:
            with VERIFY_TURNSTILE.passed(address_of(request)), received(file) as path:
                judged, pairs = _judged(path, file_name(file), _receipt_bytes(receipt))
        except BusyNow as error:
            return busy(request, error, VERIFY_TURNSTILE)
        except EvidenceError as error:
            return _form(request, error=error_sentence(error), status=400)
        return _result(request, judged, pairs)


class ReportFile(View):
    """The answer once more, as a file to keep. It comes back with the form: nothing was stored."""

    http_method_names = ["post"]  # noqa: RUF012  Django's own declaration is a list

    def post(self, request: HttpRequest) -> HttpResponse:
        judged = restored(request.POST.get("ticket", ""))
        if judged is None:
            error = _("This answer has expired. Please check the file again.")
            return _form(request, error=error, status=400)
        if request.POST.get("form") == "json":
            answer = JsonResponse(report_json(judged, known_file(judged.sha256)))
            return _attached(answer, judged, "json")
        try:
            with REPORT_TURNSTILE.passed(address_of(request)):
                pdf = _signed_pdf(judged)
        except BusyNow as error:
            return busy(request, error, REPORT_TURNSTILE)
        except EvidenceError as error:
            return _form(request, error=error_sentence(error), status=503)
        return _attached(HttpResponse(pdf, content_type="application/pdf"), judged, "pdf")


def _signed_pdf(judged: Judged) -> bytes:
    is_chinese = (get_language() or "").startswith("zh")
    language: Literal["en", "zh"] = "zh" if is_chinese else "en"
    written = document(judged, known_file(judged.sha256), language)
    return signed_report(report=written, at=current().clock.now())


def _attached(answer: HttpResponse, judged: Judged, ending: str) -> HttpResponse:
    name = f"verification-{judged.sha256.hex()[:12]}.{ending}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


_RECEIPT_LIMIT = 5_000_000


def _receipt_bytes(receipt: UploadedFile[Any] | None) -> bytes | None:
    return receipt.read(_RECEIPT_LIMIT) if receipt is not None else None


def _judged(path: Path, name: str, receipt: bytes | None) -> tuple[Judged, tuple[Pair, ...]]:
    report, pairs = verify_and_draw(path=path, name=name, receipt=receipt)
    with path.open("rb") as stream:
        digest = file_digest(stream, "sha256").digest()
    return Judged(report, digest, path.stat().st_size, timezone.now()), pairs


def _result(request: HttpRequest, judged: Judged, pairs: Sequence[Pair]) -> HttpResponse:
    report = judged.report
    known, said = known_file(judged.sha256), verdict(report)
    context = {
        "report": report,
        "name": report.file,
        "size": judged.size,
        "sha256": judged.sha256,
        "checked_at": judged.checked_at,
        "verdict": said,
        "opens_checks": said.shade == "bad"
        or any(one.outcome != PASSED for one in report.of("filled")),
        "three_lines": three_lines(report),
        "extra_lines": extra_lines(report, known),
        "cards": cards(report),
        "findings": finding_lines(report),
        "pictures": tuple(map(picture_pair, pairs)),
        "shows_claims": known is not None or proves_evidence(report),
        "known": known,
        "ticket": ticket(judged),
        "language_next": "/verify/",
    }
    return render(request, "public/result.html", context)


def _form(
    request: HttpRequest, *, error: str = "", lookup_error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "error": error,
        "lookup_error": lookup_error,
        "samples": samples(),
        "most_bytes": LIMITS["/verify/"],
        "language_next": "/verify/",
    }
    return render(request, "public/verify.html", context, status=status)
