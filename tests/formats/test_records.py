"""Heads, custody entries, manifest, proofs and receipt: round trips, examples, strictness."""

from __future__ import annotations

import copy
import runpy
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import (
    canonical,
    custody,
    manifest,
    proofs,
    ranges,
    receipt,
    series_head,
    shape,
)
from evidence.values import Ranges

VECTORS = Path(__file__).parents[1] / "vectors"
MADE = runpy.run_path(str(VECTORS / "build_manifests.py"))
EXAMPLES: dict[str, bytes] = MADE["examples"]()


def read_custody(data: bytes) -> list[custody.Line]:
    if not data.endswith(b"\n"):
        raise ValueError("the last line does not end")
    return [custody.read_line(line) for line in data[:-1].split(b"\n")]


READERS: dict[str, Callable[[bytes], object]] = {
    "series_head.json": lambda data: series_head.read(canonical.loads(data)),
    "custody.jsonl": read_custody,
    "proofs.json": proofs.loads,
    "manifest.json": manifest.loads,
    "receipt.json": receipt.loads,
}


@pytest.mark.parametrize("name", READERS)
def test_version_1_still_has_the_bytes_it_was_released_with(name: str) -> None:
    assert EXAMPLES[name] == (VECTORS / "manifests" / name).read_bytes()


def test_what_is_read_is_what_was_written() -> None:
    assert manifest.loads(EXAMPLES["manifest.json"]) == MADE["whole_manifest"]()
    assert receipt.loads(EXAMPLES["receipt.json"]) == MADE["whole_receipt"]()
    assert proofs.loads(EXAMPLES["proofs.json"]) == [MADE["proof"]()]
    assert READERS["series_head.json"](EXAMPLES["series_head.json"]) == MADE["head"]()
    shown, hidden = EXAMPLES["custody.jsonl"][:-1].split(b"\n")
    assert custody.read_line(shown).entry == MADE["entry"]()
    assert custody.read_line(shown).digest == MADE["entry"]().digest(b"\x0d" * 32)
    assert custody.read_line(hidden).digest == b"\x0e" * 32


