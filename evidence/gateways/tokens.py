"""What makes an RFC 3161 reply acceptable, and the name of what is wrong with one that is not.

Checked in this order, each with its own code: the reply is DER and grants a token (``malformed``,
``rejected``) · our nonce (``wrong_nonce``) and our digest (``wrong_imprint``) · exactly one
signer, named by signing-certificate(-v2), whose signature covers this very content
(``bad_signature``) · a certificate for time-stamping and nothing else, marked critical
(``wrong_eku``), valid now (``expired_certificate``), chained to a root in our settings
(``untrusted_chain``), not revoked (``revoked``), with lists that say so
(``no_revocation_data``) · a genTime close to our own clock (``gen_time_off``).

Sources: RFC 3161 section 2.4.2, RFC 5816 (signing-certificate-v2), RFC 5652 section 5.4.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from asn1crypto import cms, core, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator import errors as chain_errors

from evidence.gateways.revocation import Revocation
from evidence.sign.cms import finish
from evidence.sign.protocols import Stamp

GEN_TIME_TOLERANCE = timedelta(minutes=5)
HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}
"""Digests accepted inside a token; SHA-1 is not."""


class Refused(Exception):
    """A reply that may not be used. code: one of those named in the module's head."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Trust:
    """Which authorities may say what time it is. Always from settings, never from a reply."""

    roots: tuple[bytes, ...]
    """DER certificates."""
    revocation: Revocation
    intermediates: tuple[bytes, ...] = ()
    """DER certificates an authority may leave out of its tokens."""
    gen_time_tolerance: timedelta = GEN_TIME_TOLERANCE


class Reply(core.Sequence):  # type: ignore[misc]  # asn1crypto ships no types
    """TimeStampResp (RFC 3161 section 2.4.2); asn1crypto's own cannot read a rejection."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def read_reply(reply: bytes) -> bytes:
    """Return the DER token in a TimeStampResp; Refused when it is none or grants none."""
    try:
        response = Reply.load(reply, strict=True)
        status = response["status"]["status"].native
        if status not in ("granted", "granted_with_mods"):
            raise Refused("rejected", f"{status} {response['status']['fail_info'].native}")
        token = response["time_stamp_token"]
        if isinstance(token, core.Void):
            raise Refused("malformed", "granted without a token")
        # Exactly the bytes received: asn1crypto may encode a value anew once it was looked into.
        received: bytes = token.dump()
        return received
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise Refused("malformed", str(error)) from error


def check(
    token: bytes,
    *,
    digest: bytes,
    nonce: int | None,
    now: datetime,
    trust: Trust,
    authority: str,
) -> Stamp:
    """Return the token as a ``Stamp`` if everything about it is as it must be.

    token: DER TimeStampToken. digest: 32 raw bytes, SHA-256. nonce: None when none was sent. now: our clock, aware.
    Raises Refused with the code of the first thing that is wrong.
    """
    try:
        parsed = cms.ContentInfo.load(token, strict=True)
        content = _content(parsed)
        info = tsp.TSTInfo.load(content, strict=True)
        _check_answer(info, digest, nonce)
        signer, embedded = _check_signature(parsed["content"], content)
        _check_certificate(signer, now)
        chain = _check_chain(signer, embedded, now, trust)
        time: datetime = info["gen_time"].native
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise Refused("malformed", str(error)) from error
    if abs(time - now) > trust.gen_time_tolerance:
        raise Refused("gen_time_off", f"{time.isoformat()} while our clock says {now.isoformat()}")
    return Stamp(
        token=token,
        time=time,
        authority=authority,
        certificates=(*chain, *(der for der in embedded if der not in chain)),
        crls=trust.revocation.crls(chain, now),
    )


def _content(token: cms.ContentInfo) -> bytes:
    """Return the DER TSTInfo inside; Refused unless the container is a token by its types."""
    if token["content_type"].native != "signed_data":
        raise Refused("malformed", "not signed data")
    encapsulated = token["content"]["encap_content_info"]
    if encapsulated["content_type"].native != "tst_info":
        raise Refused("malformed", "signed data of another kind")
    return bytes(encapsulated["content"].contents)


def _check_answer(info: tsp.TSTInfo, digest: bytes, nonce: int | None) -> None:
    if info["version"].native != "v1":
        raise Refused("malformed", "unknown version")
    if nonce is not None and info["nonce"].native != nonce:
        raise Refused("wrong_nonce")
    imprint = info["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].native != "sha256":
        raise Refused("wrong_imprint", "another algorithm")
    if not hmac.compare_digest(imprint["hashed_message"].native, digest):
        raise Refused("wrong_imprint")


def _check_signature(
    signed: cms.SignedData, content: bytes
) -> tuple[x509.Certificate, list[bytes]]:
    """Return the signer's certificate and all embedded ones, the signature being good."""
    if len(signed["signer_infos"]) != 1:
        raise Refused("malformed", "not exactly one signer")
    signer_info = signed["signer_infos"][0]
    embedded = [choice.chosen.dump() for choice in signed["certificates"] or ()]
    attributes = _signed_attributes(signer_info)
    signer = _named_signer(attributes, signer_info["sid"], embedded)
    algorithm = signer_info["digest_algorithm"]["algorithm"].native
    if algorithm not in HASHES:
        raise Refused("bad_signature", f"digest {algorithm}")
    if attributes.get("content_type") != "tst_info":
        raise Refused("bad_signature", "content type is not signed")
    if attributes.get("message_digest") != hashlib.new(algorithm, content).digest():
        raise Refused("bad_signature", "the signature is over other content")
    _verify(signer, signer_info, HASHES[_signature_digest(signer_info, algorithm)]())
    return signer, embedded


