"""The outside world as the settings describe it: keys, time, blobs. One set per process.

Without settings the development PKI and the local authority stand in, loudly: certificates,
tokens and every report say "development".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.core.signals import setting_changed

from evidence.gateways.blobs import BlobStore, FolderStore
from evidence.gateways.clock import Clock, SystemClock
from evidence.gateways.development_pki import DevelopmentPki, ensure
from evidence.gateways.keys import (
    FileLogKey,
    SealKey,
    development_seal_key,
    ensure_log_key,
    load_pkcs12,
)
from evidence.gateways.local_authority import LocalAuthority
from evidence.gateways.revocation import FetchingRevocation, FixedRevocation, Revocation
from evidence.gateways.tokens import Trust
from evidence.gateways.tsa import Authority, HttpAuthority, Stampers
from evidence.gateways.witnesses import Witnesses, read_witnesses

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gateways:
    """Everything the service reaches beyond its database."""

    kek: bytes
    seal_key: SealKey
    log_key: FileLogKey
    stamper: Stampers
    blobs: BlobStore
    clock: Clock
    trust: str
    """``configured`` or ``development``: how far our own seal and time are to be trusted."""
    roots: tuple[bytes, ...]
    """DER roots this deployment trusts: its own and those of ``TRUETHREAD_TRUST_ROOTS``."""
    stamp_authority: str
    stamp_is_independent: bool
    witnesses: Witnesses
    """Who is asked to cosign checkpoints of the custody log; often nobody."""


@lru_cache(maxsize=1)
def current() -> Gateways:
    """Return the gateways of this process, made at the first call.

    Raises EvidenceError of the part that cannot be made; the operator's to repair.
    """
    clock = SystemClock()
    var = Path(settings.TRUETHREAD_VAR_DIR)
    configured = configured_roots()
    development = None
    if settings.TRUETHREAD_SIGNER_PKCS12 is None or not settings.TRUETHREAD_TSA_URLS:
        development = development_pki()
    return Gateways(
        kek=settings.TRUETHREAD_KEK,
        seal_key=_seal_key(development),
        log_key=ensure_log_key(var / "keys" / "log.pem"),
        stamper=_stamper(development, configured, clock),
        blobs=FolderStore(var / "blobs"),
        clock=clock,
        trust="configured" if development is None else "development",
        roots=configured + ((development.root.der,) if development else ()),
        stamp_authority=", ".join(settings.TRUETHREAD_TSA_URLS) or "local development authority",
        stamp_is_independent=bool(settings.TRUETHREAD_TSA_URLS),
        witnesses=Witnesses(
            read_witnesses(settings.TRUETHREAD_WITNESSES, settings.TRUETHREAD_WITNESS_URLS),
            settings.TRUETHREAD_WITNESS_TIMEOUT,
        ),
    )


def development_pki() -> DevelopmentPki:
    """Return the development PKI of this deployment, made if it is missing."""
    return ensure(Path(settings.TRUETHREAD_VAR_DIR) / "pki", SystemClock().now())


def configured_roots() -> tuple[bytes, ...]:
    """Return the DER certificates of the PEM files in ``TRUETHREAD_TRUST_ROOTS``."""
    return tuple(
        certificate.public_bytes(Encoding.DER)
        for path in settings.TRUETHREAD_TRUST_ROOTS
        for certificate in x509.load_pem_x509_certificates(Path(path).read_bytes())
    )


def _seal_key(development: DevelopmentPki | None) -> SealKey:
    if settings.TRUETHREAD_SIGNER_PKCS12 is None:
        return development_seal_key(development or development_pki())
    return load_pkcs12(
        settings.TRUETHREAD_SIGNER_PKCS12,
        settings.TRUETHREAD_SIGNER_PKCS12_PASSWORD or "",
        revocation=_revocation(development),
    )


def _revocation(development: DevelopmentPki | None) -> Revocation:
    return FetchingRevocation(configured=development.crls if development else ())


def _stamper(
    development: DevelopmentPki | None, configured: tuple[bytes, ...], clock: Clock
) -> Stampers:
    authorities: list[Authority] = [
        HttpAuthority(url, settings.TRUETHREAD_TSA_TIMEOUT) for url in settings.TRUETHREAD_TSA_URLS
    ]
    if authorities:
        roots = configured + ((development.root.der,) if development else ())
        trust = Trust(roots=roots, revocation=_revocation(development))
    else:
        pki = development or development_pki()
        authorities = [LocalAuthority.of(pki, clock)]
        trust = Trust(roots=(pki.root.der,), revocation=FixedRevocation(pki.crls))
    return Stampers(authorities, trust=trust, clock=clock)


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting.startswith("TRUETHREAD_"):
        current.cache_clear()


setting_changed.connect(_forget)
