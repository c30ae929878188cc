"""The short notation of ranges and redactions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.errors import InvalidSelection
from evidence.select import parse_ranges, parse_redactions
from evidence.select.notation import ranges_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12-90,101", "12-90,101"),
        ("5,4,3", "3-5"),
        ("1-3,2-8", "1-8"),
        (" 7 , 9 ", "7,9"),
        ("4-4", "4"),
    ],
)
def test_ranges_are_merged_and_ascending(text, expected):
    assert str(parse_ranges(text)) == expected


@pytest.mark.parametrize("text", ["", "0", "5-3", "a", "1-", "-4", "1,,2", "1.5", "٣"])
def test_what_is_no_range_is_refused_by_name(text):
    with pytest.raises(InvalidSelection) as refusal:
        parse_ranges(text)

    assert refusal.value.code == "invalid_range"


@given(st.sets(st.integers(1, 200)))
def test_ranges_of_sequences_hold_exactly_these(sequences):
    ranges = ranges_of(sorted(sequences))

    assert len(ranges) == len(sequences)
    assert all(sequence in ranges for sequence in sequences)


def test_redactions_name_message_field_and_segments():
    found = parse_redactions("17,18:body,19:body:3-5+8,19:attachments", "private")

    assert {number: redaction.targets for number, redaction in found.items()} == {
        17: ("*",),
        18: ("body",),
        19: ("body:3-5,8", "attachments"),
    }
    assert found[17].reason == "private"


@pytest.mark.parametrize("text", ["x", "0", "3:colour", "3:sequence", "3:sender:1", "3:body:0"])
def test_what_is_no_redaction_is_refused(text):
    with pytest.raises(InvalidSelection):
        parse_redactions(text)
