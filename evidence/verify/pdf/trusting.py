"""Who signed and when, by the offline verifier's strict parts: nothing fetched, no anchor but given.

A signature is judged at the time its own time-stamp proves, else the first document time-stamp
after it, else now; a document time-stamp at the time the next one proves.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from asn1crypto import pdf as asn1_pdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

from evidence.verify.offline import Trust, cms, der, tst, x509
from evidence.verify.offline.pdf_stamps import finding_of, stamp_finding, tolerance
from evidence.verify.offline.report import PASSED, Finding, failed, not_checked, passed
from evidence.verify.pdf.opened import LIBRARY_ERRORS
from evidence.verify.pdf.signatures import OLD_DIGEST, Signature

REVOCATION_ARCHIVE = "1.2.840.113583.1.1.8"
UNSIGNED = frozenset(
    {"1.2.840.113549.1.9.6", "0.4.0.1733.2.5", REVOCATION_ARCHIVE}
    | {f"1.2.840.113549.1.9.16.2.{number}" for number in (21, 22, 23, 24, 25, 26, 27, 48)}
)
"""Unsigned attributes of CAdES beside the time-stamp: known by name, not judged."""
MAX_STORED = 256
_CAREFUL = (ValueError, IndexError, KeyError)


@dataclass(slots=True)
class Material:
    """Certificates and revocation data found in the file, DER; helpers, never trusted."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    ocsps: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Person:
    """What became known about one signature's signer. Findings are unmarked."""

    findings: list[Finding] = field(default_factory=list)
    is_intact: bool | None = None
    """None when our own reader cannot judge it."""
    is_weak: bool = False
    time: datetime | None = None
    chain: x509.Chain | None = None
    token: tst.TokenFacts | None = None
    certificate: x509.Certificate | None = None
    is_other_kind: bool = False
    """The library cannot judge such a signature, and its vote says nothing."""
    carried: tuple[bytes, ...] = ()
    """The certificates its container brings along, DER."""


def read_store(state: PdfFileReader | HistoricalResolver) -> Material:
    """Return what the document security store holds now or held in a revision.

    What cannot be read is left out.
    """
    material = Material()
    try:
        store = state.root["/DSS"]
    except LIBRARY_ERRORS:
        return material
    for key, purpose, target in (
        ("/Certs", DecodePurpose.CERTIFICATE, material.certificates),
        ("/CRLs", DecodePurpose.CRL, material.crls),
        ("/OCSPs", DecodePurpose.OCSP_RESPONSE, material.ocsps),
    ):
        try:
            entries = list(store[key])[:MAX_STORED]
        except LIBRARY_ERRORS:
            continue
        for entry in entries:
            try:
                stream = entry.get_object()
                if isinstance(stream, generic.StreamObject):
                    target.append(bytes(stream.read_data(purpose)))
            except LIBRARY_ERRORS:
                continue
    return material


def digest_of(data: bytes, byte_range: tuple[int, ...], name: str) -> bytes:
    """Return the digest of what a signature covers. name: as hashlib knows it."""
    state = hashlib.new(name)
    view = memoryview(data)
    for start, length in zip(byte_range[::2], byte_range[1::2], strict=True):
        state.update(view[start : start + length])
    return state.digest()


def judge_signature(
    data: bytes,
    signature: Signature,
    trust: Trust,
    material: Material,
    proved: datetime | None,
    at: datetime,
) -> Person:
    """Return what our own reader says about one signature. Total.

    proved: the time of the first document time-stamp after it. at: now.
    """
    where, person = signature.field, Person()
    try:
        signed = cms.parse(_unpadded(signature.contents))
        pool = x509.read_pool((*signed.certificates, *material.certificates))
        checked = cms.check(
            signed,
            lambda name: digest_of(data, signature.byte_range, name),
            pool,
            cades=False,
        )
    except _CAREFUL as error:
        detail = f"Our own reader does not judge this kind of signature: {error}."
        person.findings.append(not_checked("signer", detail, where, reason="incomplete"))
        detail = "The container of the signature is of a form that could hide changes."
        person.findings.append(not_checked("integrity", detail, where, reason="unreadable"))
        return person
    if signature.sub_filter == OLD_DIGEST and signed.content is not None:
        return _old_digest(data, signature, signed, signed.content, pool)
    if signed.content is not None or signed.content_type != cms.DATA:
        detail = "The signature carries content of its own beside the document."
        person.findings.append(failed("integrity", detail, where))
        person.is_intact = False
        return person
    broken = [one for one in checked.broken if not _optional(one, signature, signed)]
    if checked.signer is None or not _is_unknown_kind(checked):
        person.is_intact = not broken
        if broken:
            detail = f"Altered: {'; '.join(broken)}."
            person.findings.append(failed("integrity", detail, where))
    unknown = signed.unsigned.keys() - {cms.TIME_STAMP} - UNSIGNED
    if unknown:
        person.findings.append(_loose("it carries an unknown unsigned addition", where))
    elif signed.unsigned.keys() - {cms.TIME_STAMP}:
        detail = "The signature carries unsigned additions that are not judged here."
        person.findings.append(not_checked("structure", detail, where, reason="incomplete"))
    person.is_weak = bool(checked.weak)
    person.findings.append(_algorithms(checked, where))
    _read_archive(signed, material)
    _time(person, signed, signature, trust, material, proved, at)
    person.certificate, person.carried = checked.signer, signed.certificates
    if checked.signer is not None:
        moment = person.time or proved or at
        _signer(person, checked.signer, pool, trust, material, moment, where, signed.certificates)
    else:
        person.findings.append(not_checked("signer", "The signer's certificate is missing.", where))
    return person


