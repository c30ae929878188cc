"""The fonts of one PDF: codes given out while pages are drawn, programs embedded at the end.

Every font is Type0 with Identity-H, so a code is a CID of two bytes.

- TrueType: the CID of a plain character is its code point; a glyph that stands for other text (a
  ligature, an Arabic form, an emoji's text) gets a free CID per (glyph, text). ``CIDToGIDMap`` leads
  to the glyph.
- CFF (Noto Sans CJK): the CID is fixed by the font. Where two texts share a glyph (一 and the radical
  ⼀), the second is drawn through a further Type0 font over the same descendant with its own ToUnicode.

So ToUnicode is exact by construction: one entry per (glyph, text).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

import uharfbuzz as hb
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph, GlyphComponent

from evidence.render.fonts import Face, FontLibrary
from evidence.render.pdf import Raw, Ref, StreamedPdf, array_of, dictionary, name, nested

_FREE = (*range(0xE000, 0xF900), *range(0xD800, 0xE000), *range(1, 0x20))
_UNUSED_TABLES = (
    "GSUB", "GPOS", "GDEF", "BASE", "STAT", "DSIG", "MATH", "meta", "gasp", "post", "name", "OS/2",
    "cmap", "vhea", "vmtx", "VORG",
)  # fmt: skip
RESOURCE_NAMES = {"sans": "A", "sans-bold": "B", "mono": "M", "cjk": "C"}


class _PlainCodes(dict[int, str]):
    """Code point → the character whose UTF-16BE bytes are its code; filled when first asked."""

    def __init__(self, font: PdfFont, face: Face) -> None:
        self._font, self._face = font, face

    def __missing__(self, code_point: int) -> str:
        code = self[code_point] = self._font.claim_plain(code_point, self._face)
        return code


class _Widths(dict[str, float]):
    """Character → advance in ems; filled when first asked."""

    def __init__(self, face: Face) -> None:
        self._face = face

    def __missing__(self, character: str) -> float:
        glyph = self._face.nominal(ord(character)) or 0
        width = self[character] = self._face.advance(glyph) / 1000
        return width


class FontView:
    """A font of this PDF seen through one face: what plain text needs, as fast as it gets."""

    __slots__ = ("face", "font", "plain", "resource", "width_of", "widths")

    def __init__(self, font: PdfFont, face: Face) -> None:
        self.font, self.face, self.resource = font, face, font.resource
        self.plain = _PlainCodes(font, face)
        self.widths = _Widths(face)
        self.width_of = self.widths.__getitem__

    def encode(self, text: str) -> bytes:
        """Return plain ``text`` as a literal string of codes, ready for ``Tj``."""
        codes = text.translate(self.plain).encode("utf-16-be", "surrogatepass")
        return b"(" + escape(codes) + b")"

    def width(self, text: str) -> float:
        """Return the advance of plain ``text`` in ems."""
        return sum(map(self.width_of, text))


class Composite(NamedTuple):
    """One glyph made of others; offsets and advance in font units."""

    parts: tuple[tuple[int, int, int], ...]
    """(glyph, x, y) each."""
    advance: int


class PdfFont:
    """One font program in one PDF."""

    def __init__(self, face: Face, resource: str) -> None:
        self.face = face
        self.resource = resource
        self._levels: list[dict[int, str]] = [{}]
        self._glyphs: dict[int, int] = {}
        self._pairs: dict[tuple[int, str], tuple[str, int]] = {}
        self._composites: dict[int, Composite] = {}
        self._composed: dict[tuple[Composite, str], int] = {}
        self._next_free = 0

    @property
    def used(self) -> bool:
        """Return whether any code was given out."""
        return bool(self._glyphs)

    def claim_plain(self, code_point: int, face: Face) -> str:
        """Give out the code of a character drawn by its nominal glyph in ``face``."""
        glyph = face.nominal(code_point) or 0
        resource, cid = self.pair(glyph, chr(code_point), plain=True)
        if resource != self.resource:
            raise ValueError(f"U+{code_point:04X} shares its glyph and is not plain")
        return chr(cid)

    def pair(self, glyph: int, text: str, *, plain: bool = False) -> tuple[str, int]:
        """Give out (resource name, CID) for ``glyph`` standing for ``text`` (at least one char)."""
        found = None if plain else self._pairs.get((glyph, text))
        if found is None:
            give = self._give_cff if self.face.is_cff else self._give_truetype
            found = give(glyph, text, plain)
            if not plain:
                self._pairs[glyph, text] = found
        return found

    def compose(self, composite: Composite, text: str) -> tuple[str, int]:
        """Give out (resource name, CID) of one glyph made of several; TrueType only.

        A cluster that HarfBuzz builds from several glyphs then is one code with one text, which
        every extractor reads right.
        """
        found = self._composed.get((composite, text))
        if found is None:
            found = self._composed[composite, text] = self._free_cid()
            self._composites[found] = composite
            self._glyphs[found] = composite.parts[0][0]
            self._levels[0][found] = text
        return self.resource, found

    def _give_cff(self, glyph: int, text: str, plain: bool) -> tuple[str, int]:
        """Level 0 is kept for plain text, which must find its code there whatever came before."""
        self._glyphs[glyph] = glyph
        first = 0 if plain else 1
        for level, texts in enumerate(self._levels[first:], first):
            if texts.setdefault(glyph, text) == text:
                return self._resource(level), glyph
        self._levels.append({glyph: text})
        return self._resource(len(self._levels) - 1), glyph

    def _give_truetype(self, glyph: int, text: str, plain: bool) -> tuple[str, int]:
        cid = ord(text) if plain else self._free_cid()
        self._glyphs[cid] = glyph
        self._levels[0][cid] = text
        return self.resource, cid

    def _free_cid(self) -> int:
        while self._next_free < len(_FREE):
            cid: int = _FREE[self._next_free]
            self._next_free += 1
            if cid not in self._glyphs:
                return cid
        return next(cid for cid in range(0xFFFD, 0x20, -1) if cid not in self._glyphs)

    def _resource(self, level: int) -> str:
        return self.resource + (str(level) if level else "")

    def write(self, pdf: StreamedPdf) -> dict[str, Ref]:
        """Embed the used glyphs and return the Type0 fonts by resource name."""
        descendant = self._write_descendant(pdf)
        fonts = {}
        for level, texts in enumerate(self._levels):
            if not texts:
                continue
            entries = {
                "Type": name("Font"),
                "Subtype": name("Type0"),
                "BaseFont": name(self._base_name()),
                "Encoding": name("Identity-H"),
                "DescendantFonts": array_of([Ref(descendant)]),
                "ToUnicode": Ref(pdf.add_stream({}, to_unicode(texts))),
            }
            fonts[self._resource(level)] = Ref(pdf.add(dictionary(entries)))
        return fonts

    def _base_name(self) -> str:
        known = (self.face.name(6) or self.face.key).replace("-Thin", "-Regular")
        if self.face.key == "sans-bold":
            known = "NotoSans-SemiBold"
        tag = sum((cid * 31 + gid) % 26**6 for cid, gid in self._glyphs.items()) % 26**6
        letters = "".join(chr(65 + tag // 26**place % 26) for place in range(6))
        if self.face.is_cff:
            return f"{letters}+{known}-Identity-H"
        return f"{letters}+{known}"

    def _write_descendant(self, pdf: StreamedPdf) -> int:
        parts = {part[0] for made in self._composites.values() for part in made.parts}
        subset, new_ids = _subset(self.face, set(self._glyphs.values()) | parts)
        cff = self.face.is_cff
        program = bytes(subset.reference_table("CFF ").data) if cff else bytes(subset.blob.data)
        places: dict[Composite, int] = {}
        if self._composites:
            program, places = add_composites(program, new_ids, set(self._composites.values()))
        stream = {"Subtype": name("CIDFontType0C")} if cff else {"Length1": len(program)}
        file = pdf.add_stream(stream, program)
        base = self._base_name().removesuffix("-Identity-H")
        entries: dict[str, Any] = {
            "Type": name("Font"),
            "Subtype": name("CIDFontType0" if cff else "CIDFontType2"),
            "BaseFont": name(base),
            "CIDSystemInfo": nested(
                {"Registry": Raw(b"(Adobe)"), "Ordering": Raw(b"(Identity)"), "Supplement": 0}
            ),
            "FontDescriptor": Ref(self._write_descriptor(pdf, base, file)),
            "DW": 1000,
            "W": Raw(self._width_array()),
        }
        if not cff:
            entries["CIDToGIDMap"] = Ref(pdf.add_stream({}, self._glyph_map(new_ids, places)))
        return pdf.add(dictionary(entries))

    def _write_descriptor(self, pdf: StreamedPdf, base: str, file: int) -> int:
        extents = self.face.font.get_font_extents("ltr")
        return pdf.add(
            dictionary(
                {
                    "Type": name("FontDescriptor"),
                    "FontName": name(base),
                    "Flags": 5 if self.face.key == "mono" else 4,
                    "FontBBox": array_of([-1000, int(extents.descender), 3000, 1500]),
                    "ItalicAngle": 0,
                    "Ascent": int(extents.ascender),
                    "Descent": int(extents.descender),
                    "CapHeight": 714,
                    "StemV": 120 if self.face.key == "sans-bold" else 80,
                    "FontFile3" if self.face.is_cff else "FontFile2": Ref(file),
                }
            )
        )

    def _width_array(self) -> bytes:
        parts: list[bytes] = []
        for first, widths in _runs(
            (cid, self._advance(cid, glyph)) for cid, glyph in sorted(self._glyphs.items())
        ):
            parts.append(b"%d[%s]" % (first, b" ".join(b"%d" % width for width in widths)))
        return b"[" + b"\n".join(parts) + b"]"

    def _advance(self, cid: int, glyph: int) -> int:
        composite = self._composites.get(cid)
        return composite.advance if composite else self.face.advance(glyph)

    def _glyph_map(self, new_ids: dict[int, int], places: dict[Composite, int]) -> bytes:
        table = bytearray(2 * (max(self._glyphs) + 1))
        for cid, glyph in self._glyphs.items():
            composite = self._composites.get(cid)
            new = places[composite] if composite else new_ids.get(glyph, 0)
            table[2 * cid : 2 * cid + 2] = new.to_bytes(2, "big")
        return bytes(table)


def escape(codes: bytes) -> bytes:
    """Return ``codes`` with the four bytes escaped that a literal string may not hold."""
    return (
        codes.replace(b"\\", b"\\\\")
        .replace(b"(", b"\\(")
        .replace(b")", b"\\)")
        .replace(b"\r", b"\\r")
    )


def _runs(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, list[int]]]:
    runs: list[tuple[int, list[int]]] = []
    for key, value in pairs:
        if runs and runs[-1][0] + len(runs[-1][1]) == key:
            runs[-1][1].append(value)
        else:
            runs.append((key, [value]))
    return runs


def _subset(face: Face, glyphs: set[int]) -> tuple[Any, dict[int, int]]:
    choice = hb.SubsetInput()
    choice.glyph_set.update(glyphs)
    choice.drop_table_tag_set.update(int.from_bytes(t.encode(), "big") for t in _UNUSED_TABLES)
    choice.flags = hb.SubsetFlags.NO_LAYOUT_CLOSURE | hb.SubsetFlags.NOTDEF_OUTLINE
    plan = hb.SubsetPlan(face.face, choice)
    return plan.execute(), dict(plan.old_to_new_glyph_mapping)


def add_composites(
    program: bytes, new_ids: dict[int, int], composites: set[Composite]
) -> tuple[bytes, dict[Composite, int]]:
    """Return the TrueType ``program`` with composite glyphs added, and their glyph numbers."""
    font = TTFont(io.BytesIO(program), lazy=True, recalcBBoxes=False, recalcTimestamp=False)
    names, glyf, hmtx = font.getGlyphOrder(), font["glyf"], font["hmtx"]
    places = {}
    for composite in sorted(composites):
        name = f"composite{len(names)}"
        glyph = Glyph()
        glyph.numberOfContours = -1
        glyph.components = []
        for part, x, y in composite.parts:
            component = GlyphComponent()
            component.glyphName = names[new_ids[part]]
            component.x, component.y, component.flags = x, y, _COMPONENT_FLAGS
            glyph.components.append(component)
        places[composite] = len(names)
        names.append(name)
        glyf.glyphs[name] = glyph
        hmtx.metrics[name] = (composite.advance, 0)
    font.setGlyphOrder(names)
    glyf.glyphOrder = names
    maxp = font["maxp"]
    maxp.numGlyphs = len(names)
    longest = max(len(composite.parts) for composite in composites)
    maxp.maxComponentElements = max(maxp.maxComponentElements, longest)
    maxp.maxComponentDepth = max(maxp.maxComponentDepth, 2)
    maxp.maxCompositePoints = max(maxp.maxCompositePoints, maxp.maxPoints * longest)
    maxp.maxCompositeContours = max(maxp.maxCompositeContours, maxp.maxContours * longest)
    for composite, place in places.items():
        glyph = glyf[names[place]]
        glyph.recalcBounds(glyf)
        hmtx.metrics[names[place]] = (composite.advance, getattr(glyph, "xMin", 0))
    out = io.BytesIO()
    font.save(out)
    font.close()
    return out.getvalue(), places


_COMPONENT_FLAGS = 0x0002 | 0x0004
"""Arguments are offsets, rounded to the grid."""


def to_unicode(texts: dict[int, str]) -> bytes:
    """Return the ToUnicode CMap of ``texts`` (CID → text). Source: Adobe Technical Note 5411."""
    lines = [b"<%04X><%s>" % (cid, _utf16_hex(text)) for cid, text in sorted(texts.items())]
    blocks = [lines[i : i + 100] for i in range(0, len(lines), 100)]
    body = b"".join(
        b"%d beginbfchar\n%s\nendbfchar\n" % (len(block), b"\n".join(block)) for block in blocks
    )
    return _CMAP_HEAD + body + _CMAP_TAIL


def _utf16_hex(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass").hex().upper().encode("ascii")


_CMAP_HEAD = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000><FFFF>
endcodespacerange
"""
_CMAP_TAIL = b"""endcmap
CMapName currentdict /CMap defineresource pop
end
end
"""


class FontSet:
    """The fonts of one PDF, by key of their face."""

    def __init__(self, library: FontLibrary) -> None:
        self.library = library
        self._fonts: dict[str, PdfFont] = {}
        self._views: dict[str, FontView] = {}

    def view(self, face: Face) -> FontView:
        """Return the view of ``face``, one per face and PDF."""
        found = self._views.get(face.key)
        if found is None:
            found = self._views[face.key] = FontView(self.font(face), face)
        return found

    def font(self, face: Face) -> PdfFont:
        """Return the font of this PDF that holds the outlines of ``face``."""
        found = self._fonts.get(face.program)
        if found is None:
            resource = RESOURCE_NAMES.get(face.program) or f"F{len(self._fonts)}x"
            found = self._fonts[face.program] = PdfFont(face, resource)
        return found

    def write(self, pdf: StreamedPdf, number: int) -> None:
        """Embed all used fonts; object ``number`` becomes the font resource dictionary."""
        resources: dict[str, Ref] = {}
        for font in self._fonts.values():
            if font.used:
                resources |= font.write(pdf)
        pdf.put(number, dictionary(resources))
