"""Whether a field filled in after signing draws the value it states.

Filling in writes two things: the value, which programs read, and an appearance, which people see. No
rule of the format holds them together, so a field may state "1000" and draw "9000". An appearance is
taken for its value's only when nothing about it is clever::

    marked content, state, a background or border as large as the field, then text
    text in a font that was signed along, or a standard one as every program has it,
    plain ASCII, in one colour that can be seen, inside the box

Anything else may be honest (a formatted number, a font for Chinese) and cannot be told from a
forgery, so the file does not pass in total and a sentence names the field.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

from evidence.verify.offline.report import Finding, not_checked, passed
from evidence.verify.pdf.opened import LIBRARY_ERRORS, Opened

CHECK = "filled"
UNCLEAR = "Filled in after signing; what this field draws cannot be compared with its value."
MAX_FIELDS = 50
MAX_TEXT = 60
MAX_CONTENT = 100_000
STANDARD = re.compile(
    r"/(?:Helvetica|Times|Courier)(?:-(?:Roman|Bold|Italic|Oblique|BoldItalic|BoldOblique))?"
)
NAMED_ENCODINGS = ("/WinAnsiEncoding", "/StandardEncoding", "/PDFDocEncoding")
_STATE = frozenset(
    {"q", "Q", "BMC", "EMC", "BT", "ET", "W", "n", "w", "Tc", "Tw", "TL", "G", "RG", "K"}
)
_WIDE = frozenset("WMmw@%")


class Unclear(Exception):
    """The appearance is not of the plain kind."""


def findings(one: Opened, names: Iterable[str], revision: int) -> list[Finding]:
    """Return for each field filled in after ``revision`` whether it draws its value. Total."""
    chosen = sorted(set(names))
    made = [_finding(one, name, revision) for name in chosen[:MAX_FIELDS]]
    if len(chosen) > MAX_FIELDS:
        detail = "So many fields were filled in that not all were looked at."
        made.append(not_checked(CHECK, detail))
    return [each for each in made if each is not None]


def _finding(one: Opened, name: str, revision: int) -> Finding | None:
    where = name[:MAX_TEXT]
    try:
        entry = _field(one.reader, name)
        if entry is None or _above(entry, "/FT") == "/Sig":
            return None
        value = _value(entry)
        drawn = _drawn(one.reader, entry, revision)
    except (*LIBRARY_ERRORS, Unclear, pikepdf.PdfError, RecursionError):
        return not_checked(CHECK, UNCLEAR, where)
    if _spaced(value) == _spaced(drawn):
        return passed(CHECK, "Filled in after signing; the field draws its value.", where)
    if "".join(value.split()) == "".join(drawn.split()):
        return not_checked(CHECK, UNCLEAR, where)
    detail = f"Filled in after signing; this field draws {_quoted(drawn)}, but its value is {_quoted(value)}."
    return not_checked(CHECK, detail, where)


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    shown = "".join(one if one.isprintable() else "?" for one in text)
    return f'"{shown[:MAX_TEXT]}"'


def _field(reader: PdfFileReader, name: str) -> generic.DictionaryObject | None:
    """Return the field with this full name, as it stands at the end of the file."""
    entries, found = reader.root["/AcroForm"]["/Fields"], None
    for part in name.split("."):
        resolved = (one.get_object() for one in entries)
        found = next((one for one in resolved if str(one.get("/T", "")) == part), None)
        if found is None:
            return None
        entries = found["/Kids"] if "/Kids" in found else ()
    return found if isinstance(found, generic.DictionaryObject) else None


def _above(entry: generic.DictionaryObject, key: str) -> object:
    for _ in range(32):
        if key in entry:
            return entry[key]
        if "/Parent" not in entry:
            break
        entry = entry["/Parent"]
    return None


def _value(entry: generic.DictionaryObject) -> str:
    value = _above(entry, "/V")
    if value is None:
        return ""
    if isinstance(value, (generic.TextStringObject, generic.NameObject)):
        return str(value)
    raise Unclear


def _drawn(reader: PdfFileReader, entry: generic.DictionaryObject, revision: int) -> str:
    """Return the text one field draws; raises Unclear."""
    _require("/Kids" not in entry)
    looks = entry["/AP"] if "/AP" in entry else generic.DictionaryObject()
    for key in ("/R", "/D"):  # under the pointer, pressed
        _require(key not in looks or not _is_new(reader, looks.raw_get(key), revision, 0))
    look = looks["/N"] if "/N" in looks else None
    if _above(entry, "/FT") == "/Btn":
        _require(look is not None and not _is_new(reader, looks, revision, 0))
        return str(entry["/AS"]) if "/AS" in entry else "/Off"
    if look is None:
        return ""
    _require(isinstance(look, generic.StreamObject) and "/AS" not in entry)
    _require("/Matrix" not in look and "/Group" not in look and "/OC" not in look)
    _require("/MK" not in entry or "/I" not in entry["/MK"])
    box = [float(one) for one in look["/BBox"]]
    _require(len(box) == 4)
    data = look.data
    _require(len(data) <= MAX_CONTENT)
    fonts = dict(_fonts(reader, look, revision))
    return _Page(box, fonts).read(data)


def _require(fact: object) -> None:
    if not fact:
        raise Unclear


def _is_new(reader: PdfFileReader, value: object, revision: int, depth: int) -> bool:
    """Tell whether ``value`` or anything it leads to was written after ``revision``."""
    _require(depth < 8)
    if isinstance(value, generic.IndirectObject):
        if reader.xrefs.get_last_change(value.reference) > revision:
            return True
        value = value.get_object()
    if isinstance(value, generic.DictionaryObject):
        below = [part for key, part in dict.items(value) if key not in ("/Parent", "/P")]
        return any(_is_new(reader, part, revision, depth + 1) for part in below)
    if isinstance(value, generic.ArrayObject):
        return any(_is_new(reader, part, revision, depth + 1) for part in list.__iter__(value))
    return False


def _fonts(
    reader: PdfFileReader, look: generic.StreamObject, revision: int
) -> Iterator[tuple[str, frozenset[int] | None]]:
    """Yield fonts by name with the codes that do not mean their ASCII characters.

    None for a font that can mean anything; one of the drawing itself hides the form's of its name.
    """
    form = reader.root["/AcroForm"]
    places = [form["/DR"]] if "/DR" in form else []
    if "/Resources" in look:
        places.append(look["/Resources"])
    for place in places:
        if "/Font" not in place:
            continue
        listed = place["/Font"]
        for name in listed:
            raw, font = listed.raw_get(name), listed[name]
            encoding = font["/Encoding"] if "/Encoding" in font else "/StandardEncoding"
            is_signed = not _is_new(reader, raw, revision, 0)
            is_standard = STANDARD.fullmatch(str(font.get("/BaseFont", ""))) is not None
            is_simple = str(font.get("/Subtype")) == "/Type1" and "/FontDescriptor" not in font
            odd: frozenset[int] | None = None
            if is_standard and is_simple and "/ToUnicode" not in font:
                if str(encoding) in NAMED_ENCODINGS:
                    odd = frozenset()
                elif isinstance(encoding, generic.DictionaryObject) and is_signed:
                    odd = frozenset(_differing(encoding))
            yield str(name), odd


def _differing(encoding: generic.DictionaryObject) -> Iterator[int]:
    same = {39: "/quotesingle", 96: "/grave"}
    code = 0
    for item in encoding["/Differences"] if "/Differences" in encoding else ():
        if isinstance(item, generic.NumberObject):
            code = int(item)
            continue
        if same.get(code) != str(item):
            yield code
        code += 1


@dataclass
class _Page:
    """Reads one appearance; ``read`` raises Unclear at the first thing that is not plain."""

    box: list[float]
    fonts: dict[str, frozenset[int] | None]
    size: float = 0.0
    font: frozenset[int] | None = None
    place: tuple[float, float] = (0.0, 0.0)
    ink: float = 0.0
    paper: float = 1.0
    rectangle: list[float] = field(default_factory=list)
    leading: float = 0.0
    texts: list[str] = field(default_factory=list)
    end: tuple[float, float] | None = None
    """Where the last text ended, as far as that is known."""
    kept: list[tuple[float, frozenset[int] | None, float]] = field(default_factory=list)

    def read(self, data: bytes) -> str:
        pdf = pikepdf.new()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "unexpected end" is one
            try:
                found = list(pikepdf.parse_content_stream(pikepdf.Stream(pdf, data)))
            except UserWarning as error:
                raise Unclear from error
        for one in found:
            _require(isinstance(one, pikepdf.ContentStreamInstruction))
            self._do(str(one.operator), list(one.operands))
        return " ".join(self.texts)

    def _do(self, name: str, given: list[object]) -> None:
        if name in ("g", "rg"):
            numbers = [float(str(one)) for one in given]
            self.ink = sum(numbers) / len(numbers)
        elif name == "re":
            self.rectangle = [float(str(one)) for one in given]
        elif name in ("f", "s", "S"):
            self._paint(is_fill=name == "f")
        elif name == "Tf":
            self.font, self.size = self.fonts.get(str(given[0])), float(str(given[1]))
        elif name in ("Td", "TD"):
            x, y = (float(str(one)) for one in given)
            self.place = self.place[0] + x, self.place[1] + y
            self.leading = -y if name == "TD" else self.leading
        elif name == "Tm":
            a, b, c, d, x, y = (float(str(one)) for one in given)
            _require((a, b, c, d) == (1, 0, 0, 1))
            self.place = x, y
        elif name == "T*":
            self.place = self.place[0], self.place[1] - self.leading
        elif name == "Tj":
            text = given[0]
            _require(isinstance(text, pikepdf.String))
            self._show(bytes(text))  # type: ignore[call-overload]  # pikepdf: a string has bytes
        elif name == "TL":
            self.leading = float(str(given[0]))
        else:
            _require(name in _STATE and (name not in ("Tc", "Tw") or not float(str(given[0]))))
        if name == "BT":
            self.place = 0.0, 0.0
        if name == "q":
            self.kept.append((self.ink, self.font, self.size))
        if name == "Q":
            _require(self.kept)
            self.ink, self.font, self.size = self.kept.pop()
        if name == "W":
            self._check_large(0.7)

    def _paint(self, *, is_fill: bool) -> None:
        _require(not self.texts)
        self._check_large(0.85)
        if is_fill:
            self.paper = self.ink

    def _check_large(self, share: float) -> None:
        """A rectangle that is no background, no border and no margin may be a stroke of a letter."""
        _require(len(self.rectangle) == 4)
        left, bottom, right, top = self.box
        _require(self.rectangle[2] >= share * (right - left))
        _require(self.rectangle[3] >= share * (top - bottom))

    def _show(self, codes: bytes) -> None:
        _require(self.font is not None and 4 <= self.size <= 72)
        _require(abs(self.ink - self.paper) >= 0.4)
        _require(
            all(32 <= one < 127 for one in codes) and not set(codes) & (self.font or frozenset())
        )
        text = codes.decode("ascii")
        left, bottom, right, top = self.box
        x, y = self.place
        width = self.size * sum(map(_width, text))
        _require(left <= x and x + width <= right and bottom <= y and y + self.size * 0.6 <= top)
        if self.end is not None:  # in reading order, and nothing over anything
            below = self.end[1] - y >= self.size * 0.6
            _require(below or (y == self.end[1] and x >= self.end[0]))
        self.end = x + width, y
        self.texts.append(text)


def _width(letter: str) -> float:
    """Return about how wide a letter of Helvetica is, never much too small."""
    return 0.95 if letter in _WIDE else 0.75 if letter.isupper() else 0.56
