"""Text to lines of PDF operators: right in every script, or loudly marked.

Plain text (no shaping, no bidi, no fallback: most of any chat) takes the fast way: one regular
expression decides, widths are accumulated and bisected, one ``Tj`` draws the line. All other text
goes cluster by cluster: font by coverage, HarfBuzz for runs that need shaping, UAX #9 for order,
UAX #14 for line ends, ToUnicode per (glyph, text).

What cannot be seen is made visible: controls, bidi controls and other invisible characters, lone
surrogates and characters without a glyph are drawn as ``[U+202E]`` on a grey ground.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import regex
import uharfbuzz as hb

from evidence.render.bidi import closing_bracket, levels, needs_bidi, paragraph_level, visual_order
from evidence.render.copied import CLOSING, stretches
from evidence.render.coverage import plain_sets
from evidence.render.fonts import FALLBACKS, Face
from evidence.render.fontset import Composite, FontSet, FontView, PdfFont, escape
from evidence.render.linebreak import may_break

_CLUSTER = regex.compile(r"\X")
_EMOJI = regex.compile(
    r"[0-9#*]\uFE0F?\u20E3|\p{RI}\p{RI}|.*[\p{Emoji_Presentation}\uFE0F].*|.+\u200D.+", regex.DOTALL
)
_INVISIBLE = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u2800\uFFFC]"
)
_JOINERS = "\u200c\u200d"
_SPACES = regex.compile(r"[\p{Zs}\t]")
_LETTER = re.compile("[A-Za-z]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_PARAGRAPHS = re.compile("\r\n|\n")
_COMPLEX_SCRIPTS = regex.compile(
    r"[\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Tamil}\p{Telugu}\p{Khmer}"
    r"\p{Myanmar}\p{Thai}\p{Lao}\p{Sinhala}\p{Malayalam}\p{Kannada}\p{Gujarati}\p{Gurmukhi}]"
)
_MAX_MARKS = 6
"""More combining marks on one base than this are drawn as code points: they would cover others."""

STROKE = 0.024
"""Width of the outline, in ems, that makes a bold of fonts that have none."""
EMOJI_ADVANCE = 1.25
EMOJI_WIDTH = 1.16


class TextStyle(NamedTuple):
    """Size in points and cut; colour belongs to whoever places the line."""

    size: float
    bold: bool = False
    mono: bool = False


class Line(NamedTuple):
    """One line, relative to its start on the baseline, in points."""

    ops: bytes
    """Text operators for inside BT … ET, after the text matrix is set."""
    width: float
    rtl: bool = False
    boxes: tuple[tuple[float, float], ...] = ()
    """(x, width) of grey grounds."""
    images: tuple[tuple[str, float, float], ...] = ()
    """(resource, x, width) of emoji."""


class Glyph(NamedTuple):
    """One drawn glyph in thousandths of an em."""

    resource: str
    cid: int
    nominal: int
    advance: int
    dx: int
    dy: int


class Unit(NamedTuple):
    """What a line break never splits. Exactly one of view, glyphs and image is set."""

    text: str
    advance: float
    level: int
    view: FontView | None = None
    glyphs: tuple[Glyph, ...] = ()
    image: str = ""
    boxed: bool = False
    edge: str = ""
    """Stands for the text when a line end is sought ("" for the text itself)."""


def code_point_mark(character: str) -> str:
    """Return what is drawn for a character that cannot be shown."""
    return f"[U+{ord(character):04X}]"


class TextEngine:
    """Sets text for one PDF.

    forms: which Han forms to draw, a key of CJK_FACES; may be changed between texts.
    emoji_image: returns the resource name of an emoji glyph's picture, embedding it once.
    missing counts characters without a glyph since it was last cleared.
    """

    def __init__(
        self,
        fonts: FontSet,
        emoji_image: Callable[[int], str],
        *,
        forms: str = "zh-Hans",
        cjk_first: bool = False,
    ) -> None:
        self.fonts = fonts
        self.library = fonts.library
        self.sets = plain_sets(fonts.library)
        self.cjk_first = cjk_first
        self.missing: Counter[int] = Counter()
        self._emoji_image = emoji_image
        self._shaped: dict[tuple[str, str, int], list[Unit]] = {}
        self._emoji_glyphs: dict[str, int] = {}
        self._buffer_language = "und"
        self._sans = fonts.view(self.library.face("sans"))
        self._bold = fonts.view(self.library.face("sans-bold"))
        self._mono = fonts.view(self.library.face("mono"))
        self.set_forms(forms)

    def set_forms(self, forms: str, *, guess: bool = False) -> None:
        """Draw Han characters in the forms of ``forms`` from now on.

        guess: text with kana is drawn in Japanese forms all the same.
        """
        self.forms, self.guess_forms = forms, guess
        self._japanese = self.fonts.view(self.library.face("cjk-ja"))
        self._cjk = self.fonts.view(self.library.face(f"cjk-{forms}"))
        self._faces: dict[str, Face | None] = {}
        self._order = [
            self.library.face("sans"),
            self._cjk.face,
            *(self.library.face(key) for key in FALLBACKS),
        ]

    def lines(self, text: str, width: float, style: TextStyle) -> list[Line]:
        """Return ``text`` as lines no wider than ``width`` points; an empty text is one line."""
        if "\n" not in text:
            return self._paragraph(text, width, style)
        found: list[Line] = []
        for paragraph in _PARAGRAPHS.split(text):
            found += self._paragraph(paragraph, width, style)
        return found

    def line(self, text: str, style: TextStyle, max_width: float = 1e9) -> Line:
        """Return ``text`` as one line, cut with an ellipsis where it is wider than ``max_width``."""
        text = text.replace("\r\n", "\n").replace("\n", " ")
        most = int(12 + max_width / style.size * 4)
        cut = len(text) > most
        text = text[:most]
        found = self._paragraph(text.rstrip() + "…" if cut else text, 1e9, style)[0]
        while found.width > max_width and text:
            keep = min(len(text) - 1, int(len(text) * max_width / found.width))
            text = text[: max(keep, 0)]
            found = self._paragraph(text.rstrip() + "…", 1e9, style)[0]
        return found

    def _paragraph(self, text: str, width: float, style: TextStyle) -> list[Line]:
        view = self._plain_view(text, style)
        if view is not None:
            return self._plain_lines(text, width, style, view)
        return self._unit_lines(text, width, style)

    def _plain_view(self, text: str, style: TextStyle) -> FontView | None:
        sets = self.sets
        if style.mono and text.isascii() and text.isprintable():
            return self._mono
        latin = self._bold if style.bold else self._sans
        if self.cjk_first:
            if sets.cjk_text.fullmatch(text):
                return None if style.bold and _LETTER.search(text) else self._cjk_for(text)
            return latin if sets.latin_text.fullmatch(text) else None
        if sets.latin_text.fullmatch(text):
            return latin
        if not sets.cjk_text.fullmatch(text) or (style.bold and _LETTER.search(text)):
            return None
        return self._cjk_for(text)

    def _cjk_for(self, text: str) -> FontView:
        """Return the CJK view for ``text``: text with kana is Japanese unless forms were named."""
        if self.guess_forms and _KANA.search(text):
            return self._japanese
        return self._cjk

    def _plain_lines(self, text: str, width: float, style: TextStyle, view: FontView) -> list[Line]:
        size = style.size
        limit = width / size
        ends = list(accumulate(map(view.width_of, text)))
        before, after = self._around(view, style)
        if not text:
            return [Line(b"", 0.0)]
        if ends[-1] <= limit:
            ops = b"%s%s Tj%s" % (before, view.encode(text), after)
            return [Line(ops, ends[-1] * size)]
        codes = text.translate(view.plain).encode("utf-16-be", "surrogatepass")
        found = []
        start, done, length = 0, 0.0, len(text)
        while start < length:
            end = self._plain_end(text, start, bisect_right(ends, done + limit, start))
            ops = b"%s(%s) Tj%s" % (before, escape(codes[2 * start : 2 * end]), after)
            found.append(Line(ops, (ends[end - 1] - done) * size))
            start, done = end, ends[end - 1]
        return found

    @staticmethod
    def _plain_end(text: str, start: int, fits: int) -> int:
        """Return where the line from ``start`` ends; ``fits`` is the first index too far right."""
        length = len(text)
        if fits >= length:
            return length
        end = fits
        if text[end] != " ":
            while end > start and not may_break(text[end - 1], text[end]):
                end -= 1
            if end == start:
                return max(fits, start + 1)
        while end < length and text[end] == " ":
            end += 1
        return end

    @staticmethod
    def _around(view: FontView, style: TextStyle) -> tuple[bytes, bytes]:
        """Return operators before and after: the font, and strokes where no bold font exists."""
        return _around(view.resource, style)

    # ---- everything that is not plain -----------------------------------------------------------

    def _unit_lines(self, text: str, width: float, style: TextStyle) -> list[Line]:
        base, line_levels = 0, None
        if needs_bidi(text):
            base = paragraph_level(text)
            line_levels = levels(text, base)
            units = list(self._units(text, style, line_levels))
        else:
            units = self._left_to_right_units(text, width, style)
        found = []
        start, limit = 0, width / style.size
        ends = list(accumulate(unit.advance for unit in units))
        while start < len(units):
            done = ends[start - 1] if start else 0.0
            end = self._unit_end(units, start, bisect_right(ends, done + limit, start))
            found.append(self._unit_line(units[start:end], style, base))
            start = end
        return found or [Line(b"", 0.0)]

    def _left_to_right_units(self, text: str, width: float, style: TextStyle) -> list[Unit]:
        """Return coarse units where the whole text fits one line, otherwise one per character."""
        coarse = list(self._units(text, style, None, coarse=True))
        if sum(unit.advance for unit in coarse) * style.size <= width:
            return coarse
        found: list[Unit] = []
        for unit in coarse:
            if unit.view is None or unit.boxed:
                found.append(unit)
            else:
                widths = unit.view.widths
                found += [Unit(c, widths[c], 0, unit.view) for c in unit.text]
        return found

    @staticmethod
    def _unit_end(units: list[Unit], start: int, fits: int) -> int:
        if fits >= len(units):
            return len(units)
        end = fits
        if units[end].text != " ":
            while end > start and not _may_break_units(units[end - 1], units[end]):
                end -= 1
            if end == start:
                return max(fits, start + 1)
        while end < len(units) and units[end].text == " ":
            end += 1
        return end

    def _units(
        self, text: str, style: TextStyle, line_levels: list[int] | None, *, coarse: bool = False
    ) -> Iterator[Unit]:
        """Yield the units of one paragraph in logical order; coarse: plain stretches unsplit."""
        cjk_first = self.cjk_first or self.sets.han.search(text) is not None
        if style.bold and _LETTER.search(text):
            cjk_first = False  # the sans has a bold cut, the CJK face only outlines
        tokens = self.sets.cjk_first if cjk_first else self.sets.latin_first
        latin = self._mono if style.mono else self._bold if style.bold else self._sans
        cjk = self._cjk_for(text)
        views = {"a": cjk, "b": latin} if cjk_first else {"a": latin, "b": cjk}
        for token in tokens.finditer(text):
            kind = token.lastgroup or "c"
            if kind == "c":
                yield from self._complex(token.group(), token.start(), style, line_levels)
                continue
            view = views[kind]
            if coarse:
                plain = token.group()
                yield Unit(plain, view.width(plain), 0, view)
                continue
            if line_levels is None:
                for character in token.group():
                    yield Unit(character, view.widths[character], 0, view)
                continue
            for place, character in enumerate(token.group(), token.start()):
                yield self._directed(character, view, line_levels[place])

    def _directed(self, character: str, view: FontView, level: int) -> Unit:
        """Return a plain character at ``level``, mirrored where that is odd (rule L4)."""
        mirror = _mirrored(character) if level % 2 else ""
        if not mirror:
            return Unit(character, view.widths[character], level, view)
        glyph = view.face.nominal(ord(mirror)) or 0
        advance = view.face.advance(glyph)
        resource, cid = view.font.pair(glyph, character)
        drawn = (Glyph(resource, cid, advance, advance, 0, 0),)
        return Unit(character, advance / 1000, level, glyphs=drawn)

    def _complex(
        self, text: str, offset: int, style: TextStyle, line_levels: list[int] | None
    ) -> Iterator[Unit]:
        """Yield the units of a stretch that needs fallback, shaping, pictures or marks."""
        run: list[str] = []
        run_face: Face | None = None
        run_level = 0
        place = offset
        for cluster in _CLUSTER.findall(text):
            level = line_levels[place] if line_levels is not None else 0
            place += len(cluster)
            face = self._face_for(cluster)
            if run and (face is not run_face or level != run_level):
                assert run_face is not None  # noqa: S101  # a run is only begun with a face
                yield from self._shape(run, run_face, run_level)
                run = []
            if face is not None:
                run.append(cluster)
                run_face, run_level = face, level
            else:
                yield from self._special(cluster, level, style)
        if run and run_face is not None:
            yield from self._shape(run, run_face, run_level)

    def _face_for(self, cluster: str) -> Face | None:
        """Return the face that draws the whole cluster, or None for pictures, marks and spaces."""
        try:
            return self._faces[cluster]
        except KeyError:
            if len(self._faces) > 20_000:
                self._faces.clear()
            found = self._faces[cluster] = self._find_face(cluster)
            return found

    def _find_face(self, cluster: str) -> Face | None:
        if _EMOJI.fullmatch(cluster) or _SPACES.match(cluster):
            return None
        joined = cluster.strip(_JOINERS) and _COMPLEX_SCRIPTS.search(cluster)
        needed = [c for c in cluster if not (joined and c in _JOINERS)]
        if any(_INVISIBLE.match(c) and not _is_variation(c) for c in needed):
            return None
        if sum(1 for c in cluster if unicodedata.combining(c)) > _MAX_MARKS:
            return None
        for face in self._order:
            if all(face.covers(ord(c)) or _is_variation(c) for c in needed):
                return face if _variation_known(face, cluster) else None
        return None

    def _special(self, cluster: str, level: int, style: TextStyle) -> Iterator[Unit]:
        """Yield the units of a cluster no face draws as it is."""
        glyph = self._emoji_glyph(cluster)
        if glyph:
            image = self._emoji_image(glyph)
            yield Unit(cluster, EMOJI_ADVANCE, level, image=image, edge="中")
            return
        if len(cluster) == 1 and _SPACES.match(cluster):
            yield self._space(cluster, level)
            return
        for character in cluster:
            face = None if _INVISIBLE.match(character) else self._face_for_character(character)
            if face is not None:
                yield from self._shape([character], face, level)
            else:
                yield self._mark(character, level, style)

    def _face_for_character(self, character: str) -> Face | None:
        return next((face for face in self._order if face.covers(ord(character))), None)

    def _emoji_glyph(self, cluster: str) -> int:
        """Return the glyph of the picture for a whole emoji sequence, or 0."""
        found = self._emoji_glyphs.get(cluster)
        if found is None:
            if len(self._emoji_glyphs) > 4_000:
                self._emoji_glyphs.clear()
            found = self._emoji_glyphs[cluster] = self._find_emoji(cluster)
        return found

    def _find_emoji(self, cluster: str) -> int:
        face = self.library.emoji
        if face is None or not _EMOJI.fullmatch(cluster):
            return 0
        buffer = _buffer(cluster, "ltr")
        hb.shape(face.font, buffer)
        glyphs: list[int] = [info.codepoint for info in buffer.glyph_infos]
        if len(glyphs) != 1 or not bytes(face.font.get_glyph_color_png(glyphs[0]).data):
            return 0
        return glyphs[0]

    def _space(self, character: str, level: int) -> Unit:
        """Return a space of any width: drawn as nothing, copied out as it was written."""
        face = next((f for f in self._order if f.covers(ord(character))), self._sans.face)
        width = {"\t": 2000, "\u3000": 1000}.get(character) or face.advance(
            face.nominal(ord(character)) or face.nominal(0x20) or 0
        )
        blank = self._sans.face.nominal(0x20) or 0
        resource, cid = self._sans.font.pair(blank, character)
        nominal = self._sans.face.advance(blank)
        drawn = (Glyph(resource, cid, nominal, width, 0, 0),)
        return Unit(character, width / 1000, level, glyphs=drawn, edge=" ")

    def _mark(self, character: str, level: int, style: TextStyle) -> Unit:
        if not _INVISIBLE.match(character):
            self.missing[ord(character)] += 1
        text = code_point_mark(character)
        return Unit(text, self._mono.width(text) * 0.85, level, self._mono, boxed=True, edge="A")

    def _shape(self, clusters: list[str], face: Face, level: int) -> list[Unit]:
        """Shape one run of one face and level; return its units in logical order.

        Runs end at spaces, so they are words, and words come again: the last ones are kept.
        """
        text = "".join(clusters)
        key = (text, face.key, level)
        found = self._shaped.get(key)
        if found is None:
            found = self._shape_anew(text, clusters, face, level)
            if len(text) <= 32:
                if len(self._shaped) > 4_000:
                    self._shaped.clear()
                self._shaped[key] = found
        return found

    def _shape_anew(self, text: str, clusters: list[str], face: Face, level: int) -> list[Unit]:
        buffer = _buffer(text, "rtl" if level % 2 else "ltr")
        hb.shape(face.font, buffer)
        groups = _groups(buffer, text)
        starts = _unit_starts(clusters, groups)
        return [
            self._shaped_unit(text, first, end, groups, face, level)
            for first, end in zip(starts, [*starts[1:], len(text)], strict=True)
        ]

    def _shaped_unit(
        self, text: str, first: int, end: int, groups: dict[int, list[_Placed]],
        face: Face, level: int,
    ) -> Unit:  # fmt: skip
        inside = sorted(c for c in groups if first <= c < end)
        bounds = [*inside[1:], end]
        pieces = list(zip(inside, bounds, strict=True))
        glyphs: list[Glyph] = []
        for start, stop in reversed(pieces) if level % 2 else pieces:
            glyphs += self._spread(text[start:stop], groups[start], face, level)
        advance = sum(glyph.advance for glyph in glyphs)
        return Unit(text[first:end], advance / 1000, level, glyphs=tuple(glyphs))

    def _spread(self, text: str, placed: list[_Placed], face: Face, level: int) -> list[Glyph]:
        """Return glyphs for one cluster so that reading their texts gives ``text`` back.

        Several glyphs are made one. Right to left, readers that sort by place reverse what they
        see; a ligature then takes the last character, and the others stand behind it on glyphs
        without width. In CFF fonts, which know no composites, glyphs share the characters.
        """
        font = self.fonts.font(face)
        if len(placed) > 1 and not face.is_cff:
            return [self._composed(font, text, placed)]
        shares = _shares(text, len(placed), rtl=level % 2 == 1)
        found = []
        for (glyph, advance, dx, dy), share in zip(placed, shares, strict=False):
            resource, cid = font.pair(glyph, share)
            found.append(Glyph(resource, cid, face.advance(glyph), advance, dx, dy))
        empty = face.nominal(0x200C) or face.nominal(0x20) or 0
        for share in shares[len(placed) :]:
            resource, cid = font.pair(empty, share)
            found.append(Glyph(resource, cid, face.advance(empty), 0, 0, 0))
        return found

    @staticmethod
    def _composed(font: PdfFont, text: str, placed: list[_Placed]) -> Glyph:
        parts, pen = [], 0
        for glyph, advance, dx, dy in placed:
            parts.append((glyph, pen + dx, dy))
            pen += advance
        resource, cid = font.compose(Composite(tuple(parts), pen), text)
        return Glyph(resource, cid, pen, pen, 0, 0)

    def _unit_line(self, units: list[Unit], style: TextStyle, base: int) -> Line:
        drawing = _LineDrawing(self, style)
        found = _line_levels(units, base)
        if not any(found):
            for unit in units:
                drawing.add(unit)
            return drawing.finish(rtl=False)
        places, pen = [0.0] * len(units), 0.0
        order = visual_order(found)
        for index in order:
            places[index] = pen
            pen += units[index].advance
        spans = stretches([unit.text for unit in units], found, order) if base == 0 else []
        opens, closes = {span.first: span for span in spans}, {span.last for span in spans}
        for index, unit in enumerate(units):
            if index in opens:
                drawing.mark(opens[index].opening)
            drawing.add_at(unit, places[index])
            if index in closes:
                drawing.mark(CLOSING)
        return drawing.finish(rtl=base == 1, width=pen)

    def emoji_text(self, sequence: str) -> tuple[str, bytes, int]:
        """Return (resource, codes, width) of the invisible glyphs that carry an emoji's text.

        One code per code point: some readers cannot map one code to several surrogate pairs.
        """
        glyph = self._sans.face.nominal(ord("m")) or 0
        cids = [self._sans.font.pair(glyph, character)[1] for character in sequence]
        codes = b"".join(cid.to_bytes(2, "big") for cid in cids)
        return self._sans.resource, codes, self._sans.face.advance(glyph) * len(sequence)


class _Placed(NamedTuple):
    glyph: int
    advance: int
    dx: int
    dy: int


def _buffer(text: str, direction: str) -> hb.Buffer:
    buffer = hb.Buffer()
    buffer.add_codepoints([ord(c) for c in text])
    buffer.guess_segment_properties()
    buffer.direction = direction
    buffer.language = "und"
    buffer.cluster_level = hb.BufferClusterLevel.MONOTONE_CHARACTERS
    return buffer


def _groups(buffer: hb.Buffer, text: str) -> dict[int, list[_Placed]]:
    """Return the glyphs by the index of the first character they stand for, in visual order."""
    groups: dict[int, list[_Placed]] = {}
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        placed = _Placed(info.codepoint, position.x_advance, position.x_offset, position.y_offset)
        groups.setdefault(info.cluster, []).append(placed)
    return groups


def _unit_starts(clusters: list[str], groups: dict[int, list[_Placed]]) -> list[int]:
    """Return where units begin: at grapheme clusters that have a glyph of their own."""
    starts, place = [], 0
    for cluster in clusters:
        if place == 0 or place in groups:
            starts.append(place)
        place += len(cluster)
    return starts


def _shares(text: str, count: int, *, rtl: bool) -> list[str]:
    """Return one text per glyph in drawing order, and more than ``count`` right to left."""
    if rtl:
        return [*reversed(text), *["\u200b"] * (count - len(text))]
    if count >= len(text):
        return [*text, *["\u200b"] * (count - len(text))]
    return [*text[: count - 1], text[count - 1 :]]


def _line_levels(units: list[Unit], base: int) -> list[int]:
    """Return the levels of one line after rule L1: spaces at its end take the base level."""
    found = [unit.level for unit in units]
    i = len(units) - 1
    while i >= 0 and units[i].text.isspace():
        found[i] = base
        i -= 1
    return found


def _may_break_units(before: Unit, after: Unit) -> bool:
    return may_break(before.edge or before.text[-1], after.edge or after.text[0])


@lru_cache(1024)
def _mirrored(character: str) -> str:
    if not unicodedata.mirrored(character):
        return ""
    pairs = {"<": ">", ">": "<", "«": "»", "»": "«", "≤": "≥", "≥": "≤", "‹": "›", "›": "‹"}
    if character in pairs:
        return pairs[character]
    closing = closing_bracket(character)
    if closing:
        return closing
    code = ord(character)
    return next((chr(c) for c in (code - 1, code - 2) if closing_bracket(chr(c)) == character), "")


def _is_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _variation_known(face: Face, cluster: str) -> bool:
    """Return whether the face knows each variation sequence; an unknown one is marked instead."""
    return all(
        face.font.get_variation_glyph(ord(base), ord(selector)) is not None
        for base, selector in pairwise(cluster)
        if _is_variation(selector)
    ) and not _is_variation(cluster[0])


@lru_cache(1024)
def _around(resource: str, style: TextStyle) -> tuple[bytes, bytes]:
    select = b"/%s %g Tf " % (resource.encode("ascii"), style.size)
    if style.bold and resource != "B":
        return select + b"2 Tr %.2f w " % (style.size * STROKE), b" 0 Tr"
    return select, b""


class _LineDrawing:
    """Collects the operators of one line, units arriving in visual order."""

    def __init__(self, engine: TextEngine, style: TextStyle) -> None:
        self._engine, self._style = engine, style
        self._parts: list[bytes] = []
        self._pen = self._origin = 0.0
        self._boxes: list[tuple[float, float]] = []
        self._images: list[tuple[str, float, float]] = []
        self._plain: list[str] = []
        self._plain_view: FontView | None = None
        self._shaped: list[Glyph] = []

    def add(self, unit: Unit) -> None:
        """Draw one unit at the pen."""
        if unit.view is not None and not unit.boxed:
            self._flush_shaped()
            if unit.view is not self._plain_view:
                self._flush_plain()
                self._plain_view = unit.view
            self._plain.append(unit.text)
        else:
            self._flush_plain()
            if unit.glyphs:
                self._shaped += unit.glyphs
            else:
                self._flush_shaped()
                (self._draw_mark if unit.boxed else self._draw_image)(unit)
        self._pen += unit.advance

    def add_at(self, unit: Unit, place: float) -> None:
        """Draw one unit at ``place``, units arriving in logical order.

        Readers that go by the order of drawing then get the text as it was written; those that go
        by place find it there.
        """
        if abs(place - self._pen) > 1e-6 or unit.level % 2:
            self._move(place)
        if unit.level % 2 and unit.glyphs:
            self._draw_backwards(unit, place)
        else:
            self.add(unit)

    def mark(self, operator: bytes) -> None:
        """Begin or end marked content between two units."""
        self._flush_plain()
        self._flush_shaped()
        self._parts.append(operator)

    def _move(self, place: float) -> None:
        self._flush_plain()
        self._flush_shaped()
        size = self._style.size
        self._parts.append(b"%.3f 0 Td" % ((place - self._origin) * size))
        self._origin = self._pen = place

    def _draw_backwards(self, unit: Unit, place: float) -> None:
        """Draw glyphs that stand in visual order from the last to the first."""
        self._flush_plain()
        self._flush_shaped()
        size, right, resource = self._style.size, place + unit.advance, ""
        if self._style.bold:
            self._parts.append(b"2 Tr %.2f w" % (size * STROKE))
        for glyph in reversed(unit.glyphs):
            right -= glyph.advance / 1000
            at = right + glyph.dx / 1000
            if glyph.resource != resource:
                resource = glyph.resource
                self._parts.append(b"/%s %g Tf" % (resource.encode("ascii"), size))
            rise = b" %.2f Ts" % (glyph.dy * size / 1000) if glyph.dy else b""
            self._parts.append(
                b"%.3f 0 Td%s(%s)Tj%s"
                % ((at - self._origin) * size, rise, code(glyph.cid), b" 0 Ts" if rise else b"")
            )
            self._origin = at
        if self._style.bold:
            self._parts.append(b"0 Tr")
        self._pen = place + unit.advance

    def finish(self, *, rtl: bool, width: float | None = None) -> Line:
        """Return the line."""
        self._flush_plain()
        self._flush_shaped()
        size = self._style.size
        return Line(
            b" ".join(self._parts),
            (self._pen if width is None else width) * size,
            rtl,
            tuple((x * size, width * size) for x, width in self._boxes),
            tuple((image, x * size, width * size) for image, x, width in self._images),
        )

    def _flush_plain(self) -> None:
        if self._plain and self._plain_view is not None:
            before, after = self._engine._around(self._plain_view, self._style)
            encoded = self._plain_view.encode("".join(self._plain))
            self._parts.append(b"%s%s Tj%s" % (before, encoded, after))
        self._plain, self._plain_view = [], None

    def _flush_shaped(self) -> None:
        if not self._shaped:
            return
        bold = self._style.bold
        if bold:
            self._parts.append(b"2 Tr %.2f w" % (self._style.size * STROKE))
        self._parts.append(glyph_ops(self._shaped, self._style.size))
        if bold:
            self._parts.append(b"0 Tr")
        self._shaped = []

    def _draw_mark(self, unit: Unit) -> None:
        assert unit.view is not None  # noqa: S101  # a boxed unit is made with a view
        size = self._style.size
        self._boxes.append((self._pen, unit.advance))
        self._parts.append(
            b"/%s %g Tf %s Tj"
            % (unit.view.resource.encode("ascii"), size * 0.85, unit.view.encode(unit.text))
        )

    def _draw_image(self, unit: Unit) -> None:
        resource, codes, width = self._engine.emoji_text(unit.text)
        stretch = unit.advance * 1000 / width * 100
        self._images.append(
            (unit.image, self._pen + (EMOJI_ADVANCE - EMOJI_WIDTH) / 2, EMOJI_WIDTH)
        )
        self._parts.append(
            b"3 Tr %.2f Tz /%s %g Tf (%s) Tj 100 Tz 0 Tr"
            % (stretch, resource.encode("ascii"), self._style.size, escape(codes))
        )


@lru_cache(65536)
def code(cid: int) -> bytes:
    """Return a CID as it stands inside a literal string."""
    return escape(cid.to_bytes(2, "big"))


def glyph_ops(glyphs: list[Glyph], size: float) -> bytes:
    """Return TJ operators that put each glyph where HarfBuzz wants it."""
    parts: list[bytes] = []
    pieces: list[bytes] = []
    resource, rise, owed = "", 0, 0
    for glyph in glyphs:
        if glyph.resource != resource or glyph.dy != rise:
            if pieces:
                parts.append(b"[%s] TJ" % b"".join(pieces))
                pieces = []
            if glyph.resource != resource:
                parts.append(b"/%s %g Tf" % (glyph.resource.encode("ascii"), size))
            if glyph.dy != rise:
                parts.append(b"%.2f Ts" % (glyph.dy * size / 1000))
            resource, rise = glyph.resource, glyph.dy
        if owed + glyph.dx:
            pieces.append(b"%d" % -(owed + glyph.dx))
        pieces.append(b"(" + code(glyph.cid) + b")")
        owed = glyph.advance - glyph.nominal - glyph.dx
    if owed:
        pieces.append(b"%d" % -owed)
    parts.append(b"[%s] TJ" % b"".join(pieces))
    if rise:
        parts.append(b"0 Ts")
    return b" ".join(parts)
