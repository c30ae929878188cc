"""What other projects' real export files must come out as."""

from __future__ import annotations

import pytest

from evidence.errors import IngestRefused
from evidence.ingest import Answers, examine, questions

EXPECTED = {
    "D01": (5, {"A", "B"}, "2021-01-01T11:00:00Z"),
    "D02": (14, {"Alice", "Bob", "Eve", "Mallory", "Trent"}, "2020-09-12T21:55:00Z"),
    "D03": (
        9,
        {"John Doe", "Jahn Doe", "John-John Doe", "John Doe 🤓", "🤓"},
        "2019-01-01T10:25:00Z",
    ),
    "D04": (
        9,
        {"John Doe", "Jahn Doe", "John-John Doe", "John Doe 🤓", "🤓"},
        "2019-01-01T10:25:00Z",
    ),
    "D05": (
        9,
        {"John Doe", "Jahn Doe", "John-John Doe", "John Doe 🤓", "🤓"},
        "2019-01-01T10:25:00Z",
    ),
    "D06": (3, {"John Doe"}, "2019-09-17T06:30:52Z"),
    "D07": (50, {"Mallory", "Alice", "Bob", "Carol", "Dave"}, "2018-01-29T11:24:00Z"),
    "D08": (50, {"Mallory", "Alice", "Bob", "Carol", "Dave"}, "2018-01-29T11:24:03Z"),
    "D09": (50, {"Mallory", "Alice", "Bob", "Carol", "Dave"}, "2018-01-29T11:24:00Z"),
    "D10": (
        20,
        {
            "Ash Ketchum",
            "Brock",
            "Misty",
            "Prof. Oak",
            "Jessie & James",
            "Raichu",
            "Meowth",
            "Wobbuffet",
        },
        "2016-04-15T13:04:00Z",
    ),
    "D11": (8, {"Alice", "Bob"}, "2019-07-05T14:55:32Z"),
    "D21": (3, {"A", "B"}, None),
    "D12": (2, {"Author 1", "Author 2"}, "2018-12-05T10:39:10Z"),
}


@pytest.mark.parametrize("prefix", EXPECTED)
def test_each_export_gives_its_messages_people_and_first_time(prefix, fixture_named, reading_of):
    reading = reading_of(fixture_named(f"{prefix}-"))

    names = {name for end in reading.ends for p in end.participants for name in p.names}
    assert (len(reading.messages), names, reading.utc()[0]) == EXPECTED[prefix]
    assert reading.ends[0].message_count == len(reading.messages)


@pytest.mark.parametrize(
    ("prefix", "orders"),
    [
        ("D01", ("dmy", "mdy")),
        ("D02", ("dmy", "mdy")),
        ("D03", ("dmy",)),
        ("D04", ("mdy",)),
        ("D05", ("mdy",)),
        ("D06", ("mdy",)),
        ("D07", ("mdy",)),
        ("D08", ("mdy",)),
        ("D09", ("dmy",)),
        ("D10", ("dmy",)),
    ],
)
def test_the_date_order_is_asked_only_where_two_fit_every_date(prefix, orders, fixture_named):
    path = fixture_named(f"{prefix}-")
    examination = examine(path, path.name)

    asked = {q.code: q.choices for q in questions(path, examination, Answers())}

    assert examination.survey.date_orders == orders
    assert "timezone" in asked
    assert asked.get("date_order", orders) == orders
    assert ("date_order" in asked) == (len(orders) > 1)


def test_a_line_out_of_order_stays_a_message_and_is_flagged(fixture_named, reading_of):
    reading = reading_of(fixture_named("D01-"))

    assert reading.bodies()[-1] == "This message should be reordered"
    assert "possible_forgery" in reading.messages[-1].warnings
    assert "possible_forgery" in reading.messages[-2].warnings
    assert "possible_forgery" in reading.codes()


def test_a_bad_header_becomes_one_unparsed_row_and_nothing_is_lost(fixture_named, reading_of):
    reading = reading_of(fixture_named("D21-"), timezone="Asia/Shanghai")

    assert reading.kinds() == ["unparsed", "text", "text"]
    assert reading.bodies() == ["===\n假装我是文件头\n===\n\n", "A", "B"]
    assert reading.ends[0].unparsed_count == 1
    assert reading.messages[1].sender == {"key": "p1", "name": "A", "id": "123123"}
    assert reading.messages[1].time["offset"] == "+08:05:43"


def test_a_telegram_export_asks_for_the_zone_only_where_a_message_lacks_its_epoch(fixture_named):
    with_old, only_new = fixture_named("D11-"), fixture_named("D12-")

    old = questions(with_old, examine(with_old, "a.json"), Answers())
    new = questions(only_new, examine(only_new, "b.json"), Answers())

    assert [question.code for question in old] == ["timezone"]
    assert new == []


@pytest.mark.parametrize(
    "prefix",
    "D13 D14 D15 D16 D17 D18 D19 D20 D23 D24 D25 D26 D27 D29 D30 INDEX".split(),
)
def test_an_export_of_another_product_is_refused_as_unknown(prefix, fixture_named):
    path = fixture_named(prefix)

    with pytest.raises(IngestRefused) as refused:
        examine(path, path.name)

    assert refused.value.code == "unknown_format"
