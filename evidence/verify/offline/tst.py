"""RFC 3161 time-stamp tokens: what time, over what, by whom, and does it all hold.

``verify_token`` always answers with findings. ``integrity`` joins token signature and imprint;
trust, validity in time, revocation and algorithm strength stand apart, because a token may be
perfectly intact and still come from an authority nobody here trusts.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from . import cms, der, revocation, x509
from .report import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    Finding,
    Report,
    failed,
    make_report,
    not_checked,
    passed,
)

MAX_CLOCK_SKEW = timedelta(minutes=5)
_MALFORMED = (der.DerError, ValueError, IndexError, KeyError)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """TSTInfo (RFC 3161 section 2.4.2), parsed, not verified."""

    policy: str
    digest: str | None
    imprint: bytes
    serial: int
    moment: datetime
    accuracy: timedelta
    ordering: bool
    nonce: int | None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A verified token. ``info`` is None when it could not even be read."""

    info: TokenInfo | None
    authority: x509.Certificate | None
    chain: x509.Chain | None
    findings: tuple[Finding, ...] = field(default=())
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    has_unsigned: bool = False

    @property
    def time(self) -> datetime | None:
        return self.info.moment if self.info else None

    @property
    def holds(self) -> bool:
        """Tell whether every finding passed."""
        return bool(self.findings) and all(one.outcome == PASSED for one in self.findings)

    @property
    def trust(self) -> str:
        return self.chain.label_shown if self.chain else "none"

    def outcome_of(self, check: str) -> str:
        found = [one.outcome for one in self.findings if one.check == check]
        return next((one for one in (FAILED, NOT_CHECKED) if one in found), PASSED if found else "")


def parse_info(data: bytes) -> TokenInfo:
    """Return the TSTInfo in ``data``; raises DerError or ValueError."""
    version, policy, imprint, serial, moment, *rest = der.parse(data).children(der.SEQUENCE)
    if version.integer() != 1:
        raise der.DerError("unknown version of TSTInfo")
    algorithm, hashed = imprint.children(der.SEQUENCE)
    accuracy, ordering, nonce = timedelta(0), False, None
    for node in rest:
        if node.tag == der.SEQUENCE:
            accuracy = _accuracy(node)
        elif node.tag == der.BOOLEAN:
            ordering = node.boolean()
        elif node.tag == der.INTEGER:
            nonce = node.integer()
        elif node.tag == 0xA1:
            _refuse_critical(node)
        elif node.tag != 0xA0:
            raise der.DerError("unexpected field in TSTInfo")
    return TokenInfo(
        policy.oid(),
        x509.digest_name(algorithm),
        hashed.octets(),
        serial.integer(),
        moment.expect(der.GENERALIZED_TIME).time(),
        accuracy,
        ordering,
        nonce,
    )


def _refuse_critical(node: der.Node) -> None:
    extensions = x509.read_extensions(der.Node(der.SEQUENCE, node.content, node.raw))
    if any(critical for critical, _ in extensions.values()):
        raise der.DerError("critical extension in TSTInfo")


def _accuracy(node: der.Node) -> timedelta:
    seconds = millis = micros = 0
    for part in node.children():
        if part.tag == der.INTEGER:
            seconds = part.small()
        elif part.tag == 0x80:
            millis = part.small(0x80, maximum=999)
        else:
            micros = part.small(0x81, maximum=999)
    return timedelta(seconds=seconds, milliseconds=millis, microseconds=micros)


def verify_token(
    token: bytes,
    imprint_of: bytes | Callable[[str], bytes] | None,
    trust: x509.Trust,
    certificates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    at: datetime | None = None,
    *,
    ocsps: Iterable[bytes] = (),
    where: str = "",
) -> TokenFacts:
    """Return what holds about a DER TimeStampToken. Total: any bytes get findings.

    imprint_of: the bytes that were stamped, or a function hashlib name → their digest; None
    when they are not at hand: then only the token itself is judged, and ``imprint`` says so.
    certificates, crls, ocsps: helpers at hand (DER), never trusted by themselves.
    at: the moment until which the token's existence is otherwise proved (aware); the chain must
    be valid then. None means now.
    """
    at = at or datetime.now(timezone.utc)
    try:
        signed = cms.parse(token)
        if signed.content_type != cms.TST_INFO or signed.content is None:
            raise der.DerError("no TSTInfo inside")
        info = parse_info(signed.content)
        pool = x509.read_pool((*signed.certificates, *certificates))
        content = signed.content
        checked = cms.check(
            signed, lambda name: hashlib.new(name, content).digest(), pool, cades=False
        )
        broken = [*checked.broken, *_imprint_problems(info, imprint_of)]
    except _MALFORMED as error:
        finding = failed("integrity", f"The time-stamp token cannot be read: {error}.", where)
        return TokenFacts(None, None, None, (finding,))
    findings = [_integrity(broken, where), _algorithms(checked, info, where)]
    if imprint_of is None:
        detail = f"Stamped bytes not at hand; {info.digest} {info.imprint.hex()}."
        findings.append(not_checked("imprint", detail, where, required=False))
    authority = checked.signer
    chain = None
    if authority is not None:
        chain = x509.find_chain(authority, pool, trust, at, x509.TIME_STAMPING)
        findings.append(_purpose(authority, where))
        findings.extend(_chain_findings(authority, chain, info, at, where))
        if chain is not None:
            findings.append(
                chain_revocation(chain, info.moment, crls=crls, ocsps=ocsps, pool=pool, where=where)
            )
    return TokenFacts(
        info, authority, chain, tuple(findings), signed.certificates, bool(signed.unsigned)
    )