def _signed_attributes(signer_info: cms.SignerInfo) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for attribute in signer_info["signed_attrs"]:
        name = attribute["type"].native
        if name in attributes or len(attribute["values"]) != 1:
            raise Refused("malformed", f"attribute {name} is repeated")
        value = attribute["values"][0]
        named = name in ("signing_certificate", "signing_certificate_v2")
        attributes[name] = value if named else value.native
    return attributes


def _named_signer(
    attributes: dict[str, Any], sid: cms.SignerIdentifier, embedded: list[bytes]
) -> x509.Certificate:
    """Return the embedded certificate that the signed attribute names by its hash."""
    for name in ("signing_certificate_v2", "signing_certificate"):
        if name in attributes:
            first = attributes[name]["certs"][0]
            algorithm = "sha1" if name == "signing_certificate" else _ess_algorithm(first)
            wanted = first["cert_hash"].native
            for der in embedded:
                if hashlib.new(algorithm, der, usedforsecurity=False).digest() == wanted:
                    return _matching(der, sid)
    raise Refused("bad_signature", "the signer's certificate is not named or not there")


def _ess_algorithm(identifier: Any) -> str:
    algorithm: str = identifier["hash_algorithm"]["algorithm"].native
    if algorithm not in HASHES:
        raise Refused("bad_signature", f"certificate named by {algorithm}")
    return algorithm


def _matching(der: bytes, sid: cms.SignerIdentifier) -> x509.Certificate:
    certificate = asn1_x509.Certificate.load(der, strict=True)
    if sid.name == "issuer_and_serial_number":
        chosen = sid.chosen
        same = (
            chosen["issuer"].dump() == certificate.issuer.dump()
            and chosen["serial_number"].native == certificate.serial_number
        )
    else:
        same = sid.native == certificate.key_identifier
    if not same:
        raise Refused("bad_signature", "two different signers are named")
    return x509.load_der_x509_certificate(der)


def _verify(
    signer: x509.Certificate, signer_info: cms.SignerInfo, algorithm: hashes.HashAlgorithm
) -> None:
    """Check the signature value over the signed attributes, taken as a SET (RFC 5652 5.4)."""
    data = signer_info["signed_attrs"].untag().dump()
    value = signer_info["signature"].native
    mechanism = signer_info["signature_algorithm"]
    key = signer.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, data, ec.ECDSA(algorithm))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(value, data, _rsa_padding(mechanism, algorithm), algorithm)
        else:
            raise Refused("bad_signature", "unknown kind of key")
    except InvalidSignature as error:
        raise Refused("bad_signature") from error


def _signature_digest(signer_info: cms.SignerInfo, algorithm: str) -> str:
    """Return the digest under the signature: the mechanism's own where it names one."""
    try:
        named: str = signer_info["signature_algorithm"].hash_algo
    except ValueError:
        return algorithm
    if named not in HASHES:
        raise Refused("bad_signature", f"signed over {named}")
    return named


def _rsa_padding(
    mechanism: cms.SignedDigestAlgorithm, algorithm: hashes.HashAlgorithm
) -> padding.AsymmetricPadding:
    if mechanism["algorithm"].native != "rsassa_pss":
        return padding.PKCS1v15()
    salt_length = mechanism["parameters"]["salt_length"].native
    return padding.PSS(mgf=padding.MGF1(algorithm), salt_length=salt_length)


def _check_certificate(signer: x509.Certificate, now: datetime) -> None:
    """RFC 3161 section 2.3: the time-stamping purpose, sole and critical."""
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise Refused("wrong_eku", "no extended key usage") from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Refused("wrong_eku")
    if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
        raise Refused("expired_certificate", signer.not_valid_after_utc.isoformat())


def _check_chain(
    signer: x509.Certificate, embedded: list[bytes], now: datetime, trust: Trust
) -> tuple[bytes, ...]:
    """Return the DER path from the signer to one of our roots, nothing on it revoked."""
    others = [asn1_x509.Certificate.load(der) for der in (*embedded, *trust.intermediates)]
    path = _build_path(signer, others, now, trust, crls=None)
    return _build_path(signer, others, now, trust, crls=trust.revocation.crls(path, now))


def _build_path(
    signer: x509.Certificate,
    others: list[asn1_x509.Certificate],
    now: datetime,
    trust: Trust,
    crls: tuple[bytes, ...] | None,
) -> tuple[bytes, ...]:
    """Return the validated path; with None the question of revocation is left open.

    "require" and not "hard-fail": that one passes over certificates that name no
    distribution point.
    """
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(der) for der in trust.roots],
        other_certs=others,
        crls=[asn1_crl.CertificateList.load(der) for der in crls or ()],
        moment=now,
        allow_fetching=False,
        revocation_mode="soft-fail" if crls is None else "require",
    )
    validator = CertificateValidator(_asn1(signer), validation_context=context)
    try:
        path = finish(validator.async_validate_usage(set(), {"time_stamping"}))
    except chain_errors.RevokedError as error:
        raise Refused("revoked", str(error)) from error
    except chain_errors.InsufficientRevinfoError as error:
        raise Refused("no_revocation_data", str(error)) from error
    except chain_errors.ExpiredError as error:
        raise Refused("expired_certificate", str(error)) from error
    except (chain_errors.PathError, chain_errors.ValidationError) as error:
        raise Refused("untrusted_chain", str(error)) from error
    return tuple(certificate.dump() for certificate in reversed(list(path)))


def _asn1(certificate: x509.Certificate) -> asn1_x509.Certificate:
    from cryptography.hazmat.primitives.serialization import Encoding

    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
