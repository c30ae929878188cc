"""RSMF: slices, threads, headers, and that the vendor's schema and our checker agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.parser import BytesHeaderParser

import jsonschema
import pytest

from evidence.exchange import check_rsmf
from evidence.exchange.rsmf import MAX_EVENTS, write_rsmf
from tests.exchange.bundles import Conversation, at, attachment, custom, read_rsmf, row

PHOTO = b"\x89PNG a picture"


def write(exchange, folder, **options):
    return [read_rsmf(one.path) for one in write_rsmf(exchange, folder, **options)]


def problems(path):
    return [(one.code, one.where) for one in check_rsmf(path.name, path.read_bytes())]


def rich_rows():
    reply = {"platform_id": "1", "sequence": 1, "quote": "hello"}
    return [
        row(1),
        row(2, "later", reply_to=reply, sender={"key": "p2", "name": "Bob", "id": "b@x"}),
        row(3, "new", edits=[{"time_raw": "x", "utc": "2024-03-01T09:01:00Z", "previous": "old"}]),
        row(4, None, kind="recalled", deletion={"by": "Ana", "time_raw": None}),
        row(5, reactions=[{"emoji": "👍", "count": 2, "senders": ["Bob", "Zoë"]}]),
        row(6, receipts=[{"participant": "Bob", "action": "read", "time_raw": "yesterday"}]),
        row(7, "Bob joined", kind="system", system={"template": "join", "values": {}}),
        row(8, "Name changed", kind="system", sender=None, system={"template": "notice", "values": {}}),
        row(9, None, kind="image", attachments=[attachment("a.png", PHOTO), attachment("b.png", None)]),
        row(10, forward={"from": "Carl", "time_raw": None}, direction="out"),
        row(11, None, kind="unparsed", time=None, sender=None),
        row(12, "no time", time=None),
    ]  # fmt: skip


def test_every_kind_of_row_stands_in_a_file_that_schema_and_checker_accept(
    bundle_of, tmp_path, rsmf_schema
):
    files = {(9, 1): PHOTO}
    written = write_rsmf(bundle_of(Conversation(rich_rows(), files=files)), tmp_path / "out")

    [one] = [read_rsmf(file.path) for file in written]
    jsonschema.validate(one.manifest, rsmf_schema)
    assert [custom(event)["number"] for event in one.events()] == [str(n) for n in range(1, 13)]
    assert problems(written[0].path) == []


def test_edits_recalls_reactions_receipts_joins_and_system_rows_keep_their_meaning(
    bundle_of, tmp_path
):
    [one] = write(bundle_of(*rich_rows()), tmp_path / "out")
    events = one.events()
    names = {person["id"]: person["display"] for person in one.manifest["participants"]}

    assert events[1]["parent"] == events[0]["id"]
    assert events[2]["edits"][0] | {"participant": ""} == {
        "participant": "", "timestamp": "2024-03-01T09:01:00Z", "previous": "old", "new": "new",
    }  # fmt: skip
    assert events[3]["deleted"] is True
    [reaction] = events[4]["reactions"]
    assert [names[key] for key in reaction["participants"]] == ["Bob", "Zoë"]
    assert events[5]["read_receipts"][0]["action"] == "read"
    assert custom(events[5])["receipt_times"].endswith("yesterday")
    assert [events[place]["type"] for place in (6, 7, 10)] == ["join", "unknown", "unknown"]
    assert custom(events[8])["attachment_1_not_included"] == "a.png (image)"
    assert custom(events[9])["forward_from"] == "Carl"
    assert (events[10]["body"], custom(events[10])["body_from"]) == ("source of 11", "source_text")
    assert "timestamp" not in events[11]


def test_attachments_are_in_the_archive_under_the_ids_the_events_name(bundle_of, tmp_path):
    exchange = bundle_of(Conversation(rich_rows(), files={(9, 1): PHOTO}))
    [one] = write(exchange, tmp_path / "out")
    [attached] = one.events()[8]["attachments"]
    assert (one.files, attached["display"]) == ({attached["id"]: PHOTO}, "a.png")
    assert one.headers["X-RSMF-AttachmentCount"] == "1"


@pytest.mark.parametrize(
    ("day", "hours"), [("2024-03-10", 23), ("2024-11-03", 25), ("2024-07-04", 24)]
)
def test_a_day_is_as_long_as_the_clocks_of_the_zone_make_it(bundle_of, tmp_path, day, hours):
    noon = datetime.fromisoformat(f"{day}T16:00:00+00:00")
    moments = [noon + timedelta(minutes=30 * step) for step in range(-72, 72)]
    rows = [
        row(number, time=at(moment.strftime("%Y-%m-%dT%H:%M:%SZ")))
        for number, moment in enumerate(moments, start=1)
    ]
    files = write_rsmf(bundle_of(*rows), tmp_path / "out", zone="America/New_York")

    found = next(one for one in files if one.day == day)
    facts = custom(read_rsmf(found.path).manifest["conversations"][0])
    assert (found.events, facts["slice_hours"]) == (2 * hours, str(hours))
    begin, end = (datetime.fromisoformat(facts[name]) for name in ("slice_begin", "slice_end"))
    assert (end.astimezone(UTC) - begin.astimezone(UTC)) == timedelta(hours=hours)
    assert sum(one.events for one in files) == len(rows)


def test_a_reply_brings_the_root_of_its_thread_along_marked_as_context(bundle_of, tmp_path):
    answer = {"platform_id": None, "quote": None}
    rows = [
        row(1, "root", time=at("2024-03-01T10:00:00Z")),
        row(2, "first answer", time=at("2024-03-01T11:00:00Z"), reply_to={**answer, "sequence": 1}),
        row(3, "next day", time=at("2024-03-02T10:00:00Z"), reply_to={**answer, "sequence": 2}),
    ]
    first, second = write(bundle_of(*rows), tmp_path / "out")

    root, reply = second.manifest["events"]
    assert (custom(root)["context"], root["body"], root["timestamp"]) == (
        "true", "root", "2024-03-01T10:00:00Z",
    )  # fmt: skip
    assert (reply["parent"], custom(reply)["reply_to_number"]) == (root["id"], "2")
    assert (first.headers["X-RSMF-EventCount"], second.headers["X-RSMF-EventCount"]) == ("2", "2")


def test_a_reply_to_what_is_not_disclosed_or_to_itself_has_no_parent(bundle_of, tmp_path):
    def answer(sequence):
        return {"platform_id": None, "quote": None, "sequence": sequence}

    rows = [
        row(1), row(2), row(3),
        row(4, reply_to=answer(2)),
        row(5, reply_to=answer(6)),
        row(6, reply_to=answer(5)),
        row(7, reply_to=answer(7)),
        row(8, reply_to=answer(99)),
        row(9, reply_to=answer(8)),
    ]  # fmt: skip
    exchange = bundle_of(Conversation(rows, disclosed="1,4-9"))
    [one] = write(exchange, tmp_path / "out")
    parents = {event["id"]: event.get("parent") for event in one.events()}
    assert parents == dict.fromkeys(("m1", "m4", "m5", "m6", "m7", "m8")) | {"m9": "m8"}


def test_no_file_holds_more_events_than_allowed_context_included(bundle_of, tmp_path):
    answer = {"platform_id": None, "quote": None}
    roots = [row(n, time=at("2024-03-01T10:00:00Z")) for n in range(1, 21)]
    replies = [
        row(n, time=at("2024-03-02T10:00:00Z"), reply_to={**answer, "sequence": n - 20})
        for n in range(21, 41)
    ]
    files = write_rsmf(bundle_of(*roots, *replies), tmp_path / "out", max_events=7)

    assert max(one.events for one in files) <= 7
    assert sum(one.events - one.context for one in files) == 40
    assert [problems(one.path) for one in files] == [[]] * len(files)


def test_a_full_file_is_one_file_and_one_message_more_makes_two(bundle_of, tmp_path):
    rows = [row(n, "x", time=at("2024-03-01T10:00:00Z")) for n in range(1, 102)]
    files = write_rsmf(bundle_of(*rows), tmp_path / "out", max_events=100)
    assert ([one.events for one in files], MAX_EVENTS) == ([100, 1], 10_000)


def test_days_that_come_in_any_order_give_one_file_each(bundle_of, tmp_path):
    days = ["2024-03-03", "2024-03-01", "2024-03-03", "2024-03-02", "2024-03-01"]
    rows = [row(n, time=at(f"{day}T10:00:00Z")) for n, day in enumerate(days, start=1)]
    files = write_rsmf(bundle_of(*rows), tmp_path / "out")
    assert [(one.day, one.events) for one in files] == [
        ("2024-03-01", 2), ("2024-03-02", 1), ("2024-03-03", 2),
    ]  # fmt: skip


def test_rows_without_a_time_stay_beside_their_neighbours(bundle_of, tmp_path):
    rows = [row(1, time=None), row(2), row(3, time=at("2024-03-02T10:00:00Z")), row(4, time=None)]
    files = write_rsmf(bundle_of(*rows), tmp_path / "out")
    assert [(one.day, one.first, one.last) for one in files] == [
        ("2024-03-01", 1, 2), ("2024-03-02", 3, 4),
    ]  # fmt: skip


def test_a_conversation_without_any_time_is_one_undated_file(bundle_of, tmp_path):
    files = write_rsmf(bundle_of(row(1, time=None), row(2, time=None)), tmp_path / "out")
    assert [(one.day, one.events) for one in files] == [("undated", 2)]
    assert problems(files[0].path) == []


def test_the_same_bundle_gives_the_same_bytes(bundle_of, tmp_path):
    exchange = bundle_of(*rich_rows())
    first = {one.path.name: one.path.read_bytes() for one in write_rsmf(exchange, tmp_path / "a")}
    second = {one.path.name: one.path.read_bytes() for one in write_rsmf(exchange, tmp_path / "b")}
    assert first == second


def test_a_gap_is_announced_and_counted_without_its_messages(bundle_of, tmp_path):
    [one] = write(
        bundle_of(Conversation([row(n) for n in range(1, 10)], disclosed="1-2,7-9")),
        tmp_path / "out",
    )
    [gap] = [event for event in one.manifest["events"] if event["id"].startswith("gap")]
    assert (gap["type"], custom(gap)["number"], custom(gap)["gap_last"]) == ("disclaimer", "3", "6")
    assert len(one.events()) == 5


@pytest.mark.parametrize(
    "name",
    [
        "Eve\r\nX-RSMF-EventCount: 999",
        "Eve\nBcc: x@example.org\n\nbody",
        "=?utf-8?B?RXZl?=",
        "张伟" * 60,
        'Eve "the\\ lawyer"',
        "E\u2028ve\x00\x85\ud800",
        "a" * 500,
        "",
    ],
)
def test_no_name_can_add_or_change_a_header(bundle_of, tmp_path, name):
    rows = [row(1, sender={"key": "p1", "name": name, "id": None})]
    files = write_rsmf(bundle_of(Conversation(rows, title=name, platform=name)), tmp_path / "out")

    data = files[0].path.read_bytes()
    headers = BytesHeaderParser().parsebytes(data)
    assert sorted(set(headers.keys())) == sorted(headers.keys())
    assert headers["X-RSMF-EventCount"] == "1"
    assert set(headers.keys()) == {
        "Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type",
        *(f"X-RSMF-{one}" for one in (
            "Version", "Generator", "BeginDate", "EndDate", "EventCount", "AttachmentCount",
            "Participants", "Application", "Custodian", "EventCollectionID",
        )),
    }  # fmt: skip
    assert max(map(len, data.split(b"\r\n"))) <= 78
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert problems(files[0].path) == []


def test_a_chinese_title_is_readable_in_the_subject(bundle_of, tmp_path):
    [one] = write(bundle_of(Conversation([row(1)], title="借款 " * 20)), tmp_path / "out")
    assert one.headers["Subject"].startswith("借款 借款 借款")


def test_an_unknown_zone_is_refused(bundle_of, tmp_path):
    with pytest.raises(ValueError, match="time zone"):
        write_rsmf(bundle_of(row(1)), tmp_path / "out", zone="Mars/Olympus")
