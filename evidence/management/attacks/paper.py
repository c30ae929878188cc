"""Unsigned PDFs in several producers' layouts: plain, form, packed, linearised."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
from reportlab.lib import colors
from reportlab.pdfgen.canvas import Canvas

SENTENCE = "I agree to pay 1000 euros."


def plain(pages: int = 2) -> bytes:
    """Return what ReportLab writes: classic table, one stream a page."""
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=0, invariant=1)
    for number in range(1, pages + 1):
        canvas.drawString(72, 700, f"Page {number}: {SENTENCE}")
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def form() -> bytes:
    """Return a page with a text field and a check box."""
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=0, invariant=1)
    canvas.drawString(72, 700, f"Contract. {SENTENCE}")
    canvas.acroForm.textfield(
        name="place", x=72, y=600, width=200, height=20, value="", fillColor=colors.white
    )
    canvas.acroForm.textfield(
        name="amount", x=72, y=560, width=200, height=20, value="", fillColor=colors.white
    )
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def rewritten(pdf: bytes, **options: Any) -> bytes:
    """Return ``pdf`` as qpdf writes it. options: of ``pikepdf.Pdf.save``."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(out, deterministic_id=True, **options)
    return out.getvalue()


def packed(pdf: bytes) -> bytes:
    """Return ``pdf`` with object streams and a cross-reference stream."""
    return rewritten(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def linearised(pdf: bytes) -> bytes:
    """Return ``pdf`` laid out for the web, first page first."""
    return rewritten(pdf, linearize=True)


def holding(pdf: bytes, name: str, attachment: bytes) -> bytes:
    """Return ``pdf`` with ``attachment`` embedded, unpacked, as some producers leave it."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.attachments[name] = attachment
        opened.save(
            out,
            deterministic_id=True,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
        )
    return out.getvalue()


def with_spare(pdf: bytes) -> bytes:
    """Return ``pdf`` with a second version of its page's contents, unlisted, before the end.

    A shadow document: whoever signs it signs the spare object along.
    """
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.pages[0].obj.Contents.objgen[0]
    text = b"BT /F1 12 Tf 72 700 Td (Page 1: I agree to pay 9000 euros.) Tj ET"
    spare = b"%% spare\n%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        number, len(text), text,
    )  # fmt: skip
    place = pdf.rindex(b"xref\n", 0, pdf.rindex(b"startxref"))
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    moved = pdf[:place] + spare + pdf[place:]
    end = moved.rindex(b"startxref")
    return moved[:end] + b"startxref\n%d\n%%%%EOF\n" % (start + len(spare))
