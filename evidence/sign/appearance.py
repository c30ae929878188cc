"""The visible stamp: a few lines of small type in a thin frame, with the font embedded.

PDF/A-3 forbids fonts that are not embedded, and pyHanko's own stamps fall back to Courier; so
the appearance is drawn here. The text can be searched and copied (exact /ToUnicode). The caller
says where the box is and what the lines say; no colour carries meaning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from pyhanko.pdf_utils import content, generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.stamp import BaseStamp, BaseStampStyle

LARGEST_TYPE = 7.5
LEADING = 1.3
PADDING = 5.0
ALWAYS_SUBSET = "".join(map(chr, range(0x20, 0x7F)))
"""Taken into every subset, so that a stamp that differs only in its time reuses the font."""


@dataclass(frozen=True, slots=True)
class VisibleStamp:
    """A visible stamp.

    page: 0-based. box: left, bottom, right, top in points from the page's lower left corner; whole numbers.
    lines: what it says, top to bottom; a character the font lacks is drawn as ``[U+XXXX]``.
    font: a TrueType or OpenType file, variable or not; font_number picks one of a collection.
    """

    box: tuple[int, int, int, int]
    lines: tuple[str, ...]
    font: Path
    font_number: int = 0
    page: int = 0

    def style(self) -> BaseStampStyle:
        """Return the form in which pyHanko takes a stamp."""
        return _Style(border_width=0, visible=self)


@dataclass(frozen=True, slots=True)
class _Font:
    """A subset ready to be written: bytes, name, and what each character needs."""

    name: str
    program: bytes
    is_cff: bool
    codes: dict[str, int]
    widths: dict[int, int]
    """Advance of each code in thousandths of the type size."""
    ascent: int
    descent: int
    bounds: tuple[int, int, int, int]

    def encode(self, text: str) -> list[int]:
        """Return the codes of ``text``; every character has one (see ``_shown``)."""
        return [self.codes[character] for character in text]

    def width(self, text: str) -> int:
        """Return the advance of ``text`` in thousandths of the type size."""
        return sum(self.widths[code] for code in self.encode(text))


@dataclass(frozen=True)
class _Style(BaseStampStyle):
    visible: VisibleStamp | None = None

    def create_stamp(
        self, writer: BasePdfFileWriter, box: BoxConstraints, text_params: dict[str, object]
    ) -> BaseStamp:
        return _Stamp(writer=writer, style=self, box=box)


class _Stamp(BaseStamp):
    """pyHanko's hook: hands our drawing operators and our font to its form XObject."""

    def _render_inner_content(self) -> list[bytes]:
        visible: VisibleStamp = self.style.visible
        font, lines = _prepare(visible)
        reference = _write_font(self._ensure_writer, font)
        self.set_resource(content.ResourceType.FONT, pdf_name("/F1"), reference)
        return [_draw(font, lines, float(self.box.width), float(self.box.height))]


def _draw(font: _Font, lines: tuple[str, ...], width: float, height: float) -> bytes:
    """Return the operators that draw ``lines`` as large as fits, framed by a hairline."""
    widest = max(font.width(line) for line in lines) or 1
    size = min(
        LARGEST_TYPE,
        (height - 2 * PADDING) / (len(lines) * LEADING),
        (width - 2 * PADDING) * 1000 / widest,
    )
    first = (height + len(lines) * LEADING * size) / 2 - size
    shown = " T* ".join(
        "<" + "".join(f"{code:04x}" for code in font.encode(line)) + "> Tj" for line in lines
    )
    return (
        f"q 0.5 w 0.4 G 0.25 0.25 {width - 0.5:.2f} {height - 0.5:.2f} re S "
        f"BT 0 g /F1 {size:.2f} Tf {LEADING * size:.2f} TL "
        f"{PADDING:.2f} {first:.2f} Td {shown} ET Q"
    ).encode("ascii")


def _prepare(visible: VisibleStamp) -> tuple[_Font, tuple[str, ...]]:
    """Return a font that can draw every character of the returned lines."""
    wanted = frozenset(ALWAYS_SUBSET).union(*visible.lines)
    font = _load(visible.font, visible.font_number, wanted)
    lines = tuple("".join(map(partial(_shown, font), line)) for line in visible.lines)
    return font, lines


def _shown(font: _Font, character: str) -> str:
    return character if character in font.codes else f"[U+{ord(character):04X}]"


@lru_cache(maxsize=32)
def _load(path: Path, number: int, characters: frozenset[str]) -> _Font:
    with TTFont(path, fontNumber=number, lazy=True) as font:
        if "fvar" in font:
            axes = {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes}
            instancer.instantiateVariableFont(font, axes, inplace=True)
        _subset(font, characters)
        saved = BytesIO()
        font.save(saved)
    with TTFont(BytesIO(saved.getvalue())) as small:
        return _describe(small, saved.getvalue())


