"""Errors of the API as RFC 9457 problem documents: the one place that knows HTTP numbers.

``code`` is stable and safe to match on; ``title`` is for people, in the language asked for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from evidence.errors import (
    BusyNow,
    ClockDisagrees,
    Corrupt,
    EvidenceError,
    FileTooLarge,
    IngestRefused,
    InvalidSelection,
    LengthMissing,
    LogRefused,
    NotAllowed,
    NotFound,
    PushRefused,
    SigningFailed,
    StampUnavailable,
    StorageFailed,
)
from evidence.front.sentences import code_sentence, error_sentence

logger = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"

_STATUS_OF_CODE: Mapping[str, int] = {
    "file_too_large": 413,
    "not_issued": 409,
    "cannot_supersede": 409,
    "questions_open": 422,
    "unknown_conversation": 404,
    "not_retryable": 409,
    "matter_name_taken": 409,
    "idempotency_key_missing": 400,
    "idempotency_key_invalid": 400,
    "idempotency_key_reused": 422,
    "idempotency_in_progress": 409,
    "client_rate_limited": 429,
    "webhook_disabled": 409,
    "too_many_webhooks": 409,
    "unknown_secret": 404,
    "batch_out_of_order": 409,
    "batch_conflicts": 409,
    "batch_chain_broken": 409,
    "batch_overlaps": 409,
    "messages_missing": 409,
    "gap_unknown": 409,
    "attachment_missing": 409,
    "stream_closed": 409,
    "stream_exists": 409,
    "batch_forged": 403,
}
_STATUS_OF_CLASS: tuple[tuple[type[EvidenceError], int], ...] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (LengthMissing, 411),
    (FileTooLarge, 413),
    (BusyNow, 429),
    (IngestRefused, 422),
    (InvalidSelection, 422),
    (PushRefused, 422),
    (StampUnavailable, 503),
    (SigningFailed, 503),
    (StorageFailed, 503),
    (ClockDisagrees, 503),
    (LogRefused, 503),
    (Corrupt, 500),
)
_CODE_OF_STATUS: Mapping[int, str] = {
    400: "invalid_request",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    429: "rate_limited",
}


_SOON = ("client_rate_limited", "idempotency_in_progress")
"""Codes of trouble that is over in a second."""


def status_of(error: EvidenceError) -> int:
    """Return the HTTP status of an expected trouble."""
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    return next((number for kind, number in _STATUS_OF_CLASS if isinstance(error, kind)), 500)


def not_that_version() -> HttpResponse:
    """Return 412, for a client that wants a version of an object that is not the one there is."""
    answer = problem(412, "precondition_failed", code_sentence("precondition_failed"))
    return HttpResponse(json.dumps(answer.data), status=412, content_type=PROBLEM_TYPE)


def problem(
    status: int, code: str, title: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """Return a problem document; ``more`` are further members."""
    body = {"type": f"urn:truethread:problem:{code}", "title": title, "status": status}
    return Response(
        body | {"code": code} | more,
        status=status,
        headers=dict(headers or {}),
        content_type=PROBLEM_TYPE,
    )


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """Return the problem document of whatever a view raised; nothing inside shows."""
    if isinstance(error, EvidenceError):
        return _of_evidence(error)
    if isinstance(error, Http404):
        return _of_evidence(NotFound("no such address"))
    if isinstance(error, PermissionDenied):
        return _of_evidence(NotAllowed("refused"))
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, RequestDataTooBig):
        return _of_evidence(FileTooLarge("fields beside the file"))
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return problem(400, "invalid_request", code_sentence("invalid_request"))
    logger.exception("an API view failed", exc_info=error)
    return problem(500, "server_error", code_sentence("server_error"))


def _of_evidence(error: EvidenceError) -> Response:
    status = status_of(error)
    headers = {"Retry-After": "30"} if status in {429, 503} else {}
    if error.code in _SOON:
        headers = {"Retry-After": "1"}
    where = {"where": error.where} if error.where and status < 500 else {}
    facts = error.facts if isinstance(error, PushRefused) else {}
    return problem(status, error.code, error_sentence(error), headers=headers, **where, **facts)


def _of_framework(error: exceptions.APIException) -> Response:
    status = error.status_code
    code = _CODE_OF_STATUS.get(status, "invalid_request" if status < 500 else "server_error")
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    wrong = {}
    if isinstance(error, exceptions.ValidationError):
        wrong = {"errors": error.detail}
    return problem(status, code, code_sentence(code), headers=headers, **wrong)
