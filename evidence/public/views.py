"""The page where anyone checks a file: one form, one answer, nothing kept."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import View

from evidence.actions.verify_file import verify_file
from evidence.errors import BusyNow, EvidenceError
from evidence.front.files import file_name, received
from evidence.front.limits import VERIFY_TURNSTILE
from evidence.front.people import address_of
from evidence.front.samples import samples
from evidence.front.sentences import error_sentence
from evidence.public.facts import known_facts
from evidence.public.verdicts import finding_lines, three_lines, verdict


class VerifyPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return _form(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        file = request.FILES.get("file")
        if file is None:
            return _form(request, error=_("Please choose a file first."), status=400)
        receipt = request.FILES.get("receipt")
        try:
            with VERIFY_TURNSTILE.passed(address_of(request)), received(file) as path:
                answer = _judged(path, file_name(file), _receipt_bytes(receipt))
        except BusyNow as error:
            return _busy(request, error)
        except EvidenceError as error:
            return _form(request, error=error_sentence(error), status=400)
        return render(request, "public/result.html", answer)


_RECEIPT_LIMIT = 5_000_000


def _receipt_bytes(receipt: UploadedFile[Any] | None) -> bytes | None:
    return receipt.read(_RECEIPT_LIMIT) if receipt is not None else None


def _judged(path: Path, name: str, receipt: bytes | None) -> dict[str, Any]:
    report = verify_file(path=path, name=name, receipt=receipt)
    with path.open("rb") as stream:
        digest = file_digest(stream, "sha256").digest()
    known = known_facts(digest)
    return {
        "report": report,
        "name": name,
        "size": path.stat().st_size,
        "sha256": digest,
        "verdict": verdict(report),
        "three_lines": three_lines(report),
        "findings": finding_lines(report),
        "known": known,
        "language_next": "/verify/",
    }


def _form(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {"error": error, "samples": samples()}
    return render(request, "public/verify.html", context, status=status)


def _busy(request: HttpRequest, error: BusyNow) -> HttpResponse:
    answer = render(request, "429.html", {"sentence": error_sentence(error)}, status=429)
    answer.headers["Retry-After"] = "30"
    return answer
