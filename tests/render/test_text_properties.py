from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evidence.render import pdfa
from evidence.render.bidi import levels, needs_bidi, paragraph_level
from evidence.render.fonts import FontLibrary
from evidence.render.fontset import FontSet
from evidence.render.text import TextEngine, TextStyle, Unit, code_point_mark

STYLE = TextStyle(10)
MIXED = "abc 012 אבגע ربيلا كلمة ًُ ำน้ำก กृक्षि नमस्ते বাংলা தமிழ் 中文，。“”—’ 「（)([ 😂👍🏽❤️1️⃣ \u200d\u200c\u0301\u202e"
texts = st.one_of(
    st.text(st.sampled_from(MIXED), max_size=40),
    st.text(st.characters(exclude_characters="\n"), max_size=30),
)


@pytest.fixture(scope="module")
def engine(fonts: FontLibrary) -> TextEngine:
    return TextEngine(FontSet(fonts), lambda glyph: f"E{glyph}")


def drawn(engine: TextEngine, unit: Unit) -> str:
    """Return what the codes of a shaped unit say, read in logical order."""
    by_name = {font.resource: font for font in engine.fonts._fonts.values()}
    glyphs = reversed(unit.glyphs) if unit.level % 2 else unit.glyphs
    found = []
    for glyph in glyphs:
        name = glyph.resource if glyph.resource in by_name else glyph.resource.rstrip("0123456789")
        level = int(glyph.resource.removeprefix(name) or 0)
        found.append(by_name[name]._levels[level][glyph.cid])
    return "".join(found).replace("\u200b", "")


@given(text=texts)
@hypothesis_settings(max_examples=400)
def test_every_character_is_drawn_or_marked_in_order(engine: TextEngine, text: str):
    found = None
    if needs_bidi(text):
        found = levels(text, paragraph_level(text))
    place = 0
    for unit in engine._units(text, STYLE, found):
        if unit.boxed:
            assert unit.text == code_point_mark(text[place])
            place += 1
            continue
        assert text.startswith(unit.text, place)
        if unit.glyphs:
            assert drawn(engine, unit) == unit.text
        place += len(unit.text)
    assert place == len(text)


@given(text=texts, width=st.floats(30, 400))
def test_lines_keep_their_width_unless_one_unit_is_wider(
    engine: TextEngine, text: str, width: float
):
    for line in engine.lines(text, width, STYLE):
        assert line.width <= width + 10 * 12


def test_a_page_of_random_text_breaks_no_rule(render: Callable[..., Any], samples: Any):
    import random

    dice = random.Random(3)  # noqa: S311  # dice for text, not secrets
    pool = [chr(c) for c in (*range(0x3000), *range(0x1F000, 0x1FB00), *range(0xE0000, 0xE0080))]
    rows = [
        samples.whole(samples.message(i, "".join(dice.choices(pool + list(MIXED) * 50, k=50))))
        for i in range(1, 60)
    ]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    assert pdfa.check(Path(made.master.path)) == []
