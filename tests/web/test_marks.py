"""Text of strangers: escaped, isolated, nothing invisible."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from evidence.front.asking import date_read_as
from evidence.front.marks import filed, marked, plain, visible
from evidence.front.tags import hex_groups, named_details, size


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("evil\u202etxt", 'evil<span class="unseen">U+202E</span>txt'),
        ("zero\u200bwidth", 'zero<span class="unseen">U+200B</span>width'),
        ("\ud800", '<span class="unseen">U+D800</span>'),
        ("a\x00b", 'a<span class="unseen">U+0000</span>b'),
        ("line\r\nline\n\ttab", "line\nline\n\ttab"),
        ("👨‍👩‍👧", "👨‍👩‍👧"),
        ("❤️", "❤️"),
        ("क्‍ष", "क्‍ष"),
    ],
)
def test_what_cannot_be_seen_is_shown_and_what_is_needed_stays(text, shown):
    assert marked(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_any_text_becomes_harmless_html_that_can_be_sent(text):
    shown = visible(text)
    assert shown.startswith("<bdi>")
    assert shown.encode("utf-8")
    assert "<" not in shown.replace("<bdi>", "").replace("</bdi>", "").replace(
        '<span class="unseen">', ""
    ).replace("</span>", "")
    assert isinstance(plain(text).encode("utf-8"), bytes)


@pytest.mark.parametrize(
    ("octets", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_999, "1.0 MB"), (50_000_000, "50 MB")],
)
def test_sizes_are_written_as_file_managers_do(octets, shown):
    assert size(octets) == shown


def test_a_digest_may_break_between_groups_only():
    assert hex_groups(b"\xab" * 8) == "abababab<wbr>abababab"
    assert hex_groups("<b>") == ""


def test_a_date_is_read_in_every_order_or_not_at_all():
    assert str(date_read_as("03/04/23, 10:00 - Ana", "dmy")) == "2023-04-03"
    assert str(date_read_as("03/04/23, 10:00 - Ana", "mdy")) == "2023-03-04"
    assert date_read_as("31/04/2023", "dmy") is None
    assert date_read_as("no numbers", "dmy") is None


def test_no_template_is_broken():
    call_command("check", "--tag", "templates")


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["Amount: ¥ 500", "Kind in the source: 转账"]),
        ("zh-hans", ["金额：¥ 500", "来源类型：转账"]),
    ],
)
def test_details_are_named_in_the_language_of_the_page(language, shown):
    details = {"amount": "¥ 500", "duration_seconds": 4, "memo": "", "type": "转账"}
    message = SimpleNamespace(kind="other", body=None, details=details)
    with translation.override(language):
        assert named_details(message) == shown


def test_a_file_name_keeps_its_letters_and_loses_what_disguises_it():
    assert filed("合同 a\u202egnp.exe") == "合同 a_gnp.exe"
    assert filed("a\r\nX: 1/../b\\c.txt") == "a__X: 1_.._b_c.txt"
    assert filed(" \u200b") == "_"


def test_a_title_keeps_what_holds_an_emoji_together_and_marks_the_rest():
    assert plain("\U0001f468\u200d\U0001f469") == "\U0001f468\u200d\U0001f469"
    assert plain("a\u200db\u202ec") == "a\u200db[U+202E]c"
    assert plain("1\u200d2") == "1[U+200D]2"
