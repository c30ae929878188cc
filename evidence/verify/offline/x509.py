"""Certificates and chains (RFC 5280), read strictly and trusted only from given roots.

No anchor is ever read from the file under test: a chain counts when it ends in one of the
``Trust`` the caller hands in. Building a chain checks signatures, names, basic constraints,
path lengths, key usage, extended key usage of the issuers and refuses critical extensions it
does not know. *Validity in time and revocation are separate questions* (``outside_validity``
here, ``revocation`` next door), because an old signature is judged at the time it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from . import der, ecdsa, ed25519, rsa

DEVELOPMENT_POLICY_OID = "1.3.6.1.4.1.61999.1.1"
"""Certificate policy of development certificates: a placeholder arc, never a real promise."""

MAX_CERTIFICATE_BYTES = 64 * 1024
MAX_CHAIN = 6
MAX_POOL = 64
MAX_SIGNATURE_CHECKS = 64

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
ANY_PURPOSE = "2.5.29.37.0"
DOCUMENT_PURPOSES = frozenset(
    {
        "1.3.6.1.5.5.7.3.4",  # e-mail protection
        "1.3.6.1.5.5.7.3.36",  # document signing (RFC 9336)
        "1.3.6.1.4.1.311.10.3.12",  # document signing (Microsoft)
        "1.2.840.113583.1.1.5",  # authentic documents (Adobe)
        ANY_PURPOSE,
    }
)

_BASIC, _USAGE, _PURPOSES, _POLICIES = "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.32"
_SUBJECT_KEY, _AUTHORITY_KEY = "2.5.29.14", "2.5.29.35"
_KNOWN = frozenset({_BASIC, _USAGE, _PURPOSES, _POLICIES, _SUBJECT_KEY, _AUTHORITY_KEY})
_USAGE_NAMES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip

_RSA_KEY, _EC_KEY, _ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112"
_PSS, _MGF1 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"
_CURVES = {"1.2.840.10045.3.1.7": ecdsa.P256, "1.3.132.0.34": ecdsa.P384}
_CURVE_NAMES = {"1.2.840.10045.3.1.7": "ECDSA P-256", "1.3.132.0.34": "ECDSA P-384"}
DIGESTS = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
STRONG_DIGESTS = frozenset({"sha256", "sha384", "sha512"})
_RSA_SIGNATURES = {
    "1.2.840.113549.1.1.5": "sha1",
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_EC_SIGNATURES = {
    "1.2.840.10045.4.1": "sha1",
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
_NAME_PARTS = {"2.5.4.3": "CN", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C", "2.5.4.5": "SN"}


@dataclass(frozen=True, slots=True)
class Root:
    """A certificate the caller trusts, and on whose word: public, configured or development."""

    certificate: bytes
    label: str

    def __post_init__(self) -> None:
        if self.label not in ("public", "configured", "development"):
            raise ValueError(f"no such trust label: {self.label}")


@dataclass(frozen=True, slots=True)
class Trust:
    """The trust roots of one verification; an empty one trusts nobody.

    signers: when not empty, SHA-256 fingerprints (hex) of the only sealing certificates taken.
    """

    roots: tuple[Root, ...] = ()
    signers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, parsed, not verified. Names are compared as the bytes they are."""

    raw: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    serial: int
    issuer: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    subject_text: str
    not_before: datetime
    not_after: datetime
    key: der.Node = field(repr=False)
    """SubjectPublicKeyInfo."""
    algorithm: der.Node = field(repr=False)
    signature: bytes = field(repr=False)
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[str] | None
    purposes: tuple[str, ...] | None
    purposes_critical: bool
    policies: frozenset[str]
    subject_key: bytes | None
    authority_key: bytes | None
    unknown_critical: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def issuer_text(self) -> str:
        try:
            return _name_text(der.parse(self.issuer))
        except (der.DerError, ValueError, IndexError):
            return "?"

    @property
    def is_development(self) -> bool:
        return DEVELOPMENT_POLICY_OID in self.policies

    def may(self, usage: str) -> bool:
        """Tell whether key usage allows this; a certificate without the extension allows all."""
        return self.key_usage is None or usage in self.key_usage


