"""A QR code as PDF rectangles, drawn by ReportLab's encoder."""

from __future__ import annotations

from reportlab.graphics.barcode.qr import QrCodeWidget


def qr_ops(content: str, x: float, y: float, size: float) -> bytes:
    """Return operators for a QR code of ``content`` in a square, quiet zone included."""
    widget = QrCodeWidget(content, barLevel="M")
    widget.qr.make()
    count = widget.qr.getModuleCount()
    module = size / (count + 8)
    parts = [b"0 g"]
    for row in range(count):
        column = 0
        while column < count:
            if not widget.qr.isDark(row, column):
                column += 1
                continue
            end = column
            while end < count and widget.qr.isDark(row, end):
                end += 1
            parts.append(
                b"%.3f %.3f %.3f %.3f re"
                % (
                    x + (column + 4) * module,
                    y + (count + 3 - row) * module,
                    (end - column) * module,
                    module,
                )
            )
            column = end
    return b"\n".join([*parts, b"f"])
