"""A QR code on a page says what the one on paper says."""

from __future__ import annotations

import re

from reportlab.graphics.barcode.qr import QrCodeWidget

from evidence.render.qr import QUIET, qr_ops, qr_path

ADDRESS = "https://evidence.example/verify/?bundle=" + "a" * 32


def modules() -> set[tuple[int, int]]:
    code = QrCodeWidget(ADDRESS, barLevel="M").qr
    code.make()
    side = range(code.getModuleCount())
    return {(row, column) for row in side for column in side if code.isDark(row, column)}


def test_the_picture_has_every_dark_module_and_no_other():
    side, path = qr_path(ADDRESS)

    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path)
    drawn = {
        (int(y) - QUIET, int(x) - QUIET + place)
        for x, y, width in runs
        for place in range(int(width))
    }
    assert re.sub(r"M\d+ \d+h\d+v1h-\d+z", "", path) == ""
    assert drawn == modules()
    assert side == max(row for row, _ in drawn) + 1 + 2 * QUIET


def test_paper_has_the_same_runs():
    side, path = qr_path(ADDRESS)

    assert qr_ops(ADDRESS, 0, 0, side).count(b" re") == path.count("M")
