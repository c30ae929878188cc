"""The sheet: paper, margins, type scale, and the strips that are stacked on it.

A strip is a horizontal piece of a page, drawn before its place is known: its origin is the left
margin at its upper edge, x to the right, y upwards (so everything in it has y ≤ 0).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from evidence.render.exhibit import Paper
from evidence.render.text import Line, TextEngine, TextStyle

PAPERS: dict[Paper, tuple[float, float]] = {"A4": (595.28, 841.89), "Letter": (612.0, 792.0)}

BODY = TextStyle(9.5)
BODY_BOLD = TextStyle(9.5, bold=True)
SMALL = TextStyle(7.5)
SMALL_BOLD = TextStyle(7.5, bold=True)
MONO = TextStyle(6.6, mono=True)
LEADING = 13.2
SMALL_LEADING = 10.4
INK, SOFT, FAINT, GROUND = 0.0, 0.36, 0.62, 0.91
"""Greys: text, secondary text, rules, grounds. Nothing is told by colour."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the text area lies. The left margin is wide enough to bind or punch."""

    width: float
    height: float
    left: float = 65.0
    right: float = 43.0
    top: float = 62.0
    bottom: float = 60.0

    @property
    def measure(self) -> float:
        """Width of the text area."""
        return self.width - self.left - self.right

    @property
    def depth(self) -> float:
        """Height of the text area."""
        return self.height - self.top - self.bottom


def geometry(paper: Paper) -> Geometry:
    """Return the geometry of a paper size."""
    return Geometry(*PAPERS[paper])


class Link(NamedTuple):
    """An area of a strip that leads to ``target`` (an anchor of the same volume, or a URI)."""

    x0: float
    y0: float
    x1: float
    y1: float
    target: str


class Strip(NamedTuple):
    """A finished strip."""

    height: float
    ops: bytes
    xobjects: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    anchors: tuple[str, ...] = ()


@dataclass(slots=True)
class StripBuilder:
    """Collects what stands on one strip; graphics go below text."""

    gfx: list[bytes] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    xobjects: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    anchors: list[str] = field(default_factory=list)
    _grey: float = 0.0

    def text(self, line: Line, x: float, y: float, grey: float = INK) -> None:
        """Put ``line`` with its baseline start at (x, y)."""
        if line.boxes or line.images:
            self._extras(line, x, y)
        if grey != self._grey:
            self.texts.append(b"%g g %g G" % (grey, grey))
            self._grey = grey
        self.texts.append(b"1 0 0 1 %.2f %.2f Tm %s" % (x, y, line.ops))

    def _extras(self, line: Line, x: float, y: float) -> None:
        for start, width in line.boxes:
            self.rectangle(x + start, y - 2.2, width, 9.6, GROUND - 0.06)
        for name, start, width in line.images:
            self.picture(name, x + start, y - width * 0.19, width, width * 0.94)

    def ink(self) -> None:
        """Go back to black for text that is appended as it is."""
        if self._grey:
            self.texts.append(b"0 g 0 G")
            self._grey = INK

    def text_right(self, line: Line, right: float, y: float, grey: float = INK) -> None:
        """Put ``line`` so that it ends at ``right``."""
        self.text(line, right - line.width, y, grey)

    def rectangle(self, x: float, y: float, width: float, height: float, grey: float) -> None:
        """Fill a rectangle given by its lower left corner."""
        self.gfx.append(b"%g g %.2f %.2f %.2f %.2f re f" % (grey, x, y, width, height))

    def frame(self, x: float, y: float, width: float, height: float, line: float = 0.5) -> None:
        """Stroke a rectangle given by its lower left corner."""
        self.gfx.append(b"%g w 0 G %.2f %.2f %.2f %.2f re S" % (line, x, y, width, height))

    def rule(self, x0: float, x1: float, y: float, width: float = 0.4, grey: float = FAINT) -> None:
        """Draw a horizontal line."""
        self.gfx.append(b"%g w %g G %.2f %.2f m %.2f %.2f l S" % (width, grey, x0, y, x1, y))

    def picture(self, name: str, x: float, y: float, width: float, height: float) -> None:
        """Draw an XObject of unit size into a rectangle."""
        self.gfx.append(
            b"q %.2f 0 0 %.2f %.2f %.2f cm /%s Do Q" % (width, height, x, y, name.encode("ascii"))
        )
        self.xobjects.append(name)

    def form(self, name: str, x: float, y: float) -> None:
        """Draw a form XObject with its origin at (x, y)."""
        self.gfx.append(b"q 1 0 0 1 %.2f %.2f cm /%s Do Q" % (x, y, name.encode("ascii")))
        self.xobjects.append(name)

    def build(self, height: float) -> Strip:
        """Return the strip."""
        parts = self.gfx
        if self.texts:
            parts = [*self.gfx, b"0 g 0 G BT", *self.texts, b"ET"]
        return Strip(
            height,
            b"\n".join(parts),
            tuple(self.xobjects),
            tuple(self.links),
            tuple(self.anchors),
        )


def put_lines(
    builder: StripBuilder,
    lines: list[Line],
    x: float,
    y: float,
    *,
    measure: float,
    leading: float,
    grey: float = INK,
) -> float:
    """Put lines below each other from baseline ``y``; return the baseline after the last."""
    for line in lines:
        builder.text(line, x + measure - line.width if line.rtl else x, y, grey)
        y -= leading
    return y


def fit(engine: TextEngine, text: str, style: TextStyle, width: float) -> Line:
    """Return ``text`` as one line, cut visibly where it does not fit."""
    return engine.line(text, style, width)
