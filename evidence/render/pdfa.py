"""Our own checker of the PDF/A-3u rules our files are built to (ISO 19005-3).

It is no validator: it checks the rules listed in ``RULES``, on any PDF, signed ones included, and
says which are broken where. What it does not list it does not know. Needs pikepdf, so it is a tool
for tests and for ``make check``, not part of an export.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf

RULES = {
    "header": "version 1.7, a comment of high bytes after it (6.1.2)",
    "trailer": "a file identifier, no encryption (6.1.3)",
    "xref": "classic cross-reference table, no object streams (strict verifiers; A-3 allows them)",
    "stream": "an end of line before endstream, Length exact (6.1.7.1)",
    "filter": "no LZW, no Crypt filter (6.1.7.2)",
    "intent": "an output intent with an embedded RGB profile (6.2.3)",
    "font": "every font embedded, Identity-H with CIDToGIDMap where TrueType (6.2.11)",
    "unicode": "every drawn code has a glyph other than .notdef and a Unicode text (6.2.11.7, .8)",
    "width": "widths in the dictionary are those of the font program (6.2.11.5)",
    "image": "no interpolation, alternates or device CMYK (6.2.8, 6.2.4)",
    "annotation": "printed, never hidden, known kinds only, one appearance (6.3)",
    "action": "no script, launch, sound or movie (6.5)",
    "metadata": "an unfiltered XMP packet saying part 3, level U, equal to the Info title (6.6)",
    "embedded": "embedded files have a media type, a relationship and stand in AF (6.8)",
    "language": "the catalog names a language",
}
_FORBIDDEN_ACTIONS = {"/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData",
                      "/Hide", "/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView"}  # fmt: skip
_ANNOTATIONS = {"/Link", "/Widget"}


def check(path: Path) -> list[str]:
    """Return one line per broken rule and place, beginning with the rule's key; empty is good."""
    data = path.read_bytes()
    found = list(_bytes(data))
    with pikepdf.open(path) as pdf:
        found += _document(pdf)
        found += _objects(pdf)
        fonts: dict[Any, _Font] = {}
        for index, page in enumerate(pdf.pages):
            found += _page(pdf, page, index + 1, fonts)
        for font in fonts.values():
            found += font.problems()
    return found


def _bytes(data: bytes) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.7\n%[\x80-\xff]{4}", data):
        yield "header: not 1.7 with a binary comment"
    if b"/ObjStm" in data or re.search(rb"/Type\s*/XRef", data):
        yield "xref: streams instead of a table"
    for match in re.finditer(rb"endstream", data):
        if data[match.start() - 1 : match.start()] not in (b"\n", b"\r"):
            yield f"stream: no end of line before endstream at {match.start()}"


def _document(pdf: pikepdf.Pdf) -> Iterator[str]:
    root = pdf.Root
    if pdf.is_encrypted or "/ID" not in pdf.trailer:
        yield "trailer: encrypted, or no /ID"
    if not str(root.get("/Lang", "")):
        yield "language: no /Lang"
    if "/OpenAction" in root or "/AA" in root:
        yield "action: the catalog acts on opening"
    intents = list(root.get("/OutputIntents", []))
    if not any(int(i.DestOutputProfile.N) == 3 for i in intents if "/DestOutputProfile" in i):
        yield "intent: no RGB output intent"
    yield from _metadata(pdf)
    yield from _embedded(root)


def _metadata(pdf: pikepdf.Pdf) -> Iterator[str]:
    stream = pdf.Root.get("/Metadata")
    if stream is None or "/Filter" in stream:
        yield "metadata: no packet, or a filtered one"
        return
    packet = bytes(stream.read_raw_bytes()).decode("utf-8", "replace")
    part = re.search(r"pdfaid:part(?:>|=\")(\d)", packet)
    level = re.search(r"pdfaid:conformance(?:>|=\")(\w)", packet)
    if not part or not level or (part[1], level[1]) != ("3", "U"):
        yield "metadata: not marked PDF/A-3u"
    title = str(pdf.docinfo.get("/Title", ""))
    escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if escaped not in packet:
        yield "metadata: title differs from Info"


