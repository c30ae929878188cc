from __future__ import annotations

from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from evidence.render import pdfa


def test_a_plain_reportlab_file_breaks_many_rules(tmp_path: Path):
    path = tmp_path / "plain.pdf"
    canvas = Canvas(str(path), invariant=1)
    canvas.drawString(100, 100, "Hello")
    canvas.save()

    broken = {problem.split(":")[0] for problem in pdfa.check(path)}

    assert {"header", "stream", "intent", "font", "metadata", "language"} <= broken