@dataclass(frozen=True, slots=True)
class Chain:
    """A path from a certificate to a trust root, signatures checked. Leaf first, root last."""

    certificates: tuple[Certificate, ...]
    label: str

    @property
    def label_shown(self) -> str:
        """``development`` when any certificate says so itself, whatever the root was called."""
        is_development = any(one.is_development for one in self.certificates)
        return "development" if is_development else self.label


def parse(data: bytes) -> Certificate:
    """Return the certificate in ``data``; raises DerError. Parsed, not verified."""
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise der.DerError("certificate too large")
    return _parse(bytes(data))


@lru_cache(maxsize=256)
def _parse(data: bytes) -> Certificate:
    outer = der.parse(data)
    der.walk(outer)
    tbs, algorithm, signature = outer.children(der.SEQUENCE)
    parts = tbs.children(der.SEQUENCE)
    version = parts.pop(0)
    if version.tag != 0xA0 or version.children()[0].integer() != 2:
        raise der.DerError("not an X.509 version 3 certificate")
    serial, inner, issuer, validity, subject, key, *rest = parts
    if inner.raw != algorithm.raw:
        raise der.DerError("signature algorithms differ inside and outside")
    before, after = validity.children(der.SEQUENCE)
    key_algorithm, public = key.children(der.SEQUENCE)
    for one in (key_algorithm, algorithm):
        one.children(der.SEQUENCE)[0].oid()
    public.bits()
    extensions = _extensions(rest)
    basic = _basic_constraints(extensions)
    return Certificate(
        raw=data,
        tbs=tbs.raw,
        serial=serial.integer(),
        issuer=issuer.expect(der.SEQUENCE).raw,
        subject=subject.expect(der.SEQUENCE).raw,
        subject_text=_name_text(subject),
        not_before=before.time(),
        not_after=after.time(),
        key=key.expect(der.SEQUENCE),
        algorithm=algorithm.expect(der.SEQUENCE),
        signature=signature.bits(),
        is_ca=basic[0],
        path_length=basic[1],
        key_usage=_key_usage(extensions),
        purposes=_purposes(extensions),
        purposes_critical=extensions.get(_PURPOSES, (False, b""))[0],
        policies=_policies(extensions),
        subject_key=_subject_key(extensions),
        authority_key=_authority_key(extensions),
        unknown_critical=tuple(
            oid for oid, (critical, _) in extensions.items() if critical and oid not in _KNOWN
        ),
    )


Extensions = dict[str, tuple[bool, bytes]]


def read_extensions(node: der.Node) -> Extensions:
    """Return ``Extensions`` (RFC 5280 section 4.1) as OID → (critical, value), none twice."""
    found: Extensions = {}
    for extension in node.children(der.SEQUENCE):
        oid, *middle, value = extension.children(der.SEQUENCE)
        if len(middle) > 1 or oid.oid() in found:
            raise der.DerError("malformed or repeated extension")
        if middle and not middle[0].boolean():
            raise der.DerError("default value is encoded")
        found[oid.oid()] = (bool(middle), value.octets())
    return found


def _extensions(rest: list[der.Node]) -> Extensions:
    wrapped = [node for node in rest if node.tag == 0xA3]
    if any(node.tag not in (0x81, 0x82, 0xA3) for node in rest) or len(wrapped) > 1:
        raise der.DerError("unexpected field in certificate")
    if not wrapped:
        return {}
    (inner,) = wrapped[0].children()
    return read_extensions(inner)


def _basic_constraints(extensions: Extensions) -> tuple[bool, int | None]:
    if _BASIC not in extensions:
        return False, None
    parts = der.parse(extensions[_BASIC][1]).children(der.SEQUENCE)
    is_ca = parts.pop(0).boolean() if parts and parts[0].tag == der.BOOLEAN else False
    path_length = parts.pop(0).small() if parts else None
    if parts:
        raise der.DerError("malformed basic constraints")
    return is_ca, path_length