def _embedded(root: Any) -> Iterator[str]:
    associated = {spec.objgen for spec in root.get("/AF", [])}
    names = root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names", [])
    for label, spec in zip(names[::2], names[1::2], strict=True):
        file = spec.EF.get("/F")
        if spec.objgen not in associated or "/AFRelationship" not in spec:
            yield f"embedded: {label} is not associated"
        if "/UF" not in spec or file is None or "/" not in str(file.get("/Subtype", ""))[1:]:
            yield f"embedded: {label} has no name or media type"


def _objects(pdf: pikepdf.Pdf) -> Iterator[str]:
    for item in pdf.objects:
        if not isinstance(item, (pikepdf.Dictionary, pikepdf.Stream)):
            continue
        if str(item.get("/S", "")) in _FORBIDDEN_ACTIONS:
            yield f"action: {item.get('/S')} in {item.objgen}"
        if isinstance(item, pikepdf.Stream):
            yield from _stream(item)


def _stream(item: Any) -> Iterator[str]:
    filters = item.get("/Filter", [])
    names = [str(filters)] if isinstance(filters, pikepdf.Name) else [str(f) for f in filters]
    if {"/LZWDecode", "/Crypt"} & set(names):
        yield f"filter: {names} in {item.objgen}"
    if len(item.read_raw_bytes()) != int(item.Length):
        yield f"stream: Length of {item.objgen} is wrong"
    if str(item.get("/Subtype", "")) == "/Image":
        if item.get("/Interpolate", False) or "/Alternates" in item:
            yield f"image: {item.objgen} interpolates or has alternates"
        if str(item.get("/ColorSpace", "")) == "/DeviceCMYK":
            yield f"image: {item.objgen} is CMYK"


def _page(pdf: pikepdf.Pdf, page: Any, number: int, fonts: dict[Any, _Font]) -> Iterator[str]:
    for annotation in page.obj.get("/Annots", []):
        flags = int(annotation.get("/F", 0))
        if str(annotation.Subtype) not in _ANNOTATIONS or not flags & 4 or flags & 0b100011:
            yield f"annotation: {annotation.Subtype} on page {number}, flags {flags}"
        yield from _appearance(annotation, f"annotation on page {number}", fonts)
    yield from _content(page.obj, page.obj.Resources, f"page {number}", fonts)


def _appearance(annotation: Any, where: str, fonts: dict[Any, _Font]) -> Iterator[str]:
    """Check how an annotation looks: one normal appearance, drawn by the rules of a page (6.3.3)."""
    looks = annotation.get("/AP")
    if looks is None:
        return
    if set(looks.keys()) != {"/N"} or not isinstance(looks.N, pikepdf.Stream):
        yield f"annotation: more than a normal appearance, {where}"
        return
    yield from _content(looks.N, looks.N.get("/Resources", pikepdf.Dictionary()), where, fonts)


def _content(owner: Any, resources: Any, where: str, fonts: dict[Any, _Font]) -> Iterator[str]:
    known = resources.get("/Font", {})
    current: _Font | None = None
    for instruction in pikepdf.parse_content_stream(owner):
        operands: Any = instruction.operands
        name = str(instruction.operator)
        if name == "Tf":
            raw = known.get(str(operands[0]))
            if raw is None:
                yield f"font: {operands[0]} is not in the resources of {where}"
                current = None
                continue
            current = fonts.setdefault(raw.objgen, _Font(raw))
        elif name == "Tj" and current is not None:
            current.use(bytes(operands[0]), where)
        elif name == "TJ" and current is not None:
            for piece in operands[0]:
                if isinstance(piece, pikepdf.String):
                    current.use(bytes(piece), where)
        elif name == "Do":
            drawn = resources.XObject[str(operands[0])]
            if str(drawn.Subtype) == "/Form":
                inside = drawn.get("/Resources", pikepdf.Dictionary())
                yield from _content(drawn, inside, f"{where} form", fonts)


