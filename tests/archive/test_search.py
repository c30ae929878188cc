"""Passing a message over by its sealed bytes never loses a hit."""

from __future__ import annotations

from dataclasses import asdict

from hypothesis import example, given
from hypothesis import strategies as st

from evidence.archive.search import Words
from evidence.formats import canonical
from evidence.values import Message

TEXT = st.text(alphabet='aAzé"\\\n ,:{}Ａｂ＂＼ß́̈ﬁ李钱ſK٣{}', max_size=12)


def sealed(body: str | None, **more) -> tuple[bytes, Message]:
    source = {"file": "", "offset": 0, "length": 1}
    message = Message(**{"sequence": 1, "kind": "text", "source": source, "source_text": "x",
                         "body": body} | more)  # fmt: skip
    return canonical.dumps(asdict(message)), message


@given(TEXT, st.integers(0, 10), st.integers(1, 10))
@example('say "hi"', 4, 3)
@example("back\\slash", 2, 5)
@example("ＡＢＣ ｄ", 0, 3)
@example("Straße", 0, 6)
@example("cafe\u0301", 0, 5)
@example('","deletion":', 0, 13)
def test_what_stands_in_the_body_is_never_passed_over(body, start, length):
    fields, message = sealed(body)
    for wanted in (body[start : start + length].strip(), body.swapcase().strip()):
        words = Words(wanted)
        if wanted and words.hit(1, message):
            assert words.may_stand_in(fields)


def test_names_of_files_and_source_text_are_looked_at_too():
    for fields, message in (
        sealed(None, attachments=[{"name": "Vertrag.PDF"}]),
        sealed(None, source_text="ein Vertrag.pdf lag bei"),
        sealed("\ud800 vertrag.pdf"),
    ):
        words = Words("vertrag.pdf")
        assert words.may_stand_in(fields)
        assert words.hit(1, message)


def test_most_messages_are_passed_over_unopened():
    assert not Words("钱").may_stand_in(sealed("Guten Tag")[0])
    assert not Words("Konto").may_stand_in(sealed("收到了，谢谢")[0])


def test_what_is_shown_of_a_long_text_begins_and_ends_between_words_and_says_it_is_cut():
    body = "Good morning Omar. " + "word " * 30 + "needle " + "other " * 30 + "end"
    hit = Words("needle").hit(1, sealed(body)[1])
    assert hit is not None
    assert (hit.cut_before, hit.cut_after) == (True, True)
    assert hit.before.startswith("word ")
    assert hit.after.endswith(" other")
    assert f"{hit.before}{hit.hit}{hit.after}" in body


def test_a_short_text_is_shown_whole():
    hit = Words("钱").hit(1, sealed("请还我钱。谢谢")[1])
    assert hit is not None
    assert (hit.cut_before, hit.cut_after) == (False, False)
    assert f"{hit.before}{hit.hit}{hit.after}" == "请还我钱。谢谢"


@given(TEXT, st.integers(0, 200), st.integers(0, 200), st.booleans())
def test_what_is_left_out_around_a_hit_is_always_said(word, before, after, spaced):
    body = ("ab " if spaced else "a") * before + "#" + word + ("cd " if spaced else "c") * after
    hit = Words("#").hit(1, sealed(body)[1])
    assert hit is not None
    shown = f"{hit.before}{hit.hit}{hit.after}"
    assert shown in body
    assert body.startswith(shown) or hit.cut_before
    assert body.endswith(shown) or hit.cut_after
