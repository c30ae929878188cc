"""The checker finds what the schema does not, names it, and is total over any bytes."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st

from evidence.exchange import check_rsmf
from evidence.exchange.rsmf import write_rsmf
from tests.exchange.bundles import Conversation, attachment, row

PHOTO = b"\x89PNG a picture"


def codes(problems, level=None):
    return [one.code for one in problems if level in (None, one.level)]


def manifest(**changes):
    value = {
        "version": "2.0.0",
        "participants": [{"id": "p1", "display": "Ana"}],
        "conversations": [{"id": "c1", "platform": "sms", "participants": ["p1"]}],
        "events": [
            {"id": "m1", "type": "message", "participant": "p1", "conversation": "c1",
             "timestamp": "2024-03-01T09:00:00Z", "body": "hello"},
        ],
    }  # fmt: skip
    return value | changes


def event(**changes):
    return [manifest()["events"][0] | changes]


def check(value):
    return check_rsmf("rsmf_manifest.json", json.dumps(value).encode())


def test_a_plain_manifest_has_no_problem(rsmf_schema):
    jsonschema.validate(manifest(), rsmf_schema)
    assert check(manifest()) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (manifest(events=event(participant="p9")), ["unknown_participant"]),
        (manifest(events=event(conversation="c9")), ["unknown_conversation"]),
        (manifest(events=event(parent="m9")), ["unknown_parent"]),
        (manifest(events=event() * 2), ["duplicate_id"]),
        (manifest(events=event(attachment="a.png")), ["unknown_property"]),
        (manifest(events=event(timestamp="2024-03-01T09:00:00")), ["naive_timestamp"]),
        (manifest(events=event(timestamp="yesterday")), ["schema"]),
        (manifest(events=event(type="shout")), ["schema"]),
        (manifest(events=event(deleted="yes")), ["schema"]),
        (manifest(events=event(reactions=[{"value": "+1", "participants": ["p9"]}])),
         ["unknown_participant"]),
        (manifest(events=event(edits=[{"participant": "p9"}])), ["unknown_participant"]),
        (manifest(events=event(custom=[{"name": "n", "value": ""}])), ["schema"]),
        (manifest(participants=[]), ["unknown_participant"] * 2),
        ({"version": "2.0.0"}, ["schema"] * 3),
        (manifest(version="1.0.0", events=event(direction="incoming")), ["unknown_property"]),
    ],
)  # fmt: skip
def test_each_fault_has_its_code(value, expected):
    assert codes(check(value)) == expected


def test_the_first_sample_of_the_vendor_fails(fixture_chats, rsmf_schema):
    data = (fixture_chats / "D29-rsmf_manifest.json").read_bytes()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(data), rsmf_schema)
    assert codes(check_rsmf("rsmf_manifest.json", data), "error") == ["schema"]


def test_the_fourth_sample_of_the_vendor_fails_and_once_mended_warns_three_times(
    fixture_chats, rsmf_schema
):
    data = (fixture_chats / "D30-rsmf_manifest.json").read_bytes()
    value = json.loads(data)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, rsmf_schema)
    assert codes(check_rsmf("rsmf_manifest.json", data), "error") == ["schema"]

    value["participants"][0]["id"] = "1"
    jsonschema.validate(value, rsmf_schema)
    mended = check(value)
    assert codes(mended, "error") == []
    assert sorted(codes(mended, "warning")) == [
        "naive_timestamp", "unknown_participant", "unknown_property",
    ]  # fmt: skip


@pytest.fixture
def good(bundle_of, tmp_path) -> bytes:
    one = row(1, attachments=[attachment("a.png", PHOTO)])
    exchange = bundle_of(Conversation([one, row(2)], files={(1, 1): PHOTO}))
    [file] = write_rsmf(exchange, tmp_path / "out")
    assert check_rsmf("a.rsmf", file.path.read_bytes()) == []
    return file.path.read_bytes()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (b"X-RSMF-EventCount: 2", b"X-RSMF-EventCount: 3", "header_disagrees"),
        (b"X-RSMF-AttachmentCount: 1", b"X-RSMF-AttachmentCount: 0", "header_disagrees"),
        (b"X-RSMF-BeginDate: 2024", b"X-RSMF-BeginDate: 2023", "header_disagrees"),
        (b"X-RSMF-EndDate: 2024", b"X-RSMF-EndDate: 2025", "header_disagrees"),
        (b"X-RSMF-Version: 2.0.0", b"X-Other: 2.0.0", "header_missing"),
        (b'filename="rsmf.zip"', b'filename="mail.zip"', "archive_name"),
        (b"--=_truethread_rsmf--", b"--=_truethread_rsmf\r\nContent-Disposition: attachment; "
         b"filename=x.txt\r\n\r\nx\r\n--=_truethread_rsmf--", "attachment_count"),
    ],
)  # fmt: skip
def test_a_changed_file_is_found_out(good, before, after, code):
    assert before in good
    assert codes(check_rsmf("a.rsmf", good.replace(before, after))) == [code]


def zipped(**members: bytes) -> bytes:
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_json", ".json"), data)
    return out.getvalue()


def test_missing_and_orphan_files_are_told_apart():
    value = manifest(events=event(attachments=[{"id": "there"}, {"id": "gone"}]))
    data = zipped(rsmf_manifest_json=json.dumps(value).encode(), there=b"x", stray=b"y")
    found = check_rsmf("rsmf.zip", data)
    assert [(one.code, one.where) for one in found] == [
        ("missing_file", "gone"), ("orphan_file", "stray"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["../up.png", "..", "a/b.png", "a\\b.png", "C:evil.png", "con", "NUL.txt", "com1.png", "dot.",
     "blank ", "what?.png", "bell\x07.png", "x" * 256, "图" * 86],
)  # fmt: skip
def test_a_name_that_no_disk_takes_is_refused(name):
    value = manifest(events=event(attachments=[{"id": name}]))
    members = {"rsmf_manifest.json": json.dumps(value).encode(), name: b"x"}
    assert codes(check_rsmf("rsmf.zip", zipped(**members))) == ["archive_unsafe"]


def test_names_that_differ_by_capitals_alone_are_one_file_to_many_disks():
    value = manifest(events=event(attachments=[{"id": "a.png"}, {"id": "A.PNG"}]))
    members = {"rsmf_manifest.json": json.dumps(value).encode(), "a.png": b"x", "A.PNG": b"y"}
    assert codes(check_rsmf("rsmf.zip", zipped(**members))) == ["archive_unsafe"]


def test_a_damaged_attachment_and_one_of_another_size_are_found():
    value = manifest(events=event(attachments=[{"id": "a.png", "size": 8}]))
    data = zipped(**{"rsmf_manifest.json": json.dumps(value).encode(), "a.png": b"PICTURE."})
    assert check_rsmf("rsmf.zip", data) == []
    assert codes(check_rsmf("rsmf.zip", data.replace(b"PICTURE.", b"PICTURE!"))) == ["damaged_file"]
    value["events"][0]["attachments"][0]["size"] = 9
    data = zipped(**{"rsmf_manifest.json": json.dumps(value).encode(), "a.png": b"PICTURE."})
    assert codes(check_rsmf("rsmf.zip", data)) == ["size_disagrees"]


@pytest.mark.parametrize("parents", [["a"], ["b", "a"], ["b", "c", "b"]])
def test_events_that_are_each_others_parents_are_found(parents):
    value = manifest()
    value["events"] = [
        {"id": name, "type": "message", "parent": parent}
        for name, parent in zip("abc", parents, strict=False)
    ]
    assert codes(check(value)) == ["parent_circle"]


def test_a_long_thread_is_no_circle():
    value = manifest()
    value["events"] = [
        {"id": str(place), "type": "message"} | ({"parent": str(place - 1)} if place else {})
        for place in range(5_000)
    ]
    assert codes(check(value)) == []


def test_an_archive_without_a_manifest_fails():
    assert codes(check_rsmf("rsmf.zip", zipped(other=b""))) == ["manifest_missing"]


@given(st.binary(max_size=300), st.sampled_from(["a.rsmf", "a.zip", "a.json"]))
def test_any_bytes_get_an_answer(data, name):
    assert check_rsmf(name, data)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["events", "participants", "conversations", "id", "type", "custom"]), inner
    ),
    max_leaves=12,
))  # fmt: skip
def test_any_json_gets_an_answer(value):
    assert check(value)


def test_the_command_ends_with_one_when_a_file_fails(tmp_path, capsys):
    bad, warned = tmp_path / "bad.json", tmp_path / "warned.json"
    bad.write_text(json.dumps({"version": "2.0.0"}))
    warned.write_text(json.dumps(manifest(events=event(attachment="x"))))

    call_command("check_rsmf", str(warned), json=True)
    with pytest.raises(SystemExit) as ended:
        call_command("check_rsmf", str(bad), str(tmp_path / "absent.rsmf"))

    printed = capsys.readouterr().out
    assert ended.value.code == 1
    assert json.loads(printed.splitlines()[0])["verdict"] == "passed with warnings"
    assert Path(bad).name in printed
    assert "unreadable" in printed
