from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.render import scripts
from evidence.render.copied import turned
from evidence.render.fonts import FontLibrary
from evidence.render.fontset import FontSet
from evidence.render.text import TextEngine, TextStyle

STYLE = TextStyle(10)
MIXED = "Pay المبلغ 48,250 يورو (القسط 2) now"
CONTROLS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@pytest.fixture
def engine(fonts: FontLibrary) -> TextEngine:
    return TextEngine(FontSet(fonts), lambda glyph: f"E{glyph}")


def marks(ops: bytes) -> list[str]:
    found = re.findall(rb"/ActualText <FEFF([0-9A-F]*)>", ops)
    return [bytes.fromhex(text.decode()).decode("utf-16-be", "surrogatepass") for text in found]


def test_a_number_inside_arabic_is_marked_with_the_text_as_written(engine: TextEngine):
    line = engine.lines(MIXED, 500, STYLE)[0]

    outer, placed, inner = marks(line.ops)
    assert outer == inner == "المبلغ 48,250 يورو (القسط 2)"
    assert sorted(placed) == sorted(outer)
    assert line.ops.count(b"BDC") == line.ops.count(b"EMC") == 3


@pytest.mark.parametrize(
    "text", ["plain", "עברית: נא לשלם, תודה", "one עברית two", "谢谢", "العربية 5"]
)
def test_text_that_needs_no_mark_has_none(engine: TextEngine, text: str):
    assert not marks(engine.lines(text, 500, STYLE)[0].ops)


def test_a_mark_says_nothing_that_is_not_drawn(engine: TextEngine):
    line = engine.lines("Pay المبلغ 48,250\u202e يورو now", 500, STYLE)[0]

    assert marks(line.ops)
    assert all(not CONTROLS.search(text) for text in marks(line.ops))
    assert "[U+202E]" in marks(line.ops)[0]


@given(st.text(alphabet="ab,: 12אבגعلم()", max_size=30))
def test_turning_keeps_every_character(text: str):
    assert sorted(turned(text)) == sorted(text)


def test_a_mixed_message_is_copied_out_of_a_transcript_as_written(
    render: Callable[..., Any], samples: Any
):
    rows = [samples.whole(samples.message(1, MIXED)), samples.whole(samples.message(2, "ok " * 90))]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    for reader, read in scripts.extractors().items():
        if reader != "pdfium":
            assert scripts.comparable(MIXED) in scripts.comparable(read(made.master.path)), reader
