"""One PDF of the exhibit while it is filled: pages, anchors, bookmarks, pictures, late numbers.

Pages are written as they fill. What is only known later is written later: page numbers, Bates
numbers and references to them stand in small streams of their own, so no page waits in memory.
``close`` ends the drawing and frees the fonts; ``finish`` knows which volume of how many this is.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from evidence.render.fonts import Face, FontLibrary
from evidence.render.fontset import FontSet, FontView, escape
from evidence.render.images import emoji_xobject
from evidence.render.metadata import pdf_date, srgb_profile, xmp
from evidence.render.pdf import Raw, Ref, StreamedPdf, array_of, dictionary, name, nested, number
from evidence.render.pdf import text as pdf_text
from evidence.render.sheet import SOFT, Geometry, Link, Strip, StripBuilder
from evidence.render.text import TextEngine, TextStyle

FRONT, BODY, BACK = 0, 1, 2
_NO_LINKS: list[tuple[float, float, float, float, str]] = []
_NO_XOBJECTS: set[str] = set()


@dataclass(slots=True)
class Page:
    """One page that was begun. Numbers are object numbers."""

    part: int
    number: int
    footer: int
    links: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    xobjects: set[str] = field(default_factory=set)
    content: int = 0


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An outline entry; level 0 is the outermost."""

    level: int
    title: str
    page: Page
    y: float


@dataclass(frozen=True, slots=True)
class Wording:
    """The few words that stand on every page."""

    page_of: str
    """With ``{page}`` and ``{pages}``."""
    footer: str
    stamp: str = ""
    """Lines printed at the head of every page, for example that keys are for development."""
    volume_of: str = "{number}/{of}"
    """With ``{number}`` and ``{of}``."""


class LateText:
    """Encodes text after the fonts were written; only characters it was given before."""

    def __init__(self, view: FontView, characters: str) -> None:
        self.resource = view.resource
        self._codes = {c: view.plain[ord(c)].encode("utf-16-be") for c in set(characters)}
        self._widths = {c: view.widths[c] for c in self._codes}

    def width(self, text: str, size: float) -> float:
        """Return the width of ``text`` in points."""
        return sum(self._widths[c] for c in text) * size

    def ops(self, text: str, x: float, y: float, size: float) -> bytes:
        """Return a text object that draws ``text`` with its baseline start at (x, y)."""
        codes = escape(b"".join(self._codes[c] for c in text))
        resource = self.resource.encode("ascii")
        return b"BT /%s %g Tf %.2f %.2f Td (%s) Tj ET" % (resource, size, x, y, codes)


