from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evidence.render.details import shown_details


def test_details_carry_names_in_the_language_of_the_exhibit(samples: Any):
    message = samples.message(1, kind="transfer", details={"amount": "¥48,250.00", "memo": "HT-17"})

    assert list(shown_details(message, "en")) == ["Amount: ¥48,250.00", "Note: HT-17"]
    assert list(shown_details(message, "zh")) == ["金额：¥48,250.00", "备注：HT-17"]


def test_what_only_a_program_asks_for_is_not_printed(samples: Any):
    details = {"width": "640", "height": "480", "duration_seconds": "7", "type": "文本"}
    message = samples.message(1, "hello", details=details)

    assert list(shown_details(message, "en")) == []


def test_a_kind_no_rule_knows_keeps_the_type_of_its_source(samples: Any):
    message = samples.message(1, None, kind="other", details={"type": "49/99"})

    assert list(shown_details(message, "zh")) == ["来源类型：49/99"]


def test_an_unknown_detail_stands_under_the_name_of_the_source(samples: Any):
    message = samples.message(1, None, kind="other", details={"flux": {"amount": [1, True]}})

    assert list(shown_details(message, "en")) == ["flux: Amount: 1, yes"]


def test_a_system_row_without_a_sentence_is_named_in_words(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    system = {"template": "invite_members", "values": {"members": ["Carol"]}}
    row = samples.whole(samples.message(1, None, kind="system", sender=None, system=system))

    english = text_of(render(samples.exhibit(rows=lambda: iter([row])), "en").master.path)
    chinese = text_of(render(samples.exhibit("zh", rows=lambda: iter([row])), "zh").master.path)

    assert "Members invited: Members: Carol" in english
    assert "邀请成员：成员：Carol" in chinese
