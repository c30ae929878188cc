"""What RSMF, DAT and CSV say equals ``messages.jsonl``, whatever people wrote."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from evidence.errors import IngestRefused
from evidence.exchange import Exchange, check_rsmf, from_bundle
from evidence.exchange.csv_table import original_cell, write_csv
from evidence.exchange.load_file import FIELDS, NEWLINE, read_dat, write_load_file
from evidence.exchange.rsmf import write_rsmf
from evidence.formats import bundle, message
from evidence.ingest import Answers, SeriesEnd, SeriesStart, examine, questions, read
from evidence.samples import build as build_samples
from evidence.values import Message
from tests.exchange.bundles import Conversation, attachment, custom, read_rsmf, row, write_bundle

NASTY = (
    "<script>alert(1)</script>", "<img src=x onerror=1>", "{{7*7}} ${x} %s %n",
    "=HYPERLINK(\"http://x\")", "+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "|calc", "'already",
    "\u200b=1", "\u202e\u2066evil\u2069\u202c", "a\r\nb", "a\nb", "a\rb", "a\u2028b\u0085c", "\r\n",
    "lone \ud800 surrogate", "\udfff", "nul\0here", "bell\x07 escape\x1b", "thorn þ reg ® sep \x14",
    "þ\x14þ", 'quote " comma , semicolon ;', "\ufeffbom", "👩‍👩‍👧 👍🏽 🇪🇸", "שלום مرحبا", "x" * 20_000,
    "", " ", "\\NATIVES\\..\\..", "--=_truethread_rsmf--", "]]>", "中文与®混合\n第二行",
)  # fmt: skip
NAMES = ("Ana", "Eve\r\nX-RSMF-EventCount: 9", "=cmd|' /C calc'!A0", "张伟 (法务)", "þ® \udc00", "")


def nasty_rows():
    return [
        row(
            number,
            body,
            sender={"key": f"p{number % 6}", "name": NAMES[number % 6], "id": None},
            platform_id=f"id-{number}",
            attachments=[attachment(f"{body[:20]}.png", None)] if number % 7 == 0 else [],
        )
        for number, body in enumerate(NASTY, start=1)
    ]


def stated(path: Path):
    """Return what messages.jsonl says: (number, time, sender key, body, hash)."""
    with path.open("rb") as file:
        members = {one.name: one for one in bundle.read_zip(file, path.stat().st_size)}
        data = b"".join(bundle.content(file, members[bundle.MESSAGES]))
    found = []
    for line in data.split(b"\n")[:-1]:
        one = message.read_line(line)
        time, sender = one.fields.get("time"), one.fields.get("sender")
        found.append(
            (
                one.series,
                one.sequence,
                time["utc"] if isinstance(time, dict) else None,
                sender["key"] if isinstance(sender, dict) else None,
                one.fields.get("body"),
                one.leaf_hash.hex(),
            )
        )
    return found


def from_hex(text: str) -> str:
    return bytes.fromhex(text).decode("utf-8", "surrogatepass")


def said_by_rsmf(exchange: Exchange, folder: Path):
    found = []
    for file in write_rsmf(exchange, folder):
        one = read_rsmf(file.path)
        assert check_rsmf(file.path.name, one.data) == []
        numbers = [int(custom(event)["number"]) for event in one.events()]
        assert numbers == sorted(numbers)
        found += [(file.series, *_of_event(event)) for event in one.events()]
    return sorted(found, key=lambda item: item[:2])


def _of_event(event):
    facts = custom(event)
    body = event.get("body")
    if "body_wtf8" in facts:
        body = from_hex(facts["body_wtf8"])
    if "body_from" in facts or facts.get("withheld") == "everything":
        body = None
    return (
        int(facts["number"]), event.get("timestamp"), event.get("participant"), body,
        facts["message_hash"],
    )  # fmt: skip


def said_by_dat(exchange: Exchange, folder: Path):
    made = write_load_file(exchange, folder)
    records = list(read_dat((made.folder / "DATA" / "VOL001.dat").read_bytes()))
    assert all(list(one) == list(FIELDS) for one in records)
    return [
        (
            one["CONVERSATIONID"],
            int(one["MSGNUMBER"]),
            one["BEGINDATE_UTC"] or None,
            one["SENDERKEY"] or None,
            from_hex(one["BODYHEX"]) if one["BODYHEX"] else one["BODY"].replace(NEWLINE, "\n"),
            one["MSGHASH"],
        )
        for one in records
        if one["DOCTYPE"] == "Chat"
    ]


def said_by_csv(exchange: Exchange, folder: Path):
    path = folder / "messages.csv"
    write_csv(exchange, path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [
            {name: original_cell(cell) for name, cell in one.items()}
            for one in csv.DictReader(file)
        ]
    return [
        (
            one["series"],
            int(one["number"]),
            one["time_utc"] or None,
            one["sender_key"] or None,
            from_hex(one["body_wtf8"]) if one["body_wtf8"] else one["body"],
            one["message_hash"],
        )
        for one in rows
        if one["disclosure"] != "gap"
    ]


def blank_for_none(items):
    """A table has one way to write no body and an empty one; their hashes still differ."""
    return [(*item[:4], item[4] or "", item[5]) for item in items]


def assert_all_say_the_same(path: Path, folder: Path):
    exchange = from_bundle(path, pages=False)
    expected = stated(path)
    assert said_by_rsmf(exchange, folder / "rsmf") == expected
    assert said_by_dat(exchange, folder / "dat") == blank_for_none(expected)
    assert said_by_csv(exchange, folder) == blank_for_none(expected)


def test_a_conversation_of_nasty_strings_comes_through_unharmed(tmp_path):
    path = write_bundle(
        tmp_path / "bundle.zip", [Conversation(nasty_rows(), title="=1\r\n\0þ®", platform="\ud800")]
    )
    assert_all_say_the_same(path, tmp_path)


def test_several_series_with_gaps_keep_their_order(tmp_path):
    rows = [row(n, f"text {n}") for n in range(1, 30)]
    path = write_bundle(
        tmp_path / "bundle.zip",
        [Conversation(rows, disclosed="2-5,9,20-29"), Conversation(rows, disclosed="1,3,28")],
    )
    assert_all_say_the_same(path, tmp_path)


def test_many_messages_whose_hashes_another_process_derives_say_the_same(tmp_path):
    rows = [row(n, f"text {n}") for n in range(1, 5_200)]
    path = write_bundle(
        tmp_path / "bundle.zip",
        [Conversation(rows[:3]), Conversation(rows, disclosed="5-5190", withheld={7: ["sender"]})],
    )
    found = [r for s in from_bundle(path, pages=False).series for r in s.rows() if r.leaf]
    assert [(r.sequence, r.leaf) for r in found] == [(one[1], one[5]) for one in stated(path)]


def read_conversations(path: Path) -> list[Conversation]:
    examination = examine(path, path.name)
    asked = questions(path, examination, Answers())
    chosen = {one.code: one.choices[0] for one in asked}
    answers = Answers(chosen.get("timezone"), chosen.get("date_order"))
    found: list[Conversation] = []
    rows: list = []
    for event in read(path, examination, answers):
        if isinstance(event, SeriesStart):
            rows = []
            found.append(Conversation(rows, title=event.title or "", platform=event.platform))
        elif isinstance(event, Message):
            rows.append(event)
        elif isinstance(event, SeriesEnd):
            found[-1].participants = [
                {"key": one.key, "names": list(one.names), "platform_id": one.platform_id,
                 "details": {}, "is_owner": one.is_owner}
                for one in event.participants
            ]  # fmt: skip
    return found


@pytest.mark.parametrize("number", [0, 1])
def test_the_samples_of_the_project_come_through_unharmed(tmp_path, number):
    source = build_samples(tmp_path / "samples")[number]
    path = write_bundle(tmp_path / "bundle.zip", read_conversations(source))
    assert_all_say_the_same(path, tmp_path)


@pytest.mark.parametrize(
    "prefix", ["D01", "D02", "D06", "D07", "D08", "D09", "D10", "D11", "D12", "D21"]
)
def test_real_exports_come_through_unharmed(fixture_chats, tmp_path, prefix):
    [source] = sorted(fixture_chats.glob(f"{prefix}-*"))
    try:
        conversations = read_conversations(source)
    except IngestRefused:
        pytest.fail(f"{prefix} is no longer read")
    path = write_bundle(tmp_path / "bundle.zip", conversations)
    assert_all_say_the_same(path, tmp_path)


def test_a_csv_opens_as_a_table_of_one_width(tmp_path):
    path = write_bundle(tmp_path / "bundle.zip", [Conversation(nasty_rows())])
    write_csv(from_bundle(path, pages=False), tmp_path / "messages.csv")
    text = (tmp_path / "messages.csv").read_bytes().decode("utf-8-sig")
    assert {len(one) for one in csv.reader(io.StringIO(text, newline=""))} == {37}