def _imprint_problems(
    info: TokenInfo, imprint_of: bytes | Callable[[str], bytes] | None
) -> list[str]:
    if info.digest is None:
        return ["the imprint's digest algorithm is unknown"]
    if imprint_of is None:
        return []
    if isinstance(imprint_of, bytes):
        digest = hashlib.new(info.digest, imprint_of).digest()
    else:
        digest = imprint_of(info.digest)
    return [] if digest == info.imprint else ["the imprint belongs to other bytes"]


def _integrity(broken: list[str], where: str) -> Finding:
    if broken:
        return failed("integrity", f"The time-stamp does not fit: {'; '.join(broken)}.", where)
    return passed("integrity", "The time-stamp fits the bytes it was given for.", where)


def _algorithms(checked: cms.Check, info: TokenInfo, where: str) -> Finding:
    weak = list(checked.weak)
    if info.digest not in x509.STRONG_DIGESTS:
        weak.append("imprint weaker than SHA-256")
    if weak:
        return failed("algorithms", f"Not strong enough: {'; '.join(weak)}.", where)
    return passed("algorithms", "All algorithms are strong enough.", where)


def _purpose(authority: x509.Certificate, where: str) -> Finding:
    """RFC 3161 section 2.3: extended key usage critical and timeStamping alone."""
    is_right = authority.purposes == (x509.TIME_STAMPING,) and authority.purposes_critical
    may_sign = authority.may("digital_signature") or authority.may("content_commitment")
    if not is_right or not may_sign or authority.unknown_critical:
        return failed("signer", "This certificate may not issue time-stamps.", where)
    return passed("signer", f"Time-stamp by {authority.subject_text}.", where)


def _chain_findings(
    authority: x509.Certificate,
    chain: x509.Chain | None,
    info: TokenInfo,
    at: datetime,
    where: str,
) -> list[Finding]:
    if chain is None:
        return [untrusted(authority, where)]
    findings = [passed("chain", f"Chain to {chain.certificates[-1].subject_text}.", where)]
    problem = x509.outside_validity(chain.certificates, info.moment)
    if problem is None and info.moment - MAX_CLOCK_SKEW > at:
        problem = "the time-stamp lies in the future"
    if problem is not None:
        return [*findings, failed("validity", f"At the time-stamp: {problem}.", where)]
    problem = x509.outside_validity(chain.certificates, at)
    if problem is not None:
        detail = f"No longer verifiable unaided: {problem}."
        return [*findings, not_checked("validity", detail, where)]
    return [*findings, passed("validity", "All certificates were valid.", where)]


def untrusted(leaf: x509.Certificate, where: str) -> Finding:
    """Return the finding for a certificate that no given root vouches for."""
    reason = "development_trust" if leaf.is_development else "signer_not_trusted"
    detail = f"No given trust root vouches for {leaf.subject_text}."
    return not_checked("chain", detail, where, reason=reason)


def chain_revocation(
    chain: x509.Chain,
    at: datetime,
    *,
    crls: Iterable[bytes],
    ocsps: Iterable[bytes],
    pool: list[x509.Certificate],
    where: str,
) -> Finding:
    """Return whether any certificate below the root was revoked at ``at``."""
    crls, ocsps = list(crls), list(ocsps)
    unknown = ""
    for index, certificate in enumerate(chain.certificates[:-1]):
        issuer = chain.certificates[index + 1]
        status = revocation.status_of(certificate, issuer, at, crls=crls, ocsps=ocsps, pool=pool)
        if status.outcome == revocation.REVOKED:
            return failed("revocation", f"Revoked: {status.detail}.", where)
        if status.outcome == revocation.UNKNOWN:
            unknown = status.detail
    if unknown:
        return not_checked("revocation", f"Not known: {unknown}.", where, reason="incomplete")
    return passed("revocation", "No certificate of the chain was revoked at that time.", where)


def report_token(
    data: bytes,
    trust: x509.Trust,
    at: datetime | None = None,
    *,
    stamped: bytes | None = None,
    certificates: Iterable[bytes] = (),
    crls: Iterable[bytes] = (),
    file: str = "",
) -> Report:
    """Return the report on a detached token or TimeStampResp file. Total over all bytes.

    stamped: the bytes it should be over; without them only the token itself is judged.
    """
    started = time.perf_counter()
    token = token_of(data)
    if token is None:
        finding = failed("recognised", "This is not a time-stamp token.")
        return make_report(file, "other", [finding], seconds=time.perf_counter() - started)
    facts = verify_token(token, stamped, trust, certificates, crls, at)
    findings = [
        passed("recognised", "An RFC 3161 time-stamp."),
        passed("structure", "One strict DER value and nothing after it."),
        *facts.findings,
    ]
    if facts.has_unsigned:
        findings.append(failed("structure", "The token carries unsigned additions."))
    if facts.time is not None:
        detail = f"{facts.time:%Y-%m-%dT%H:%M:%SZ}"
        findings.append(passed("time", detail, required=False))
    seconds = time.perf_counter() - started
    return make_report(file, "token", findings, trust=facts.trust, seconds=seconds)


def token_of(data: bytes) -> bytes | None:
    """Return the token in a token or TimeStampResp (RFC 3161 section 2.4.2), None otherwise."""
    try:
        first, *rest = der.parse(data).children(der.SEQUENCE)
        if first.tag == der.OID and first.oid() == cms.SIGNED_DATA:
            return data
        if first.tag == der.SEQUENCE and len(rest) == 1 and first.children()[0].integer() in (0, 1):
            return rest[0].raw if token_of(rest[0].raw) else None
    except _MALFORMED:
        return None
    return None