class Volume:
    """A PDF being filled."""

    def __init__(
        self,
        path: Path,
        *,
        library: FontLibrary,
        sheet: Geometry,
        wording: Wording,
        bates_prefix: str,
        forms: str,
        cjk_first: bool,
        watermark: str = "",
    ) -> None:
        self.pdf = StreamedPdf(path)
        self.path = path
        self.sheet = sheet
        self.fonts = FontSet(library)
        self.engine = TextEngine(self.fonts, self._emoji, forms=forms, cjk_first=cjk_first)
        self.pages: list[Page] = []
        self.anchors: dict[str, tuple[Page, float]] = {}
        self.bookmarks: list[Bookmark] = []
        self.missing: Counter[int] = Counter()
        self.part = BODY
        self.header_left = ""
        self.header_right = ""
        self.first_missing: dict[int, Page] = {}
        self._wording = wording
        self._xobjects: dict[str, int] = {}
        self._late: list[tuple[int, str, float]] = []
        self._resolved: list[tuple[int, Page | None, float]] = []
        self._parent = self.pdf.reserve()
        self._font_resources = self.pdf.reserve()
        words = wording.page_of.format(page="", pages="")
        view = self.engine._plain_view(words, TextStyle(7.5)) or self.engine._sans
        self._late_words = LateText(view, words + "0123456789")
        self._late_bates = LateText(self.engine._sans, bates_prefix + "-0123456789")
        words = wording.volume_of.format(number="", of="")
        view = self.engine._plain_view(words, TextStyle(12)) or self.engine._sans
        self._late_volume = LateText(view, words + "0123456789")
        self._volume_label = 0
        self._current: Page | None = None
        self._frame: tuple[tuple[str, str], Strip] | None = None
        self._content: list[bytes] = []
        self._y = 0.0
        self._watermark = ""
        if watermark:
            self._watermark = self._draw_watermark(watermark)

    # ---- filling --------------------------------------------------------------------------------

    @property
    def room(self) -> float:
        """Height left on the current page; 0 when none is open."""
        return self._y - self.sheet.bottom if self._current is not None else 0.0

    @property
    def page(self) -> Page:
        """The current page."""
        if self._current is None:
            self.begin_page()
        assert self._current is not None  # noqa: S101  # begin_page has just set it
        return self._current

    def begin_page(self) -> None:
        """End the current page and open the next."""
        self.end_page()
        page = Page(self.part, self.pdf.reserve(), self.pdf.reserve())
        self.pages.append(page)
        self._current = page
        self._content = []
        if self._watermark:
            page.xobjects.add(self._watermark)
            self._content.append(b"/%s Do" % self._watermark.encode("ascii"))
        self._y = self.sheet.height - self.sheet.top
        self._draw_frame()

    def place(self, strip: Strip, *, resume: Strip | None = None) -> None:
        """Put a strip below the last, on a new page when it does not fit.

        resume: stands at the head of that page, to say what goes on there.
        """
        if self._current is None or strip.height > self._y - self.sheet.bottom:
            self.begin_page()
            if resume is not None:
                self._put(resume)
        self._put(strip)

    def skip(self, height: float) -> None:
        """Leave white space, unless at the head of a page."""
        if self._current is not None and self._y < self.sheet.height - self.sheet.top:
            self._y -= height

    def bookmark(self, level: int, title: str) -> None:
        """Add an outline entry that leads to the current place."""
        self.bookmarks.append(Bookmark(level, title[:200], self.page, self._y + 6))

    def _put(self, strip: Strip) -> None:
        page, left, y = self.page, self.sheet.left, self._y
        self._content.append(b"q 1 0 0 1 %.2f %.2f cm\n%s\nQ" % (left, y, strip.ops))
        page.xobjects.update(strip.xobjects)
        for link in strip.links:
            self._link(page, link, left, y)
        for anchor in strip.anchors:
            self.anchors[anchor] = (page, y + 4)
        if self.engine.missing:
            self._count_missing(page)
        self._y = y - strip.height

    def draw(self, ops: bytes, xobjects: tuple[str, ...] = ()) -> None:
        """Draw on the current page in page coordinates."""
        self.page.xobjects.update(xobjects)
        self._content.append(b"q\n%s\nQ" % ops)

    @staticmethod
    def _link(page: Page, link: Link, left: float, y: float) -> None:
        page.links.append((left + link.x0, y + link.y0, left + link.x1, y + link.y1, link.target))

    def _count_missing(self, page: Page) -> None:
        for code_point, count in self.engine.missing.items():
            self.missing[code_point] += count
            self.first_missing.setdefault(code_point, page)
        self.engine.missing.clear()

    def end_page(self) -> None:
        """Write the current page's content."""
        if self._current is None:
            return
        self._current.content = self.pdf.reserve()
        self.pdf.put_content(self._current.content, b"\n".join(self._content))
        self._current, self._content = None, []

    def _draw_frame(self) -> None:
        """Draw header, footer line and stamp of the page; the last frame is kept."""
        key = (self.header_left, self.header_right)
        if self._frame is None or self._frame[0] != key:
            self._frame = (key, self._make_frame())
        strip = self._frame[1]
        self.draw(strip.ops, strip.xobjects)

    def _make_frame(self) -> Strip:
        sheet, engine = self.sheet, self.engine
        small = TextStyle(7.5)
        top = sheet.height - sheet.top + 22
        right = sheet.width - sheet.right
        half = sheet.measure / 2 - 8
        builder = StripBuilder()
        builder.text(engine.line(self.header_left, small, half), sheet.left, top, SOFT)
        builder.text_right(engine.line(self.header_right, small, half), right, top, SOFT)
        foot = engine.line(self._wording.footer, TextStyle(6.6, mono=True))
        middle = sheet.left + (sheet.measure - foot.width) / 2
        builder.text(foot, middle, sheet.bottom - 26, SOFT)
        for i, text in enumerate(filter(None, self._wording.stamp.split("\n"))):
            stamp = engine.line(text, TextStyle(7.5, bold=True), sheet.measure)
            x = sheet.left + (sheet.measure - stamp.width) / 2
            builder.text(stamp, x, top + 13 + 11 * i)
        for y in (top - 6, sheet.bottom - 14):
            builder.rule(sheet.left, right, y)
        return builder.build(0)

    # ---- pictures and late text -----------------------------------------------------------------

    def add_xobject(self, resource: str, number: int) -> str:
        """Make XObject ``number`` known as ``resource`` and return that name."""
        self._xobjects[resource] = number
        return resource

    def has_xobject(self, resource: str) -> bool:
        """Return whether an XObject of that name was added."""
        return resource in self._xobjects

    def _emoji(self, glyph: int) -> str:
        resource = f"E{glyph}"
        if resource not in self._xobjects:
            face = self.fonts.library.emoji
            assert face is not None  # noqa: S101  # a glyph number came from this face
            self._xobjects[resource] = emoji_xobject(self.pdf, face, glyph)
        return resource

    def late_label(self, target: str, size: float) -> str:
        """Return the name of a form that will show the Bates number of anchor ``target``."""
        number = self.pdf.reserve()
        self._late.append((number, target, size))
        return self.add_xobject(f"L{number}", number)

    def volume_label(self) -> str:
        """Return the name of a form that will say which volume of how many this is."""
        self._volume_label = self.pdf.reserve()
        return self.add_xobject("V", self._volume_label)

    def bates_width(self, label: str, size: float) -> float:
        """Return how wide a Bates label will be."""
        return self._late_bates.width(label, size)

    def _draw_watermark(self, text: str) -> str:
        """Write a form with ``text`` as outlines across the page: seen, but never in the text."""
        sheet = self.sheet
        face = self.fonts.library.face("sans-bold")
        if any(not face.covers(ord(c)) for c in text):
            face = self.fonts.library.face("cjk-zh-Hans")
        outlines, width = text_outlines(face, text)
        scale = min(sheet.height * 0.72 / max(width, 1), 0.075)
        cos, sin = 0.5736, 0.8192
        ops = b"0.95 g q %.5f %.5f %.5f %.5f %.2f %.2f cm\n%s\nQ" % (
            cos * scale, sin * scale, -sin * scale, cos * scale,
            sheet.width / 2 - cos * width * scale / 2,
            sheet.height / 2 - sin * width * scale / 2,
            outlines,
        )  # fmt: skip
        entries = _form_entries(sheet.width, sheet.height)
        return self.add_xobject("W", self.pdf.add_stream(entries, ops))

    # ---- closing --------------------------------------------------------------------------------

    def ordered(self) -> list[Page]:
        """Return the pages as they will be bound: front, body, back."""
        return sorted(self.pages, key=lambda page: page.part)

    def close(self) -> None:
        """Write fonts and page dictionaries; nothing can be drawn afterwards."""
        self.end_page()
        self.fonts.write(self.pdf, self._font_resources)
        for page in self.pages:
            self._write_page(page)
            page.links, page.xobjects = _NO_LINKS, _NO_XOBJECTS
        self._resolved = [
            (form, found[0] if (found := self.anchors.get(target)) else None, size)
            for form, target, size in self._late
        ]
        self._late, self.anchors, self._xobjects = [], {}, {}
        del self.engine, self.fonts
        self.pdf.release()

    def _write_page(self, page: Page) -> None:
        """Write a page dictionary as bytes: there are thousands of them."""
        xobjects = b" ".join(
            b"/%s %d 0 R" % (key.encode("ascii"), self._xobjects[key])
            for key in sorted(page.xobjects)
        )
        annotations = [found for link in page.links if (found := self._annotation(*link))]
        links = b" ".join(b"%d 0 R" % self.pdf.add(a) for a in annotations)
        self.pdf.put(
            page.number,
            b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Resources<</Font %d 0 R%s>>"
            b"/Contents[%d 0 R %d 0 R]%s>>"
            % (
                self._parent, number(self.sheet.width), number(self.sheet.height),
                self._font_resources, b"/XObject<<%s>>" % xobjects if xobjects else b"",
                page.content, page.footer, b"/Annots[%s]/Tabs/S" % links if links else b"",
            ),
        )  # fmt: skip

    def _annotation(self, x0: float, y0: float, x1: float, y1: float, target: str) -> bytes | None:
        """Return a link annotation, or None when its target is in another volume."""
        head = b"<</Type/Annot/Subtype/Link/F 4/Border[0 0 0]/Rect[%.1f %.1f %.1f %.1f]" % (
            x0, y0, x1, y1,
        )  # fmt: skip
        if target.startswith("https://"):
            uri = target.encode("ascii", "ignore").replace(b"\\", b"").replace(b"(", b"")
            return head + b"/A<</S/URI/URI(%s)>>>>" % uri.replace(b")", b"")
        if target not in self.anchors:
            return None
        page, y = self.anchors[target]
        return head + b"/Dest[%d 0 R/XYZ null %.1f null]>>" % (page.number, y)

    def rename(self, path: Path) -> None:
        """Move the unfinished file to ``path``."""
        self.pdf.release()
        self.path.replace(path)
        self.path = self.pdf.path = path

    def discard(self) -> None:
        """Throw the unfinished file away."""
        self.pdf.release()
        self.path.unlink(missing_ok=True)

    def finish(
        self,
        *,
        bates_first: int,
        number: int,
        of: int,
        embedded: Mapping[str, tuple[bytes, str]],
        about: Metadata,
    ) -> None:
        """Write numbers, metadata, embedded files and the table, and close the file.

        embedded: name → (bytes, media type).
        """
        pages = self.ordered()
        label = about.bates_label
        for index, page in enumerate(pages):
            self._write_footer(page, index, len(pages), label(bates_first + index))
        places = {page.number: index for index, page in enumerate(pages)}
        self._write_late(places, bates_first, label)
        if self._volume_label:
            self._write_volume_label(number, of)
        kids = array_of([Ref(page.number) for page in pages])
        tree = {"Type": name("Pages"), "Count": len(pages), "Kids": kids}
        self.pdf.put(self._parent, dictionary(tree))
        date = Raw(b"(" + pdf_date(about.created).encode("ascii") + b")")
        info = {
            "Title": pdf_text(about.title),
            "Author": pdf_text(about.creator),
            "Producer": pdf_text(about.producer),
            "Creator": pdf_text(about.producer),
            "CreationDate": date,
            "ModDate": date,
        }
        info_number = self.pdf.add(dictionary(info))
        catalog = self._catalog(about, embedded, date)
        digest = hashlib.sha256(f"{about.identifier}|{number}|{of}|{len(pages)}".encode()).digest()
        self.pdf.finish(root=catalog, info=info_number, file_id=digest[:16])

    def _write_volume_label(self, number: int, of: int) -> None:
        entries = _form_entries(400, 30)
        entries["Resources"] = nested({"Font": Ref(self._font_resources)})
        words = self._wording.volume_of.format(number=number, of=of)
        ops = b"0 g " + self._late_volume.ops(words, 0, 4, 12)
        self.pdf.put_stream(self._volume_label, entries, ops, compress=False)

    def _write_footer(self, page: Page, index: int, pages: int, bates: str) -> None:
        sheet = self.sheet
        words = self._wording.page_of.format(page=index + 1, pages=pages)
        y = sheet.bottom - 26
        right = sheet.width - sheet.right - self._late_bates.width(bates, 9)
        ops = b"q 0.36 g %s 0 g %s Q" % (
            self._late_words.ops(words, sheet.left, y, 7.5),
            self._late_bates.ops(bates, right, y, 9),
        )
        self.pdf.put(page.footer, b"<</Length %d>>\nstream\n%s\nendstream" % (len(ops), ops))

    def _write_late(
        self, places: dict[int, int], bates_first: int, bates_label: BatesLabel
    ) -> None:
        for form, page, size in self._resolved:
            label = bates_label(bates_first + places[page.number]) if page else ""
            entries = _form_entries(200, 20)
            entries["Resources"] = nested({"Font": Ref(self._font_resources)})
            ops = b"0 g " + self._late_bates.ops(label, 0, 4, size)
            self.pdf.put_stream(form, entries, ops, compress=False)

    def _catalog(
        self, about: Metadata, embedded: Mapping[str, tuple[bytes, str]], date: Raw
    ) -> int:
        pdf = self.pdf
        packet = xmp(
            title=about.title, creator=about.creator, producer=about.producer,
            identifier=about.identifier, language=about.language, created=about.created,
        )  # fmt: skip
        profile = pdf.add_stream({"N": 3}, srgb_profile())
        intent = {
            "Type": name("OutputIntent"),
            "S": name("GTS_PDFA1"),
            "OutputConditionIdentifier": Raw(b"(sRGB)"),
            "Info": Raw(b"(sRGB IEC61966-2.1)"),
            "RegistryName": Raw(b"(http://www.color.org)"),
            "DestOutputProfile": Ref(profile),
        }
        metadata = {"Type": name("Metadata"), "Subtype": name("XML")}
        entries: dict[str, object] = {
            "Type": name("Catalog"),
            "Pages": Ref(self._parent),
            "Lang": pdf_text(about.language),
            "Metadata": Ref(pdf.add_stream(metadata, packet, compress=False)),
            "OutputIntents": array_of([nested(intent)]),
            "ViewerPreferences": Raw(b"<</DisplayDocTitle true>>"),
        }
        files = [(key, *embedded[key]) for key in sorted(embedded)]
        if files:
            specs = [
                (key, pdf.add(_file_spec(pdf, key, data, media, date)))
                for key, data, media in files
            ]
            entries["AF"] = array_of([Ref(spec) for _, spec in specs])
            names = [item for key, spec in specs for item in (pdf_text(key), Ref(spec))]
            entries["Names"] = nested({"EmbeddedFiles": nested({"Names": array_of(names)})})
        outlines = write_outlines(pdf, sorted(self.bookmarks, key=lambda b: b.page.part))
        if outlines:
            entries["Outlines"] = Ref(outlines)
            entries["PageMode"] = name("UseOutlines")
        return pdf.add(dictionary(entries))


