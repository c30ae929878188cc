"""How two deliveries differ: what is counted, and that a comparison is made once and by one."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from evidence.actions import compare_deliveries
from evidence.actions.compare_deliveries import request_comparison, run_comparison
from evidence.actions.export_steps.siblings import Counts, counted
from evidence.models import Comparison, Series
from evidence.tasks import waiting_comparisons
from tests.actions.conftest import CHAT, OPERATOR

MARKS = st.lists(st.sampled_from([a * 16 + b * 16 for a in (b"1", b"2") for b in (b"x", b"y")]))
LATER = CHAT.replace("Good morning", "Good evening") + "14/01/2024, 11:00 - Ana: One more\n"


@given(MARKS, MARKS)
def test_counts_add_up_to_both_lots_and_agree_with_multisets(mine, theirs):
    found = counted(Counter(mine), iter(theirs))

    same = Counter(mine) & Counter(theirs)
    left = Counter(one[:16] for one in (Counter(mine) - same).elements())
    right = Counter(one[:16] for one in (Counter(theirs) - same).elements())
    different = sum((left & right).values())
    assert found == Counts(
        sum(same.values()), different, len(mine) - sum(same.values()) - different,
        len(theirs) - sum(same.values()) - different,
    )  # fmt: skip


@pytest.fixture
def two(acquire, series) -> tuple[Series, Series]:
    acquire(LATER)
    first, second = Series.objects.select_related("organisation").order_by("pk")
    return first, second


@pytest.fixture
def ask(two, monkeypatch):
    """Ask for the comparison and leave it to a worker."""
    monkeypatch.setattr(compare_deliveries, "AT_ONCE", 0)

    def act() -> Comparison:
        return request_comparison(series=two[0], other=two[1], actor=OPERATOR, at=timezone.now())

    return act


def numbers(asked: Comparison) -> tuple[int, ...]:
    asked.refresh_from_db()
    return asked.same, asked.different, asked.missing, asked.extra


def test_a_worker_counts_it_once(ask):
    asked = ask()
    assert ask() == asked
    assert run_comparison(asked.pk).phase == Comparison.Phase.READY
    Comparison.objects.update(same=77)
    run_comparison(asked.pk)
    assert numbers(asked) == (77, 1, 0, 1)
    assert ask().phase == Comparison.Phase.READY


def test_what_another_worker_is_at_is_left_to_it_until_its_lease_ends(ask, now):
    asked = ask()
    until = timezone.now() + timedelta(minutes=1)
    Comparison.objects.update(lease_holder="elsewhere:1:1", lease_until=until)
    assert run_comparison(asked.pk).phase == Comparison.Phase.WAITING
    assert waiting_comparisons(timezone.now()) == []
    Comparison.objects.update(lease_until=now)
    assert waiting_comparisons(timezone.now()) == [asked.pk]
    assert run_comparison(asked.pk).phase == Comparison.Phase.READY
    assert numbers(asked) == (5, 1, 0, 1)


def test_one_that_kills_every_worker_is_given_up_and_can_be_begun_again(ask):
    asked = ask()
    Comparison.objects.update(attempts=5)
    assert run_comparison(asked.pk).error_code == "given_up"
    assert ask().phase == Comparison.Phase.WAITING
    assert run_comparison(asked.pk).phase == Comparison.Phase.READY


def test_an_unexpected_end_leaves_it_waiting_for_the_next_worker(ask, monkeypatch):
    asked = ask()
    with monkeypatch.context() as patch:
        patch.setattr(compare_deliveries, "count_whole", lambda *_all: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            run_comparison(asked.pk)
    assert waiting_comparisons(timezone.now()) == [asked.pk]
    run_comparison(asked.pk)
    assert numbers(asked) == (5, 1, 0, 1)


def test_a_delivery_that_has_grown_is_counted_anew_and_the_old_count_is_not_written(
    ask, monkeypatch
):
    asked = ask()

    def overtaken(*arguments: object) -> Counts:
        Comparison.objects.update(size=5)  # as if it had been asked for when there were five
        ask()
        return Counts(9, 9, 9, 9)

    with monkeypatch.context() as patch:
        patch.setattr(compare_deliveries, "count_whole", overtaken)
        run_comparison(asked.pk)
    assert numbers(asked) == (0, 0, 0, 0)
    assert (asked.phase, asked.size) == (Comparison.Phase.WAITING, 6)
    run_comparison(asked.pk)
    assert numbers(asked) == (5, 1, 0, 1)


def test_only_the_messages_there_were_are_counted(ask, two):
    asked = ask()
    Comparison.objects.update(size=1, other_size=7)
    run_comparison(asked.pk)
    assert numbers(asked) == (0, 1, 0, 6)


def test_how_far_it_has_come_is_told(ask, monkeypatch):
    asked, seen = ask(), list[int]()
    monkeypatch.setattr(compare_deliveries, "_SAID_EVERY", 1)
    real = compare_deliveries.count_whole

    def watched(series: Series, other: Series, sizes: tuple[int, int], opened_one) -> Counts:
        def told() -> None:
            opened_one()
            seen.append(Comparison.objects.get(pk=asked.pk).done_units)

        return real(series, other, sizes, told)

    monkeypatch.setattr(compare_deliveries, "count_whole", watched)
    run_comparison(asked.pk)
    assert seen == list(range(1, 14))
    asked.refresh_from_db()
    assert (asked.done_units, asked.total_units) == (13, 13)
