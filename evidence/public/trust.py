"""Whose keys we sign with, and the verifier to download: what a stranger compares."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from evidence import custody
from evidence.gateways.current import current
from evidence.models import Stamp
from evidence.verify.offline import pyz


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as people compare it. der: what the fingerprint is over."""

    der: bytes
    name: str
    issuer: str
    serial: str
    fingerprint: str
    not_before: datetime
    not_after: datetime
    is_root: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """A key's certificate, its issuers and what it is for."""

    title: Promise
    purpose: Promise
    certificates: tuple[Certificate, ...]


@lru_cache(maxsize=1)
def verifier() -> bytes:
    """Return ``verify.pyz``: the very bytes that every new bundle contains."""
    return pyz.build_bytes()


@require_safe
def verifier_file(request: HttpRequest) -> HttpResponse:
    """Hand out ``verify.pyz``, where the README of every bundle says it is."""
    answer = HttpResponse(verifier(), content_type="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="verify.pyz"'
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@require_safe
def trust_page(request: HttpRequest) -> HttpResponse:
    """Show the certificates of seal and time-stamp, the key of the log, the hash of the verifier."""
    epoch = custody.current_epoch()
    context = {
        "chains": chains(),
        "epoch": epoch,
        "log_key": epoch.vkey if epoch else "",
        "verifier_sha256": sha256(verifier()).hexdigest(),
        "verifier_size": len(verifier()),
        "verifier_url": f"{settings.TRUETHREAD_PUBLIC_URL}/verify.pyz",
        "is_development": current().trust == "development",
        "deployment": settings.TRUETHREAD_DEPLOYMENT_NAME,
    }
    return render(request, "public/trust.html", context)


@require_safe
def certificate_file(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """Hand out one of the certificates of the trust page, as DER."""
    for chain in chains():
        for certificate in chain.certificates:
            if certificate.fingerprint == fingerprint:
                answer = HttpResponse(certificate.der, content_type="application/pkix-cert")
                name = f"truethread-{fingerprint[:16]}.cer"
                answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
                return answer
    raise Http404


def chains() -> tuple[Chain, ...]:
    """Return the chain of the seal, then that of each authority whose time-stamp came last."""
    seal = current().seal_key
    found = [
        Chain(
            _("Seal"),
            _("Signs every document, and with it the list of everything in the bundle."),
            tuple(map(_described, (seal.certificate, *seal.chain))),
        )
    ]
    for authority in _stamp_chains():
        found.append(
            Chain(
                _("Time-stamp"),
                _("Proves when something existed. An authority for time says so, not we."),
                tuple(map(_described, authority)),
            )
        )
    return tuple(found)


def _stamp_chains() -> Iterator[tuple[bytes, ...]]:
    """Yield the path of the latest stamp, leaf to root; what else its token carried is left out."""
    latest = Stamp.objects.order_by("-gen_time").first()
    if latest is None:
        return
    carried = [base64.b64decode(one) for one in latest.certificates]
    yield tuple(_path(carried))


def _path(carried: list[bytes]) -> Iterator[bytes]:
    parsed = [x509.load_der_x509_certificate(der) for der in carried]
    by_name = {
        one.subject: (one, der) for one, der in reversed(list(zip(parsed, carried, strict=True)))
    }
    following = by_name.get(parsed[0].subject) if parsed else None
    seen: set[bytes] = set()
    while following is not None and following[1] not in seen:
        certificate, der = following
        seen.add(der)
        yield der
        following = by_name.get(certificate.issuer)


def _described(der: bytes) -> Certificate:
    certificate = x509.load_der_x509_certificate(der)
    return Certificate(
        der=der,
        name=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
        fingerprint=sha256(der).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        is_root=certificate.subject == certificate.issuer,
    )


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()
