"""Whatever the bytes: a refusal with a code, or a reading that leaves no byte out."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence.errors import IngestRefused
from evidence.formats import canonical
from evidence.ingest import (
    Answers,
    Limits,
    SeriesEnd,
    SeriesStart,
    chat_file,
    detect,
    examine,
    gaps,
    questions,
    read,
)
from evidence.values import MESSAGE_KINDS, Message
from tests.patience import FOREVER

VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "chats"
SEEDS = sorted(path for path in VECTORS.iterdir() if path.suffix in (".txt", ".json", ".csv"))
CHUNKS = [
    b"\n", b"\r\n", b'"', b",", b"{", b"}", b"[", b"]", b'\\"', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf",
    b"31.12.23, 21:40 - ", b"[2/28/24, 9:01:02 AM] ", b'"messages": [', b'"id": 1e999,', b"=" * 64,
    b"\n\n2019-07-16 18:15:05 A(123123)\n", "消息对象:".encode(), b"<msg>", b": ", b"\xd8",
    b"99/99/99, 99:99 - A: b\n", b'"date_unixtime": "999999999999999",', b'"date_unixtime": -1,',
    b"NaN", b"9" * 400,
]  # fmt: skip
FEW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

edits = st.lists(
    st.tuples(
        st.integers(0, 4000),
        st.integers(0, 40),
        st.one_of(st.sampled_from(CHUNKS), st.binary(max_size=12)),
    ),
    min_size=1,
    max_size=6,
)


def damaged(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for at, removed, added in changes:
        at %= len(data) + 1
        data = data[:at] + added + data[at + removed :]
    return data


def account_for(path: Path) -> None:
    """Read the file if it is taken in; every promise of the room must hold then."""
    try:
        examination = examine(path, path.name)
        answers = {"timezone": "Europe/Berlin"}
        for question in questions(path, examination, Answers(**answers)):
            answers[question.code] = question.choices[0]
        events = list(read(path, examination, Answers(**answers)))
    except IngestRefused:
        return
    assert gaps(chat_file(path, examination), events) == []
    with chat_file(path, examination).open() as stream:
        content = stream.read()
    sequence = 0
    for event in events:
        if isinstance(event, SeriesStart):
            sequence = 0
        elif isinstance(event, Message):
            sequence += 1
            assert event.sequence == sequence
            assert event.kind in MESSAGE_KINDS
            start, length = int(event.source["offset"]), int(event.source["length"])
            kept = event.source_text
            whole = bytes.fromhex(kept["hex"]) if isinstance(kept, dict) else kept.encode()
            assert whole == content[start : start + length]
            for name in Message.__slots__:
                canonical.dumps(getattr(event, name))
        elif isinstance(event, SeriesEnd):
            assert event.message_count == sequence
            assert sum(p.message_count for p in event.participants) <= sequence
            for person in event.participants:
                canonical.dumps([*person.names, dict(person.details), person.platform_id])


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_the_seed_itself_is_read_whole(seed, reading_of):
    account_for(seed)
    assert reading_of(seed).ends[0].message_count > 1


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_one_parser_alone_recognises_each_seed(seed):
    head = seed.read_bytes()[:65536]
    assert sum(parser.recognises(head, seed.name) for parser in detect.parsers()) == 1


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
@given(changes=edits)
@FEW
def test_a_damaged_export_is_refused_or_accounted_for(seed, changes, tmp_path):
    path = tmp_path / seed.name
    path.write_bytes(damaged(seed.read_bytes(), changes))
    account_for(path)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
@given(cut=st.integers(1, 4000))
@FEW
def test_a_cut_export_is_refused_or_accounted_for(seed, cut, tmp_path):
    path = tmp_path / seed.name
    path.write_bytes(seed.read_bytes()[:cut])
    account_for(path)


@given(data=st.binary(min_size=1, max_size=300))
@FEW
def test_random_bytes_are_refused_or_accounted_for(data, tmp_path):
    path = tmp_path / "delivered"
    path.write_bytes(data)
    account_for(path)


@given(changes=edits)
@FEW
def test_a_damaged_archive_is_refused_or_accounted_for(changes, tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(VECTORS / "whatsapp_ios.txt", "_chat.txt")
        file.writestr("00000003-PHOTO-2024-02-28-09-02-00.jpg", b"\xff\xd8" * 50)
    path = tmp_path / "chat.zip"
    path.write_bytes(damaged(buffer.getvalue(), changes))
    account_for(path)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_the_same_bytes_and_answers_give_the_same_events(seed, reading_of):
    assert reading_of(seed).events == reading_of(seed).events


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name)
def test_a_window_that_ends_anywhere_changes_nothing(seed, reading_of, monkeypatch):
    whole = reading_of(seed).events
    for module in ("jsonscan", "csvscan"):
        monkeypatch.setattr(f"evidence.ingest.{module}._CHUNK", 7)

    assert reading_of(seed).events == whole


def test_limits_of_the_whole_file_are_kept(tmp_path):
    path = tmp_path / "chat.txt"
    path.write_bytes(b"x" * 100)

    with pytest.raises(IngestRefused) as refused:
        examine(path, path.name, Limits(max_file_bytes=99))

    assert refused.value.code == "file_too_large"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("marks", b"13/04/2023, 10:00 - A: b\n" + "\u200e".encode() * 300_000 + b"\n"),
        ("colon", b"13/04/2023, 10:00 - " + b'hat die Gruppe "' * 60_000 + b": x\n"),
        ("mail", b"2019-07-16 18:15:05 A(123123)\nx\n\n2019-07-16 18:15:05 <" + b"@" * 900_000),
        ("recall", b"2019-07-16 18:15:05 A(10000)\n" + "撤回".encode() + b" " * 900_000 + b"\n"),
        ("brackets", b'{"messages": [{"date_unixtime": "1"}' + b"}" * 200_000 + b"]}"),
        ("strays", b'{"messages": [{"date_unixtime": "1"}' + b'}{"a":1}' * 20_000 + b"]}"),
        ("open", b'{"messages": [{"date_unixtime": "1"}, ' + b'{"a": "' * 80_000),
        ("nested", b'{"messages": [{"date_unixtime": "1"}, ' + b"[" * 300_000),
        (
            "invitations",
            "消息ID,类型,发送人,时间,内容\n1,系统消息,,2024-10-04 11:42:05,".encode()
            + "邀请".encode() * 200_000,
        ),
        (
            "blanks",
            "消息ID,类型,发送人,时间,内容\n1,引用,a,2024-10-04 11:42:05,".encode()
            + b"<msg><appmsg><title>t</title><type>57</type><refermsg><content>abc:"
            + b" " * 900_000
            + b"</content></refermsg></appmsg></msg>",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("packed", [False, True], ids=["bare", "archived"])
def test_input_made_to_take_forever_does_not(name, data, packed, tmp_path):
    path = tmp_path / "chat.txt"
    suffix = ".json" if data.startswith(b"{") else ".csv" if "消息ID".encode() in data else ".txt"
    if packed:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            file.writestr(f"chat{suffix}", data)
        path, data = tmp_path / "chat.zip", buffer.getvalue()
    else:
        path = tmp_path / f"chat{suffix}"
    path.write_bytes(data)
    before = time.process_time()

    account_for(path)

    assert time.process_time() - before < FOREVER