def _key_usage(extensions: Extensions) -> frozenset[str] | None:
    if _USAGE not in extensions:
        return None
    flags = der.parse(extensions[_USAGE][1]).flags()
    return frozenset(name for index, name in enumerate(_USAGE_NAMES) if index in flags)


def _purposes(extensions: Extensions) -> tuple[str, ...] | None:
    if _PURPOSES not in extensions:
        return None
    nodes = der.parse(extensions[_PURPOSES][1]).children(der.SEQUENCE)
    return tuple(node.oid() for node in nodes)


def _policies(extensions: Extensions) -> frozenset[str]:
    if _POLICIES not in extensions:
        return frozenset()
    nodes = der.parse(extensions[_POLICIES][1]).children(der.SEQUENCE)
    return frozenset(node.children(der.SEQUENCE)[0].oid() for node in nodes)


def _subject_key(extensions: Extensions) -> bytes | None:
    if _SUBJECT_KEY not in extensions:
        return None
    return der.parse(extensions[_SUBJECT_KEY][1]).octets()


def _authority_key(extensions: Extensions) -> bytes | None:
    if _AUTHORITY_KEY not in extensions:
        return None
    parts = der.parse(extensions[_AUTHORITY_KEY][1]).children(der.SEQUENCE)
    return next((part.content for part in parts if part.tag == 0x80), None)


def _name_text(name: der.Node) -> str:
    """Return a name for people; control and bidirectional characters are shown as ``?``."""
    shown = []
    for relative in name.children():
        for attribute in relative.children(der.SET):
            oid, value = attribute.children(der.SEQUENCE)
            coding = "utf-16-be" if value.tag == 0x1E else "utf-8"
            text = value.content.decode(coding, "replace")
            label = _NAME_PARTS.get(oid.oid(), oid.oid())
            shown.append(f"{label}={''.join(c if c.isprintable() else '?' for c in text)}")
    return ", ".join(shown)[:300]


def key_strength_problem(certificate: Certificate) -> str | None:
    """Return why the certificate's own key is too weak or of an unknown kind, None if it is not.

    Total: a key that cannot be read is too weak.
    """
    try:
        algorithm, public = certificate.key.children(der.SEQUENCE)
        oid = algorithm.children(der.SEQUENCE)[0].oid()
        if oid == _RSA_KEY:
            return _rsa_strength_problem(public.bits())
        if oid == _EC_KEY:
            return None if _curve(algorithm) else "elliptic curve other than P-256 and P-384"
    except (der.DerError, ValueError, IndexError):
        return "malformed key"
    return None if oid == _ED25519 else f"unknown kind of key {oid}"


def key_text(certificate: Certificate) -> str:
    """Return kind and size of the certificate's key for people."""
    try:
        algorithm, public = certificate.key.children(der.SEQUENCE)
        oid = algorithm.children(der.SEQUENCE)[0].oid()
        if oid == _RSA_KEY:
            return f"RSA {rsa.decode_key(public.bits()).bits}"
        if oid == _EC_KEY:
            parts = algorithm.children(der.SEQUENCE)
            return _CURVE_NAMES.get(parts[1].oid(), "ECDSA") if len(parts) == 2 else "ECDSA"
    except (der.DerError, ValueError, IndexError):
        return "?"
    return "Ed25519" if oid == _ED25519 else oid


def _rsa_strength_problem(public: bytes) -> str | None:
    try:
        bits = rsa.decode_key(public).bits
    except (der.DerError, ValueError):
        return "malformed RSA key"
    return None if bits >= 2048 else f"RSA key of {bits} bits"


def _curve(algorithm: der.Node) -> ecdsa.Curve | None:
    parts = algorithm.children(der.SEQUENCE)
    return _CURVES.get(parts[1].oid()) if len(parts) == 2 and parts[1].tag == der.OID else None


