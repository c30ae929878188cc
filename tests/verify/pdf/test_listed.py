"""Files that lead to one object in two ways, signed as they are: which one is shown depends on the program."""

from __future__ import annotations

import re

import pytest

from evidence.management.attacks import doubtful, forged, paper
from evidence.management.attacks.update import facts_of, packed_update, stream
from evidence.verify.pdf import listed


@pytest.mark.parametrize("name", doubtful.two_documents())
def test_a_file_signed_with_two_documents_in_it_is_not_intact_and_not_called_altered(
    name, maker, verdict
):
    report = verdict(maker.archived(doubtful.two_documents()[name]))

    assert (report.indication, report.reason) == ("INDETERMINATE", "unreadable")
    assert "failed" in {one.outcome for one in report.of("structure")}


@pytest.mark.parametrize("certify", [None, 1, 2])
def test_a_hybrid_file_that_hides_objects_from_old_programs_is_intact(certify, maker, kit, verdict):
    permission = kit.honest.fields.MDPPerm(certify) if certify else None
    signed = maker.archived(paper.hybrid(paper.plain(2)), certify=permission)

    assert (verdict(signed).indication, verdict(signed).reason) == ("TOTAL_PASSED", "ok")


def test_object_streams_as_other_programs_write_them_are_intact(maker, kit, verdict):
    packed = paper.packed(paper.plain(5))
    again = packed_update(packed, [(facts_of(packed).size, b"<< /Nothing true >>")])

    assert verdict(maker.archived(packed)).reason == "ok"
    assert verdict(maker.archived(again)).reason == "ok"


def test_an_object_written_twice_alike_is_the_same_object(maker, verdict):
    copied = paper.hybrid(paper.plain(1), b"copied", in_stream="same")

    assert verdict(maker.archived(copied)).indication == "TOTAL_PASSED"


def test_a_hybrid_file_changed_after_signing_is_altered(maker, verdict):
    signed = maker.archived(paper.hybrid(paper.plain(1)))

    for attack in (forged.isa, forged.isa_hybrid, forged.stamp_over_forgery):
        assert verdict(attack(signed, maker)).reason == "altered"


def test_a_table_that_names_the_same_object_too_often_is_too_large(maker, verdict):
    pdf = paper.plain(1)
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    place = int(pdf[start:].split(b"\n")[3][:10])
    rows = b"".join(b"1 1\n%010d 00000 n \n" % (place - (n < 1500)) for n in range(1501))
    many = maker.sign(pdf[:start] + pdf[start:].replace(b"trailer", rows + b"trailer", 1))

    assert verdict(many).reason == "limits_exceeded"
    assert listed.MAX_COMPARED < 1500


def beside_its_table(pdf, start, change=lambda rows: rows):
    """Return ``pdf`` with its last revision, which has a table, ended as PDFBox ends one of a hybrid file.

    change: what the stream says otherwise, of object number → offset.
    """
    tail = pdf[start:]
    at = tail.rindex(b"xref\n", 0, tail.rindex(b"startxref"))
    number, place = facts_of(pdf).size, start + at
    heads = {
        int(one[1]): start + one.start() for one in re.finditer(rb"(?m)^(\d+) 0 obj", tail[:at])
    }
    rows = change(heads | {number: place})
    index = b" ".join(b"%d 1" % key for key in sorted(rows))
    data = b"".join(b"\x01%s\x00" % rows[key].to_bytes(4, "big") for key in sorted(rows))
    entries = b"/Type /XRef /W [1 4 1] /Index [%s] /Size %d" % (index, number + 1)
    table = b"%d 0 obj\n" % number + stream(data, entries) + b"\nendobj\n"
    rest = tail[at:].replace(b"trailer", b"%d 1\n%010d 00000 n \ntrailer" % (number, place), 1)
    rest = re.sub(rb"/Size \d+", b"/Size %d /XRefStm %d" % (number + 1, place), rest, count=1)
    rest = re.sub(rb"startxref\n\d+", b"startxref\n%d" % (place + len(table)), rest)
    return pdf[:start] + tail[:at] + table + rest


def test_a_later_revision_whose_stream_repeats_its_table_is_read_by_the_table(maker, verdict):
    """PDFBox appends so to what Word made."""
    signed = maker.archived(paper.hybrid(paper.plain(1)))
    stored = beside_its_table(maker.store(signed), len(signed))

    assert verdict(stored).reason == "incomplete"
    assert verdict(maker.stamp(stored, field="Time2")).reason == "ok"
    forgery = forged.isa(signed, maker)
    assert verdict(beside_its_table(forgery, len(signed))).reason == "altered"


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: {key: place - 20 for key, place in rows.items()},
        lambda rows: {**rows, 3: 15},
        lambda rows: {**rows, max(rows) + 1: 15},
    ],
    ids=["elsewhere", "one more that is old", "one more that is new"],
)
def test_a_later_stream_that_says_anything_else_is_altered(change, maker, verdict):
    signed = maker.archived(paper.hybrid(paper.plain(1)))
    stored = beside_its_table(maker.store(signed), len(signed), change)

    assert verdict(stored).reason == "altered"
