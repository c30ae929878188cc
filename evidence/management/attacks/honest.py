"""Signed PDFs as other people's programs make them; each must be called intact."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from asn1crypto import crl as asn1_crl
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import fields, signers
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.stamp import TextStampStyle

from evidence.management.attacks import paper
from evidence.management.attacks.keys import Identity, Pki, make_crl

P1, P2, P3 = fields.MDPPerm.NO_CHANGES, fields.MDPPerm.FILL_FORMS, fields.MDPPerm.ANNOTATE


@dataclass(frozen=True)
class Maker:
    """Signs as one office would, with one PKI."""

    pki: Pki

    def sign(
        self,
        pdf: bytes,
        *,
        field: str = "Signature1",
        who: Identity | None = None,
        certify: fields.MDPPerm | None = None,
        stamped: bool = True,
        visible: tuple[int, int, int, int] | None = None,
        cades: bool = True,
        digest: str = "sha256",
        reason: str = "I agree",
        pss: bool = False,
        alone: bool = False,
        existing: bool = False,
    ) -> bytes:
        """Return ``pdf`` with one more signature (B-T, or B-B without ``stamped``)."""
        metadata = signers.PdfSignatureMetadata(
            field_name=field,
            md_algorithm=digest,
            subfilter=fields.SigSeedSubFilter.PADES
            if cades
            else fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED,
            certify=certify is not None,
            docmdp_permissions=certify or fields.MDPPerm.FILL_FORMS,
            reason=reason,
            name="A. Signer",
        )
        spec = None
        if not existing:
            spec = fields.SigFieldSpec(field, on_page=0, box=visible)
        signer = self.pki.simple_signer(who, prefer_pss=pss, alone=alone)
        out = io.BytesIO()
        signers.PdfSigner(
            metadata,
            signer,
            timestamper=self.pki.stamper() if stamped else None,
            stamp_style=TextStampStyle(
                stamp_text="Signed", text_box_style=TextBoxStyle(), border_width=1
            )
            if visible
            else None,
            new_field_spec=spec,
        ).sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False),
            output=out,
            bytes_reserved=32768,
        )
        return out.getvalue()

    def store(self, pdf: bytes) -> bytes:
        """Return ``pdf`` with one more revision: certificates and fresh revocation lists."""
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        fresh = make_crl(self.pki.issuing, self.pki.now + timedelta(hours=1))
        self._supply(writer, asn1_crl.CertificateList.load(fresh))
        out = io.BytesIO()
        writer.write(out)
        return out.getvalue()

    def stamp(
        self,
        pdf: bytes,
        *,
        field: str = "Time1",
        with_store: bool = True,
        later: timedelta = timedelta(0),
        who: Identity | None = None,
    ) -> bytes:
        """Return ``pdf`` with one more document time-stamp that covers the entire file."""
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        if with_store:
            self._supply(writer)
        out = io.BytesIO()
        stamper = self.pki.stamper(who, self.pki.now + later)
        signers.PdfTimeStamper(stamper, field_name=field).timestamp_pdf(
            writer, "sha256", bytes_reserved=32768, output=out
        )
        return out.getvalue()

    def _supply(self, writer: IncrementalPdfFileWriter, *more: asn1_crl.CertificateList) -> None:
        DocumentSecurityStore.supply_dss_in_writer(
            writer, None, certs=self.pki.chain, crls=[*self.pki.lists, *more]
        )

    def archived(self, pdf: bytes, **changes: Any) -> bytes:
        """Return ``pdf`` signed as PAdES B-LTA."""
        return self.stamp(self.sign(pdf, **changes))


def filled(pdf: bytes, name: str, value: str) -> bytes:
    """Return ``pdf`` with one text field filled in, appearance included, in one more revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    entry = next(
        one.get_object()
        for one in writer.root["/AcroForm"]["/Fields"]
        if one.get_object().get("/T") == name
    )
    entry["/V"] = generic.pdf_string(value)
    box = [float(one) for one in entry["/Rect"]]
    appearance = generic.StreamObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/XObject"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Form"),
            generic.pdf_name("/BBox"): generic.ArrayObject(
                [generic.FloatObject(n) for n in (0, 0, box[2] - box[0], box[3] - box[1])]
            ),
        },
        stream_data=f"/Tx BMC q BT /Helv 10 Tf 2 5 Td ({value}) Tj ET Q EMC".encode(),
    )
    entry["/AP"] = generic.DictionaryObject({generic.pdf_name("/N"): writer.add_object(appearance)})
    writer.update_container(entry)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_empty_field(pdf: bytes, name: str, box: tuple[int, int, int, int]) -> bytes:
    """Return ``pdf`` with an empty signature field that waits for a second signer."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    fields.append_signature_field(writer, fields.SigFieldSpec(name, on_page=0, box=box))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def flat(pdf: bytes) -> bytes:
    """Return ``pdf`` written anew by pyHanko, in one revision."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def make_all(maker: Maker) -> dict[str, bytes]:
    """Return every honest file of third-party style by name."""
    plain, form = paper.plain(), paper.form()
    two_fields = with_empty_field(form, "Signature2", (300, 100, 400, 140))
    certified = maker.sign(two_fields, certify=P2)
    both = maker.sign(maker.sign(plain), field="Signature2", who=maker.pki.second)
    archived = maker.archived(plain)
    renewed = maker.stamp(archived, field="Time2", later=timedelta(days=2))
    return {
        "approval B-B": maker.sign(plain, stamped=False),
        "approval B-T": maker.sign(plain),
        "approval B-LT": maker.store(maker.sign(plain)),
        "approval B-LTA": archived,
        "approval B-LTA, store renewed behind": maker.store(archived),
        "renewed twice": maker.stamp(renewed, field="Time3", later=timedelta(days=9)),
        "certified P=1": maker.archived(plain, certify=P1),
        "certified P=2": maker.archived(form, certify=P2),
        "certified P=3": maker.archived(plain, certify=P3),
        "form filled at P=2": filled(certified, "place", "Kyoto"),
        "form filled at P=2, then archived": maker.stamp(filled(certified, "place", "Kyoto")),
        "form filled at P=2, signed by the second": maker.stamp(
            maker.sign(
                filled(certified, "place", "Kyoto"),
                field="Signature2",
                who=maker.pki.second,
                existing=True,
            )
        ),
        "form filled before the second signature": maker.stamp(
            maker.sign(
                filled(maker.sign(form), "place", "Kyoto"),
                field="Signature2",
                who=maker.pki.second,
            )
        ),
        "two signers": maker.stamp(both),
        "three signers, visible": maker.stamp(
            maker.sign(
                maker.sign(
                    maker.sign(plain, visible=(50, 50, 150, 90)),
                    field="Signature2",
                    who=maker.pki.second,
                    visible=(200, 50, 300, 90),
                ),
                field="Signature3",
                visible=(350, 50, 450, 90),
            )
        ),
        "linearised": maker.archived(paper.linearised(paper.plain(5))),
        "object and cross-reference streams": maker.archived(paper.packed(paper.plain(5))),
        "linearised with streams": maker.archived(paper.linearised(paper.packed(paper.plain(5)))),
        "rewritten by qpdf": maker.archived(paper.rewritten(plain)),
        "rewritten by pyHanko": maker.archived(flat(plain)),
        "hybrid, as Word writes it": maker.archived(paper.hybrid(plain)),
        "a signed PDF inside": maker.archived(paper.holding(plain, "inner.pdf", archived)),
        "PKCS#7, not PAdES": maker.archived(plain, cades=False),
        "free entry as MuPDF writes it": maker.archived(plain.replace(b"65535 f", b"65536 f")),
        "SHA-512": maker.archived(plain, digest="sha512"),
        "time-stamp only": maker.stamp(plain),
    }