def _subset(font: TTFont, characters: frozenset[str]) -> None:
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, name_IDs=[6], glyph_names=False
    )
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, characters))
    subsetter.subset(font)


def _describe(font: TTFont, whole: bytes) -> _Font:
    is_cff = "CFF " in font
    code_of = _code_of(font)
    scale = 1000 / font["head"].unitsPerEm
    codes = {chr(point): code_of(glyph) for point, glyph in font.getBestCmap().items()}
    head, hhea = font["head"], font["hhea"]
    return _Font(
        name=font["name"].getDebugName(6) or "Stamp",
        program=font.getTableData("CFF ") if is_cff else whole,
        is_cff=is_cff,
        codes=codes,
        widths={
            code_of(name): round(font["hmtx"][name][0] * scale) for name in font["hmtx"].metrics
        },
        ascent=round(hhea.ascent * scale),
        descent=round(hhea.descent * scale),
        bounds=(
            round(head.xMin * scale),
            round(head.yMin * scale),
            round(head.xMax * scale),
            round(head.yMax * scale),
        ),
    )


def _code_of(font: TTFont) -> Callable[[str], int]:
    """Return what maps a glyph name to its CID: the CFF's own CID where it has them, else GID."""
    if "CFF " in font and hasattr(font["CFF "].cff.topDictIndex[0], "ROS"):
        return lambda name: 0 if name == ".notdef" else int(name.removeprefix("cid"))
    return lambda name: int(font.getGlyphID(name))


def _write_font(writer: BasePdfFileWriter, font: _Font) -> generic.IndirectObject:
    """Add the font's objects to ``writer`` and return the Type0 font's reference."""
    name = pdf_name("/TTSEAL+" + font.name)
    descendant = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/CIDFontType0" if font.is_cff else "/CIDFontType2"),
            pdf_name("/BaseFont"): name,
            pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                {
                    pdf_name("/Registry"): generic.pdf_string("Adobe"),
                    pdf_name("/Ordering"): generic.pdf_string("Identity"),
                    pdf_name("/Supplement"): generic.NumberObject(0),
                }
            ),
            pdf_name("/FontDescriptor"): writer.add_object(_descriptor(writer, font, name)),
            pdf_name("/DW"): generic.NumberObject(1000),
            pdf_name("/W"): _width_array(font),
        }
    )
    if not font.is_cff:
        descendant[pdf_name("/CIDToGIDMap")] = pdf_name("/Identity")
    return writer.add_object(
        generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/Type0"),
                pdf_name("/BaseFont"): name,
                pdf_name("/Encoding"): pdf_name("/Identity-H"),
                pdf_name("/DescendantFonts"): generic.ArrayObject([writer.add_object(descendant)]),
                pdf_name("/ToUnicode"): writer.add_object(_stream(_to_unicode(font))),
            }
        )
    )


def _descriptor(
    writer: BasePdfFileWriter, font: _Font, name: generic.NameObject
) -> generic.DictionaryObject:
    program = _stream(font.program)
    if font.is_cff:
        program[pdf_name("/Subtype")] = pdf_name("/CIDFontType0C")
    else:
        program[pdf_name("/Length1")] = generic.NumberObject(len(font.program))
    return generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/FontDescriptor"),
            pdf_name("/FontName"): name,
            pdf_name("/Flags"): generic.NumberObject(4),
            pdf_name("/FontBBox"): generic.ArrayObject(map(generic.NumberObject, font.bounds)),
            pdf_name("/ItalicAngle"): generic.NumberObject(0),
            pdf_name("/Ascent"): generic.NumberObject(font.ascent),
            pdf_name("/Descent"): generic.NumberObject(font.descent),
            pdf_name("/CapHeight"): generic.NumberObject(font.ascent),
            pdf_name("/StemV"): generic.NumberObject(80),
            pdf_name("/FontFile3" if font.is_cff else "/FontFile2"): writer.add_object(program),
        }
    )


def _width_array(font: _Font) -> generic.ArrayObject:
    result = generic.ArrayObject()
    for code, width in sorted(font.widths.items()):
        result.append(generic.NumberObject(code))
        result.append(generic.ArrayObject([generic.NumberObject(width)]))
    return result


def _to_unicode(font: _Font) -> bytes:
    pairs = sorted((code, character) for character, code in font.codes.items())
    blocks = []
    for start in range(0, len(pairs), 100):
        block = pairs[start : start + 100]
        rows = "\n".join(f"<{code:04x}> <{c.encode('utf-16-be').hex()}>" for code, c in block)
        blocks.append(f"{len(block)} beginbfchar\n{rows}\nendbfchar")
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n"
        + "\n".join(blocks)
        + "\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")


def _stream(data: bytes) -> generic.StreamObject:
    stream = generic.StreamObject(stream_data=data)
    stream.compress()
    return stream
