"""The test page of sixteen lines: every script, extracted and compared character by character.

``python -m evidence.render.scripts FONTS`` prints line by extractor, exact or not, with fpdf2 and
typst beside our own page where they are installed.

Two lines are not exact in poppler: on a left-to-right page it exchanges the parts of a whole line of
Arabic or Hebrew at commas and colons; each word is right (``evidence.render.copied`` says why, and how
the mixed line is kept). MuPDF, which goes by the order of drawing, gives all sixteen. PDFium puts the
mark of one Arabic letter at the end of the line and turns the brackets of the mixed line.

Exact says what is copied, not what is seen: fpdf2's mixed line comes out of poppler as written because
its parts are drawn from left to right, which nobody who reads Arabic could follow.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from evidence.render.fonts import SOURCES, FontLibrary
from evidence.render.sheet import StripBuilder, geometry, put_lines
from evidence.render.text import TextStyle
from evidence.render.volume import BatesLabel, Metadata, Volume, Wording

LINES: tuple[tuple[str, str], ...] = (
    ("zh-Hans", "简体中文：请在周四之前付款，合同编号为 HT-2024/017。"),
    ("zh-Hant", "繁體中文：請於週四前付款，謝謝您的協助！"),
    ("ja", "日本語：お支払いは木曜日までにお願いします。「ありがとう」"),
    ("ko", "한국어: 목요일까지 지불해 주세요. 감사합니다!"),
    ("en", "English: Please pay “by Thursday” — it’s the 7th; fi fl office."),
    ("ru", "Русский: Пожалуйста, оплатите до четверга, подъезд № 5."),
    ("el", "Ελληνικά: Παρακαλώ πληρώστε μέχρι την Πέμπτη."),
    ("vi", "Tiếng Việt: Vui lòng thanh toán trước thứ Năm, cảm ơn bạn nhiều."),
    ("ar", "العربية: من فضلك ادفع قبل يوم الخميس، شكراً لك لا بأس"),
    ("he", "עברית: נא לשלם עד יום חמישי, תודה רבה"),
    ("hi", "हिन्दी: कृपया गुरुवार तक भुगतान करें, क्षत्रिय श्रीमान् धन्यवाद।"),
    ("bn", "বাংলা: অনুগ্রহ করে বৃহস্পতিবারের মধ্যে পরিশোধ করুন।"),
    ("ta", "தமிழ்: வியாழக்கிழமைக்குள் பணம் செலுத்தவும், நன்றி."),
    ("th", "ภาษาไทย: กรุณาชำระเงินภายในวันพฤหัสบดี ขอบคุณมาก น้ำ"),
    ("emoji", "Emoji: 👨‍👩‍👧‍👦 🇨🇳 🏳️‍🌈 1️⃣ 👍🏽 ❤️ 😂 ok"),
    ("mixed", "Mixed: المبلغ 48,250 يورو (القسط 2) for order 17, 谢谢 👍"),
)


def render_page(fonts: FontLibrary, path: Path) -> None:
    """Draw the test page as the transcript would draw it."""
    sheet = geometry("A4")
    volume = Volume(
        path, library=fonts, sheet=sheet, wording=Wording("{page}/{pages}", ""), bates_prefix="T",
        forms="zh-Hans", cjk_first=False,
    )  # fmt: skip
    forms = {"zh-Hant": "zh-Hant", "ja": "ja", "ko": "ko"}
    for language, text in LINES:
        volume.engine.set_forms(forms.get(language, "zh-Hans"))
        builder = StripBuilder()
        lines = volume.engine.lines(text, sheet.measure, TextStyle(11))
        y = put_lines(builder, lines, 0, -14, measure=sheet.measure, leading=18)
        volume.place(builder.build(-y + 8))
    volume.close()
    about = Metadata(
        BatesLabel("T", 3), "Scripts", "TrueThread", "TrueThread", "scripts", "en",
        datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    volume.finish(bates_first=1, number=1, of=1, embedded={}, about=about)


def comparable(text: str) -> str:
    """Return ``text`` as compared: NFC, without spaces and directional marks.

    Spaces, because extractors place them by distance; marks, because none of them was written.
    """
    text = unicodedata.normalize("NFC", text)
    return re.sub("[\\s\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)


def exact_lines(extracted: str) -> dict[str, bool]:
    """Return for each test line whether it stands in the extracted text in one piece."""
    whole = comparable(extracted)
    return {language: comparable(text) in whole for language, text in LINES}


def right_words(extracted: str) -> dict[str, bool]:
    """Return for each test line whether each of its words was extracted."""
    whole = comparable(extracted)
    return {
        language: all(comparable(word) in whole for word in re.findall(r"[^\s,:;،)(]+", text))
        for language, text in LINES
    }


def extractors() -> dict[str, Callable[[Path], str]]:
    """Return the extractors installed here by name."""
    found: dict[str, Callable[[Path], str]] = {}
    if shutil.which("pdftotext"):
        found["poppler"] = lambda path: _run("pdftotext", "-enc", "UTF-8", str(path), "-")
    if shutil.which("mutool"):
        found["mupdf"] = lambda path: _run(
            "mutool", "draw", "-q", "-F", "txt", "-o", "-", str(path)
        )
    found["pdfium"] = _with_pdfium
    return found


def _with_pdfium(path: Path) -> str:
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        return "".join(page.get_textpage().get_text_range() for page in document)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)  # noqa: S603
    return done.stdout.decode("utf-8", "replace")


def peers(fonts: FontLibrary, folder: Path) -> dict[str, Path]:
    """Return the same page made by fpdf2 and typst, with the same fonts, where installed."""
    found: dict[str, Path] = {}
    for name, make in (("fpdf2", _with_fpdf2), ("typst", _with_typst)):
        path = folder / f"{name}.pdf"
        try:
            make(fonts, path)
        except ImportError:
            continue
        found[name] = path
    return found


def _with_fpdf2(fonts: FontLibrary, path: Path) -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    keys = [source.key for source in SOURCES if source.key != "sans-bold"]
    for key in keys:
        pdf.add_font(key, fname=str(fonts.folder / f"{key}.ttf"))
    cjk = peer_cjk(fonts, path.parent)
    pdf.add_font("cjk", fname=str(cjk))
    pdf.set_fallback_fonts(["cjk", *keys[1:]], exact_match=False)
    pdf.set_font("sans", size=11)
    pdf.set_text_shaping(use_shaping_engine=True)
    for _, text in LINES:
        pdf.multi_cell(0, 8, text, new_x="LMARGIN", new_y="NEXT")
    pdf.output(str(path))


def peer_cjk(fonts: FontLibrary, folder: Path) -> Path:
    """Write the Simplified Chinese face as a file of its own for engines that read no collection."""
    import uharfbuzz as hb

    path = folder / "cjk.otf"
    if not path.exists():
        face = fonts.face("cjk-zh-Hans").face
        choice = hb.SubsetInput()
        choice.keep_everything()
        path.write_bytes(bytes(choice.subset(face).blob.data))
    return path


def _with_typst(fonts: FontLibrary, path: Path) -> None:
    import typst

    source = path.with_suffix(".typ")
    families = '("Noto Sans", "Noto Sans CJK SC", "Noto Sans Arabic", "Noto Color Emoji")'
    body = "\n\n".join(f"#text({_typst_string(text)})" for _, text in LINES)
    source.write_text(f"#set text(font: {families}, size: 11pt)\n{body}\n", "utf-8")
    typst.compile(str(source), output=str(path), font_paths=[str(fonts.folder)])


def _typst_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(arguments: list[str]) -> int:
    """Print the table and return 0."""
    fonts = FontLibrary(Path(arguments[0]) if arguments else Path("var/fonts"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages = {"TrueThread": folder / "ours.pdf"}
        render_page(fonts, pages["TrueThread"])
        pages |= peers(fonts, folder)
        results = {
            (engine, extractor): exact_lines(read(path))
            for engine, path in pages.items()
            for extractor, read in extractors().items()
        }
    heads = [f"{engine}/{extractor}" for engine, extractor in results]
    out = ["line      " + "  ".join(heads)]
    for language, _ in LINES:
        cells = [
            ("exact" if result[language] else "-").ljust(len(head))
            for head, result in zip(heads, results.values(), strict=True)
        ]
        out.append(f"{language:<10}" + "  ".join(cells))
    totals = [
        f"{sum(result.values())}/{len(LINES)}".ljust(len(head))
        for head, result in zip(heads, results.values(), strict=True)
    ]
    out.append("exact     " + "  ".join(totals))
    sys.stdout.write("\n".join(out) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
