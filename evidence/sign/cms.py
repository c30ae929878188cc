"""Signed containers: the CAdES one of a PDF signature, and the shape it shares with tokens.

Sources: RFC 5652 (CMS), RFC 5035 (signing-certificate-v2), ETSI EN 319 122-1 (CAdES) and
EN 319 142-1 (PAdES: no signing-time attribute, the claimed time stands in /M).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.sign import der
from evidence.sign.protocols import Signer

Result = TypeVar("Result")


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of one of pyHanko's coroutines, also where an event loop is running.

    pyHanko is written for an event loop; with local keys and no fetching it never waits.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(asyncio.run, work).result()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and what it was made over, before it is put into its container."""

    certificate: bytes
    attributes: bytes
    """DER SET OF Attribute, signed."""
    value: bytes


def sign(
    *,
    certificate: bytes,
    content_type: bytes,
    digest: bytes,
    sign_raw: Callable[[bytes], bytes],
) -> Signature:
    """Return the signature over content with this ``digest`` (32 raw bytes, SHA-256).

    certificate: DER, named by signing-certificate-v2. content_type: DER OBJECT IDENTIFIER.
    """
    attributes = der.set_of(
        der.attribute(der.CONTENT_TYPE, content_type),
        der.attribute(der.MESSAGE_DIGEST, der.octets(digest)),
        der.attribute(der.SIGNING_CERTIFICATE_V2, _named(certificate)),
    )
    return Signature(certificate, attributes, sign_raw(attributes))


def container(
    signature: Signature,
    *,
    version: int,
    content_type: bytes,
    content: bytes | None,
    certificates: Iterable[bytes],
    unsigned: tuple[bytes, ...] = (),
) -> bytes:
    """Return the DER ContentInfo around one signature.

    version: 1 for plain data, 3 for everything else (RFC 5652 section 5.1).
    content: None when detached. certificates: DER, embedded. unsigned: DER Attributes.
    """
    embedded = tuple(dict.fromkeys(certificates))
    encapsulated = (der.explicit(0, der.octets(content)),) if content is not None else ()
    signed_data = der.sequence(
        der.integer(version),
        der.set_of(der.SHA256),
        der.sequence(content_type, *encapsulated),
        *((der.retag(0, der.set_of(*embedded)),) if embedded else ()),
        der.set_of(_signer_info(signature, unsigned)),
    )
    return der.sequence(der.SIGNED_DATA, der.explicit(0, signed_data))


def pdf_signature(digest: bytes, signer: Signer) -> Signature:
    """Return the CAdES signature over a /ByteRange ``digest`` (32 raw bytes, SHA-256)."""
    return sign(
        certificate=signer.certificate,
        content_type=der.DATA,
        digest=digest,
        sign_raw=signer.sign_raw,
    )


def pdf_container(signature: Signature, signer: Signer, token: bytes) -> bytes:
    """Return the detached container for /Contents, with the whole chain and ``token`` inside.

    token: DER TimeStampToken over SHA-256 of ``signature.value``; kept byte for byte.
    """
    return container(
        signature,
        version=1,
        content_type=der.DATA,
        content=None,
        certificates=(signer.certificate, *signer.chain),
        unsigned=(der.attribute(der.SIGNATURE_TIME_STAMP_TOKEN, token),),
    )


def _signer_info(signature: Signature, unsigned: tuple[bytes, ...]) -> bytes:
    certificate = x509.load_der_x509_certificate(signature.certificate)
    is_ec = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    return der.sequence(
        der.integer(1),
        _issuer_and_serial(certificate),
        der.SHA256,
        der.retag(0, signature.attributes),
        der.ECDSA_SHA256 if is_ec else der.RSA_SHA256,
        der.octets(signature.value),
        *((der.retag(1, der.set_of(*unsigned)),) if unsigned else ()),
    )


def _issuer_and_serial(certificate: x509.Certificate) -> bytes:
    return der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))


def _named(certificate: bytes) -> bytes:
    """Return SigningCertificateV2: the certificate's SHA-256 (the default), issuer and serial."""
    parsed = x509.load_der_x509_certificate(certificate)
    issuer = der.sequence(der.explicit(4, parsed.issuer.public_bytes()))
    identifier = der.sequence(
        der.octets(sha256(certificate).digest()),
        der.sequence(issuer, der.integer(parsed.serial_number)),
    )
    return der.sequence(der.sequence(identifier))