def verify_raw_signature(
    certificate: Certificate, signature: bytes, message: bytes, hash_name: str
) -> bool:
    """Tell whether the certificate's key made ``signature`` over ``message``.

    RSA keys are checked as PKCS #1 v1.5, P-256 and P-384 keys as DER-coded ECDSA, Ed25519 keys
    ignore ``hash_name``. A malformed key is False, never an exception.
    """
    try:
        algorithm, public = certificate.key.children(der.SEQUENCE)
        oid, bits = algorithm.children(der.SEQUENCE)[0].oid(), public.bits()
        if oid == _RSA_KEY:
            return rsa.verify(rsa.decode_key(bits), signature, message, hash_name)
        if oid == _ED25519:
            return ed25519.verify(bits, signature, message)
        curve = _curve(algorithm) if oid == _EC_KEY else None
        return curve is not None and ecdsa.verify(curve, bits, signature, message, hash_name)
    except (der.DerError, ValueError, IndexError):
        return False


def signature_hash(algorithm: der.Node, digest: str | None = None) -> str | None:
    """Return the hash name of a signature AlgorithmIdentifier, None when it is unknown.

    digest: what plain ``rsaEncryption`` (as CMS allows) stands for.
    """
    try:
        oid, *parameters = algorithm.children(der.SEQUENCE)
        name = oid.oid()
        if name == _PSS:
            return _pss_parameters(parameters)[0]
        for parameter in parameters:
            parameter.null()
    except (der.DerError, ValueError, IndexError):
        return None
    if name == _RSA_KEY:
        return digest
    if name == _ED25519:
        return "sha512"
    return _RSA_SIGNATURES.get(name) or _EC_SIGNATURES.get(name)


def verify_with_algorithm(
    certificate: Certificate,
    algorithm: der.Node,
    signature: bytes,
    message: bytes,
    digest: str | None = None,
) -> bool:
    """Tell whether ``signature`` stands, made exactly by the algorithm that is named."""
    return _verify_cached(certificate, algorithm.raw, signature, message, digest)


@lru_cache(maxsize=512)
def _verify_cached(
    certificate: Certificate, algorithm: bytes, signature: bytes, message: bytes, digest: str | None
) -> bool:
    node = der.parse(algorithm)
    hash_name = signature_hash(node, digest)
    if hash_name is None:
        return False
    oid = node.children(der.SEQUENCE)[0].oid()
    key_oid = certificate.key.children(der.SEQUENCE)[0].children(der.SEQUENCE)[0].oid()
    if oid == _PSS:
        return key_oid == _RSA_KEY and _verify_pss(certificate, node, signature, message)
    is_rsa = oid in _RSA_SIGNATURES or oid == _RSA_KEY
    expected = _RSA_KEY if is_rsa else _ED25519 if oid == _ED25519 else _EC_KEY
    return key_oid == expected and verify_raw_signature(certificate, signature, message, hash_name)


def _verify_pss(
    certificate: Certificate, algorithm: der.Node, signature: bytes, message: bytes
) -> bool:
    try:
        hash_name, salt = _pss_parameters(algorithm.children(der.SEQUENCE)[1:])
        key = rsa.decode_key(certificate.key.children(der.SEQUENCE)[1].bits())
    except (der.DerError, ValueError, IndexError):
        return False
    return rsa.verify_pss(key, signature, message, hash_name, salt)


def _pss_parameters(parameters: Sequence[der.Node]) -> tuple[str, int]:
    """Return hash and salt length of RSASSA-PSS-params; MGF1 must use the same hash."""
    fields = {node.tag: node.children()[0] for node in parameters[0].children(der.SEQUENCE)}
    hash_name = DIGESTS[_algorithm_oid(fields[0xA0])]
    generator = fields[0xA1].children(der.SEQUENCE)
    if generator[0].oid() != _MGF1 or DIGESTS.get(_algorithm_oid(generator[1])) != hash_name:
        raise der.DerError("unusual PSS parameters")
    return hash_name, fields[0xA2].small() if 0xA2 in fields else 20


