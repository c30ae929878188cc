"""Which characters are plain: drawn one glyph each, left to right, with nothing to combine.

They take the fast way. The sets depend on the fonts alone; ``write_plain_sets`` works them out at
set-up and keeps them beside the fonts, because looking through four faces takes a sixth of a second.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import lru_cache

import regex

from evidence.render.fonts import CJK_FACES, PLAIN_FILE, Face, FontLibrary

_EXTENDING = (
    "\\u0300-\\u036f\\u0483-\\u0489\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\u302a-\\u302f"
)
_EXTENDING += "\\u3099\\u309a\\ufe00-\\ufe0f\\ufe20-\\ufe2f\\u200d\\u200c\U000e0100-\U000e01ef"
_WIDE_PUNCTUATION = "“(?![A-Za-z0-9])|(?<![A-Za-z0-9.,!?])”|(?<![A-Za-z0-9 ])—"
"""Marks a CJK font draws a full em wide: not taken from it where they stand beside Latin letters."""


@dataclass(frozen=True, slots=True)
class CharacterClasses:
    """The insides of character classes of a regular expression."""

    latin: str
    """Plain in the sans faces."""
    cjk: str
    """Plain in every CJK face, without the wide punctuation."""
    plain: str
    """Plain in either."""


class PlainSets:
    """Which characters the fast way may take from the sans and the CJK font, as patterns."""

    def __init__(self, classes: CharacterClasses) -> None:
        latin = f"[{classes.latin}](?![{_EXTENDING}])"
        cjk = f"(?:[{classes.cjk}]|{_WIDE_PUNCTUATION})(?![{_EXTENDING}])"
        rest = f"(?s:.)[^{classes.plain}]*"
        self.latin_text = re.compile(f"[{classes.latin}]*")
        self.cjk_text = re.compile(f"(?:[{classes.cjk}]++|{_WIDE_PUNCTUATION})*+")
        self.cjk_first = re.compile(f"(?P<a>(?:{cjk})++)|(?P<b>(?:{latin})++)|(?P<c>{rest})")
        self.latin_first = re.compile(f"(?P<a>(?:{latin})++)|(?P<b>(?:{cjk})++)|(?P<c>{rest})")
        self.han = re.compile("[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")


def _plain(code_point: int) -> bool:
    """Return whether a character stands for itself: one glyph, left to right, nothing to combine."""
    if code_point > 0xFFFF or 0xD800 <= code_point <= 0xF8FF or 0x1100 <= code_point <= 0x11FF:
        return False
    character = chr(code_point)
    return (
        (unicodedata.category(character)[0] in "LNPS" or character == " ")
        and unicodedata.bidirectional(character) not in ("R", "AL", "AN")
        and not _NOT_PLAIN.match(character)
    )


_NOT_PLAIN = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Emoji_Presentation}\p{Devanagari}\p{Bengali}\p{Thai}"
    r"\u2800\uA960-\uA97F\uD7B0-\uD7FF\uFFFC]"
)


def _glyph_owners(faces: list[Face]) -> dict[int, int]:
    """Return for each glyph the one code point that may use it on the fast way."""
    owners: dict[int, int] = {}
    for face in faces:
        for code_point in sorted(c for c in face.code_points if c <= 0xFFFF):
            glyph = face.nominal(code_point) or 0
            known = owners.get(glyph)
            if known is None or (_is_compatibility(known) and not _is_compatibility(code_point)):
                owners[glyph] = code_point
    return owners


@lru_cache(65536)
def _is_compatibility(code_point: int) -> bool:
    character = chr(code_point)
    radical = 0x2E80 <= code_point <= 0x2FDF
    return radical or unicodedata.normalize("NFKC", character) != character


def _ranges(code_points: frozenset[int]) -> str:
    """Return the inside of a character class."""
    spans: list[list[int]] = []
    for code_point in sorted(code_points):
        if spans and spans[-1][1] + 1 == code_point:
            spans[-1][1] = code_point
        else:
            spans.append([code_point, code_point])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in spans)


def find_classes(library: FontLibrary) -> CharacterClasses:
    """Return the plain characters of the sans and of the CJK faces; takes a while."""
    faces = [library.face(f"cjk-{forms}") for forms in CJK_FACES]
    owners = _glyph_owners(faces)
    bold = library.face("sans-bold").code_points
    latin = frozenset(c for c in library.face("sans").code_points if c in bold and _plain(c))
    cjk = frozenset(
        c
        for c in faces[0].code_points
        if _plain(c)
        and not 0x370 <= c < 0x530
        and c not in (0x2018, 0x2019)
        and all(owners.get(face.nominal(c) or 0) == c for face in faces)
    )
    wide = frozenset(map(ord, "“”—"))
    return CharacterClasses(_ranges(latin), _ranges(cjk - wide), _ranges(latin | cjk))


def write_plain_sets(library: FontLibrary) -> None:
    """Keep the plain sets beside the fonts."""
    value = asdict(find_classes(library))
    (library.folder / PLAIN_FILE).write_text(json.dumps(value), "ascii")


@lru_cache(8)
def plain_sets(library: FontLibrary) -> PlainSets:
    """Return the sets of ``library``, read or worked out once per process."""
    path = library.folder / PLAIN_FILE
    if not path.is_file():
        return PlainSets(find_classes(library))
    return PlainSets(CharacterClasses(**json.loads(path.read_text("ascii"))))
