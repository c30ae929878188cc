"""Was a certificate revoked at a moment? From CRLs and OCSP responses at hand, never fetched.

CRL: RFC 5280 section 5; OCSP: RFC 6960. A list or answer counts only when its signature stands
under the issuer's own key (or, for OCSP, a responder the issuer appointed) and it still speaks
for the moment asked about. Delta, indirect and partial lists are not understood and say nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from . import der, x509

GOOD, REVOKED, UNKNOWN = "good", "revoked", "unknown"
SKEW = timedelta(minutes=5)
MAX_LISTS = 64

_NUMBER, _AUTHORITY_KEY, _DISTRIBUTION_POINT = "2.5.29.20", "2.5.29.35", "2.5.29.28"
_OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1"
_FAILURES = (der.DerError, ValueError, IndexError, KeyError)


@dataclass(frozen=True, slots=True)
class Status:
    """What is known about one certificate at one moment; ``detail`` is a sentence."""

    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A CRL, parsed, not verified."""

    tbs: bytes = field(repr=False)
    issuer: bytes = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    revoked: dict[int, datetime] = field(repr=False, hash=False)
    algorithm: der.Node = field(repr=False)
    signature: bytes = field(repr=False)
    scope: str
    """``all``, ``users``, ``cas`` or ``partial``."""


def status_of(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: datetime,
    *,
    crls: Iterable[bytes] = (),
    ocsps: Iterable[bytes] = (),
    pool: Iterable[x509.Certificate] = (),
) -> Status:
    """Return whether ``certificate`` was revoked at ``at``; a revocation found wins."""
    answers = [_from_crl(data, certificate, issuer, at) for data in list(crls)[:MAX_LISTS]]
    responders = list(pool)
    answers += [
        _from_ocsp(data, certificate, issuer, at, responders) for data in list(ocsps)[:MAX_LISTS]
    ]
    for outcome in (REVOKED, GOOD):
        for answer in answers:
            if answer is not None and answer.outcome == outcome:
                return answer
    return Status(UNKNOWN, f"no revocation data speaks for {certificate.subject_text}")


@lru_cache(maxsize=64)
def parse_crl(data: bytes) -> RevocationList:
    """Return the CRL in ``data``; raises DerError. Parsed, not verified."""
    tbs, algorithm, signature = der.parse(data).children(der.SEQUENCE)
    parts = tbs.children(der.SEQUENCE)
    if parts[0].tag == der.INTEGER and parts.pop(0).integer() != 1:
        raise der.DerError("unknown version of revocation list")
    inner, issuer, this_update, *rest = parts
    if inner.raw != algorithm.raw:
        raise der.DerError("signature algorithms differ inside and outside")
    is_timed = bool(rest) and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME)
    next_update = rest.pop(0).time() if is_timed else None
    revoked = _revoked(rest.pop(0)) if rest and rest[0].tag == der.SEQUENCE else {}
    scope = _scope(rest.pop(0)) if rest and rest[0].tag == 0xA0 else "all"
    if rest:
        raise der.DerError("unexpected field in revocation list")
    return RevocationList(
        tbs.raw,
        issuer.raw,
        this_update.time(),
        next_update,
        revoked,
        algorithm,
        signature.bits(),
        scope,
    )


def _revoked(node: der.Node) -> dict[int, datetime]:
    found: dict[int, datetime] = {}
    for entry in node.children():
        serial, when, *extensions = entry.children(der.SEQUENCE)
        for extension in extensions:
            if any(critical for critical, _ in x509.read_extensions(extension).values()):
                raise der.DerError("critical extension in a revocation entry")
        found[serial.integer()] = when.time()
    return found


def _scope(node: der.Node) -> str:
    (inner,) = node.children()
    extensions = x509.read_extensions(inner)
    for oid, (critical, _) in extensions.items():
        if critical and oid not in (_NUMBER, _AUTHORITY_KEY, _DISTRIBUTION_POINT):
            return "partial"
    if _DISTRIBUTION_POINT not in extensions:
        return "all"
    flags = {
        part.tag
        for part in der.parse(extensions[_DISTRIBUTION_POINT][1]).children(der.SEQUENCE)
        if part.tag == 0xA0 or part.content == b"\xff"
    } - {0xA0}
    return {frozenset[int](): "all", frozenset({0x81}): "users", frozenset({0x82}): "cas"}.get(
        frozenset(flags), "partial"
    )


