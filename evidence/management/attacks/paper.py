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


def hybrid(
    pdf: bytes, other: bytes = b"", *, in_table: bool = True, in_stream: str = "other"
) -> bytes:
    """Return ``pdf`` ended as Word ends a file: a second table with a cross-reference stream beside it.

    The stream lists every object and one more, in an object stream, that the table calls free: it is
    hidden from old programs. other: another text for the first page, where the stream leads ("same":
    a copy of the first one, "free": nowhere). in_table: the second table names the first text too.
    """
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        size, root = int(opened.trailer.Size), opened.Root.objgen[0]
        contents = opened.pages[0].obj.Contents.objgen[0]
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    rows = pdf[start:].split(b"\n")[2 : 2 + size]
    places = {number: int(row[:10]) for number, row in enumerate(rows) if row[17:18] == b"n"}
    first = places[contents]
    out = bytearray(pdf)
    if in_stream in ("other", "same") and other:
        places[contents] = len(out)
        text = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(other), other)
        whole = b"%d 0 obj\n%s\nendobj\n" % (contents, text)
        same = pdf[first : pdf.index(b"endobj", first) + 7]
        out += whole if in_stream == "other" else same
    if in_stream == "free":
        del places[contents]
    packed, table, hidden = size, size + 1, size + 2
    places |= {packed: len(out)}
    held = b"%d 0 << /Type /StructTreeRoot >>" % hidden
    out += b"%d 0 obj\n<< /Type /ObjStm /N 1 /First %d /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        packed, held.index(b"<<"), len(held), held,
    )  # fmt: skip
    places |= {table: len(out)}
    listed = b"".join(
        b"\x02%s\x00" % packed.to_bytes(4, "big") if number == hidden
        else b"\x01%s\x00" % places[number].to_bytes(4, "big") if number in places
        else b"\x00\x00\x00\x00\x00\xff"
        for number in range(hidden + 1)
    )  # fmt: skip
    at = len(out)
    out += b"%d 0 obj\n<< /Type /XRef /W [1 4 1] /Size %d /Root %d 0 R /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        table, hidden + 1, root, len(listed), listed,
    )  # fmt: skip
    end = len(out)
    out += b"xref\n"
    if in_table:
        out += b"%d 1\n%010d 00000 n \n" % (contents, first)
    out += b"%d 1\n0000000000 65535 f \n" % hidden
    out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        hidden + 1, root, start, at, end,
    )  # fmt: skip
    return bytes(out)


def listed_twice(pdf: bytes, other: bytes, *, is_first: bool) -> bytes:
    """Return ``pdf`` with its page's text listed twice in its one table, the other version first or last."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.pages[0].obj.Contents.objgen[0]
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    text = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
        number, len(other), other,
    )  # fmt: skip
    twice = b"%d 1\n%010d 00000 n \n" % (number, start)
    table = pdf[start:].replace(b"startxref\n%d" % start, b"startxref\n%d" % (start + len(text)))
    mark = b"xref\n" if is_first else b"trailer"
    at = table.index(mark) + (len(mark) if is_first else 0)
    return pdf[:start] + text + table[:at] + twice + table[at:]
