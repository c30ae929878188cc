from __future__ import annotations

import random

import pytest
from bidi import get_display

from evidence.render.bidi import levels, needs_bidi, paragraph_level, visual_order

ALPHABET = "abc אבגד عربي 0123 ٠١٢ ,.:;+-$%()[]«» \u0301\u05b8"


def display(text: str) -> str:
    """Return ``text`` in visual order, brackets as written."""
    base = paragraph_level(text)
    return "".join(text[i] for i in visual_order(levels(text, base)))


def blank_brackets(text: str) -> str:
    """Mirroring is not compared, only order: all brackets of a shape become one."""
    return text.translate(str.maketrans(")]»", "([«"))


def peer(text: str) -> str:
    return str(get_display(text, base_dir="R" if paragraph_level(text) else "L"))


def test_left_to_right_text_needs_nothing():
    assert not needs_bidi("Hello, 你好 (1,000)")
    assert needs_bidi("Hello שלום")


@pytest.mark.parametrize(
    ("logical", "shown"),
    [
        ("abc אבג", "abc גבא"),
        ("אבג abc", "abc גבא"),
        ("אבג 12,500 דה", "הד 12,500 גבא"),
        ("a (אב) b", "a (בא) b"),
        ("אב (ab) גד", "דג )ab( בא"),
    ],
)
def test_known_lines_come_in_visual_order(logical: str, shown: str):
    assert display(logical) == shown


def test_two_thousand_random_lines_agree_with_another_implementation():
    dice = random.Random(7)  # noqa: S311  # dice for text, not secrets
    for _ in range(2000):
        text = "".join(dice.choices(ALPHABET, k=dice.randint(1, 24))).strip()
        if not needs_bidi(text) or "\u0301" in text or "\u05b8" in text:
            continue
        assert blank_brackets(display(text)) == blank_brackets(peer(text)), ascii(text)
