from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf
from reportlab.pdfgen.canvas import Canvas

from evidence.render import pdfa
from evidence.render.fonts import FontLibrary
from evidence.render.rendering import render_master, render_volumes


@pytest.fixture(scope="module")
def good(fonts: FontLibrary, samples: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    rendering = render_volumes(samples.exhibit(), tmp_path_factory.mktemp("good"), fonts=fonts)
    return render_master(rendering, embed={"manifest.json": b"{}"}).path


def broken(path: Path) -> set[str]:
    return {problem.split(":")[0] for problem in pdfa.check(path)}


def resaved(good: Path, target: Path, change: Callable[[Pdf], object], **how: Any) -> Path:
    plain = {
        "object_stream_mode": pikepdf.ObjectStreamMode.disable, "compress_streams": False,
        "stream_decode_level": pikepdf.StreamDecodeLevel.none, "fix_metadata_version": False,
    }  # fmt: skip
    with pikepdf.open(good) as pdf:
        change(pdf)
        pdf.save(target, **{**plain, **how})
    return target


def test_a_plain_reportlab_file_breaks_many_rules(tmp_path: Path):
    path = tmp_path / "plain.pdf"
    canvas = Canvas(str(path), invariant=1)
    canvas.drawString(100, 100, "Hello")
    canvas.save()

    assert {"header", "stream", "intent", "font", "metadata", "language"} <= broken(path)


def test_saving_a_good_file_again_breaks_nothing(good: Path, tmp_path: Path):
    assert broken(good) == set()
    assert broken(resaved(good, tmp_path / "again.pdf", lambda pdf: None)) == set()


def _first_font(pdf: Pdf) -> Any:
    return pdf.pages[0].obj.Resources.Font.A


def _helvetica() -> Dictionary:
    return Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)


def _unembed(pdf: Pdf) -> None:
    del _first_font(pdf).DescendantFonts[0].FontDescriptor["/FontFile2"]


def _foreign_look(pdf: Pdf) -> None:
    look = pdf.make_stream(b"BT /H 9 Tf (seal) Tj ET")
    look.Resources = Dictionary(Font=Dictionary(H=_helvetica()))
    _annotate(pdf, Subtype=Name.Link, F=4, AP=Dictionary(N=look))


def _annotate(pdf: Pdf, **entries: Any) -> None:
    more = Dictionary(Type=Name.Annot, Rect=[0, 0, 9, 9], **entries)
    page = pdf.pages[0].obj
    page.Annots = Array([*page.get("/Annots", []), pdf.make_indirect(more)])


def _picture(pdf: Pdf, **entries: Any) -> None:
    fields = {"Type": Name.XObject, "Subtype": Name.Image, "Width": 1, "Height": 1}
    pdf.Root.Extra = pdf.make_stream(b"\0", **fields, BitsPerComponent=8, **entries)


def _rename(pdf: Pdf) -> None:
    pdf.docinfo["/Title"] = "Another title"


PLANTED: dict[str, tuple[str, Callable[[Pdf], object]]] = {
    "a font that is not embedded": ("font", _unembed),
    "a standard font in the look of an annotation": ("font", _foreign_look),
    "a font without texts": ("font", lambda pdf: _first_font(pdf).__delitem__("/ToUnicode")),
    "codes without a text": (
        "unicode", lambda pdf: _first_font(pdf).ToUnicode.write(b"begincmap endcmap"),
    ),
    "widths that are not the font's": (
        "width", lambda pdf: setattr(_first_font(pdf).DescendantFonts[0], "W", Array()),
    ),
    "no output intent": ("intent", lambda pdf: pdf.Root.__delitem__("/OutputIntents")),
    "no packet of metadata": ("metadata", lambda pdf: pdf.Root.__delitem__("/Metadata")),
    "another part in the metadata": (
        "metadata",
        lambda pdf: pdf.Root.Metadata.write(
            pdf.Root.Metadata.read_bytes().replace(b"<pdfaid:part>3", b"<pdfaid:part>1")
        ),
    ),
    "another title in Info": ("metadata", _rename),
    "an embedded file that is not associated": (
        "embedded", lambda pdf: pdf.Root.__delitem__("/AF"),
    ),
    "no language": ("language", lambda pdf: pdf.Root.__delitem__("/Lang")),
    "a script on opening": (
        "action",
        lambda pdf: setattr(pdf.Root, "OpenAction", Dictionary(S=Name.JavaScript, JS="app.beep()")),
    ),
    "a hidden note": ("annotation", lambda pdf: _annotate(pdf, Subtype=Name.Text, F=2)),
    "a picture that is smoothed": (
        "image", lambda pdf: _picture(pdf, ColorSpace=Name.DeviceGray, Interpolate=True),
    ),
    "a picture in printer's colours": (
        "image", lambda pdf: _picture(pdf, ColorSpace=Name.DeviceCMYK),
    ),
    "a stream packed by LZW": (
        "filter",
        lambda pdf: setattr(
            pdf.Root, "Extra",
            pdf.make_stream(b"\x80\x0b\x60\x50\x22\x0c\x0c\x85\x01", Filter=Name.LZWDecode),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_under_its_rule(good: Path, tmp_path: Path, fault: str):
    rule, plant = PLANTED[fault]

    assert rule in broken(resaved(good, tmp_path / "planted.pdf", plant))


def test_encryption_and_packed_objects_are_found(good: Path, tmp_path: Path):
    locked = resaved(
        good,
        tmp_path / "locked.pdf",
        lambda pdf: None,
        stream_decode_level=None,
        encryption=pikepdf.Encryption(owner="x"),
    )
    packed = resaved(
        good, tmp_path / "packed.pdf", lambda pdf: None,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
    )  # fmt: skip

    assert "trailer" in broken(locked)
    assert "xref" in broken(packed)


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [("header", b"%PDF-1.7", b"%PDF-1.4"), ("stream", b"\nendstream", b" endstream")],
)
def test_a_fault_of_one_byte_is_found(
    good: Path, tmp_path: Path, rule: str, before: bytes, after: bytes
):
    path = tmp_path / "planted.pdf"
    path.write_bytes(good.read_bytes().replace(before, after, 1))

    assert rule in broken(path)


def test_every_rule_has_a_planted_fault():
    elsewhere = {"trailer", "xref", "header", "stream"}

    assert {rule for rule, _plant in PLANTED.values()} | elsewhere == set(pdfa.RULES)
