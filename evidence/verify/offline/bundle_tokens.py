"""Time-stamp tokens of a bundle, and the certificates and revocation lists that came with it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime

from ...formats.bundle import CERTIFICATES
from . import tst, x509
from .bundle_source import BundleSource, read_whole
from .report import PASSED, Finding, failed, meaning_reason, passed

MAX_MATERIAL_BYTES = 4 * 1024 * 1024
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")


@dataclass(frozen=True)
class Material:
    """Certificates and CRLs (DER) that help to build chains; none of them is an anchor."""

    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


def read_pem(data: bytes) -> list[bytes]:
    """Return the certificates (DER) in a PEM file, in order; text around them is ignored."""
    found = []
    for match in _PEM.finditer(data):
        try:
            found.append(base64.b64decode(b"".join(match[1].split()), validate=True))
        except binascii.Error:
            continue
    return found


def read_material(source: BundleSource) -> Material:
    """Return what lies in ``data/certificates/``: ``.pem``, ``.cer`` (DER) and ``.crl`` (DER)."""
    certificates: list[bytes] = []
    crls: list[bytes] = []
    for name in source.names():
        if not name.startswith(CERTIFICATES):
            continue
        ending = name.rpartition(".")[2]
        if ending not in ("pem", "cer", "crl"):
            continue
        data = read_whole(source, name, MAX_MATERIAL_BYTES)
        if ending == "crl":
            crls.append(data)
        else:
            certificates += read_pem(data) if ending == "pem" else [data]
    return Material(tuple(certificates), tuple(crls))


def check_token(
    token: bytes,
    stamped: bytes,
    trust: x509.Trust,
    at: datetime,
    material: Material,
    where: str,
    check: str = "log_time",
) -> tuple[tst.TokenFacts, list[Finding]]:
    """Return what holds about a token over ``stamped``, as findings named ``check``.

    at: until when the token is otherwise proved to have existed. One finding when all is well, else
    one for each thing that is not.
    """
    facts = tst.verify_token(
        token, stamped, trust, material.certificates, material.crls, at, where=where
    )
    findings = [
        Finding(check, one.outcome, True, one.detail, where, meaning_reason(one))
        for one in facts.findings
        if one.outcome != PASSED
    ]
    if facts.has_unsigned:
        findings.append(failed(check, "The token carries unsigned additions.", where))
    if findings:
        return facts, findings
    if facts.time is None or facts.authority is None:
        return facts, [failed(check, "The token has no time or no authority.", where)]
    detail = f"{facts.time:%Y-%m-%dT%H:%M:%SZ}, by {facts.authority.subject_text}."
    return facts, [passed(check, detail, where)]
