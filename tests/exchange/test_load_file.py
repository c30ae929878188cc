"""The load file as a review platform reads it, and what is said about changed text."""

from __future__ import annotations

import csv
import hashlib
import io

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.exchange import from_bundle
from evidence.exchange.csv_table import original_cell, safe_cell
from evidence.exchange.load_file import dat_text, read_dat, write_load_file
from evidence.exchange.pages import PageFinder
from evidence.render.exhibit import Bates
from tests.exchange.bundles import Conversation, attachment, row, write_bundle

PHOTO = b"\x89PNG a picture"


def printed(*pages: list[str]) -> bytes:
    """A PDF whose pages print short hashes as our transcripts do, two bytes a character."""
    pdf = pikepdf.new()
    for hashes in pages:
        page = pdf.add_blank_page()
        shown = b"".join(b"(" + leaf[:16].encode("utf-16-be") + b") Tj\n" for leaf in hashes)
        page.Contents = pdf.make_stream(b"BT " + shown + b"ET")
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


@pytest.fixture
def volume(tmp_path):
    """A bundle of four messages whose PDF prints them on pages 2 and 3, as a load file."""
    rows = [
        row(1), row(2, "two\nlines ® þ", sender={"key": "p2", "name": "þorn\r\n=1", "id": None}),
        row(3, "three", attachments=[attachment("p.png", PHOTO)]), row(4, kind="recalled"),
    ]  # fmt: skip
    one = Conversation(rows, files={(3, 1): PHOTO}, zone="Asia/Shanghai")
    path = write_bundle(tmp_path / "bundle.zip", [one])
    leaves = [r.leaf for r in from_bundle(path, pages=False).series[0].rows()]
    pdf = printed([], leaves[:2], leaves[2:3], [*leaves[3:], leaves[0]])
    exchange = from_bundle(write_bundle(path, [one], pdf, pages=4))
    made = write_load_file(exchange, tmp_path / "out", confidentiality="CONFIDENTIAL")
    return made, list(read_dat((made.folder / "DATA" / "VOL001.dat").read_bytes()))


def test_the_file_begins_with_a_mark_and_every_record_has_every_field(volume):
    made, records = volume
    data = (made.folder / "DATA" / "VOL001.dat").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf\xc3\xbeDOCID\xc3\xbe\x14\xc3\xbe")
    assert data.endswith(b"\xc3\xbe\r\n")
    assert data.count(b"\r\n") == len(records) + 1 == made.records + 1
    assert data.count(b"\n") == data.count(b"\r\n")


def test_records_name_the_exhibit_then_messages_each_before_its_attachments(volume):
    _, records = volume
    assert [one["DOCTYPE"] for one in records] == [
        "Exhibit", "Chat", "Chat", "Chat", "Attachment", "Chat",
    ]  # fmt: skip
    assert len({one["DOCID"] for one in records}) == len(records)
    assert records[4]["PARENTDOCID"] == records[3]["DOCID"]
    assert {one["CONFIDENTIALITY"] for one in records} == {"CONFIDENTIAL"}


def test_every_message_names_the_page_it_begins_on(volume):
    _, records = volume
    chats = [one["BEGBATES"] for one in records if one["DOCTYPE"] == "Chat"]
    assert chats == ["TT-000002", "TT-000002", "TT-000003", "TT-000004"]


def test_the_page_labels_are_those_the_renderer_stamps(volume):
    made, records = volume
    labels = [Bates(first=1).label(number) for number in range(1, 5)]
    lines = (made.folder / "DATA" / "VOL001.opt").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == labels
    assert (records[0]["BEGBATES"], records[0]["ENDBATES"]) == (labels[0], labels[-1])


def test_the_image_list_has_one_line_a_page_and_points_to_the_pdf(volume):
    made, _ = volume
    lines = (made.folder / "DATA" / "VOL001.opt").read_bytes().split(b"\r\n")
    assert lines[0] == b"TT-000001,VOL001,\\IMAGES\\TT-000001.pdf,Y,,,4"
    assert lines[1] == b"TT-000002,VOL001,\\IMAGES\\TT-000001.pdf,,,,"
    assert (len(lines), made.pages) == (5, 4)
    assert (made.folder / "IMAGES" / "TT-000001.pdf").read_bytes().startswith(b"%PDF")


def test_every_link_leads_to_a_file_with_the_stated_hash(volume):
    made, records = volume
    for one in records:
        for link in (one["NATIVELINK"], one["TEXTLINK"]):
            if link:
                assert made.folder.joinpath(*link.strip("\\").split("\\")).is_file()
    native = records[4]
    path = made.folder.joinpath(*native["NATIVELINK"].strip("\\").split("\\"))
    assert path.read_bytes() == PHOTO
    assert native["SHA256HASH"] == hashlib.sha256(PHOTO).hexdigest()
    assert native["MD5HASH"] == hashlib.md5(PHOTO, usedforsecurity=False).hexdigest()


def test_a_text_file_holds_the_body_as_it_was_written(volume):
    made, records = volume
    path = made.folder.joinpath(*records[2]["TEXTLINK"].strip("\\").split("\\"))
    assert path.read_bytes() == "two\nlines ® þ".encode()


def test_local_times_follow_the_zone_and_deleted_rows_are_flagged(volume):
    _, records = volume
    assert (records[1]["DATESENT"], records[1]["TIMESENT"], records[1]["TIMEZONE"]) == (
        "03/01/2024", "17:00:01", "Asia/Shanghai",
    )  # fmt: skip
    assert [one["DELETEDFLAG"] for one in records if one["DOCTYPE"] == "Chat"] == list("NNNY")


def test_changed_text_is_listed_field_by_field(volume):
    made, records = volume
    assert records[2]["BODY"] == "two®lines (R) (th)"
    assert records[2]["FROM"] == "(th)orn®=1"
    path = made.folder / "DATA" / "VOL001-changes.csv"
    listed = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))
    doc = records[2]["DOCID"]
    assert {(one["FIELD"], one["CHANGE"]) for one in listed if one["DOCID"] == doc} >= {
        ("BODY", "U+00FE to (th)"), ("BODY", "U+00AE to (R)"), ("BODY", "line break to U+00AE"),
        ("FROM", "U+00FE to (th)"), ("FROM", "line break to U+00AE"),
    }  # fmt: skip


@given(st.text(st.characters() | st.sampled_from("þ®\x14\0\r\n\u2028\ud800")))
def test_no_text_can_end_a_field_or_a_record(text):
    found, _ = dat_text(text)
    assert not set(found) & set("\xfe\x14\r\n\0\u2028\u2029\x85")
    assert found.encode().decode() == found


@given(st.text(st.characters() | st.sampled_from("=+-@'\t\r\n \u200b＝")))
def test_a_safe_cell_gives_the_exact_text_back_and_starts_no_formula(text):
    cell = safe_cell(text)
    assert original_cell(cell) == text
    assert not cell.lstrip(" \u200b\t\r\n\xa0").startswith(("=", "+", "-", "@", "＝"))


def finder(*pages):
    return PageFinder(lambda: (one for one in enumerate(pages, start=1)))


def test_a_hash_that_is_printed_nowhere_has_no_page_and_costs_the_others_none():
    pages = finder([], ["a" * 16], ["b" * 16])
    assert [pages.page_of(one * 64) for one in "xaybb"] == [None, 2, None, 3, 3]


def test_a_later_series_is_found_behind_the_pages_of_those_before():
    pages = finder(*([f"{n:016x}"] for n in range(500)))
    assert [pages.page_of(f"{n:016x}" + "0" * 48) for n in (400, 401, 499)] == [401, 402, None]