def _old_digest(
    data: bytes,
    signature: Signature,
    signed: cms.SignedData,
    content: bytes,
    pool: list[x509.Certificate],
) -> Person:
    """Return what holds of a signature over the SHA-1 it carries: altered, or too weak to say more."""
    where, person = signature.field, Person(is_other_kind=True)
    own = cms.check(signed, lambda name: hashlib.new(name, content).digest(), pool, cades=False)
    broken = []
    if not _is_unknown_kind(own):
        broken = [one for one in own.broken if not _optional(one, signature, signed)]
    if content != digest_of(data, signature.byte_range, "sha1"):
        broken.append(cms.WRONG_DIGEST)
    if broken:
        detail = f"Altered: {'; '.join(broken)}."
        person.findings.append(failed("integrity", detail, where))
        return person
    detail = "The signature fits, but by algorithms too weak to rule out a forgery."
    person.findings.append(not_checked("integrity", detail, where, reason="unreadable"))
    return person


def _unpadded(contents: bytes) -> bytes:
    return der.read(contents, 0)[0].raw


def _optional(problem: str, signature: Signature, signed: cms.SignedData) -> bool:
    """Tell whether this is no problem for a signature that is not CAdES."""
    names = signed.attributes.keys() & {"1.2.840.113549.1.9.16.2.47", "1.2.840.113549.1.9.16.2.12"}
    is_cades = signature.sub_filter == "/ETSI.CAdES.detached"
    return "signing-certificate" in problem and not names and not is_cades


def _is_unknown_kind(checked: cms.Check) -> bool:
    """Tell whether only our reader's short list of algorithms keeps it from an answer."""
    return any("unknown" in one or "other than P-256" in one for one in checked.weak)


def _algorithms(checked: cms.Check, where: str) -> Finding:
    if not checked.weak:
        return passed("algorithms", "All algorithms are strong enough.", where)
    detail = f"Not strong enough or not known: {'; '.join(checked.weak)}."
    return failed("algorithms", detail, where, reason="incomplete")


def _read_archive(signed: cms.SignedData, material: Material) -> None:
    """Take over revocation data from Adobe's signed attribute."""
    node = signed.attributes.get(REVOCATION_ARCHIVE)
    if node is None:
        return
    try:
        archive = asn1_pdf.RevocationInfoArchival.load(node.raw)
        material.crls.extend(one.dump() for one in list(archive["crl"] or ())[:MAX_STORED])
        material.ocsps.extend(one.dump() for one in list(archive["ocsp"] or ())[:MAX_STORED])
    except LIBRARY_ERRORS:
        return


def _time(
    person: Person,
    signed: cms.SignedData,
    signature: Signature,
    trust: Trust,
    material: Material,
    proved: datetime | None,
    at: datetime,
) -> None:
    token, where = signed.unsigned.get(cms.TIME_STAMP), signature.field
    if token is None:
        detail = "The signature carries no time-stamp; its time is what the signer says."
        person.findings.append(not_checked("signature_time_stamp", detail, where, required=False))
        return
    facts = tst.verify_token(
        token.raw, signed.signature, trust, material.certificates, material.crls, proved or at,
        ocsps=material.ocsps, where=where,
    )  # fmt: skip
    finding = stamp_finding("signature_time_stamp", facts, where)
    if proved is not None and facts.time is not None and facts.time > proved + tolerance(facts):
        detail = "The signature's time-stamp is later than the document's."
        finding = failed("signature_time_stamp", detail, where)
    person.findings.append(finding)
    person.token = facts
    if finding.outcome == PASSED:
        person.time = facts.time


def _signer(
    person: Person,
    signer: x509.Certificate,
    pool: list[x509.Certificate],
    trust: Trust,
    material: Material,
    moment: datetime,
    where: str,
    carried: tuple[bytes, ...],
) -> None:
    person.findings.append(_may_sign(signer, where))
    roots = x509.read_pool(root.certificate for root in trust.roots)
    stray = _stray(x509.read_pool(carried), [*pool, *roots], where, is_last=False)
    person.findings += stray
    chain = person.chain = x509.find_chain(signer, pool, trust, moment)
    if chain is None:
        person.findings.append(tst.untrusted(signer, where))
        if len(x509.read_pool(carried)) < len(set(carried)):
            person.findings.append(_loose("a certificate inside cannot be read", where))
        return
    top = chain.certificates[-1].subject_text
    person.findings.append(passed("chain", f"Chain to {top}.", where))
    problem = x509.outside_validity(chain.certificates, moment)
    if problem is None:
        detail = "All certificates were valid at the time of signing."
        person.findings.append(passed("validity", detail, where))
    else:
        person.findings.append(failed("validity", f"At the time of signing: {problem}.", where))
    person.findings.append(
        tst.chain_revocation(
            chain, moment, crls=material.crls, ocsps=material.ocsps, pool=pool, where=where
        )
    )


