"""A throw-away PKI and an in-process time-stamp authority: the attacker's and the honest signer's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import algos, cms, keys, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

DAY = timedelta(days=1)


@dataclass
class Identity:
    """A key with its certificate."""

    key: Any
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def asn1(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(self.der)


def new_key(kind: str = "p256") -> Any:
    """Return a private key. kind: p256, p384, p521 or rsa followed by bits."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    curves: dict[str, ec.EllipticCurve] = {
        "p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(),
    }  # fmt: skip
    return ec.generate_private_key(curves[kind])


def make_identity(
    name: str,
    issuer: Identity | None,
    now: datetime,
    *,
    is_ca: bool = False,
    purposes: tuple[x509.ObjectIdentifier, ...] = (),
    kind: str = "p256",
    before: datetime | None = None,
    after: datetime | None = None,
    more: tuple[x509.ExtensionType, ...] = (),
) -> Identity:
    """Return a new key with a certificate of ``issuer`` (self-signed without one).

    more: critical extensions besides the usual ones.
    """
    key = new_key(kind)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing_key = issuer.key if issuer else key
    usage = {
        "digital_signature": not is_ca, "content_commitment": not is_ca and not purposes,
        "key_encipherment": False, "data_encipherment": False, "key_agreement": False,
        "key_cert_sign": is_ca, "crl_sign": is_ca, "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(before or now - 30 * DAY)
        .not_valid_after(after or now + 1000 * DAY)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
    for extension in more:
        builder = builder.add_extension(extension, critical=True)
    return Identity(key, builder.sign(signing_key, hashes.SHA256()))


def cross_certified(subject: Identity, issuer: Identity, now: datetime) -> bytes:
    """Return a DER certificate in which ``issuer`` vouches for another issuer's name and key."""
    key = subject.certificate.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject.certificate.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now + 1000 * DAY)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def make_crl(
    issuer: Identity, now: datetime, revoked: tuple[tuple[Identity, datetime], ...] = ()
) -> bytes:
    """Return a DER revocation list of ``issuer``."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(now - DAY)
        .next_update(now + 30 * DAY)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for identity, when in revoked:
        entry = x509.RevokedCertificateBuilder(identity.certificate.serial_number, when)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


@dataclass
class Pki:
    """A root, an issuing CA, two signers and a time-stamp authority."""

    now: datetime
    root: Identity
    issuing: Identity
    signer: Identity
    second: Identity
    authority: Identity
    crls: list[bytes] = field(default_factory=list)

    def simple_signer(self, who: Identity | None = None, **changes: Any) -> SimpleSigner:
        """Return a pyHanko signer for ``who`` with the chain in its container."""
        who = who or self.signer
        store = SimpleCertificateStore()
        if not changes.pop("alone", False):
            store.register_multiple([self.issuing.asn1, self.root.asn1])
        pkcs8 = who.key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return SimpleSigner(
            signing_cert=who.asn1,
            signing_key=keys.PrivateKeyInfo.load(pkcs8),
            cert_registry=store,
            **changes,
        )

    @property
    def chain(self) -> list[asn1_x509.Certificate]:
        people = (self.signer, self.second, self.authority, self.issuing, self.root)
        return [one.asn1 for one in people]

    @property
    def lists(self) -> list[asn1_crl.CertificateList]:
        return [asn1_crl.CertificateList.load(data) for data in self.crls]

    def stamper(self, who: Identity | None = None, at: datetime | None = None) -> LocalStamper:
        return LocalStamper(self, who or self.authority, at or self.now)


def make_pki(
    now: datetime,
    *,
    kind: str = "p256",
    signer: dict[str, Any] | None = None,
    authority: dict[str, Any] | None = None,
    issuing: dict[str, Any] | None = None,
    revoked: datetime | None = None,
    name: str = "Paperworks",
) -> Pki:
    """Return a fresh PKI. signer, authority, issuing: changed arguments of their certificates."""
    root = make_identity(f"{name} Root", None, now, is_ca=True)
    middle = make_identity(f"{name} Issuing CA", root, now, is_ca=True, **(issuing or {}))
    first = make_identity(f"{name} Signer", middle, now, kind=kind, **(signer or {}))
    second = make_identity(f"{name} Second Signer", middle, now, kind=kind)
    purposes = {"purposes": (ExtendedKeyUsageOID.TIME_STAMPING,), **(authority or {})}
    time = make_identity(f"{name} Time", middle, now, **purposes)
    gone = ((first, revoked),) if revoked else ()
    crls = [make_crl(root, now), make_crl(middle, now, gone)]
    return Pki(now, root, middle, first, second, time, crls)


def make_token(
    pki: Pki, who: Identity, imprint: bytes, digest: str, at: datetime, nonce: Any
) -> bytes:
    """Return a DER TimeStampToken over ``imprint``, hashed with ``digest``."""
    info = {
        "version": "v1",
        "policy": tsp.ObjectIdentifier("1.3.6.1.4.1.61999.9.9"),
        "message_imprint": {"hash_algorithm": {"algorithm": digest}, "hashed_message": imprint},
        "serial_number": 77,
        "gen_time": at,
        "accuracy": {"seconds": 1},
    }
    if nonce is not None:
        info["nonce"] = nonce
    content = tsp.TSTInfo(info).dump()
    named = tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(who.der).digest()}]})
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [named]}),
            cms.CMSAttribute(
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]}
            ),
        ]
    )
    is_rsa = isinstance(who.key, rsa.RSAPrivateKey)
    value = (
        who.key.sign(attributes.dump(), padding.PKCS1v15(), hashes.SHA256())
        if is_rsa
        else who.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    )
    identifier = {"issuer": who.asn1.issuer, "serial_number": who.asn1.serial_number}
    signer_info = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            {"issuer_and_serial_number": cms.IssuerAndSerialNumber(identifier)}
        ),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
        "signature_algorithm": {"algorithm": "rsassa_pkcs1v15" if is_rsa else "sha256_ecdsa"},
        "signed_attrs": attributes,
        "signature": value,
    }
    signed = {
        "version": "v3",
        "digest_algorithms": [algos.DigestAlgorithm({"algorithm": "sha256"})],
        "encap_content_info": {
            "content_type": "tst_info",
            "content": cms.ParsableOctetString(content),
        },
        "certificates": [who.asn1, pki.issuing.asn1],
        "signer_infos": [signer_info],
    }
    token: bytes = cms.ContentInfo(
        {"content_type": "signed_data", "content": cms.SignedData(signed)}
    ).dump()
    return token


class LocalStamper(TimeStamper):
    """A time-stamp authority that answers in this process."""

    def __init__(self, pki: Pki, who: Identity, at: datetime) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's own
        self._pki, self._who, self._at = pki, who, at

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        imprint = req["message_imprint"]
        token = make_token(
            self._pki,
            self._who,
            imprint["hashed_message"].native,
            imprint["hash_algorithm"]["algorithm"].native,
            self._at,
            req["nonce"].native,
        )
        return tsp.TimeStampResp(
            {
                "status": {"status": "granted"},
                "time_stamp_token": cms.ContentInfo.load(token),
            }
        )
