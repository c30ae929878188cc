"""Certify a PDF, stamp it, and keep it verifiable: PAdES B-LTA (ETSI EN 319 142-1).

A signed file is the unsigned file plus exactly two updates::

    unsigned PDF                        as rendered, classic xref, PDF 1.7
    update 1  TrueThreadSeal            certification signature, no changes allowed (DocMDP P=1),
                                        ETSI.CAdES.detached, with a token over its value inside
    update 2  DSS + TrueThreadTime1     certificates and revocation lists for everything above
                                        AND for the authority of this very time-stamp, and the
                                        document time-stamp that covers the ENTIRE file

Every renewal adds one more update of the second kind (TrueThreadTime2, …). Nothing else is ever
appended, so a verifier can demand that the last time-stamp covers the file to its last byte and
that the bytes after the certification signature follow a small grammar.

Output is whole or absent: all work happens in ``<name>.partial`` beside the target.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import constants
from pyhanko.sign.signers.cms_embedder import SigAppearanceSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, SignatureObject
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from evidence.errors import SigningFailed, StorageFailed
from evidence.sign import cms, revision
from evidence.sign.appearance import VisibleStamp
from evidence.sign.protocols import Signer, Stamp, Stamper

SEAL_FIELD = "TrueThreadSeal"
TIME_FIELD = "TrueThreadTime"
MAX_STAMP_ATTEMPTS = 4
"""How often update 2 is rebuilt when fail-over changes the authority under our hands."""


@dataclass(frozen=True, slots=True)
class SignedFacts:
    """What can be said about a signed file without opening it again."""

    sha256: str
    size: int
    certified_length: int
    """Length of the file up to and including update 1."""
    signature_stamp: Stamp | None
    """The token inside the certification signature; None after a renewal."""
    document_stamp: Stamp
    """The last document time-stamp, which covers the entire file."""
    field_name: str
    """Name of the field holding ``document_stamp``."""

    @property
    def verifiable_until(self) -> datetime:
        """When the file stops being verifiable unaided unless it is renewed."""
        return self.document_stamp.verifiable_until


@dataclass
class Material:
    """Certificates and revocation lists (DER) a stranger needs; kept in order, without repeats."""

    certificates: dict[bytes, None] = field(default_factory=dict)
    crls: dict[bytes, None] = field(default_factory=dict)

    def add(self, certificates: tuple[bytes, ...], crls: tuple[bytes, ...]) -> bool:
        """Take in more; return True when something was new."""
        before = len(self.certificates) + len(self.crls)
        self.certificates.update(dict.fromkeys(certificates))
        self.crls.update(dict.fromkeys(crls))
        return len(self.certificates) + len(self.crls) > before

    def supply(self, writer: revision.UpdateWriter) -> None:
        """Put everything not yet there into the document's DSS, without VRI entries."""
        DocumentSecurityStore.supply_dss_in_writer(
            writer,
            None,
            certs=[asn1_x509.Certificate.load(der) for der in self.certificates],
            crls=[asn1_crl.CertificateList.load(der) for der in self.crls],
        )


def sign_pdf(
    unsigned: Path,
    signed: Path,
    *,
    signer: Signer,
    stamper: Stamper,
    reason: str,
    at: datetime,
    location: str | None = None,
    visible: VisibleStamp | None = None,
    consume: bool = False,
) -> SignedFacts:
    """Write ``signed``, the certified and time-stamped form of ``unsigned``.

    unsigned: a rendered PDF 1.7 with a classic xref table and no signature of any kind. consume: it
    need not be there afterwards, whatever happens; saves a copy of its bytes.
    at: the claimed signing time, aware; what is proved is the time in the tokens.
    visible: the stamp on a page; None makes the seal field invisible.

    Raises SigningFailed (key, certificates or the PDF itself), StampUnavailable (no acceptable
    token) and StorageFailed (disk). After any of them ``signed`` does not exist.
    """
    crls = signer.crls(at)
    _require_valid(signer, crls, at)
    with _whole_or_absent(unsigned, signed, consume=consume) as file:
        reserved = _write_seal(file, reason=reason, location=location, at=at, visible=visible)
        signature = cms.pdf_signature(reserved.digest, signer)
        signature_stamp = stamper.stamp(sha256(signature.value).digest())
        container = cms.pdf_container(signature, signer, signature_stamp.token)
        revision.fill(file, reserved, container)
        material = Material()
        material.add((signer.certificate, *signer.chain), crls)
        material.add(signature_stamp.certificates, signature_stamp.crls)
        document_stamp, name = _append_time(file, material, stamper)
        return _facts(file, reserved.length, signature_stamp, document_stamp, name)


def renew_pdf(
    signed: Path,
    renewed: Path,
    *,
    stamper: Stamper,
    certificates: tuple[bytes, ...] = (),
    crls: tuple[bytes, ...] = (),
) -> SignedFacts:
    """Write ``renewed``: ``signed`` byte for byte, plus one update with a fresh time-stamp.

    certificates, crls: DER, whatever is newly known about the chains already in the file; pass
    current lists for ``embedded_certificates(signed)`` so that the old time-stamp is shown good
    at the moment of renewal.
    Raises SigningFailed when the file is not one of ours, and as ``sign_pdf`` does.
    """
    with _whole_or_absent(signed, renewed) as file:
        certified = _certified_length(file)
        material = Material()
        material.add(certificates, crls)
        document_stamp, name = _append_time(file, material, stamper)
        return _facts(file, certified, None, document_stamp, name)


