"""The one byte form of a value."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import canonical

CASES = json.loads((Path(__file__).parents[1] / "vectors/canonical/cases.json").read_text())

texts = st.text(st.characters(exclude_categories=()), max_size=12)
keys = st.text(max_size=6)
values = st.recursive(
    st.none() | st.booleans() | texts | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4).filter(lambda found: set(found) != {"wtf8"})
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(("written", "why"), CASES["good"])
def test_canonical_bytes_are_read_and_written_back(written: str, why: str) -> None:
    assert canonical.dumps(canonical.loads(written.encode())) == written.encode()


@pytest.mark.parametrize(("written", "why"), CASES["bad"])
def test_any_other_spelling_is_refused(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical.loads(written.encode())


@given(values)
def test_every_value_comes_back_from_its_bytes(value: object) -> None:
    assert canonical.loads(canonical.dumps(value)) == value


@given(values, values)
def test_different_values_have_different_bytes(one: object, other: object) -> None:
    same = repr(one) == repr(other) or json.dumps(one, sort_keys=True) == json.dumps(
        other, sort_keys=True
    )
    assert (canonical.dumps(one) == canonical.dumps(other)) == same


@given(values, st.data())
def test_a_changed_byte_is_refused_or_is_another_value(value: object, data: st.DataObject) -> None:
    written = bytearray(canonical.dumps(value))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = canonical.loads(bytes(written))
    except ValueError:
        return
    assert canonical.dumps(found) == bytes(written)


@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_with_value_error(data: bytes) -> None:
    try:
        canonical.loads(data)
    except ValueError:
        return


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        2**53,
        -(2**53),
        {"wtf8": "eda080"},
        {1: 2},
        (1,),
        b"x",
        {"\ud800": 1},
        type("S", (str,), {})("a"),
    ],
)
def test_a_value_outside_the_model_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_without_another_exception(opening: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical.loads(opening * 100_000)


def test_32_levels_pass_and_33_do_not() -> None:
    def nested(depth: int) -> object:
        value: object = 1
        for _ in range(depth):
            value = [value]
        return value

    assert canonical.loads(canonical.dumps(nested(32))) == nested(32)
    with pytest.raises(ValueError, match="deeply"):
        canonical.dumps(nested(33))


def test_two_spellings_of_one_letter_stay_apart() -> None:
    assert canonical.dumps("é") != canonical.dumps("e\u0301")