class BatesLabel:
    """Turns a page number of the matter into its label."""

    def __init__(self, prefix: str, digits: int) -> None:
        self._prefix, self._digits = prefix, digits

    def __call__(self, number: int) -> str:
        """Return the label of page ``number``."""
        return f"{self._prefix}-{number:0{self._digits}d}"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a finished file says about itself."""

    bates_label: BatesLabel
    title: str
    creator: str
    producer: str
    identifier: str
    language: str
    created: datetime


def volume_note(bundle_id: str, number: int, of: int, selection: str) -> bytes:
    """Return volume.json: enough to say of a lone file which part of what it is."""
    value = {
        "bundle": bundle_id,
        "format": "truethread/volume/v1",
        "of": of,
        "selection": selection,
        "volume": number,
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def _form_entries(width: float, height: float) -> dict[str, object]:
    return {
        "Type": name("XObject"),
        "Subtype": name("Form"),
        "BBox": Raw(b"[0 0 %s %s]" % (number(width), number(height))),
        "Resources": Raw(b"<<>>"),
    }


def _file_spec(pdf: StreamedPdf, key: str, data: bytes, media: str, date: Raw) -> bytes:
    entries = {
        "Type": name("EmbeddedFile"),
        "Subtype": name(media),
        "Params": nested({"Size": len(data), "ModDate": date}),
    }
    file = Ref(pdf.add_stream(entries, data))
    return dictionary(
        {
            "Type": name("Filespec"),
            "F": pdf_text(key),
            "UF": pdf_text(key),
            "Desc": pdf_text(key),
            "AFRelationship": name("Data"),
            "EF": nested({"F": file, "UF": file}),
        }
    )


def write_outlines(pdf: StreamedPdf, bookmarks: list[Bookmark]) -> int:
    """Write the outline tree and return its root's number, or 0 when there is nothing in it."""
    if not bookmarks:
        return 0
    root = pdf.reserve()
    numbers = [pdf.reserve() for _ in bookmarks]
    parents, children = _tree(bookmarks)
    for i, bookmark in enumerate(bookmarks):
        siblings = children[parents[i]]
        at = bisect_left(siblings, i)
        entries: dict[str, object] = {
            "Title": pdf_text(bookmark.title),
            "Parent": Ref(numbers[parents[i]] if parents[i] >= 0 else root),
            "Dest": Raw(b"[%d 0 R/XYZ null %.1f null]" % (bookmark.page.number, bookmark.y)),
        }
        if at > 0:
            entries["Prev"] = Ref(numbers[siblings[at - 1]])
        if at + 1 < len(siblings):
            entries["Next"] = Ref(numbers[siblings[at + 1]])
        own = children.get(i)
        if own:
            entries |= {"First": Ref(numbers[own[0]]), "Last": Ref(numbers[own[-1]])}
            entries["Count"] = -len(own)
        pdf.put(numbers[i], dictionary(entries))
    top = children[-1]
    pdf.put(
        root,
        dictionary(
            {
                "Type": name("Outlines"),
                "First": Ref(numbers[top[0]]),
                "Last": Ref(numbers[top[-1]]),
                "Count": len(top),
            }
        ),
    )
    return root


