"""A rule becomes ranges, once and for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from evidence.actions.create_account import create_organisation
from evidence.errors import InvalidSelection
from evidence.models import Acquisition, Conversation, Message, Series
from evidence.select import Choice, Redaction, freeze_part, parse_ranges

START = datetime(2024, 1, 1, 8, 0, tzinfo=UTC)
PEOPLE = {"p1": ["Ana"], "p2": ["李雷", "Li Lei"]}


@pytest.fixture
def series(db) -> Series:
    """Ten messages, an hour apart, Ana and Li Lei in turn; the sixth has no time."""
    now = timezone.now()
    organisation = create_organisation(name="Ana", is_personal=True, at=now)
    acquisition = Acquisition.objects.create(
        organisation=organisation, created_at=now, fingerprint=b"f" * 32, payload=b""
    )
    conversation = Conversation.objects.create(
        organisation=organisation, identity_key=b"i" * 32, payload=b"", created_at=now
    )
    made = Series.objects.create(
        organisation=organisation, acquisition=acquisition, conversation=conversation, place=1,
        wrapped_key=b"", size=10, sealed_at=now,
    )  # fmt: skip
    Message.objects.bulk_create(
        Message(
            series=made, sequence=n, kind="text", participant=1 + n % 2, leaf_hash=b"l" * 32,
            occurred_at=None if n == 6 else START + timedelta(hours=n), payload=b"",
        )
        for n in range(1, 11)
    )  # fmt: skip
    return made


def chosen(series: Series, **rule) -> str:
    return str(freeze_part(series, Choice(**rule), PEOPLE).chosen)


def test_no_rule_chooses_everything(series):
    assert chosen(series) == "1-10"


def test_a_period_holds_its_start_and_not_its_end(series):
    period = {"period_from": START + timedelta(hours=2), "period_to": START + timedelta(hours=5)}

    assert chosen(series, **period) == "2-4"


def test_a_message_without_a_time_is_outside_every_period(series):
    part = freeze_part(series, Choice(period_from=START), PEOPLE)

    assert (str(part.chosen), part.gaps) == ("1-5,7-10", 1)


@pytest.mark.parametrize("name", ["p2", "李雷", "Li Lei"])
def test_a_participant_is_found_by_key_and_by_every_name(series, name):
    assert chosen(series, participant=name) == "1,3,5,7,9"


def test_rules_are_combined_by_and(series):
    assert chosen(series, participant="p1", messages=parse_ranges("3-8")) == "4,6,8"


def test_context_widens_and_joins_but_never_leaves_the_series(series):
    assert chosen(series, messages=parse_ranges("1,5,10"), context=1) == "1-2,4-6,9-10"
    assert chosen(series, messages=parse_ranges("5"), context=99) == "1-10"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ({"messages": parse_ranges("11")}, "message_out_of_range"),
        ({"participant": "Eve"}, "unknown_participant"),
        ({"period_from": START + timedelta(days=9)}, "nothing_selected"),
        ({"context": -1}, "invalid_context"),
        (
            {"messages": parse_ranges("1-2"), "redactions": {3: Redaction(("*",))}},
            "redaction_outside_selection",
        ),
    ],
)
def test_an_impossible_choice_is_named(series, rule, code):
    with pytest.raises(InvalidSelection) as refusal:
        chosen(series, **rule)

    assert refusal.value.code == code