def objects(value: Any) -> Iterator[Any]:
    """Yield every object inside ``value`` whose keys are a closed set."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in ("participants", "stated", "details", "withheld", "reasons"):
                yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def lines_of(name: str) -> list[bytes]:
    data = EXAMPLES[name]
    return data[:-1].split(b"\n") if name.endswith("jsonl") else [data]


def refused(name: str, value: Any) -> bool:
    data = canonical.dumps(value) + (b"\n" if name.endswith("jsonl") else b"")
    try:
        READERS[name](data)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("name", READERS)
def test_one_key_more_or_less_is_refused_in_every_object(name: str) -> None:
    for line in lines_of(name):
        for index, found in enumerate(list(objects(canonical.loads(line)))):
            for key in [None, *found]:
                changed = canonical.loads(line)
                target = list(objects(changed))[index]
                if key is None:
                    target["unheard_of"] = 1
                else:
                    del target[key]
                assert refused(name, changed), (index, key)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_a_changed_byte_is_refused_or_reads_as_something_else(
    name: str, data: st.DataObject
) -> None:
    good = EXAMPLES[name]
    mutant = bytearray(good)
    mutant[data.draw(st.integers(0, len(good) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = READERS[name](bytes(mutant))
    except ValueError:
        return
    assert found != READERS[name](good)


def change_manifest(change: Callable[[Any], None]) -> None:
    value: Any = copy.deepcopy(canonical.loads(EXAMPLES["manifest.json"]))
    change(value)
    manifest.loads(canonical.dumps(value))


def part_of(value: Any) -> Any:
    return value["selection"]["parts"][0]


@pytest.mark.parametrize(
    "change",
    [
        lambda value: part_of(value).update(gaps=0),
        lambda value: part_of(value).update(contiguous=True),
        lambda value: part_of(value).update(span=[1, 5]),
        lambda value: part_of(value).update(n_disclosed=3),
        lambda value: part_of(value).update(n_rows=6),
        lambda value: part_of(value).update(disclosed="2-3,5-6"),
        lambda value: part_of(value).update(disclosed=""),
        lambda value: part_of(value)["withheld"].update({"4": ["*"]}),
        lambda value: part_of(value)["withheld"].update({"3": ["source", "body"]}),
        lambda value: part_of(value)["reasons"].pop("3"),
        lambda value: value["selection"].update(digest="0" * 64),
        lambda value: value["selection"].update(parts=[]),
        lambda value: value["files"].reverse(),
        lambda value: value["files"].append(value["files"][-1]),
        lambda value: value["files"][0].update(sm3="0" * 64),
        lambda value: value["volumes"][1].update(bates_first=5),
        lambda value: value["volumes"][1].update(pages=3),
        lambda value: value["log"].update(checkpoint="data/checkpoints/other.txt"),
        lambda value: value["log"]["earlier"].append(value["log"]["earlier"][0]),
        lambda value: value.update(created="2024-03-02 09:00:00"),
        lambda value: value.update(created="2024-02-30T09:00:00Z"),
        lambda value: value.update(bundle="x"),
        lambda value: value.update(format="truethread/manifest/v2"),
        lambda value: value["series"][0]["head"].update(size=True),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(change: Callable[[Any], None]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        change_manifest(change)


def test_the_unchanged_manifest_is_accepted() -> None:
    change_manifest(lambda value: None)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(event="series.unsealed"),
        lambda value: value.update(index=-1),
        lambda value: value.update(time="2024-03-02T08:00:00+00:00"),
        lambda value: value["actor"].update(kind="robot"),
        lambda value: value["subjects"][0].update(number=0),
        lambda value: value["subjects"][0].update(number=2),
        lambda value: value["subjects"][1].update(previous=None),
        lambda value: value["subjects"].append(value["subjects"][0]),
        lambda value: value["subjects"][0].update(kind="person"),
    ],
)
def test_an_entry_out_of_shape_is_refused(change: Callable[[Any], None]) -> None:
    value = MADE["entry"]().value()
    change(value)
    with pytest.raises(ValueError, match=r".+"):
        custody.read_entry(value)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["zip"].update(sha256="0" * 64),
        lambda value: value.update(bundle="9" * 32),
        lambda value: value["entry"].update(event="export.prepared"),
        lambda value: value.update(token="MAA"),
        lambda value: value.update(token="MAB="),
        lambda value: value.update(checkpoint="no note"),
    ],
)
def test_a_receipt_that_contradicts_itself_is_refused(change: Callable[[Any], None]) -> None:
    value: Any = canonical.loads(EXAMPLES["receipt.json"])
    change(value)
    with pytest.raises(ValueError, match=r".+"):
        receipt.loads(canonical.dumps(value))


def test_two_originals_that_differ_anywhere_have_different_commitments() -> None:
    one = series_head.Original("a", None, b"\x01" * 32, 5)
    others = [
        series_head.Original("b", None, b"\x01" * 32, 5),
        series_head.Original("a", "Ana", b"\x01" * 32, 5),
        series_head.Original("a", None, b"\x02" * 32, 5),
        series_head.Original("a", None, b"\x01" * 32, 6),
    ]
    seed = b"\x07" * 32
    found = {item.commitment(seed) for item in [one, *others]} | {one.commitment(b"\x08" * 32)}
    assert len(found) == 6


@given(st.sets(st.integers(1, 500), max_size=40))
def test_ranges_have_one_spelling(chosen: set[int]) -> None:
    found = ranges.of(chosen)
    assert ranges.parse(str(found)) == found
    assert set(ranges.sequences(found)) == chosen


@pytest.mark.parametrize(
    "text", ["3-3", "5,4", "1-2,3", "01", "0", "1-", " 1", "1,,2", ",", "-1", 5]
)
def test_another_spelling_of_ranges_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ranges.parse(text)


def test_no_rows_are_the_empty_text() -> None:
    assert ranges.parse("") == Ranges()


@pytest.mark.parametrize("text", ["2024-03-01T04:00:00Z", "2024-03-01T04:00:00.25Z"])
def test_a_time_is_read(text: str) -> None:
    assert shape.utc(text).isoformat().startswith("2024-03-01T04:00:00")


def test_a_time_is_written_as_it_is_read() -> None:
    for text in ("2024-03-01T04:00:00Z", "2024-03-01T04:00:00.250000Z"):
        assert shape.utc_text(shape.utc(text)) == text


@pytest.mark.parametrize(
    "text",
    ["2024-03-01T04:00:00", "2024-03-01T04:00:60Z", "2024-3-1T04:00:00Z", "２024-03-01T04:00:00Z"],
)
def test_a_time_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        shape.utc(text)


PICTURE = {
    "path": "data/participants/" + "a" * 32 + "/p1-1.jpg", "name": "profile.jpg",
    "media_type": "image/jpeg", "size": 3, "sha256": "ab" * 32, "by": "Ana",
    "supplied": "2026-03-14T09:26:53Z",
}  # fmt: skip


def with_participants(*people: Any) -> manifest.SeriesInfo:
    return replace(MADE["whole_manifest"]().series[0], participants=people)


def test_pictures_beside_participants_are_read_as_they_are_written() -> None:
    stated = {"basis": None, "by": "Ana", "name": "", "pictures": [PICTURE, PICTURE]}
    found = manifest.pictures_of(with_participants({"key": "p1", "stated": stated}))

    assert [one.value() for one in found] == [PICTURE, PICTURE]


@pytest.mark.parametrize("person", [{}, {"stated": {"name": "Ana"}}, "Ana", {"stated": None}])
def test_participants_without_pictures_have_none(person: Any) -> None:
    assert manifest.pictures_of(with_participants(person)) == []


@pytest.mark.parametrize(
    "change",
    [{"more": 1}, {"size": -1}, {"size": "3"}, {"sha256": "AB" * 32}, {"supplied": "today"}],
)
def test_a_misspelt_picture_is_refused(change: Any) -> None:
    stated = {"pictures": [PICTURE | change]}
    with pytest.raises(ValueError):  # noqa: PT011 - the one kind a format raises
        manifest.pictures_of(with_participants({"stated": stated}))
