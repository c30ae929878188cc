"""Certificates as a public authority issues them: nothing in them says Development."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence.gateways.development_pki import Pair, build_crl

EARLIER = timedelta(hours=1)
YEAR = timedelta(days=365)
USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PublicPki:
    """A root and what it certifies. crls: the lists by the name of who issued them."""

    root: Pair
    issuing: Pair
    seal: Pair
    tsa: Pair
    crls: Mapping[str, bytes]

    def write_root(self, path: Path) -> None:
        path.write_bytes(self.root.certificate.public_bytes(serialization.Encoding.PEM))

    def write_seal(self, path: Path, password: str) -> None:
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"seal", self.seal.key, self.seal.certificate,
                [self.issuing.certificate, self.root.certificate],
                serialization.BestAvailableEncryption(password.encode()),
            )
        )  # fmt: skip


def public_pki(now: datetime, lists_at: Mapping[str, str]) -> PublicPki:
    """Return a new PKI; lists_at: where the lists of ``root`` and ``issuing`` are fetched."""
    root = _pair("Example Root", None, now, authority=1)
    issuing = _pair("Example Issuing CA", root, now, authority=0, crl=lists_at["root"])
    seal = _pair("Example Ltd Seal", issuing, now, crl=lists_at["issuing"])
    tsa = _pair("Example Time-Stamps", issuing, now, crl=lists_at["issuing"], stamps=True)
    crls = {"root": build_crl(root, now=now), "issuing": build_crl(issuing, now=now)}
    return PublicPki(root, issuing, seal, tsa, crls)


def _pair(
    name: str,
    issuer: Pair | None,
    now: datetime,
    *,
    authority: int | None = None,
    crl: str = "",
    stamps: bool = False,
) -> Pair:
    """authority: how many authorities may follow below, None for a leaf."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example Trust Services"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    above = issuer.certificate.subject if issuer else subject
    granted = ("digital_signature", "content_commitment")
    if authority is not None:
        granted = ("key_cert_sign", "crl_sign")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(above)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + YEAR)
        .add_extension(x509.BasicConstraints(authority is not None, authority), critical=True)
        .add_extension(x509.KeyUsage(**{one: one in granted for one in USAGES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if crl:
        place = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([place]), critical=False)
    if stamps:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return Pair(builder.sign(signer, hashes.SHA256()), key)
