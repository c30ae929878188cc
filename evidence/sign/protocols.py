"""What the sign room asks of the outside world: a signing key and a source of trusted time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cryptography import x509


@dataclass(frozen=True, slots=True)
class Stamp:
    """An RFC 3161 token that was verified against configured trust before it got here."""

    token: bytes
    """DER TimeStampToken (a CMS ContentInfo)."""
    time: datetime
    """genTime of the token, aware, UTC."""
    authority: str
    """Name or address of the authority as configured."""
    certificates: tuple[bytes, ...]
    """DER, from the authority's certificate up to and including the trusted root, then whatever
    else the token carries: nothing in it is left for the verifier to wonder about."""
    crls: tuple[bytes, ...]
    """DER, current when the token was made, one per issuer in ``certificates``."""

    @property
    def verifiable_until(self) -> datetime:
        """The moment the first certificate of the chain expires; renew before it."""
        return earliest_expiry(self.certificates)


def earliest_expiry(certificates: Iterable[bytes]) -> datetime:
    """Return the earliest ``notAfter`` (aware, UTC) of at least one DER certificate."""
    return min(x509.load_der_x509_certificate(der).not_valid_after_utc for der in certificates)


class Signer(Protocol):
    """A private key we may use, with everything a stranger needs to check it later."""

    @property
    def certificate(self) -> bytes:
        """DER certificate of the key."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER certificates of the issuers, nearest first, the trusted root last."""

    def crls(self, at: datetime) -> tuple[bytes, ...]:
        """Return DER revocation lists current at ``at`` for ``certificate`` and ``chain``."""

    def sign_raw(self, data: bytes) -> bytes:
        """Return the signature over SHA-256 of ``data``.

        An EC key gives a DER ECDSA-Sig-Value, an RSA key gives PKCS #1 v1.5.
        Raises SigningFailed when the key cannot be used.
        """


class Stamper(Protocol):
    """A source of time-stamps nobody in this house controls."""

    def stamp(self, digest: bytes) -> Stamp:
        """Return a verified token over ``digest`` (32 raw bytes, SHA-256).

        Raises StampUnavailable when no authority gave an acceptable token.
        """
