"""One CMS signature (RFC 5652), read as strictly as PAdES and RFC 3161 allow.

Accepted: SignedData with exactly one signer and signed attributes in DER order, carrying
content-type, message-digest and an ESS signing-certificate that names the signer (RFC 5035).
Parsing refuses; checking answers with problems, so that a report can name all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from . import der, x509

MAX_BYTES = 256 * 1024

DATA, SIGNED_DATA, TST_INFO = (
    "1.2.840.113549.1.7.1",
    "1.2.840.113549.1.7.2",
    "1.2.840.113549.1.9.16.1.4",
)
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
TIME_STAMP = "1.2.840.113549.1.9.16.2.14"

WRONG_DIGEST = "the signed bytes do not have the signed digest"


@dataclass(frozen=True, slots=True)
class SignedData:
    """A SignedData with its one signer, parsed, not verified."""

    content_type: str
    content: bytes | None = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    signer_identity: der.Node = field(repr=False)
    digest: str | None
    """hashlib name, None when the algorithm is unknown."""
    algorithm: der.Node = field(repr=False)
    attributes: dict[str, der.Node] = field(repr=False)
    """Signed attributes: OID → their single value."""
    signed_bytes: bytes = field(repr=False)
    """What the signature is over: the signed attributes re-encoded as SET OF."""
    signature: bytes = field(repr=False)
    unsigned: dict[str, der.Node] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Check:
    """What checking found; an empty tuple is good news."""

    signer: x509.Certificate | None
    broken: tuple[str, ...]
    """The bytes do not fit the signature."""
    weak: tuple[str, ...]
    """Algorithms that are not strong enough to rely on."""


def parse(data: bytes) -> SignedData:
    """Return the SignedData of a DER ContentInfo; raises DerError or ValueError.

    Refused: more or fewer than one signer, no signed attributes, repeated or multi-valued
    attributes, embedded CRLs, anything not DER down to the last level.
    """
    if len(data) > MAX_BYTES:
        raise der.DerError("signature container too large")
    outer = der.parse(data)
    der.walk(outer)
    kind, wrapped = outer.children(der.SEQUENCE)
    if kind.oid() != SIGNED_DATA:
        raise der.DerError("not a SignedData")
    (body,) = wrapped.children(0xA0)
    version, digests, content, *rest = body.children(der.SEQUENCE)
    certificates = rest.pop(0).children(0xA0) if rest[0].tag == 0xA0 else []
    (signers,) = rest
    (signer,) = signers.children(der.SET)
    content_type, *contents = content.children(der.SEQUENCE)
    parts = signer.children(der.SEQUENCE)
    signer_version, identity, digest, signed, algorithm, signature, *unsigned = parts
    if version.integer() not in (1, 3) or signer_version.integer() not in (1, 3):
        raise der.DerError("unknown version of SignedData")
    if [x509.digest_name(one) for one in digests.children(der.SET)] != [x509.digest_name(digest)]:
        raise der.DerError("digest algorithms differ")
    if len({one.raw for one in certificates}) != len(certificates):
        raise der.DerError("certificate given twice")
    return SignedData(
        content_type=content_type.oid(),
        content=contents[0].children(0xA0)[0].octets() if contents else None,
        certificates=tuple(one.expect(der.SEQUENCE).raw for one in certificates),
        signer_identity=identity,
        digest=x509.digest_name(digest),
        algorithm=algorithm,
        attributes=_attributes(signed.children(0xA0), is_signed=True),
        signed_bytes=der.encode(der.SET, signed.content),
        signature=signature.octets(),
        unsigned=_attributes(unsigned[0].children(0xA1), is_signed=False) if unsigned else {},
    )


def _attributes(nodes: list[der.Node], *, is_signed: bool) -> dict[str, der.Node]:
    if is_signed and not der.is_sorted_set(nodes):
        raise der.DerError("signed attributes are not in DER order")
    found: dict[str, der.Node] = {}
    for node in nodes:
        oid, values = node.children(der.SEQUENCE)
        (value,) = values.children(der.SET)
        if oid.oid() in found:
            raise der.DerError("attribute given twice")
        found[oid.oid()] = value
    return found


def check(
    signed: SignedData,
    content_digest: Callable[[str], bytes],
    pool: list[x509.Certificate],
    *,
    cades: bool,
) -> Check:
    """Check digest, attributes and signature value; says nothing about trust.

    content_digest: hashlib name → digest of what was signed.
    cades: additionally ask what CAdES asks (signing-certificate-v2, no signing-time).
    Raises DerError when the digest algorithm is unknown: then nothing can be said.
    """
    if signed.digest is None:
        raise der.DerError("the digest algorithm is unknown")
    signer = _signer(signed, pool)
    broken = _attribute_problems(signed, content_digest(signed.digest), cades=cades)
    weak = []
    hash_name = x509.signature_hash(signed.algorithm, signed.digest)
    if hash_name is None:
        weak.append("unknown signature algorithm")
    for name in sorted({signed.digest, hash_name} - {None}, key=str):
        if name not in x509.STRONG_DIGESTS:
            weak.append(f"{name} is weaker than SHA-256")
    if signer is None:
        return Check(None, (*broken, "the signer's certificate is missing"), tuple(weak))
    if not _names(signed, signer, cades=cades):
        broken.append("the signing-certificate attribute names another certificate")
    if hash_name is not None and hash_name != signed.digest:
        broken.append("digest and signature algorithms do not agree")
    if not x509.verify_with_algorithm(
        signer, signed.algorithm, signed.signature, signed.signed_bytes, signed.digest
    ):
        broken.append("the signature value does not fit")
    problem = x509.key_strength_problem(signer)
    return Check(signer, tuple(broken), (*weak, *([problem] if problem else [])))


def _attribute_problems(signed: SignedData, digest: bytes, *, cades: bool) -> list[str]:
    problems = []
    content_type = signed.attributes.get(_CONTENT_TYPE)
    if content_type is None or content_type.oid() != signed.content_type:
        problems.append("the content-type attribute does not fit")
    message_digest = signed.attributes.get(_MESSAGE_DIGEST)
    if message_digest is None or message_digest.octets() != digest:
        problems.append(WRONG_DIGEST)
    if cades and _SIGNING_TIME in signed.attributes:
        problems.append("a signing-time attribute has no place in PAdES")
    return problems


def _signer(signed: SignedData, pool: list[x509.Certificate]) -> x509.Certificate | None:
    identity = signed.signer_identity
    for certificate in (*x509.read_pool(signed.certificates), *pool):
        if identity.tag == 0x80:
            if certificate.subject_key == identity.content:
                return certificate
            continue
        issuer, serial = identity.children(der.SEQUENCE)
        if certificate.issuer == issuer.raw and certificate.serial == serial.integer():
            return certificate
    return None


def _names(signed: SignedData, signer: x509.Certificate, *, cades: bool) -> bool:
    """Tell whether the ESS attributes name ``signer`` first; version 2 is a must in CAdES.

    Version 1 alone (SHA-1) is still what some time-stamp authorities send; there it only helps
    to find the certificate and is accepted.
    """
    found = False
    for oid, default in ((_SIGNING_CERTIFICATE_V2, "sha256"), (_SIGNING_CERTIFICATE, "sha1")):
        value = signed.attributes.get(oid)
        if value is None:
            if oid == _SIGNING_CERTIFICATE_V2 and cades:
                return False
            continue
        if not _is_named_first(value, signer, default):
            return False
        found = True
    return found


def _is_named_first(value: der.Node, signer: x509.Certificate, hash_name: str) -> bool:
    first = value.children(der.SEQUENCE)[0].children(der.SEQUENCE)[0]
    parts = first.children(der.SEQUENCE)
    if parts[0].tag == der.SEQUENCE:
        named = x509.digest_name(parts.pop(0))
        if named is None:
            return False
        hash_name = named
    if parts.pop(0).octets() != hashlib.new(hash_name, signer.raw).digest():
        return False
    if not parts:
        return True
    names, serial = parts[0].children(der.SEQUENCE)
    (name,) = names.children(der.SEQUENCE)
    return serial.integer() == signer.serial and name.children(0xA4)[0].raw == signer.issuer