def _algorithm_oid(node: der.Node) -> str:
    oid, *parameters = node.children(der.SEQUENCE)
    for parameter in parameters:
        parameter.null()
    return oid.oid()


def digest_name(node: der.Node) -> str | None:
    """Return the hash of a digest AlgorithmIdentifier, None when it is unknown."""
    return DIGESTS.get(_algorithm_oid(node))


def is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Tell whether ``issuer``'s key signed ``certificate``, with a strong algorithm."""
    if certificate.issuer != issuer.subject:
        return False
    if signature_hash(certificate.algorithm) not in STRONG_DIGESTS:
        return False
    if key_strength_problem(issuer) is not None:
        return False
    return verify_with_algorithm(
        issuer, certificate.algorithm, certificate.signature, certificate.tbs
    )


def read_pool(certificates: Iterable[bytes]) -> list[Certificate]:
    """Return what can be parsed of certificates that are only helpers, at most MAX_POOL."""
    pool: list[Certificate] = []
    for data in list(dict.fromkeys(certificates))[:MAX_POOL]:
        try:
            pool.append(parse(data))
        except (der.DerError, ValueError, IndexError):
            continue
    return pool


def find_chain(
    leaf: Certificate,
    pool: Iterable[Certificate],
    trust: Trust,
    at: datetime,
    purpose: str | None = None,
) -> Chain | None:
    """Return a chain from ``leaf`` to a trust root, None when there is none.

    at: chains valid then are preferred; whether it *is* valid must still be asked.
    purpose: extended key usage the issuers must not exclude.
    """
    roots = [(parse(root.certificate), root.label) for root in trust.roots]
    candidates = [one for one in pool if one.is_ca]
    candidates.sort(key=lambda one: outside_validity((one,), at) is not None)
    budget = [MAX_SIGNATURE_CHECKS]
    return _extend((leaf,), candidates, roots, budget, purpose)


def _extend(
    path: tuple[Certificate, ...],
    candidates: list[Certificate],
    roots: list[tuple[Certificate, str]],
    budget: list[int],
    purpose: str | None,
) -> Chain | None:
    last = path[-1]
    for root, label in roots:
        if root.raw == last.raw:
            return Chain(path, label)
    for root, label in roots:
        if _may_issue(root, path, purpose) and _spend(budget) and is_issued_by(last, root):
            return Chain((*path, root), label)
    if len(path) >= MAX_CHAIN:
        return None
    for candidate in candidates:
        if candidate in path or not _may_issue(candidate, path, purpose):
            continue
        if _spend(budget) and is_issued_by(last, candidate):
            found = _extend((*path, candidate), candidates, roots, budget, purpose)
            if found is not None:
                return found
    return None


def _spend(budget: list[int]) -> bool:
    budget[0] -= 1
    return budget[0] >= 0


def _may_issue(issuer: Certificate, path: Sequence[Certificate], purpose: str | None) -> bool:
    """Tell whether ``issuer`` may stand above ``path`` (RFC 5280 section 6.1.4), names included."""
    below = sum(1 for one in path[1:] if one.subject != one.issuer)
    return (
        issuer.subject == path[-1].issuer
        and issuer.is_ca
        and issuer.may("key_cert_sign")
        and not issuer.unknown_critical
        and (issuer.path_length is None or below <= issuer.path_length)
        and (
            purpose is None
            or issuer.purposes is None
            or purpose in issuer.purposes
            or ANY_PURPOSE in issuer.purposes
        )
    )


def outside_validity(certificates: Iterable[Certificate], at: datetime) -> str | None:
    """Return which certificate was not valid at ``at``, None when all were."""
    for certificate in certificates:
        if at < certificate.not_before:
            return f"{certificate.subject_text} was not yet valid"
        if at > certificate.not_after:
            return f"{certificate.subject_text} expired on {certificate.not_after:%Y-%m-%d}"
    return None
