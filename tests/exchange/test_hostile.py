"""Names, bodies and times made to break out: of a folder, a header, a field, a formula, a calendar."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest

from evidence.exchange import check_rsmf
from evidence.exchange.csv_table import original_cell, write_csv
from evidence.exchange.load_file import read_dat, write_load_file
from evidence.exchange.rsmf import write_rsmf
from tests.exchange.bundles import Conversation, at, attachment, custom, read_rsmf, row

NAMES = (
    "../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "C:\\x.png", "CON", "nul.txt", "com1.png",
    "a" * 300 + ".png", "图" * 100 + ".png", "same.png", "same.png", "SAME.PNG", "=1+1.csv",
    "\t=1.png", "x\r\nBcc: y.png", "x\0y.png", "\ud800.png", ".", "..", " .png ", "-rf",
    "a\u202egnp.exe", "þ®\x14.png", "a;b.png", "<script>.html", "a.tar.gz", "a." + "b" * 50, "a.C:",
)  # fmt: skip
BODIES = (
    "=1+1", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", " ＋1", "\u200b=1", "\ufeff@x", "-2+3", "|x", "%x",
    "'=1", "þ®\x14þ", "a\r\nb", "a\nb", "a\u2028b\x85", "\ud800", "a\udc00\ud800b", "a\0b", '"', '",=1',
    "--=_truethread_rsmf--", "\x01\x02", "½;¼", "",
)  # fmt: skip
PARTICIPANTS = [
    {"key": "p1", "names": ["Ana; Judge"], "is_owner": True},
    {"key": "p2", "names": ["李雷"]},
]


def data_of(place: int) -> bytes:
    return b"picture %d" % place


@pytest.fixture
def exchange(bundle_of):
    """One message with every name attached, then one for every body."""
    attached = [attachment(name, data_of(place)) for place, name in enumerate(NAMES)]
    rows = [row(1, attachments=attached)]
    rows += [row(place, body) for place, body in enumerate(BODIES, start=2)]
    files = {(1, place + 1): data_of(place) for place in range(len(NAMES))}
    return bundle_of(Conversation(rows, files=files, participants=PARTICIPANTS))


def test_rsmf_of_hostile_names_and_bodies_has_no_problem_and_loses_nothing(exchange, tmp_path):
    [made] = write_rsmf(exchange, tmp_path / "out")
    assert check_rsmf("a.rsmf", made.path.read_bytes()) == []
    found = read_rsmf(made.path)
    first, *others = found.events()
    assert [one["display"] for one in first["attachments"]] == [
        name.replace("\ud800", "\ufffd") for name in NAMES
    ]
    assert [found.files[one["id"]] for one in first["attachments"]] == [
        data_of(place) for place in range(len(NAMES))
    ]
    assert all(re.fullmatch(r"1-\d+\.[a-z0-9]{1,8}", one["id"]) for one in first["attachments"])
    exact = [
        bytes.fromhex(custom(one).get("body_wtf8", one.get("body", "").encode().hex()))
        for one in others
    ]
    assert exact == [body.encode("utf-8", "surrogatepass") for body in BODIES]


def test_a_load_file_writes_inside_its_folder_only_and_every_link_leads_there(exchange, tmp_path):
    made = write_load_file(exchange, tmp_path / "out")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["bundle.zip", "out"]
    records = list(read_dat((made.folder / "DATA" / "VOL001.dat").read_bytes()))
    natives = [one for one in records if one["DOCTYPE"] == "Attachment"]
    paths = [made.folder / one["NATIVELINK"].lstrip("\\").replace("\\", "/") for one in natives]
    assert [path.read_bytes() for path in paths] == [data_of(n) for n in range(len(NAMES))]
    assert len({str(path).lower() for path in paths}) == len(NAMES)
    assert all(path.resolve().is_relative_to(made.folder) for path in paths)
    assert all(re.fullmatch(r"[A-Z0-9-]+\.[a-z0-9]{1,8}", path.name) for path in paths)


def test_a_load_file_gives_every_body_back_exactly(exchange, tmp_path):
    made = write_load_file(exchange, tmp_path / "out")
    records = list(read_dat((made.folder / "DATA" / "VOL001.dat").read_bytes()))
    chats = [one for one in records if one["DOCTYPE"] == "Chat"][1:]
    exact = [
        bytes.fromhex(one["BODYHEX"]) or one["BODY"].replace("®", "\n").encode() for one in chats
    ]
    assert exact == [body.encode("utf-8", "surrogatepass") for body in BODIES]


def test_a_name_with_a_semicolon_is_one_person_in_a_load_file_and_the_change_is_listed(
    exchange, tmp_path
):
    made = write_load_file(exchange, tmp_path / "out")
    records = list(read_dat((made.folder / "DATA" / "VOL001.dat").read_bytes()))
    chat = next(one for one in records if one["DOCTYPE"] == "Chat")
    for field in ("CONVERSATIONPARTICIPANTS", "PARTICIPANTS"):
        assert chat[field].split(";") == ["Ana, Judge", "李雷"]
    assert chat["TO"].split(";") == ["李雷"]
    text = (made.folder / "DATA" / "VOL001-changes.csv").read_bytes().decode("utf-8-sig")
    listed = [
        (one["FIELD"], one["CHANGE"], one["COUNT"])
        for one in csv.DictReader(io.StringIO(text))
        if one["DOCID"] == chat["DOCID"]
    ]
    assert ("PARTICIPANTS", "U+003B to ,", "1") in listed
    assert ("CONVERSATIONPARTICIPANTS", "U+003B to ,", "1") in listed


def test_no_cell_of_a_csv_begins_a_formula_and_every_body_comes_back(exchange, tmp_path):
    path = tmp_path / "messages.csv"
    write_csv(exchange, path)
    text = path.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for one in rows:
        for cell in one.values():
            assert not re.match(r"[\s\u200b\ufeff\0]*[=+\-@＝＋－＠|%]|[\t\r\n]", cell), cell
    exact = [
        bytes.fromhex(original_cell(one["body_wtf8"])) or original_cell(one["body"]).encode()
        for one in rows[1:]
    ]
    assert exact == [body.encode("utf-8", "surrogatepass") for body in BODIES]


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai", "UTC"])
@pytest.mark.parametrize(
    "utc", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2024-06-30T23:59:60Z", "0000-01-01T00:00:00Z"]
)  # fmt: skip
def test_a_time_at_the_end_of_the_calendar_breaks_no_format(bundle_of, tmp_path, zone, utc):
    exchange = bundle_of(row(1, time=at(utc)), row(2))
    for made in write_rsmf(exchange, tmp_path / "rsmf", zone=zone):
        assert check_rsmf("a.rsmf", made.path.read_bytes()) == []
        assert read_rsmf(made.path).headers["Date"]
    made = write_load_file(exchange, tmp_path / "dat", zone=zone)
    assert made.messages == 2
    assert write_csv(exchange, tmp_path / "messages.csv") == 2


def test_unpacked_on_a_disk_that_ignores_capitals_no_attachment_takes_the_place_of_another(
    exchange, tmp_path
):
    [made] = write_rsmf(exchange, tmp_path / "out")
    names = [name.lower() for name in read_rsmf(made.path).files]
    assert len(set(names)) == len(NAMES)
    assert not zipfile.is_zipfile(made.path)
