"""Keys: the seal key that signs PDFs, the log key that signs checkpoints, the key of keys.

A key object is made once and kept: loading a key for every signature costs more than signing.
A PKCS #11 token can stand behind the same protocols.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from evidence.errors import SigningFailed, StorageFailed
from evidence.gateways.development_pki import DevelopmentPki
from evidence.gateways.revocation import FixedRevocation, Revocation

SMALLEST_RSA_BITS = 3072


@dataclass(frozen=True, slots=True)
class SealKey:
    """A private key in memory with its chain; answers the sign room's ``Signer`` protocol."""

    certificate: bytes
    """DER certificate of the key."""
    chain: tuple[bytes, ...]
    """DER certificates of the issuers, nearest first, root last."""
    private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    revocation: Revocation

    def crls(self, at: datetime) -> tuple[bytes, ...]:
        """Return DER revocation lists current at ``at`` for this certificate and its issuers."""
        return self.revocation.crls((self.certificate, *self.chain), at)

    def sign_raw(self, data: bytes) -> bytes:
        """Return the signature over SHA-256 of ``data``: ECDSA DER or RSA PKCS #1 v1.5."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(data, ec.ECDSA(hashes.SHA256()))

    @property
    def common_name(self) -> str:
        """The name in the certificate, for display."""
        subject = x509.load_der_x509_certificate(self.certificate).subject
        names = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(names[0].value) if names else subject.rfc4514_string()


def development_seal_key(pki: DevelopmentPki) -> SealKey:
    """Return the LOUD STAND-IN seal key of a development PKI."""
    return SealKey(
        certificate=pki.seal.der,
        chain=pki.chain,
        private=pki.seal.key,
        revocation=FixedRevocation(pki.crls),
    )


def load_pkcs12(
    path: Path,
    password: str,
    *,
    revocation: Revocation,
    more_certificates: Sequence[bytes] = (),
) -> SealKey:
    """Return the seal key in a PKCS #12 file.

    more_certificates: DER issuers the file may lack.
    Raises SigningFailed when the file, the password, the key or the chain is not usable; the
    operator's to repair.
    """
    try:
        bag = pkcs12.load_pkcs12(path.read_bytes(), password.encode())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise SigningFailed(f"{path.name}: cannot be opened: {error}") from error
    if bag.cert is None or bag.key is None:
        raise SigningFailed(f"{path.name}: holds no key with its certificate")
    known = [additional.certificate for additional in bag.additional_certs]
    known += [x509.load_der_x509_certificate(der) for der in more_certificates]
    leaf = bag.cert.certificate
    return SealKey(
        certificate=_der(leaf),
        chain=tuple(map(_der, _issuers(leaf, known))),
        private=_usable(bag.key, leaf),
        revocation=revocation,
    )


def _usable(key: object, leaf: x509.Certificate) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        usable: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = key
    elif isinstance(key, rsa.RSAPrivateKey) and key.key_size >= SMALLEST_RSA_BITS:
        usable = key
    else:
        raise SigningFailed("the seal key must be P-256 or RSA of at least 3072 bits")
    if usable.public_key() != leaf.public_key():
        raise SigningFailed("the seal key does not belong to its certificate")
    return usable


def _issuers(leaf: x509.Certificate, known: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return the path from ``leaf``'s issuer to a self-signed root, found among ``known``."""
    path: list[x509.Certificate] = []
    current = leaf
    while current.issuer != current.subject:
        current = _issuer(current, known)
        if current in path:
            raise SigningFailed("the seal certificate's chain runs in a circle")
        path.append(current)
    if not path:
        raise SigningFailed("a self-signed seal certificate has no chain to check")
    return path


def _issuer(certificate: x509.Certificate, known: list[x509.Certificate]) -> x509.Certificate:
    for candidate in known:
        try:
            certificate.verify_directly_issued_by(candidate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return candidate
    raise SigningFailed(f"no issuer found for {certificate.subject.rfc4514_string()}")


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


class LogKey(Protocol):
    """The Ed25519 key that signs checkpoints."""

    @property
    def public(self) -> bytes:
        """The public key, 32 raw bytes."""

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over ``data``."""


class FileLogKey:
    """A log key kept in one file."""

    def __init__(self, private: ed25519.Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature over ``data``."""
        return self._private.sign(data)


def ensure_log_key(path: Path) -> FileLogKey:
    """Return the log key in ``path`` (PEM, PKCS #8), making it first where it is missing.

    Raises StorageFailed when the file cannot be written or holds something else.
    """
    fresh = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    stored = _ensure_secret(path, fresh)
    try:
        key = serialization.load_pem_private_key(stored, password=None)
    except (ValueError, TypeError) as error:
        raise StorageFailed(f"{path.name} is not a private key") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise StorageFailed(f"{path.name} is not an Ed25519 key")
    return FileLogKey(key)


def ensure_kek(path: Path) -> bytes:
    """Return the 32-byte key-encryption key in ``path``, making it first where it is missing."""
    return parse_kek(_ensure_secret(path, secrets.token_bytes(32).hex().encode()).decode("ascii"))


def parse_kek(text: str) -> bytes:
    """Return the 32 bytes written as 64 hex digits; ValueError for anything else."""
    key = bytes.fromhex(text.strip())
    if len(key) != 32:
        raise ValueError("the key-encryption key must be 64 hex digits")
    return key


def _ensure_secret(path: Path, fresh: bytes) -> bytes:
    """Return the content of ``path``; when missing it becomes ``fresh``, mode 0600, atomically."""
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(fresh)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return path.read_bytes()
    except OSError as error:
        raise StorageFailed(f"{path}: {error}") from error
