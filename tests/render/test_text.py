from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.render import scripts
from evidence.render.fonts import FontLibrary
from evidence.render.fontset import FontSet
from evidence.render.text import TextEngine, TextStyle

STYLE = TextStyle(10)


@pytest.fixture
def engine(fonts: FontLibrary) -> TextEngine:
    return TextEngine(FontSet(fonts), lambda glyph: f"E{glyph}")


@pytest.fixture(scope="session")
def script_page(fonts: FontLibrary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scripts") / "scripts.pdf"
    scripts.render_page(fonts, path)
    return path


@pytest.mark.parametrize(("extractor", "least"), [("poppler", 14), ("mupdf", 16), ("pdfium", 14)])
def test_lines_of_the_script_page_come_out_exactly(script_page: Path, extractor: str, least: int):
    readers = scripts.extractors()
    if extractor not in readers:
        pytest.skip(f"foreign tool missing: {extractor}")

    exact = scripts.exact_lines(readers[extractor](script_page))

    assert sum(exact.values()) >= least, exact
    assert {key for key, right in exact.items() if not right} <= {"ar", "he", "mixed"}
    assert exact["mixed"] or extractor == "pdfium"


def test_no_peer_gives_back_as_many_lines_in_any_reader(
    fonts: FontLibrary, script_page: Path, tmp_path: Path
):
    readers, peers = scripts.extractors(), scripts.peers(fonts, tmp_path)

    for read in readers.values():
        ours = sum(scripts.exact_lines(read(script_page)).values())
        assert ours > max(sum(scripts.exact_lines(read(peer)).values()) for peer in peers.values())


def test_every_word_of_every_script_comes_out_of_poppler(script_page: Path):
    readers = scripts.extractors()
    if "poppler" not in readers:
        pytest.skip("foreign tool missing: pdftotext")

    assert all(scripts.right_words(readers["poppler"](script_page)).values())


def test_plain_text_is_cut_at_words_and_nothing_is_dropped(engine: TextEngine):
    text = "The quick brown fox jumps over the lazy dog. " * 20

    lines = engine.lines(text, 200, STYLE)

    assert len(lines) > 10
    assert all(line.width <= 200 + 3 for line in lines)


def test_a_string_without_a_break_is_cut_at_the_edge(engine: TextEngine):
    lines = engine.lines("x" * 5000, 200, STYLE)

    assert len(lines) > 100
    assert max(line.width for line in lines) <= 200


def test_chinese_never_begins_a_line_with_a_comma(engine: TextEngine):
    comma = engine._cjk.encode("，")[:-1]

    lines = engine.lines("一二三四五六七八九，" * 30, 101, STYLE)

    assert len(lines) > 20
    assert not any(comma in line.ops[:16] for line in lines)


@pytest.mark.parametrize(
    ("text", "marked"),
    [("pay\u202egnp", "[U+202E]"), ("a\u200bb", "[U+200B]"), ("\u2066x", "[U+2066]"),
     ("tab\u0007", "[U+0007]"), ("\ud83d", "[U+D83D]"), ("soft\u00adhyphen", "[U+00AD]"),
     ("a\u200db", "[U+200D]"), ("\u3164", "[U+3164]"), ("\ufeffBOM", "[U+FEFF]"),
     ("x\U000e0041", "[U+E0041]")],
)  # fmt: skip
def test_what_cannot_be_seen_is_drawn_as_a_mark(engine: TextEngine, text: str, marked: str):
    units = list(engine._units(text, STYLE, None))

    assert [unit.text for unit in units if unit.boxed] == [marked]


def test_a_character_without_glyph_is_marked_and_counted(engine: TextEngine):
    units = list(engine._units("a\U00012000b", STYLE, None))

    assert [unit.text for unit in units] == ["a", "[U+12000]", "b"]
    assert engine.missing == {0x12000: 1}


def test_a_heap_of_combining_marks_is_spelled_out(engine: TextEngine):
    units = list(engine._units("Z" + "\u0335" * 30, STYLE, None))

    assert sum(unit.boxed or unit.text in "Z\u0335" for unit in units) == len(units)
    assert len(units) > 20


@pytest.mark.parametrize("sequence", ["👨‍👩‍👧‍👦", "🇨🇳", "🏳️‍🌈", "1️⃣", "👍🏽", "❤️", "😂", "👩🏿‍🚀"])
def test_an_emoji_sequence_is_one_picture(engine: TextEngine, sequence: str):
    if engine.library.emoji is None:
        pytest.skip("foreign tool missing: fonts-noto-color-emoji")

    units = list(engine._units(f"ok {sequence}", STYLE, None))

    assert units[-1].text == sequence
    assert units[-1].image


def test_without_an_emoji_font_code_points_are_printed(fonts: FontLibrary):
    blind = FontLibrary(fonts.folder)
    blind.__dict__["emoji"] = None
    engine = TextEngine(FontSet(blind), lambda glyph: "")

    units = list(engine._units("\U0001f9ff", STYLE, None))

    assert [unit.text for unit in units] == ["[U+1F9FF]"]


def test_a_bracket_in_right_to_left_text_is_mirrored_but_copied_as_written(engine: TextEngine):
    line = engine.lines("שלום (עולם)", 300, STYLE)[0]

    assert line.rtl
    assert "(" in engine._sans.font._levels[0].values()


def test_han_forms_follow_the_conversation(engine: TextEngine):
    simplified = engine._cjk.face.nominal(ord("骨"))
    engine.set_forms("zh-Hant")

    assert engine._cjk.face.nominal(ord("骨")) != simplified


@pytest.mark.parametrize("text", ["", " ", "\n", "\r\n\r\n", "\t", "\u2028", "\x00", "\r"])
def test_odd_little_texts_are_lines(engine: TextEngine, text: str):
    assert engine.lines(text, 100, STYLE)


def test_extraction_gives_back_radicals_and_unified_forms_apart(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    body = "一 and ⼀ and 页 and ⻚"
    rows = [samples.whole(samples.message(1, body))]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    assert body in text_of(made.master.path)


def test_text_with_kana_is_drawn_in_japanese_forms_unless_forms_were_named(engine: TextEngine):
    engine.set_forms("zh-Hans", guess=True)
    assert engine._cjk_for("骨がある").face.key == "cjk-ja"
    assert engine._cjk_for("骨头").face.key == "cjk-zh-Hans"

    engine.set_forms("zh-Hans")
    assert engine._cjk_for("骨がある").face.key == "cjk-zh-Hans"


def test_a_line_that_is_cut_says_so(engine: TextEngine):
    line = engine.line("\u200b" * 500 + "end", STYLE, 100)
    short = engine.line("fits", STYLE, 100)

    assert line.width <= 100
    assert engine._sans.encode("…")[1:-1] in line.ops
    assert engine._sans.encode("…")[1:-1] not in short.ops
