"""LOUD STAND-IN: certificates for a machine without real ones. Nobody outside trusts them.

::

    root                TrueThread Development Root       P-256, signs its own revocation list
     └─ issuing         TrueThread Development Issuing CA
         ├─ seal        TrueThread Development Seal       signs PDFs and certifies the log key
         └─ tsa         TrueThread Development Time-Stamp Authority

Every name says Development and every certificate below the root carries
``DEVELOPMENT_POLICY_OID``, so that a verifier can name such a chain without being told. Private
keys lie beside their certificates as PEM, readable by the owner only; ``root.pem`` is what one
passes to ``--trust``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence.errors import StorageFailed

DEVELOPMENT_POLICY_OID = "1.3.6.1.4.1.61999.1.1"
"""Stands in every development certificate below the root; a placeholder arc, never registered."""

LIFETIME = timedelta(days=3652)
CRL_LIFETIME = timedelta(days=730)
CRL_RENEWED_BEFORE = timedelta(days=365)
BACKDATED = timedelta(hours=1)
"""Certificates start a little early, so that a clock set back by minutes still works."""

NAMES = {
    "root": "TrueThread Development Root",
    "issuing": "TrueThread Development Issuing CA",
    "seal": "TrueThread Development Seal",
    "tsa": "TrueThread Development Time-Stamp Authority",
}


PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


@dataclass(frozen=True, slots=True)
class DevelopmentPki:
    """Everything in the folder, loaded."""

    folder: Path
    root: Pair
    issuing: Pair
    seal: Pair
    tsa: Pair
    crls: tuple[bytes, ...]
    """DER lists of the root and of the issuing CA."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """DER issuers of both leaves: issuing CA, root."""
        return (self.issuing.der, self.root.der)

    @property
    def root_pem(self) -> Path:
        """The file to name as trusted root."""
        return self.folder / "root.pem"


def ensure(folder: Path, now: datetime) -> DevelopmentPki:
    """Return the development PKI in ``folder``, making it first where it is missing.

    Two processes may race: one folder wins whole, both get the winner's keys. Revocation lists
    are issued again a year before they run out, so call this at every start.
    Raises StorageFailed when the folder cannot be written or holds something else.
    """
    try:
        if not (folder / "root.pem").exists():
            _make(folder, now)
        return _load(folder, now)
    except (OSError, ValueError) as error:
        raise StorageFailed(f"development PKI in {folder}: {error}") from error


def _make(folder: Path, now: datetime) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        root = build_pair("root", issuer=None, now=now)
        issuing = build_pair("issuing", issuer=root, now=now)
        pairs = {
            "root": root,
            "issuing": issuing,
            "seal": build_pair("seal", issuer=issuing, now=now),
            "tsa": build_pair("tsa", issuer=issuing, now=now),
        }
        for name, pair in pairs.items():
            _save(fresh, name, pair)
        for name in ("root", "issuing"):
            (fresh / f"{name}.crl").write_bytes(build_crl(pairs[name], now=now))
        fresh.rename(folder)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not (folder / "root.pem").exists():
            raise


def build_pair(
    role: str,
    *,
    issuer: Pair | None,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    usages: tuple[x509.ObjectIdentifier, ...] | None = None,
    key: PrivateKey | None = None,
) -> Pair:
    """Return a key with its new certificate.

    role: one of ``NAMES``; it decides name and extensions.
    issuer: None for a self-signed root.
    usages: instead of the role's own extended key usages; for tests of what must be refused.
    key: instead of a new P-256 key.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    subject = _name(role)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
    )
    builder = _as_authority(builder, role) if role in ("root", "issuing") else _as_leaf(builder)
    if usages is None and role == "tsa":
        usages = (ExtendedKeyUsageOID.TIME_STAMPING,)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=True)
    if issuer:
        policy = x509.PolicyInformation(x509.ObjectIdentifier(DEVELOPMENT_POLICY_OID), None)
        builder = builder.add_extension(x509.CertificatePolicies([policy]), critical=False)
    return Pair(builder.sign(signer, hashes.SHA256()), key)


def build_crl(issuer: Pair, *, now: datetime, revoked: tuple[x509.Certificate, ...] = ()) -> bytes:
    """Return a DER revocation list of ``issuer``, by default an empty one."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - BACKDATED)
        .next_update(now + CRL_LIFETIME)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
    )
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder(certificate.serial_number, now - BACKDATED)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TrueThread Development, not trusted"),
            x509.NameAttribute(NameOID.COMMON_NAME, NAMES[role]),
        ]
    )


def _as_authority(builder: x509.CertificateBuilder, role: str) -> x509.CertificateBuilder:
    depth = 0 if role == "issuing" else 1
    return builder.add_extension(
        x509.BasicConstraints(ca=True, path_length=depth), critical=True
    ).add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)


def _as_leaf(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    ).add_extension(_usage("digital_signature", "content_commitment"), critical=True)


def _usage(*granted: str) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: name in granted for name in every})


def _save(folder: Path, name: str, pair: Pair) -> None:
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(pair.certificate.public_bytes(pem))
    key = pair.key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle = os.open(folder / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key)


def _load(folder: Path, now: datetime) -> DevelopmentPki:
    pairs = {name: _load_pair(folder, name) for name in NAMES}
    crls = tuple(_current_crl(folder, name, pairs[name], now) for name in ("issuing", "root"))
    return DevelopmentPki(folder=folder, crls=crls, **pairs)


def _load_pair(folder: Path, name: str) -> Pair:
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    key = serialization.load_pem_private_key((folder / f"{name}.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{name}.key is not an EC key")
    return Pair(certificate, key)


def _current_crl(folder: Path, name: str, issuer: Pair, now: datetime) -> bytes:
    path = folder / f"{name}.crl"
    stored = path.read_bytes()
    ends = x509.load_der_x509_crl(stored).next_update_utc
    if ends is not None and ends - now > CRL_RENEWED_BEFORE:
        return stored
    fresh = build_crl(issuer, now=now)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
    with os.fdopen(handle, "wb") as file:
        file.write(fresh)
    Path(temporary).replace(path)
    return fresh
