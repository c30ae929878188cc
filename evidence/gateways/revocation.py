"""Certificate revocation lists, fetched before they are needed and kept while they are current.

Addresses are taken only from certificates that our own configuration trusts or that chain to
it; nothing in an uploaded file ever leads here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from evidence.gateways.http import HttpTrouble, exchange

MAX_CRL_BYTES = 20 * 1024 * 1024
KEPT_WITHOUT_END = timedelta(hours=12)
"""How long a list without nextUpdate counts as current."""

logger = logging.getLogger(__name__)


class Revocation(Protocol):
    """A source of revocation lists."""

    def crls(self, certificates: Sequence[bytes], at: datetime) -> tuple[bytes, ...]:
        """Return the DER lists current at ``at`` for every issuer in a chain, as far as known.

        certificates: DER, in any order. A list that cannot be had is left out: whoever checks
        the chain then refuses it, because absence is not the same as "not revoked".
        """


@dataclass(frozen=True, slots=True)
class FixedRevocation:
    """Lists read once, from a development PKI or from files in the settings."""

    lists: tuple[bytes, ...]

    def crls(self, certificates: Sequence[bytes], at: datetime) -> tuple[bytes, ...]:
        """Return the lists whose issuer stands in the chain, in their own order."""
        issuers = {x509.load_der_x509_certificate(der).issuer for der in certificates}
        return tuple(der for der in self.lists if x509.load_der_x509_crl(der).issuer in issuers)


def fetch_crl(url: str) -> bytes:
    """Return the body behind ``url``; HttpTrouble when it is not an answer of status 200."""
    reply = exchange(url, max_bytes=MAX_CRL_BYTES)
    if reply.status != 200:
        raise HttpTrouble(f"http_{reply.status}", url)
    return reply.body


@dataclass(slots=True)
class FetchingRevocation:
    """Lists from the distribution points in the certificates, kept until they run out."""

    configured: tuple[bytes, ...] = ()
    """DER lists from the settings, preferred while current."""
    fetch: Callable[[str], bytes] = fetch_crl
    _kept: dict[str, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def crls(self, certificates: Sequence[bytes], at: datetime) -> tuple[bytes, ...]:
        """Return one current list per issuer, fetching what is missing or has run out."""
        found: dict[bytes, None] = {}
        for der in certificates:
            certificate = x509.load_der_x509_certificate(der)
            if certificate.issuer != certificate.subject:
                crl = self._configured(certificate, at) or self._fetched(certificate, at)
                found.update({crl: None} if crl else {})
        return tuple(found)

    def _configured(self, certificate: x509.Certificate, at: datetime) -> bytes | None:
        for der in self.configured:
            crl = x509.load_der_x509_crl(der)
            if crl.issuer == certificate.issuer and _is_current(crl, at):
                return der
        return None

    def _fetched(self, certificate: x509.Certificate, at: datetime) -> bytes | None:
        for url in _addresses(certificate):
            with self._lock:
                kept = self._kept.get(url)
            if kept and _is_current(x509.load_der_x509_crl(kept), at):
                return kept
            try:
                der = _as_der(self.fetch(url))
            except (HttpTrouble, ValueError) as error:
                logger.warning("revocation list at %s: %s", url, error)
                continue
            with self._lock:
                self._kept[url] = der
            return der
        return None


def _addresses(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    names = [name for point in points for name in point.full_name or ()]
    urls = [n.value for n in names if isinstance(n, x509.UniformResourceIdentifier)]
    return [url for url in urls if url.startswith(("http://", "https://"))]


def _is_current(crl: x509.CertificateRevocationList, at: datetime) -> bool:
    return at < (crl.next_update_utc or crl.last_update_utc + KEPT_WITHOUT_END)


def _as_der(data: bytes) -> bytes:
    """Return a fetched list as DER; some issuers serve PEM. ValueError for anything else."""
    pem = data.lstrip().startswith(b"-----BEGIN")
    crl = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    return crl.public_bytes(serialization.Encoding.DER)
