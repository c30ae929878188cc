"""Commitments, leaves and lines of messages."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import canonical, message
from evidence.formats.hashes import SHA256, SM3, sm3_available
from evidence.formats.message import Withheld
from evidence.values import Message, Ranges

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/message/v1.json").read_text())
SERIES = "0" * 32
SEED = bytes(range(32))
SM3_HERE = pytest.mark.skipif(not sm3_available(), reason="foreign tool missing: SM3 in OpenSSL")


def values_of(body: str | None = "Call 13800138000 now", **given: Any) -> list[Any]:
    row = Message(
        sequence=given.pop("sequence", 7),
        kind="text",
        source={"file": "", "offset": 0, "length": 10},
        source_text="10:00 - Ana: " + (body or ""),
        body=body,
        **given,
    )
    return list(message.field_values(row))


def leaf_of(values: list[Any], seed: bytes = SEED, algorithm: Any = SHA256) -> bytes:
    encoded, salts = message.encode_values(values), message.salts_of(seed)
    found = message.commit(encoded, values[message.BODY], salts, algorithm)
    return message.leaf_hash(found, algorithm)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["description"])
@pytest.mark.parametrize("algorithm", [SHA256, pytest.param(SM3, marks=SM3_HERE)])
def test_commitments_and_leaf_agree_with_a_second_implementation(
    vector: dict[str, Any], algorithm: Any
) -> None:
    values = [vector["values"][name] for name in message.FIELDS]
    salts = message.salts_of(bytes.fromhex(vector["seed"]))
    found = message.commit(message.encode_values(values), values[message.BODY], salts, algorithm)
    expected = vector[algorithm.name]
    assert (
        dict(zip(message.FIELDS, (item.hex() for item in found), strict=True))
        == (expected["commitments"])
    )
    assert message.leaf_hash(found, algorithm).hex() == expected["leaf_hash"]


def test_the_closed_field_list_is_the_attributes_of_a_message() -> None:
    assert set(message.FIELDS) == set(Message.__slots__)
    assert len(message.FIELDS) == 20


def test_a_salt_is_hkdf_expand() -> None:
    expected = hmac.new(SEED, b"truethread/salt/v1\0body\x01", hashlib.sha256).digest()
    assert message.salt_of(SEED, "body") == expected


def test_leaf_data_and_leaf_hash_belong_together() -> None:
    values = values_of()
    found = message.commit(
        message.encode_values(values), values[message.BODY], message.salts_of(SEED)
    )
    data = message.leaf_data(found)
    assert hashlib.sha256(b"\0" + data).digest() == message.leaf_hash(found)


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_segments_joined_are_the_body_and_maximal(body: str) -> None:
    found = message.segments(body)
    assert "".join(found) == body
    for before, after in itertools.pairwise(found):
        joined = before[-1] + after[0]
        assert not (joined.isascii() and (joined.isalpha() or joined.isdigit()))


@pytest.mark.parametrize("name", message.FIELDS)
def test_changing_one_field_changes_the_leaf(name: str) -> None:
    values = values_of()
    before = leaf_of(values)
    index = message.FIELDS.index(name)
    values[index] = 8 if name == "sequence" else "changed"
    assert leaf_of(values) != before


def test_an_empty_body_is_not_an_absent_one() -> None:
    assert leaf_of(values_of(body="")) != leaf_of(values_of(body=None, sequence=7))


@given(st.text(st.characters(exclude_categories=()), max_size=30) | st.none())
def test_a_whole_line_opens_to_the_sealed_leaf(body: str | None) -> None:
    values = values_of(body)
    line = message.read_line(message.whole_line(SERIES, values, SEED))
    assert line.leaf_hash == leaf_of(values)
    assert (line.series, line.sequence, line.withheld) == (SERIES, 7, ())
    assert line.fields["body"] == body


WITHHELD = [
    ["*"],
    ["body"],
    ["body:2"],
    ["body:1,3-5"],
    ["sender", "source", "source_text"],
    ["time_raw", "attachments"],
]


@pytest.mark.parametrize("items", WITHHELD, ids=str)
@pytest.mark.parametrize("sm3", [False, pytest.param(True, marks=SM3_HERE)])
def test_a_partial_line_opens_to_the_same_leaf(items: list[str], sm3: bool) -> None:
    values = values_of()
    withheld = Withheld.parse(items, "privilege")
    data = message.partial_line(SERIES, values, SEED, withheld, sm3=sm3)
    line = message.read_line(data, sm3=sm3)
    assert line.leaf_hash == leaf_of(values)
    assert line.sm3_leaf_hash == (leaf_of(values, algorithm=SM3) if sm3 else None)
    assert (line.withheld, line.reason) == (withheld.items(), "privilege")


def test_a_redacted_number_is_nowhere_in_its_line() -> None:
    withheld = Withheld.parse(["body:3"], "privacy").closed()
    data = message.partial_line(SERIES, values_of(), SEED, withheld)
    assert b"13800138000" not in data
    assert SEED.hex().encode() not in data
    assert message.read_line(data).body == ("Call", " ", None, " ", "now")
    assert message.salt_of(SEED, "body").hex().encode() not in data


def test_a_body_that_gives_itself_away_elsewhere_is_withheld_there_too() -> None:
    items = Withheld.parse(["body"], "x").closed().items()
    assert items == ("body", "edits", "source", "source_text")
    assert Withheld.parse(["attachments"], "x").closed().items() == (
        "attachments", "source", "source_text",
    )  # fmt: skip


@pytest.mark.parametrize(
    "items", [["sequence"], ["nothing"], ["kind:1"], ["body:0"], ["body", "body:1"], ["body:2-1"]]
)
def test_what_cannot_be_withheld_is_refused(items: list[str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Withheld.parse(items, "x")


def test_a_segment_the_body_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="segment"):
        message.partial_line(SERIES, values_of(), SEED, Withheld.parse(["body:9"], "x"))


def edited(data: bytes, change: Any) -> bytes:
    value: Any = canonical.loads(data)
    change(value)
    return canonical.dumps(value)


def test_a_changed_value_in_a_partial_line_opens_to_another_leaf() -> None:
    data = message.partial_line(SERIES, values_of(), SEED, Withheld.parse(["body:3"], "x"))

    def change(value: Any) -> None:
        value["fields"]["body"]["segments"][0]["text"] = "Kill"

    assert message.read_line(edited(data, change)).leaf_hash != leaf_of(values_of())


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["commitments"].pop("source"),
        lambda value: value["salts"].pop("kind"),
        lambda value: value["salts"].update(body="0" * 64),
        lambda value: value["fields"].pop("kind"),
        lambda value: value["fields"].pop("sequence"),
        lambda value: value["fields"].update(more=1),
        lambda value: value["commitments"].update(kind="0" * 64),
        lambda value: value["withheld"].update(fields=["body:3"]),
        lambda value: value["withheld"].update(fields=[]),
        lambda value: value["fields"]["body"]["segments"].insert(
            0, {"text": "a", "salt": "0" * 64}
        ),
        lambda value: value["fields"]["body"]["segments"][0].update(text="ab c"),
        lambda value: value["fields"]["body"]["segments"][2].update(more="0" * 64),
        lambda value: value["fields"]["body"].update(list_salt="0" * 63),
        lambda value: value["fields"].update(body=5),
        lambda value: value["fields"].update(sequence="7"),
        lambda value: value["fields"].update(sequence=0),
        lambda value: value.update(series="A" * 32),
        lambda value: value.pop("withheld"),
    ],
)
def test_a_partial_line_out_of_shape_is_refused(change: Any) -> None:
    withheld = Withheld.parse(["body:3", "source", "source_text"], "x")
    data = message.partial_line(SERIES, values_of(), SEED, withheld)
    with pytest.raises(ValueError, match=r".+"):
        message.read_line(edited(data, change))


@given(st.data())
def test_no_mutated_line_opens_to_the_sealed_leaf(data: st.DataObject) -> None:
    good = data.draw(
        st.sampled_from(
            [
                message.whole_line(SERIES, values_of(), SEED),
                message.partial_line(SERIES, values_of(), SEED, Withheld.parse(["body:3"], "x")),
            ]
        )
    )
    place = data.draw(st.integers(0, len(good) - 1))
    mutant = bytearray(good)
    mutant[place] ^= 1 << data.draw(st.integers(0, 7))
    try:
        line = message.read_line(bytes(mutant))
    except ValueError:
        return
    free = line.series != SERIES or line.reason not in ("", "x")
    assert free or line.leaf_hash != leaf_of(values_of())


def test_withheld_reads_and_writes_one_way() -> None:
    withheld = Withheld(frozenset({"source_text", "edits"}), "x", Ranges(((3, 5), (9, 9))))
    assert withheld.items() == ("body:3-5,9", "edits", "source_text")
    assert Withheld.parse(withheld.items(), "x") == withheld
