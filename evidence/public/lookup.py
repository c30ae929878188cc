"""Asking the log: by the SHA-256 of a file that stays where it is, or by the id of a bundle."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from evidence.errors import BusyNow
from evidence.front.limits import LOOKUP_TURNSTILE
from evidence.front.people import address_of
from evidence.front.sentences import ARTIFACTS
from evidence.public.answers import busy, plain_moment
from evidence.public.facts import Known, known_bundle, known_file

_BETWEEN = re.compile(r"[\s:.-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_BUNDLE = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)


@require_safe
def hash_page(request: HttpRequest, sha256: str) -> HttpResponse:
    """Say what the log knows of the file with this SHA-256, as a page or as JSON."""
    sha256 = sha256.lower()
    wants_json = _wants_json(request)
    try:
        with LOOKUP_TURNSTILE.passed(address_of(request)):
            known = known_file(bytes.fromhex(sha256))
    except BusyNow as error:
        return _busy_json(error) if wants_json else busy(request, error, LOOKUP_TURNSTILE)
    if wants_json:
        answer: HttpResponse = JsonResponse(described(sha256, known))
    else:
        answer = _page(request, known, sha256=sha256)
    patch_vary_headers(answer, ["Accept", "Accept-Language", "Cookie"])
    answer.headers["Cache-Control"] = "no-store"
    return answer


def bundle_page(request: HttpRequest, bundle: str) -> HttpResponse:
    """Say what the log knows of a bundle: where the code printed on every document leads."""
    found = _BUNDLE.match(_tidied(bundle))
    try:
        with LOOKUP_TURNSTILE.passed(address_of(request)):
            known = known_bundle(found.group()) if found else None
    except BusyNow as error:
        return busy(request, error, LOOKUP_TURNSTILE)
    answer = _page(request, known)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def address_of_text(text: str) -> str | None:
    """Return the address that answers for a typed hash or bundle id; None when it is neither."""
    tidied = _tidied(text)
    if _SHA256.match(tidied):
        return reverse("verify_hash", args=[tidied])
    if _BUNDLE.match(tidied):
        return f"{reverse('verify')}?bundle={tidied}"
    return None


def asked(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to what the form of hashes and ids sent; None when it is neither."""
    address = address_of_text(request.GET.get("known", ""))
    return HttpResponseRedirect(address) if address else None


def described(sha256: str, known: Known | None) -> dict[str, Any]:
    """Return the facts of a lookup: ``sentences`` for people, the rest for programs."""
    answer: dict[str, Any] = {
        "sha256": sha256,
        "known": known is not None,
        "sentences": sentences(known),
        "page": reverse("verify_hash", args=[sha256]),
    }
    if known is not None:
        answer |= facts_json(known)
    return answer


def facts_json(known: Known) -> dict[str, Any]:
    """Return what the log knows, for programs."""
    return {
        "bundle": known.bundle,
        "kind": known.kind,
        "issued": _iso(known.issued_at),
        "withdrawn": _iso(known.withdrawn_at),
        "superseded_by": known.superseded_by,
        "renewed": list(known.renewed),
        "log": known.log_origin,
        "log_time_stamped": _iso(known.stamped_at),
        "series": [
            {
                "rows": one.rows,
                "chosen": one.chosen,
                "first": one.first,
                "last": one.last,
                "gaps": one.gaps,
                "withheld": one.withheld,
                "stored_by": _iso(one.stored_by),
            }
            for one in known.series
        ],
    }


def sentences(known: Known | None) -> list[str]:
    """Return the facts in words, the gravest first."""
    if known is None:
        return [
            _("Our log knows no file with exactly these bytes."),
            _(
                "That alone does not mean that it was altered: it may come from somewhere else, or "
                "be one part of a bundle. The full check tells."
            ),
        ]
    said = []
    if known.withdrawn_at:
        time = plain_moment(known.withdrawn_at)
        said.append(_("The issuer withdrew this bundle on {time}.").format(time=time))
    if known.superseded_by:
        said.append(_("A newer bundle has taken the place of this one."))
    said.append(
        _("This very file was issued here on {time}: {kind}.").format(
            time=plain_moment(known.issued_at), kind=ARTIFACTS.get(known.kind or "", "")
        )
    )
    said.extend(
        _("Its time-stamp was renewed on {time}.").format(time=plain_moment(time))
        for time in known.renewed
    )
    return said


def _page(request: HttpRequest, known: Known | None, *, sha256: str = "") -> HttpResponse:
    context = {"known": known, "sha256": sha256, "asked_at": timezone.now()}
    return render(request, "public/known.html", context)


def _busy_json(error: BusyNow) -> HttpResponse:
    return JsonResponse({"error": error.code}, status=429, headers={"Retry-After": "30"})


def _wants_json(request: HttpRequest) -> bool:
    stated = request.GET.get("format")
    if stated is not None:
        return stated == "json"
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _tidied(text: str) -> str:
    return _BETWEEN.sub("", text).lower()[:200]


def _iso(time: Any) -> str | None:
    return time.isoformat().replace("+00:00", "Z") if time else None
