"""Answers to machines: small, uncached, in no language."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evidence.operations import exposition, measures
from evidence.operations.readiness import Outcome, readiness


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the process is up; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the service can do its work, with 503 when it cannot, and what each check says.

    A backlog is named and does not make the service unready: taking the pages away helps no worker.
    """
    outcomes = readiness(timezone.now())
    ready = Outcome.FAILED not in outcomes.values()
    answer = {"ready": ready, "checks": outcomes}
    return JsonResponse(answer, status=200 if ready else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the measures as Prometheus reads them, to whoever shows the token."""
    token = settings.TRUETHREAD_METRICS_TOKEN
    if not token:
        raise Http404
    shown = request.headers.get("Authorization", "")
    if not compare_digest(shown.encode(), f"Bearer {token}".encode()):
        refusal = HttpResponse("a bearer token is needed\n", "text/plain", status=401)
        refusal["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refusal
    text = exposition.text(measures.measured(timezone.now()))
    return HttpResponse(text, content_type=exposition.CONTENT_TYPE)