def _from_crl(
    data: bytes, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> Status | None:
    try:
        found = parse_crl(data)
    except _FAILURES:
        return None
    wanted = {"all", "cas" if certificate.is_ca else "users"}
    if found.issuer != certificate.issuer or found.scope not in wanted:
        return None
    if not issuer.may("crl_sign") or not _is_strong(found.algorithm):
        return None
    if not x509.verify_with_algorithm(issuer, found.algorithm, found.signature, found.tbs):
        return None
    when = found.revoked.get(certificate.serial)
    if when is not None and when <= at:
        return Status(REVOKED, f"{certificate.subject_text} was revoked on {when:%Y-%m-%d}")
    if not _speaks_for(at, found.this_update, found.next_update):
        return None
    return Status(GOOD, f"not on the list of {found.this_update:%Y-%m-%d}")


def _speaks_for(at: datetime, this_update: datetime, next_update: datetime | None) -> bool:
    """Tell whether data of these dates answers for ``at``: made later, or not yet overdue."""
    return this_update >= at or (next_update is not None and next_update + SKEW >= at)


def _is_strong(algorithm: der.Node) -> bool:
    return x509.signature_hash(algorithm) in x509.STRONG_DIGESTS


def _from_ocsp(
    data: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: datetime,
    pool: list[x509.Certificate],
) -> Status | None:
    try:
        return _read_ocsp(data, certificate, issuer, at, pool)
    except _FAILURES:
        return None


def _read_ocsp(
    data: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    at: datetime,
    pool: list[x509.Certificate],
) -> Status | None:
    status, *body = der.parse(data).children(der.SEQUENCE)
    if status.integer(der.ENUMERATED) != 0 or not body:
        return None
    kind, basic = body[0].children(0xA0)[0].children(der.SEQUENCE)
    if kind.oid() != _OCSP_BASIC:
        return None
    tbs, algorithm, signature, *extra = der.parse(basic.octets()).children(der.SEQUENCE)
    embedded = [one.raw for one in extra[0].children(0xA0)[0].children()] if extra else []
    responder_pool = [issuer, *x509.read_pool(embedded), *pool]
    produced, responses = _response_data(tbs)
    if not any(
        _may_respond(one, issuer, produced)
        and _is_strong(algorithm)
        and x509.verify_with_algorithm(one, algorithm, signature.bits(), tbs.raw)
        for one in responder_pool
    ):
        return None
    for response in responses.children(der.SEQUENCE):
        answer = _single_response(response, certificate, issuer, at)
        if answer is not None:
            return answer
    return None


def _response_data(tbs: der.Node) -> tuple[datetime, der.Node]:
    parts = tbs.children(der.SEQUENCE)
    if parts[0].tag == 0xA0:
        parts.pop(0)
    _, produced, responses, *extensions = parts
    for extension in extensions:
        (inner,) = extension.children(0xA1)
        if any(critical for critical, _ in x509.read_extensions(inner).values()):
            raise der.DerError("critical extension in an OCSP response")
    return produced.time(), responses


def _may_respond(one: x509.Certificate, issuer: x509.Certificate, produced: datetime) -> bool:
    if one.raw == issuer.raw:
        return True
    return (
        one.purposes is not None
        and x509.OCSP_SIGNING in one.purposes
        and x509.outside_validity((one,), produced) is None
        and x509.is_issued_by(one, issuer)
    )


def _single_response(
    response: der.Node, certificate: x509.Certificate, issuer: x509.Certificate, at: datetime
) -> Status | None:
    identity, status, this_update, *rest = response.children(der.SEQUENCE)
    if not _is_about(identity, certificate, issuer):
        return None
    next_update = None
    for node in rest:
        if node.tag == 0xA0:
            next_update = node.children()[0].time()
        elif any(critical for critical, _ in x509.read_extensions(node.children(0xA1)[0]).values()):
            return None
    if status.tag == 0xA1:
        when = status.children()[0].time()
        if when <= at:
            return Status(REVOKED, f"{certificate.subject_text} was revoked on {when:%Y-%m-%d}")
    elif status.tag != 0x80:
        return None
    if not _speaks_for(at, this_update.time(), next_update):
        return None
    return Status(GOOD, f"declared good on {this_update.time():%Y-%m-%d}")


def _is_about(identity: der.Node, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    algorithm, name_hash, key_hash, serial = identity.children(der.SEQUENCE)
    hash_name = x509.digest_name(algorithm)
    if hash_name is None or serial.integer() != certificate.serial:
        return False
    public = issuer.key.children(der.SEQUENCE)[1].bits()
    return (
        name_hash.octets() == hashlib.new(hash_name, issuer.subject).digest()
        and key_hash.octets() == hashlib.new(hash_name, public).digest()
    )
