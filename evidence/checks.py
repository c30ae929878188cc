"""System checks: what a production deployment may not start with.

In development there is nothing to refuse. ``manage.py`` runs these before most commands, the
WSGI and ASGI entry points before the first request. That the custody log is whole is checked in
every mode (``custody.checks``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from evidence.custody import checks as custody_checks  # noqa: F401  registers its check
from evidence.gateways.development_pki import DEVELOPMENT_POLICY_OID
from evidence.gateways.witnesses import read_witnesses

PRODUCTION_TAG = "production"
_SECRET_MIN_LENGTH = 50
_SECRET_MIN_DIFFERENT = 12
_KEK_MIN_DIFFERENT = 8


@register(PRODUCTION_TAG)
def production_is_safe(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return one error for each thing that production must not run with."""
    if settings.TRUETHREAD_MODE != "production":
        return []
    return [
        *_debugging(), *_signer(), *_trust_roots(), *_time_authorities(), *_database(),
        *_secrets(), *_address(), *_log_origin(), *_mail(), *_webhooks(),
    ]  # fmt: skip


@register(PRODUCTION_TAG)
def witnesses_are_named(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error when the witnesses of the settings cannot be asked, in every mode."""
    try:
        read_witnesses(settings.TRUETHREAD_WITNESSES, settings.TRUETHREAD_WITNESS_URLS)
    except ValueError as error:
        return [
            Error(
                f"The witnesses of the custody log are not usable: {error}.",
                hint="TRUETHREAD_WITNESSES and TRUETHREAD_WITNESS_URLS go in pairs.",
                id="evidence.E010",
            )
        ]
    return []


def _debugging() -> Iterator[Error]:
    if settings.DEBUG:
        yield Error(
            "Debugging is on: error pages would show evidence and settings.",
            hint="Remove TRUETHREAD_DEBUG.",
            id="evidence.E001",
        )


def _signer() -> Iterator[Error]:
    if settings.TRUETHREAD_SIGNER_PKCS12 is None:
        yield Error(
            "Documents would be signed by the development PKI, which nobody outside trusts.",
            hint="Set TRUETHREAD_SIGNER_PKCS12 to the seal key with its certificates.",
            id="evidence.E002",
        )
        return
    try:
        certificates = _pkcs12_certificates(settings.TRUETHREAD_SIGNER_PKCS12)
    except (OSError, ValueError, UnsupportedAlgorithm):
        yield Error(
            "The file named by TRUETHREAD_SIGNER_PKCS12 cannot be opened as PKCS #12.",
            hint="Check the file and TRUETHREAD_SIGNER_PKCS12_PASSWORD.",
            id="evidence.E003",
        )
        return
    if any(map(is_development_certificate, certificates)):
        yield Error(
            "TRUETHREAD_SIGNER_PKCS12 holds a key of a development PKI.",
            hint="Use the seal key that a public certification authority certified.",
            id="evidence.E002",
        )


def _trust_roots() -> Iterator[Error]:
    if not settings.TRUETHREAD_TRUST_ROOTS:
        yield Error(
            "No root is trusted: no time-stamp would be accepted, so no bundle could be issued.",
            hint="Set TRUETHREAD_TRUST_ROOTS to the roots of the authorities and of the seal.",
            id="evidence.E014",
        )
    for file in settings.TRUETHREAD_TRUST_ROOTS:
        try:
            certificates = x509.load_pem_x509_certificates(file.read_bytes())
        except (OSError, ValueError):
            yield Error(
                f"{file}, named by TRUETHREAD_TRUST_ROOTS, holds no PEM certificate.",
                id="evidence.E004",
            )
            continue
        if any(map(is_development_certificate, certificates)):
            yield Error(
                f"{file}, named by TRUETHREAD_TRUST_ROOTS, is a development root.",
                hint="Anyone with that machine can sign under it: remove it.",
                id="evidence.E004",
            )


def _time_authorities() -> Iterator[Error]:
    local = [url for url in settings.TRUETHREAD_TSA_URLS if _is_this_machine(url)]
    if local or not settings.TRUETHREAD_TSA_URLS:
        yield Error(
            "Time would come from this machine: a local authority proves no time.",
            hint="Set TRUETHREAD_TSA_URLS to independent RFC 3161 authorities only.",
            id="evidence.E005",
        )


def _database() -> Iterator[Error]:
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        yield Error(
            "The custody log would live in SQLite, where append-only is only a convention.",
            hint="Set TRUETHREAD_DATABASE_URL to postgres://…",
            id="evidence.E006",
        )


def _secrets() -> Iterator[Error]:
    key = settings.SECRET_KEY
    if len(key) < _SECRET_MIN_LENGTH or len(set(key)) < _SECRET_MIN_DIFFERENT:
        yield Error(
            f"TRUETHREAD_SECRET_KEY must be at least {_SECRET_MIN_LENGTH} random characters.",
            id="evidence.E007",
        )
    if len(set(settings.TRUETHREAD_KEK)) < _KEK_MIN_DIFFERENT:
        yield Error("TRUETHREAD_KEK is not a random key.", id="evidence.E007")
    for name, value in (
        ("secret_key", key.encode()),
        ("kek", settings.TRUETHREAD_KEK.hex().encode()),
    ):
        if _kept(settings.TRUETHREAD_VAR_DIR / "keys" / name) == value:
            yield Error(
                f"The {name.upper()} in use is the one that development keeps on this disk.",
                hint="Make a new one, store it apart from the data, and remove the file.",
                id="evidence.E007",
            )


def _address() -> Iterator[Error]:
    url = settings.TRUETHREAD_PUBLIC_URL
    if not url.startswith("https://") or _is_this_machine(url):
        yield Error(
            "TRUETHREAD_PUBLIC_URL must be the https address that people reach.",
            hint="It is printed in bundles, and cookies are sent to it alone.",
            id="evidence.E008",
        )


def _log_origin() -> Iterator[Error]:
    origin = settings.TRUETHREAD_LOG_ORIGIN
    if "localhost" in origin or "://" in origin or any(c.isspace() or c == "+" for c in origin):
        yield Error(
            "TRUETHREAD_LOG_ORIGIN must name this deployment's custody log for ever.",
            hint="A URL without its scheme, such as evidence.example.org/custody.",
            id="evidence.E009",
        )


def _mail() -> Iterator[Error]:
    if not settings.TRUETHREAD_SMTP_URL:
        yield Error(
            "Mails would be written to files: nobody could confirm an address or a new password.",
            hint="Set TRUETHREAD_SMTP_URL to the mail server.",
            id="evidence.E012",
        )


def _webhooks() -> Iterator[Error]:
    if settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK:
        yield Error(
            "Webhooks could be led to services of this machine that nobody outside may reach.",
            hint="Remove TRUETHREAD_WEBHOOKS_TO_LOOPBACK.",
            id="evidence.E013",
        )


def is_development_certificate(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate is from a development PKI, by its policy or by its names."""
    names = f"{certificate.subject.rfc4514_string()},{certificate.issuer.rfc4514_string()}"
    return "TrueThread Development" in names or DEVELOPMENT_POLICY_OID in _policies(certificate)


def _policies(certificate: x509.Certificate) -> set[str]:
    try:
        stated = certificate.extensions.get_extension_for_class(x509.CertificatePolicies)
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {policy.policy_identifier.dotted_string for policy in stated.value}


def _pkcs12_certificates(file: Path) -> list[x509.Certificate]:
    password = settings.TRUETHREAD_SIGNER_PKCS12_PASSWORD or ""
    bag = pkcs12.load_pkcs12(file.read_bytes(), password.encode())
    own = [bag.cert.certificate] if bag.cert else []
    return [*own, *(additional.certificate for additional in bag.additional_certs)]


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    # Nobody's address leads here too.
    return (mapped or address).is_loopback or (mapped or address).is_unspecified


def _kept(file: Path) -> bytes | None:
    try:
        return file.read_bytes().strip()
    except OSError:
        return None
