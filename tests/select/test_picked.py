"""Chosen messages as bits say the same as chosen messages as ranges, and never ask for more memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evidence.formats.ranges import of
from evidence.select.picked import Picked

NUMBERS = st.sets(st.integers(1, 9_000), max_size=60)


@given(NUMBERS)
def test_bits_and_ranges_are_the_same_set(numbers):
    ranges = of(numbers)
    picked = Picked.of(ranges)

    assert picked.ranges() == ranges
    assert (len(picked), picked.stretches) == (len(numbers), len(ranges.spans))
    assert (picked.first, picked.last) == (min(numbers, default=0), max(numbers, default=0))
    assert all((number in picked) == (number in numbers) for number in range(-1, 9_002, 7))


@given(st.sets(st.integers(1, 9_000), min_size=300, max_size=600))
def test_many_stretches_are_the_same_set_too(numbers):
    assert Picked.of(of(numbers)).ranges() == of(numbers)


@given(NUMBERS, st.integers(0, 9_100), st.integers(1, 70))
def test_a_page_from_a_place_on_and_the_one_before_it(numbers, start, most):
    picked, every = Picked().with_(numbers), sorted(numbers)

    assert picked.from_on(start, most) == [one for one in every if one >= start][:most]
    assert picked.before(start, most) == [one for one in every if one < start][-most:]


@given(NUMBERS, st.integers(0, 40), st.integers(1, 9_000))
def test_neighbours_are_added_within_the_series(numbers, context, size):
    wanted = {near for one in numbers for near in range(one - context, one + context + 1)}
    picked = Picked().with_(numbers).up_to(size).widened(context, size)

    inside = {
        near for one in numbers if one <= size for near in range(one - context, one + context + 1)
    }
    assert picked.ranges() == of({one for one in inside & wanted if 1 <= one <= size})


def test_absurd_numbers_cost_nothing():
    picked = Picked().with_([3])

    assert 10**12 not in picked
    assert picked.from_on(10**12, 50) == []
    assert picked.widened(10**12, 5).ranges() == of(range(1, 6))
