"""A small PKI, an in-process time-stamp authority and signed PDFs, made fresh for each run.

Everything here is test material built with ``cryptography`` and pyHanko; the verifier under test
shares no line with it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asn1crypto import algos, cms, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evidence.verify.offline.x509 import DEVELOPMENT_POLICY_OID, Root, Trust

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Identity:
    """A key with its certificate and the identity that issued it."""

    key: Any
    certificate: x509.Certificate
    issuer: Identity | None = None

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def asn1(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(self.der)

    @property
    def key_info(self) -> keys.PrivateKeyInfo:
        return keys.PrivateKeyInfo.load(
            self.key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def new_key(kind: str = "p256") -> Any:
    if kind == "p384":
        return ec.generate_private_key(ec.SECP384R1())
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(ec.SECP256R1())


def make_identity(
    name: str,
    issuer: Identity | None = None,
    *,
    key: Any = None,
    is_ca: bool = False,
    pathlen: int | None = None,
    eku: list[Any] | None = None,
    eku_critical: bool = True,
    key_usage: dict[str, bool] | None = None,
    before: datetime = NOW - 30 * DAY,
    after: datetime = NOW + 1000 * DAY,
    policy: str | None = DEVELOPMENT_POLICY_OID,
    digest: Any = None,
    extra: x509.ExtensionType | None = None,
) -> Identity:
    key = key or new_key()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TrueThread Development"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuer_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(before)
        .not_valid_after(after)
        .add_extension(x509.BasicConstraints(is_ca, pathlen if is_ca else None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    usage = {
        "digital_signature": not is_ca,
        "content_commitment": not is_ca and not eku,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": is_ca,
        "crl_sign": is_ca,
        "encipher_only": False,
        "decipher_only": False,
    } | (key_usage or {})
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    if eku:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=eku_critical)
    if policy:
        information = x509.PolicyInformation(x509.ObjectIdentifier(policy), None)
        builder = builder.add_extension(x509.CertificatePolicies([information]), critical=False)
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    certificate = builder.sign(issuer_key, digest or hashes.SHA256())
    return Identity(key, certificate, issuer)


def make_crl(
    issuer: Identity,
    revoked: list[tuple[Identity, datetime]] = (),  # type: ignore[assignment]
    *,
    this: datetime = NOW - DAY,
    following: datetime = NOW + 30 * DAY,
    key: Any = None,
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(this)
        .next_update(following)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
        .add_extension(x509.CRLNumber(1), critical=False)
    )
    for identity, when in revoked:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(identity.certificate.serial_number)
            .revocation_date(when)
            .build()
        )
    crl = builder.sign(key or issuer.key, hashes.SHA256())
    return crl.public_bytes(serialization.Encoding.DER)


@dataclass
class Pki:
    root: Identity
    ca: Identity
    signer: Identity
    tsa: Identity
    crls: list[bytes]
    trust: Trust = field(init=False)

    def __post_init__(self) -> None:
        self.trust = Trust((Root(self.root.der, "configured"),))


def make_pki(**changes: Any) -> Pki:
    """Return a root, an issuing CA, a seal certificate and a time-stamp certificate.

    changes: ``signer``/``tsa`` → keyword arguments of ``make_identity``; ``revoked`` → when the
    signer was revoked.
    """
    root = make_identity("Root Development", is_ca=True)
    ca = make_identity("Issuing Development", root, is_ca=True, pathlen=0)
    signer = make_identity("Seal Development", ca, **changes.get("signer", {}))
    tsa_arguments = {"eku": [ExtendedKeyUsageOID.TIME_STAMPING], **changes.get("tsa", {})}
    tsa = make_identity("Time Development", ca, **tsa_arguments)
    revoked = [(signer, changes["revoked"])] if "revoked" in changes else []
    return Pki(root, ca, signer, tsa, [make_crl(root), make_crl(ca, revoked)])


def raw_sign(identity: Identity, message: bytes, digest: str = "sha256") -> bytes:
    chosen = {
        "sha1": hashes.SHA1(),  # noqa: S303  # the weak digest is the attack under test
        "sha224": hashes.SHA224(),
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }[digest]
    if isinstance(identity.key, rsa.RSAPrivateKey):
        return bytes(identity.key.sign(message, padding.PKCS1v15(), chosen))
    return bytes(identity.key.sign(message, ec.ECDSA(chosen)))


def make_token(
    identity: Identity,
    imprint: bytes,
    *,
    at: datetime = NOW,
    digest: str = "sha256",
    imprint_digest: str = "sha256",
    nonce: int | None = None,
    certificates: list[Identity] = (),  # type: ignore[assignment]
    signing_certificate: Identity | None = None,
    attrs: Callable[[bytes], bytes] = bytes,
    info_changes: dict[str, Any] | None = None,
) -> bytes:
    """Return a DER TimeStampToken over ``imprint`` (already hashed), with knobs for attacks."""
    info = {
        "version": "v1",
        "policy": tsp.ObjectIdentifier("1.3.6.1.4.1.61999.1.2"),
        "message_imprint": tsp.MessageImprint(
            {
                "hash_algorithm": algos.DigestAlgorithm({"algorithm": imprint_digest}),
                "hashed_message": imprint,
            }
        ),
        "serial_number": 77,
        "gen_time": at,
        "accuracy": tsp.Accuracy({"seconds": 1}),
    }
    if nonce is not None:
        info["nonce"] = nonce
    encoded = tsp.TSTInfo(info | (info_changes or {})).dump()
    described = signing_certificate or identity
    ess = tsp.SigningCertificateV2(
        {"certs": [tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(described.der).digest()})]}
    )
    signed = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [ess]}),
            cms.CMSAttribute(
                {"type": "message_digest", "values": [hashlib.new(digest, encoded).digest()]}
            ),
        ]
    )
    is_rsa = isinstance(identity.key, rsa.RSAPrivateKey)
    algorithm = "rsassa_pkcs1v15" if is_rsa else f"{digest}_ecdsa"
    digest_algorithm = algos.DigestAlgorithm({"algorithm": digest})
    signer_info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {
                            "issuer": identity.asn1.issuer,
                            "serial_number": identity.asn1.serial_number,
                        }
                    )
                }
            ),
            "digest_algorithm": digest_algorithm,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm}),
            "signed_attrs": signed,
            "signature": raw_sign(identity, signed.dump(), digest),
        }
    )
    content = cms.EncapsulatedContentInfo(
        {"content_type": "tst_info", "content": cms.ParsableOctetString(encoded)}
    )
    token = cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": cms.SignedData(
                {
                    "version": "v3",
                    "digest_algorithms": cms.DigestAlgorithms([digest_algorithm]),
                    "encap_content_info": content,
                    "certificates": [identity.asn1, *(one.asn1 for one in certificates)],
                    "signer_infos": [signer_info],
                }
            ),
        }
    )
    return attrs(token.dump())


def make_stamper(
    pki: Pki,
    *,
    identity: Identity | None = None,
    extra: list[Identity] = (),
    **knobs: Any,  # type: ignore[assignment]
) -> Any:
    """Return a pyHanko time stamper that answers in this process; ``extra`` goes into tokens."""
    from pyhanko.sign.timestamps import TimeStamper

    chosen = identity or pki.tsa

    class LocalStamper(TimeStamper):
        async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
            imprint = req["message_imprint"]
            token = make_token(
                chosen,
                imprint["hashed_message"].native,
                imprint_digest=imprint["hash_algorithm"]["algorithm"].native,
                nonce=req["nonce"].native,
                certificates=[pki.ca, *extra],
                **knobs,
            )
            return tsp.TimeStampResp(
                {
                    "status": tsp.PKIStatusInfo({"status": tsp.PKIStatus("granted")}),
                    "time_stamp_token": cms.ContentInfo.load(token),
                }
            )

    return LocalStamper()


MANIFEST = json.dumps(
    {
        "bundle": "0123456789abcdef0123456789abcdef",
        "format": "truethread/manifest/v1",
        "volumes": [{"bates_first": 1, "bates_last": 2, "pages": 2, "path": "data/evidence.pdf"}],
    },
    sort_keys=True,
    separators=(",", ":"),
).encode()


def unsigned_pdf(pages: int = 2, manifest: bytes = MANIFEST) -> bytes:
    """Return a classic-xref PDF with ``pages`` pages and an embedded manifest.json."""
    return embed(plain_pdf(pages), {"manifest.json": manifest})


def plain_pdf(pages: int = 2) -> bytes:
    """Return a PDF as ReportLab writes it."""
    from reportlab import rl_config
    from reportlab.pdfgen.canvas import Canvas

    rl_config.useA85 = 0
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=1, invariant=1)
    for number in range(1, pages + 1):
        canvas.drawString(72, 700, f"Page {number}: I agree to pay 1000.")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def embed(pdf: bytes, files: dict[str, bytes]) -> bytes:
    from pyhanko.pdf_utils import embed as pyhanko_embed
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer

    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.stream_xrefs = False
    for name, data in files.items():
        obj = pyhanko_embed.EmbeddedFileObject.from_file_data(
            writer, data=data, mime_type="application/json"
        )
        pyhanko_embed.embed_file(
            writer, pyhanko_embed.FileSpec(file_spec_string=name, file_name=name, embedded_data=obj)
        )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


class _LikeOurs:
    """pyHanko made to write as the service does: lower-case hex, metadata left alone."""

    def __enter__(self) -> None:
        from pyhanko.pdf_utils.writer import BasePdfFileWriter
        from pyhanko.sign.signers.pdf_byterange import PreparedByteRangeDigest

        def fill(prepared: Any, output: Any, content: bytes) -> bytes:
            room = (prepared.reserved_region_end - prepared.reserved_region_start - 2) // 2
            padded = content.ljust(room, b"\0")
            output.seek(prepared.reserved_region_start + 1)
            output.write(padded.hex().encode())
            output.seek(0)
            return padded

        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(PreparedByteRangeDigest, "fill_reserved_region", fill)
        self._patch.setattr(BasePdfFileWriter, "_update_meta", lambda writer: None)

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def sign_pdf(pdf: bytes, pki: Pki, *, at: datetime = NOW, **changes: Any) -> bytes:
    """Return ``pdf`` certified as B-LTA, as the service does it, but without any validation.

    changes: ``field_name``, ``digest``, ``certify``, ``permissions``, ``stamper``, ``time_name``.
    """
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store = SimpleCertificateStore()
    store.register_multiple([pki.ca.asn1, pki.root.asn1])
    signer = signers.SimpleSigner(
        signing_cert=pki.signer.asn1, signing_key=pki.signer.key_info, cert_registry=store
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=changes.get("field_name", "TrueThreadSeal"),
        md_algorithm=changes.get("digest", "sha256"),
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=changes.get("certify", True),
        docmdp_permissions=changes.get("permissions", fields.MDPPerm.NO_CHANGES),
        reason="Sealed conversation evidence",
        name="TrueThread",
    )
    stamper = changes.get("stamper") or make_stamper(pki, at=at)
    out = io.BytesIO()
    with _LikeOurs():
        signers.PdfSigner(metadata, signer, timestamper=stamper).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out, bytes_reserved=65536
        )
    return stamp_pdf(
        out.getvalue(),
        pki,
        at=at,
        field_name=changes.get("time_name", "TrueThreadTime1"),
        stamper=changes.get("stamper"),
    )


def stamp_pdf(
    pdf: bytes,
    pki: Pki,
    *,
    at: datetime = NOW,
    field_name: str = "TrueThreadTime2",
    dss: bool = True,
    stamper: Any = None,
) -> bytes:
    """Return ``pdf`` with one more document time-stamp, as a renewal (or an attacker) adds it."""
    from asn1crypto import crl as asn1_crl
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers
    from pyhanko.sign.validation.dss import DocumentSecurityStore

    out = io.BytesIO()
    chosen = stamper or make_stamper(pki, at=at)
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    if dss:
        DocumentSecurityStore.supply_dss_in_writer(
            writer,
            None,
            certs=[one.asn1 for one in (pki.signer, pki.tsa, pki.ca, pki.root)],
            crls=[asn1_crl.CertificateList.load(data) for data in pki.crls],
        )
    with _LikeOurs():
        signers.PdfTimeStamper(chosen, field_name=field_name).timestamp_pdf(
            writer, "sha256", bytes_reserved=65536, output=out
        )
    return out.getvalue()


@dataclass
class Update:
    """One incremental update, taken apart so that a test can change one thing and re-seal it.

    ``build`` writes it back behind ``before`` with a right cross-reference table and a fresh,
    valid token of ``pki``'s authority: the attacker here has every time-stamp he wants.
    """

    before: bytes
    objects: list[tuple[int, bytes]]
    trailer: bytes
    pki: Pki
    between: bytes = b""
    end: bytes = b"%%EOF\n"
    table: Callable[[bytes], bytes] = bytes
    stamper: Identity | None = None

    def edit(self, number: int, old: bytes, new: bytes) -> None:
        if all(one != number for one, _ in self.objects):
            bodies = re.findall(rb"\n%d 0 obj\n(.*?)\nendobj\n" % number, self.before, re.DOTALL)
            self.objects.append((number, bodies[-1]))
        assert any(one == number and old in body for one, body in self.objects), (number, old)
        self.objects = [
            (one, body.replace(old, new) if one == number else body) for one, body in self.objects
        ]

    def number_of(self, mark: bytes) -> int:
        return next(number for number, body in self.objects if mark in body)

    def build(self) -> bytes:
        out = bytearray(self.before)
        places: dict[int, int] = {}
        for number, body in self.objects:
            places[number] = len(out)
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n" + self.between
        start = len(out)
        rows = b"xref\n0 1\n0000000000 65535 f \n" + b"".join(
            b"%d 1\n%010d 00000 n \n" % item for item in sorted(places.items())
        )
        out += self.table(rows) + b"trailer\n" + self.trailer
        out += b"\nstartxref\n%d\n" % start + self.end
        return self._stamped(bytes(out))

    def _stamped(self, pdf: bytes) -> bytes:
        found = re.search(rb"<0{1000,}>", pdf[len(self.before) :])
        if found is None:
            return pdf
        start, end = (len(self.before) + one for one in found.span())
        numbers = b"[0 %d %d %d]" % (start, end, len(pdf) - end)
        pdf = pdf.replace(b"[RANGE" + b" " * 54 + b"]", numbers.ljust(61))
        token = make_token(
            self.stamper or self.pki.tsa,
            hashlib.sha256(pdf[:start] + pdf[end:]).digest(),
            certificates=[self.pki.ca],
        )
        digits = token.hex().encode().ljust(end - start - 2, b"0")
        return pdf[: start + 1] + digits + pdf[end - 1 :]


def take_update(pdf: bytes, pki: Pki) -> Update:
    """Return an honest further time-stamp update of ``pdf``, ready to be changed."""
    tail = stamp_pdf(pdf, pki, dss=False)[len(pdf) :]
    objects = [
        (int(number), body)
        for number, body in re.findall(rb"(\d+) 0 obj\n(.*?)\nendobj\n", tail, re.DOTALL)
    ]
    trailer = re.search(rb"trailer\n(.*?)\nstartxref", tail, re.DOTALL)
    assert trailer is not None
    update = Update(pdf, objects, trailer[1], pki)
    number = update.number_of(b"/DocTimeStamp")
    body = dict(objects)[number]
    body = re.sub(rb"<[0-9a-f]{1000,}>", b"<" + b"0" * 16384 + b">", body)
    body = re.sub(rb"/ByteRange \[[^\]]*\] *", b"/ByteRange [RANGE" + b" " * 54 + b"]", body)
    update.objects = [(one, body if one == number else old) for one, old in objects]
    return update


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """Everything above, for tests (tests import nothing from each other)."""
    return SimpleNamespace(
        NOW=NOW,
        DAY=DAY,
        MANIFEST=MANIFEST,
        identity=make_identity,
        new_key=new_key,
        crl=make_crl,
        pki=make_pki,
        token=make_token,
        stamper=make_stamper,
        unsigned=unsigned_pdf,
        plain=plain_pdf,
        embed=embed,
        sign=sign_pdf,
        stamp=stamp_pdf,
        raw_sign=raw_sign,
        Pki=Pki,
        update=take_update,
    )


@pytest.fixture(scope="session")
def pki() -> Pki:
    return make_pki()


@pytest.fixture(scope="session")
def good(pki: Pki) -> bytes:
    return sign_pdf(unsigned_pdf(), pki)