def embedded_certificates(signed: Path) -> tuple[bytes, ...]:
    """Return the DER certificates in the DSS of one of our files, in file order."""
    with signed.open("rb") as file:
        try:
            store = DocumentSecurityStore.read_dss(PdfFileReader(file))
            return tuple(certificate.dump() for certificate in store.load_certs())
        except (PdfError, ValueError, KeyError) as error:
            raise SigningFailed(f"no security store can be read: {error}") from error


def _write_seal(
    file: BinaryIO,
    *,
    reason: str,
    location: str | None,
    at: datetime,
    visible: VisibleStamp | None,
) -> revision.Reserved:
    writer = revision.UpdateWriter(file)
    if writer.stream_xrefs:
        raise SigningFailed("the PDF has cross-reference streams; ours are written with tables")
    if any(True for _ in enumerate_sig_fields(writer)):
        raise SigningFailed("the PDF already has a signature field")
    writer.register_extension(constants.ESIC_EXTENSION_1)

    def setup() -> SigObjSetup:
        return SigObjSetup(
            sig_placeholder=SignatureObject(
                subfilter=SigSeedSubFilter.PADES,
                timestamp=at,
                reason=reason,
                location=location,
                bytes_reserved=revision.RESERVED_HEX_DIGITS,
            ),
            mdp_setup=SigMDPSetup(
                md_algorithm="sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES
            ),
            appearance_setup=SigAppearanceSetup(style=visible.style(), timestamp=at, name=None)
            if visible
            else None,
        )

    spec = SigFieldSpec(SEAL_FIELD)
    if visible:
        spec = SigFieldSpec(SEAL_FIELD, on_page=visible.page, box=visible.box)
    return revision.write(writer, field=spec, setup=setup)


def _append_time(file: BinaryIO, material: Material, stamper: Stamper) -> tuple[Stamp, str]:
    """Append DSS and document time-stamp in one update; the file ends with that time-stamp.

    The DSS must already hold the chain of the authority that will sign the token, or a further
    update would have to follow it. The stamp is therefore asked for first, and when another
    authority answers than the material was prepared for, the update is cut off and built anew.
    """
    length = file.seek(0, os.SEEK_END)
    for _attempt in range(MAX_STAMP_ATTEMPTS):
        reserved, name = _write_time(file, material)
        stamp = stamper.stamp(reserved.digest)
        if not material.add(stamp.certificates, stamp.crls):
            revision.fill(file, reserved, stamp.token)
            return stamp, name
        file.truncate(length)
    raise SigningFailed("every time-stamp came with new certificates or revocation lists")


def _write_time(file: BinaryIO, material: Material) -> tuple[revision.Reserved, str]:
    writer = revision.UpdateWriter(file)
    name = f"{TIME_FIELD}{sum(1 for _ in enumerate_sig_fields(writer))}"
    material.supply(writer)

    def setup() -> SigObjSetup:
        return SigObjSetup(DocumentTimestamp(bytes_reserved=revision.RESERVED_HEX_DIGITS))

    return revision.write(writer, field=SigFieldSpec(name), setup=setup), name


def _certified_length(file: BinaryIO) -> int:
    fields = {name: value for name, value, _ in enumerate_sig_fields(PdfFileReader(file))}
    if SEAL_FIELD not in fields or fields[SEAL_FIELD] is None:
        raise SigningFailed("this PDF does not carry our certification signature")
    byte_range = fields[SEAL_FIELD].get_object()["/ByteRange"]
    return int(byte_range[2]) + int(byte_range[3])


def _require_valid(signer: Signer, crls: tuple[bytes, ...], at: datetime) -> None:
    """Refuse a certificate that is expired, revoked, for another purpose or without its lists.

    The context is made for this one signature: it freezes "now" when it is built.
    """
    *issuers, root = signer.chain
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root)],
        other_certs=[asn1_x509.Certificate.load(der) for der in issuers],
        crls=[asn1_crl.CertificateList.load(der) for der in crls],
        moment=at,
        allow_fetching=False,
        # Not "hard-fail": that one passes over certificates without a distribution point.
        revocation_mode="require",
    )
    validator = CertificateValidator(
        asn1_x509.Certificate.load(signer.certificate), validation_context=context
    )
    try:
        cms.finish(validator.async_validate_usage({"digital_signature"}))
    except (PathError, ValidationError) as error:
        raise SigningFailed(f"the seal certificate is not usable: {error}") from error


@contextmanager
def _whole_or_absent(source: Path, target: Path, *, consume: bool = False) -> Iterator[BinaryIO]:
    """Give a copy of ``source`` to work on, or ``source`` itself where it is not needed any more; it
    becomes ``target`` only when all went well."""
    partial = target.with_name(target.name + ".partial")
    try:
        if consume:
            shutil.move(source, partial)
        else:
            shutil.copyfile(source, partial)
        with partial.open("r+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as error:
        raise StorageFailed(f"{target.name}: {error}") from error
    except (PdfError, SigningError, ValueError, KeyError) as error:
        raise SigningFailed(f"{source.name}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _facts(
    file: BinaryIO,
    certified_length: int,
    signature_stamp: Stamp | None,
    document_stamp: Stamp,
    field_name: str,
) -> SignedFacts:
    size = file.seek(0, os.SEEK_END)
    return SignedFacts(
        sha256=_sha256(file),
        size=size,
        certified_length=certified_length,
        signature_stamp=signature_stamp,
        document_stamp=document_stamp,
        field_name=field_name,
    )


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = sha256()
    while piece := file.read(revision.CHUNK):
        digest.update(piece)
    return digest.hexdigest()