class _Font:
    """A font as it was used on the pages."""

    def __init__(self, font: Any) -> None:
        self.font = font
        self.codes: dict[int, str] = {}

    def use(self, codes: bytes, where: str) -> None:
        """Note two-byte codes drawn at ``where``."""
        for i in range(0, len(codes), 2):
            self.codes.setdefault(int.from_bytes(codes[i : i + 2], "big"), where)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with the font or with codes drawn in it."""
        label = str(self.font.get("/BaseFont", "?"))
        if str(self.font.Subtype) != "/Type0" or "/ToUnicode" not in self.font:
            yield f"font: {label} is not Type0 with ToUnicode"
            return
        inner = self.font.DescendantFonts[0]
        file = inner.FontDescriptor.get("/FontFile2") or inner.FontDescriptor.get("/FontFile3")
        if file is None or str(self.font.Encoding) != "/Identity-H":
            yield f"font: {label} is not embedded or not Identity-H"
            return
        truetype = str(inner.Subtype) == "/CIDFontType2"
        if truetype and "/CIDToGIDMap" not in inner:
            yield f"font: {label} has no CIDToGIDMap"
            return
        program = _Program(bytes(file.read_bytes()), inner if truetype else None)
        yield from self._codes(label, program, _widths(inner))

    def _codes(self, label: str, program: _Program, widths: dict[int, int]) -> Iterator[str]:
        texts = _unicode_map(bytes(self.font.ToUnicode.read_bytes()))
        for code, where in self.codes.items():
            text = texts.get(code, "")
            if not text or {"\0", "\ufeff", "\ufffe"} & set(text):
                yield f"unicode: code {code:04X} of {label} on {where} has no text"
            width = program.width(code)
            if width is None:
                yield f"unicode: code {code:04X} of {label} on {where} has no glyph"
            elif abs(width - widths.get(code, 1000)) > 1:
                yield f"width: code {code:04X} of {label}: {widths.get(code)} is not {width}"


class _Program:
    """An embedded font program, asked for the width of a CID."""

    def __init__(self, data: bytes, descendant: Any) -> None:
        import io

        from fontTools.cffLib import CFFFontSet
        from fontTools.ttLib import TTFont

        self._map = bytes(descendant.CIDToGIDMap.read_bytes()) if descendant is not None else b""
        self._font, self._top = None, None
        if descendant is not None:
            self._font = TTFont(io.BytesIO(data))
            self._order = self._font.getGlyphOrder()
        else:
            fonts = CFFFontSet()
            fonts.decompile(io.BytesIO(data), None)
            self._top = fonts[0]

    def width(self, cid: int) -> int | None:
        """Return the advance of a CID, or None when it is .notdef."""
        if self._font is not None:
            glyph = int.from_bytes(self._map[2 * cid : 2 * cid + 2], "big")
            return int(self._font["hmtx"][self._order[glyph]][0]) if glyph else None
        name = f"cid{cid:05d}"
        if self._top is None or name not in self._top.CharStrings.charStrings or not cid:
            return None
        return self._cff_width(name)

    def _cff_width(self, name: str) -> int:
        from fontTools.pens.basePen import NullPen

        assert self._top is not None  # noqa: S101  # only called for CFF
        string = self._top.CharStrings[name]
        string.draw(NullPen())
        return int(string.width)


def _widths(descendant: Any) -> dict[int, int]:
    found: dict[int, int] = {}
    items = list(descendant.get("/W", []))
    for first, widths in zip(items[::2], items[1::2], strict=True):
        for i, width in enumerate(widths):
            found[int(first) + i] = int(width)
    return found


def _unicode_map(data: bytes) -> dict[int, str]:
    """Return code → text of a ToUnicode CMap, single characters and plain ranges."""
    found: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", data, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]*)>", block):
            found[int(code, 16)] = _utf16(text)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", data, re.DOTALL):
        pattern = rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]{4})>"
        for first, last, text in re.findall(pattern, block):
            for step in range(int(last, 16) - int(first, 16) + 1):
                found[int(first, 16) + step] = chr(int(text, 16) + step)
    return found


def _utf16(text: bytes) -> str:
    if len(text) % 4:
        return ""
    return bytes.fromhex(text.decode("ascii")).decode("utf-16-be", "surrogatepass")


def main(arguments: list[str]) -> int:
    """Check the named files; return the number of broken rules, 99 at most."""
    count = 0
    for argument in arguments:
        for problem in check(Path(argument)):
            sys.stdout.write(f"{argument}: {problem}\n")
            count += 1
    return min(count, 99)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
