"""Headings, paragraphs, lists of facts and tables, flowing down the pages of a volume."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from evidence.render.sheet import (
    BODY,
    FAINT,
    GROUND,
    INK,
    LEADING,
    SOFT,
    Link,
    Strip,
    StripBuilder,
)
from evidence.render.text import Line, TextStyle
from evidence.render.volume import Volume

CELL = TextStyle(8)
CELL_BOLD = TextStyle(8, bold=True)
CELL_MONO = TextStyle(6.4, mono=True)
CELL_LEADING = 11.0
HEADING = TextStyle(15, bold=True)
SUBHEADING = TextStyle(11, bold=True)
TAIL = 56.0
"""How much of a table's end stays together, in points: about three short rows."""


class Late(str):
    """A cell that names an anchor; the Bates number of its page is printed."""

    __slots__ = ()


class Mono(str):
    """A cell set in the typewriter face: hashes and identifiers."""

    __slots__ = ()


class Flow:
    """Writes running matter into a volume."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume

    @property
    def measure(self) -> float:
        """Width of the text area."""
        return self.volume.sheet.measure

    def chapter(self, title: str, *, anchor: str = "", room: float | None = None) -> None:
        """Begin a chapter with a bookmark, on a new page unless so much room as told is left."""
        volume = self.volume
        volume.header_right = title
        if room is None or volume.room < room:
            volume.begin_page()
        else:
            volume.skip(16)
        volume.bookmark(0, title)
        self.heading(title, anchor=anchor)

    def heading(self, title: str, *, anchor: str = "") -> None:
        """Set a chapter's title above a rule."""
        builder = StripBuilder()
        if anchor:
            builder.anchors.append(anchor)
        y = -16.0
        for line in self.volume.engine.lines(title, self.measure, HEADING):
            builder.text(line, 0, y)
            y -= 20
        builder.rule(0, self.measure, y + 9, 1.0, INK)
        self.volume.place(builder.build(-y + 2))

    def subheading(self, title: str) -> None:
        """Set a heading within a chapter; it stays with what follows."""
        if self.volume.room < 70:
            self.volume.begin_page()
        self.volume.skip(8)
        builder = StripBuilder()
        y = -12.0
        for line in self.volume.engine.lines(title, self.measure, SUBHEADING):
            builder.text(line, 0, y)
            y -= 14
        self.volume.place(builder.build(-y - 8))

    def paragraph(self, text: str, style: TextStyle = BODY, grey: float = INK) -> None:
        """Set a paragraph, line by line over pages."""
        leading = round(style.size * LEADING / BODY.size, 2)
        for line in self.volume.engine.lines(text, self.measure, style):
            builder = StripBuilder()
            x = self.measure - line.width if line.rtl else 0.0
            builder.text(line, x, -style.size, grey)
            self.volume.place(builder.build(leading))
        self.volume.skip(4)

    def facts(
        self, facts: Iterable[tuple[str, str]], label_width: float = 122, size: float = CELL.size
    ) -> None:
        """Set label and value side by side; facts without a value are left out."""
        shown = [(label, value) for label, value in facts if value]
        widths = (label_width, self.measure - label_width)
        self.table((), shown, widths, labels=True, size=size)

    def table(
        self,
        head: Sequence[str],
        rows: Iterable[Sequence[str]],
        widths: Sequence[float],
        *,
        labels: bool = False,
        size: float = CELL.size,
        tail: float = TAIL,
        after: float = 0.0,
    ) -> None:
        """Set a table; its head is repeated on every page it runs over.

        labels: the first column is set in bold and nothing is drawn between columns.
        tail: so much of its end stays on one page; after: with so much room for what follows.
        """
        header = self._row([*head], widths, CELL_BOLD, ground=True) if head else []
        head_height = sum(strip.height for strip in header)
        fresh = True
        style, sheet = TextStyle(size), self.volume.sheet
        strips = (strip for row in rows for strip in self._row(row, widths, style, labels=labels))
        most = sheet.height - sheet.top - sheet.bottom - head_height
        for strip, needed in _kept_together(strips, tail, after, most):
            if needed + (head_height if fresh else 0) > self.volume.room:
                self.volume.begin_page()
                fresh = True
            if fresh:
                for again in header:
                    self.volume.place(again)
                fresh = False
            self.volume.place(strip)
        self.volume.skip(8)

    def _row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        style: TextStyle,
        *,
        ground: bool = False,
        labels: bool = False,
    ) -> list[Strip]:
        """Return a table row as strips; a tall row is cut every forty lines."""
        columns = [
            self._cell(cell, width - 8, style._replace(bold=style.bold or (labels and i == 0)))
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        depth = max(len(column) for column in columns)
        strips = []
        for start in range(0, depth, 40):
            last = start + 40 >= depth
            count = min(40, depth - start)
            strips.append(
                self._row_strip(
                    cells,
                    widths,
                    columns,
                    start,
                    count,
                    ground=ground,
                    last=last,
                    leading=CELL_LEADING * style.size / CELL.size,
                )
            )
        return strips

    def _cell(self, cell: str, width: float, style: TextStyle) -> list[Line]:
        if isinstance(cell, Late):
            return [Line(b"", 0)]
        chosen = CELL_MONO if isinstance(cell, Mono) else style
        return self.volume.engine.lines(cell, width, chosen)

    def _row_strip(
        self, cells: Sequence[str], widths: Sequence[float], columns: Sequence[list[Line]],
        start: int, count: int, *, ground: bool, last: bool, leading: float,
    ) -> Strip:  # fmt: skip
        builder = StripBuilder()
        height = count * leading + (5.0 if last else 0.0)
        if ground:
            builder.rectangle(0, -height, self.measure, height, GROUND)
        x = 0.0
        for cell, width, lines in zip(cells, widths, columns, strict=True):
            if isinstance(cell, Late) and start == 0:
                builder.form(self.volume.late_label(str(cell), 8), x + 4, -4 - leading + 0.6)
                builder.links.append(Link(x, -height, x + width, 0, str(cell)))
            for i, line in enumerate(lines[start : start + count]):
                indent = width - 8 - line.width if line.rtl else 0
                builder.text(line, x + 4 + indent, 0.6 - (i + 1) * leading)
            x += width
        if last:
            builder.rule(0, self.measure, -height, 0.3, FAINT)
        return builder.build(height)


def _kept_together(
    strips: Iterable[Strip], tail: float, after: float, most: float
) -> Iterator[tuple[Strip, float]]:
    """Yield each strip with the height that must be free for it: its own, or where the end begins,
    that of all that is left and of what follows, ``most`` at most."""
    waiting: deque[Strip] = deque()
    height = 0.0
    for strip in strips:
        waiting.append(strip)
        height += strip.height
        while height - waiting[0].height >= tail:
            first = waiting.popleft()
            height -= first.height
            yield first, first.height
    for i, strip in enumerate(waiting):
        yield strip, strip.height if i else min(height + after, most)


__all__ = ["SOFT", "Flow", "Late", "Mono"]