def _may_sign(signer: x509.Certificate, where: str) -> Finding:
    name = signer.subject_text
    may_sign = signer.may("digital_signature") or signer.may("content_commitment")
    purposes = signer.purposes
    is_right = purposes is None or x509.DOCUMENT_PURPOSES & set(purposes)
    if signer.is_ca or not may_sign or signer.unknown_critical or not is_right:
        return failed("signer", f"{name} may not sign documents.", where)
    return passed("signer", f"Signed by {name}.", where)


def loose_parts(contents: bytes, where: str, material: Material, trust: Trust) -> list[Finding]:
    """Return findings for certificates in the last signature that nothing accounts for.

    No digest covers the certificates inside a container, and nothing later covers the last one. So
    each must be in the security store or a given root, or fit the key of its issuer.
    """
    carried = _carried(_token_of(contents))
    known = [*(root.certificate for root in trust.roots), *material.certificates]
    loose = [one for one in carried if one not in known]
    parsed = x509.read_pool(loose)
    if len(parsed) < len(set(loose)):
        return [_loose("a certificate inside cannot be read", where)]
    return _stray(parsed, x509.read_pool((*carried, *known)), where, is_last=True)


def _loose(problem: str, where: str) -> Finding:
    detail = f"The signature may not be as it was made: {problem}."
    return not_checked("structure", detail, where, reason="unreadable")


def _carried(container: bytes) -> list[bytes]:
    """Return the certificates of a container and of the time-stamp inside it, as DER."""
    try:
        signed = cms.parse(container)
    except _CAREFUL:
        return []
    token = signed.unsigned.get(cms.TIME_STAMP)
    return [*signed.certificates, *(_carried(token.raw) if token is not None else [])]


def _account(certificate: x509.Certificate, pool: list[x509.Certificate]) -> str:
    """Return ``""`` for a certificate that fits its issuer's key, ``damaged`` or ``unknown``.

    Damaged: the key it says it was signed with is at hand, and did not sign it, or has another
    name. Unknown: no such key is at hand.
    """
    if x509.signature_hash(certificate.algorithm) is None:
        return "unknown"
    issuers = [one for one in pool if one.subject == certificate.issuer]
    if any(
        x509.verify_with_algorithm(
            one, certificate.algorithm, certificate.signature, certificate.tbs
        )
        for one in issuers
    ):
        return ""
    key = certificate.authority_key
    if key is not None and any(
        one.subject_key == key and x509.key_strength_problem(one) is None for one in pool
    ):
        return "damaged"
    return "unknown"


def _stray(
    certificates: list[x509.Certificate], pool: list[x509.Certificate], where: str, *, is_last: bool
) -> list[Finding]:
    """Return findings for certificates that do not fit the others.

    is_last: each must fit; otherwise one whose issuer's name is nowhere at hand is let pass, for
    many honest files leave their root out.
    """
    names = {one.subject for one in pool}
    for certificate in certificates:
        state = _account(certificate, pool)
        if state == "damaged":
            detail = f"Altered: the certificate of {certificate.subject_text} is damaged."
            return [failed("integrity", detail, where)]
        if state == "unknown" and (is_last or certificate.issuer in names):
            return [_loose("a certificate inside is nowhere accounted for", where)]
    return []


def judge_stamps(
    data: bytes, stamps: list[Signature], trust: Trust, material: Material, at: datetime
) -> list[tst.TokenFacts]:
    """Return the facts of each document time-stamp, judged at the time the next one proves."""
    from evidence.verify.offline.pdf_stamps import token_time

    tokens = [_token_of(stamp.contents) for stamp in stamps]
    moments = [*[token_time(token) for token in tokens][1:], None][: len(tokens)]
    return [
        tst.verify_token(
            token,
            partial(digest_of, data, stamp.byte_range),
            trust,
            material.certificates,
            material.crls,
            moment or at,
            ocsps=material.ocsps,
            where=stamp.field,
        )
        for stamp, token, moment in zip(stamps, tokens, moments, strict=True)
    ]


def _token_of(contents: bytes) -> bytes:
    try:
        return _unpadded(contents)
    except _CAREFUL:
        return contents


def stamp_findings(facts: tst.TokenFacts, where: str) -> list[Finding]:
    """Return what a document time-stamp's facts mean for the file."""
    return [stamp_finding("time_stamp", facts, where), finding_of(facts, "integrity", where)]
