"""Fonts: made ready once at set-up, found by coverage when text is drawn.

``prepare_fonts`` copies the fonts of the installed packages into one folder and pins variable ones
to the weights used here; ``FontLibrary`` opens that folder. All fonts have 1,000 units per em, so
advances are thousandths of the type size. Licences: SIL Open Font License 1.1, all of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import uharfbuzz as hb

from evidence.errors import EvidenceError

EMOJI_PLACES = (
    Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"),
    Path("/usr/share/fonts/noto/NotoColorEmoji.ttf"),
    Path("/usr/share/fonts/google-noto-emoji/NotoColorEmoji.ttf"),
    Path("/usr/local/share/fonts/NotoColorEmoji.ttf"),
)
EMOJI_FILE = "NotoColorEmoji.ttf"
CJK_FILE = "NotoSansCJK-Regular.ttc"
_STAMP = "fonts.json"
_STAMP_VERSION = 3
PLAIN_FILE = "plain.json"


class FontsMissing(EvidenceError):
    """The folder of prepared fonts is absent or incomplete: set-up has not been run."""

    code = "fonts_missing"
    sentence = "The fonts for rendering are not installed. Run the set-up command again."


@dataclass(frozen=True, slots=True)
class FontSource:
    """One static font made from a file of an installed package."""

    key: str
    package: str
    member: str
    weight: int = 0
    """0: the font is static already."""

    @property
    def file_name(self) -> str:
        return f"{self.key}.ttf"


def _variable(key: str, package: str, folder: str, stem: str, weight: int = 400) -> FontSource:
    return FontSource(key, package, f"fonts/ofl/{folder}/{stem}[wdth,wght].ttf", weight)


_WEST, _RTL = "justmytype_western_core", "justmytype_intl_rtl"
_SEA, _SOUTH = "justmytype_intl_sea", "justmytype_intl_south_asia"
SOURCES = (
    _variable("sans", _WEST, "notosans", "NotoSans"),
    _variable("sans-bold", _WEST, "notosans", "NotoSans", 650),
    _variable("mono", _WEST, "notosansmono", "NotoSansMono"),
    _variable("arabic", _RTL, "notosansarabic", "NotoSansArabic"),
    _variable("hebrew", _RTL, "notosanshebrew", "NotoSansHebrew"),
    _variable("devanagari", _SOUTH, "notosansdevanagari", "NotoSansDevanagari"),
    _variable("bengali", _SOUTH, "notosansbengali", "NotoSansBengali"),
    _variable("tamil", _SOUTH, "notosanstamil", "NotoSansTamil"),
    _variable("telugu", _SOUTH, "notosanstelugu", "NotoSansTelugu"),
    _variable("thai", _SEA, "notosansthai", "NotoSansThai"),
    _variable("lao", _SEA, "notosanslao", "NotoSansLao"),
    _variable("khmer", _SEA, "notosanskhmer", "NotoSansKhmer"),
    _variable("myanmar", _SEA, "notosansmyanmar", "NotoSansMyanmar"),
    FontSource("symbols", _WEST, "fonts/ofl/notosanssymbols2/NotoSansSymbols2-Regular.ttf"),
    FontSource("math", _WEST, "fonts/ofl/stixtwomath/STIXTwoMath-Regular.ttf"),
)
FALLBACKS = (
    "arabic", "hebrew", "devanagari", "bengali", "tamil", "telugu", "thai", "lao", "khmer",
    "myanmar", "symbols", "math",
)  # fmt: skip
"""Tried in this order after the sans and CJK faces."""
CJK_FACES = {"ja": 0, "ko": 1, "zh-Hans": 2, "zh-Hant": 3}
"""Index in the collection by the forms wanted; all share one set of outlines."""


def prepare_fonts(target_folder: Path) -> list[str]:
    """Make all fonts ready in ``target_folder`` and return loud lines about what is missing.

    A folder already prepared from the same files is left alone. Raises FontsMissing when a font
    package is not installed; a missing colour emoji font is only a line, because emoji can be
    printed as code points.
    """
    from evidence.render.coverage import write_plain_sets  # coverage looks into FontLibrary

    target_folder.mkdir(parents=True, exist_ok=True)
    emoji = next((place for place in EMOJI_PLACES if place.is_file()), None)
    sources = {source.file_name: _package_file(source.package, source.member) for source in SOURCES}
    sources[CJK_FILE] = _package_file("noto_cjk_sans_otc", CJK_FILE)
    if emoji is not None:
        sources[EMOJI_FILE] = emoji
    wanted = json.dumps(
        {"version": _STAMP_VERSION, "sizes": {k: v.stat().st_size for k, v in sources.items()}},
        sort_keys=True,
    )
    stamp = target_folder / _STAMP
    if not (stamp.is_file() and stamp.read_text("utf-8") == wanted):
        for source in SOURCES:
            _write(target_folder / source.file_name, _pinned(sources[source.file_name], source))
        for name in (CJK_FILE, EMOJI_FILE):
            if name in sources:
                shutil.copyfile(sources[name], target_folder / name)
        write_plain_sets(FontLibrary(target_folder))
        _write(stamp, wanted.encode())
    return [] if emoji is not None else [NO_EMOJI]


NO_EMOJI = (
    "No colour emoji font was found: emoji will be printed as code points. "
    "Install the Debian package fonts-noto-color-emoji and run the set-up command again."
)


def _package_file(package: str, member: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise FontsMissing(f"package {package} is not installed")
    path = Path(found.origin).parent / member
    if not path.is_file():
        raise FontsMissing(f"{package} has no {member}")
    return path


def _pinned(path: Path, source: FontSource) -> bytes:
    if not source.weight:
        return path.read_bytes()
    face = hb.Face(hb.Blob.from_file_path(str(path)))
    choice = hb.SubsetInput()
    choice.keep_everything()
    choice.pin_all_axes_to_default(face)
    choice.pin_axis_location(face, "wght", float(source.weight))
    return bytes(choice.subset(face).blob.data)


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    os.replace(partial, path)


class Face:
    """One opened font. ``program`` is shared by faces that draw from the same outlines."""

    def __init__(self, key: str, path: Path, index: int = 0, program: str = "") -> None:
        self.key = key
        self.program = program or key
        self.path = path
        self.blob = hb.Blob.from_file_path(str(path))
        self.face = hb.Face(self.blob, index)
        self.font = hb.Font(self.face)
        self.is_cff = "CFF " in self.face.table_tags
        self.upem = self.face.upem
        self.nominal: Callable[[int], int | None] = self.font.get_nominal_glyph
        self.advance: Callable[[int], int] = self.font.get_glyph_h_advance

    def covers(self, code_point: int) -> bool:
        """Return whether the font has a glyph for ``code_point``."""
        return self.nominal(code_point) is not None

    @cached_property
    def code_points(self) -> frozenset[int]:
        """Every code point of the character map."""
        return frozenset(self.face.unicodes)

    def name(self, name_id: int) -> str:
        """Return an entry of the name table (6 PostScript name, 5 version, 13 licence)."""
        return self.face.get_name(name_id, "en") or ""


class FontLibrary:
    """The prepared fonts of one folder, opened once and shared by all exhibits of a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        missing = [s.file_name for s in SOURCES if not (folder / s.file_name).is_file()]
        if not (folder / CJK_FILE).is_file():
            missing.append(CJK_FILE)
        if missing:
            raise FontsMissing(f"{folder} lacks {', '.join(missing)}")
        self._faces: dict[str, Face] = {}

    def face(self, key: str) -> Face:
        """Return the face ``key``: a source's key, or ``cjk-`` and one of CJK_FACES."""
        found = self._faces.get(key)
        if found is None:
            found = self._faces[key] = self._open(key)
        return found

    def _open(self, key: str) -> Face:
        if key.startswith("cjk-"):
            return Face(key, self.folder / CJK_FILE, CJK_FACES[key[4:]], "cjk")
        return Face(key, self.folder / f"{key}.ttf")

    @cached_property
    def emoji(self) -> Face | None:
        """The colour emoji face, or None when the system has none."""
        path = self.folder / EMOJI_FILE
        return Face("emoji", path) if path.is_file() else None

    def credits(self) -> list[tuple[str, str]]:
        """Return (name and version, licence) of every font, for the colophon."""
        faces = [self.face(source.key) for source in SOURCES] + [self.face("cjk-zh-Hans")]
        if self.emoji is not None:
            faces.append(self.emoji)
        lines = {
            f"{face.name(16) or face.name(1)}, {face.name(5).split(';')[0]}": "" for face in faces
        }
        return [(line, "SIL Open Font License 1.1") for line in lines]