def _tree(bookmarks: list[Bookmark]) -> tuple[list[int], dict[int, list[int]]]:
    parents: list[int] = []
    children: dict[int, list[int]] = {-1: []}
    path: list[int] = []
    for i, bookmark in enumerate(bookmarks):
        del path[bookmark.level :]
        parent = path[-1] if path else -1
        parents.append(parent)
        children.setdefault(parent, []).append(i)
        path.append(i)
    return parents, children


def text_outlines(face: Face, text: str) -> tuple[bytes, float]:
    """Return ``text`` as filled paths in thousandths of an em, and its width."""
    ops: list[bytes] = []
    pen = 0

    class Pen:
        def moveTo(self, p: tuple[float, float]) -> None:
            self._at = p
            ops.append(b"%.0f %.0f m" % (p[0] + pen, p[1]))

        def lineTo(self, p: tuple[float, float]) -> None:
            self._at = p
            ops.append(b"%.0f %.0f l" % (p[0] + pen, p[1]))

        def curveTo(self, *points: tuple[float, float]) -> None:
            self._at = points[-1]
            flat = [v for x, y in points for v in (x + pen, y)]
            ops.append(b"%.0f %.0f %.0f %.0f %.0f %.0f c" % tuple(flat))

        def qCurveTo(self, c: tuple[float, float], p: tuple[float, float]) -> None:
            (x0, y0), (cx, cy), (x1, y1) = self._at, c, p
            self.curveTo(
                (x0 + (cx - x0) * 2 / 3, y0 + (cy - y0) * 2 / 3),
                (x1 + (cx - x1) * 2 / 3, y1 + (cy - y1) * 2 / 3),
                p,
            )

        def closePath(self) -> None:
            ops.append(b"h")

        endPath = closePath

    for character in text:
        glyph = face.nominal(ord(character)) or 0
        face.font.draw_glyph_with_pen(glyph, Pen())
        pen += face.advance(glyph)
    return b"\n".join([*ops, b"f"]), float(pen)
