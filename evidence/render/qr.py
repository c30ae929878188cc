"""QR codes, encoded by ReportLab: as PDF rectangles, and as a picture for pages."""

from __future__ import annotations

from collections.abc import Iterator

from reportlab.graphics.barcode.qr import QrCodeWidget

QUIET = 4
"""Modules of white around the code, as ISO/IEC 18004 asks."""


def _runs(content: str) -> tuple[int, Iterator[tuple[int, int, int]]]:
    """Return how many modules a side has, and the dark runs as (row, first column, end)."""
    widget = QrCodeWidget(content, barLevel="M")
    widget.qr.make()
    count = widget.qr.getModuleCount()

    def runs() -> Iterator[tuple[int, int, int]]:
        for row in range(count):
            column = 0
            while column < count:
                end = column
                while end < count and widget.qr.isDark(row, end):
                    end += 1
                if end > column:
                    yield row, column, end
                column = end + 1

    return count, runs()


def qr_ops(content: str, x: float, y: float, size: float) -> bytes:
    """Return operators for a QR code of ``content`` in a square, quiet zone included."""
    count, runs = _runs(content)
    module = size / (count + 2 * QUIET)
    parts = [b"0 g"]
    for row, column, end in runs:
        parts.append(
            b"%.3f %.3f %.3f %.3f re"
            % (
                x + (column + QUIET) * module,
                y + (count + QUIET - 1 - row) * module,
                (end - column) * module,
                module,
            )
        )
    return b"\n".join([*parts, b"f"])


def qr_path(content: str) -> tuple[int, str]:
    """Return a QR code as the side of a square in modules, quiet zone included, and an SVG path."""
    count, runs = _runs(content)
    path = "".join(
        f"M{column + QUIET} {row + QUIET}h{end - column}v1h-{end - column}z"
        for row, column, end in runs
    )
    return count + 2 * QUIET, path
