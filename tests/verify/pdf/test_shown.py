"""A field filled in where that is allowed may draw something other than the value it states."""

from __future__ import annotations

import pikepdf
import pytest

from evidence.management.attacks import honest, paper
from evidence.management.attacks.update import Update, body_of, facts_of, stream
from tests.verify.pdf.test_filling import changed, number_of

OTHER = 'Filled in after signing; this field draws "%s", but its value is "%s".'
UNCLEAR = "Filled in after signing; what this field draws cannot be compared with its value."
PLAIN = b"/Tx BMC q BT /Helv 10 Tf 2 5 Td (%s) Tj ET Q EMC"


@pytest.fixture(scope="module")
def certified(maker):
    return maker.sign(paper.form(), certify=honest.P2)


def filled(pdf, value, content, *, entries=b"", box=b"[0 0 200 20]", more=None):
    """Return ``pdf`` with the place filled in: what it states, and what it draws."""
    number, spare = number_of(pdf, "place"), facts_of(pdf).size
    body = body_of(pdf, number, AP=None, V=value)
    body = body.replace(b"<<", b"<< /AP << /N %d 0 R >> " % spare, 1)
    look = stream(content, b"/Type /XObject /Subtype /Form /BBox " + box + b" " + entries)
    extra = {spare + 1 + index: one for index, one in enumerate(more or ())}
    return Update(pdf, {number: body, spare: look, **extra}).build()


def said(report):
    return [(one.outcome, one.where, one.detail) for one in report.of("filled")]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN % b"Kyoto",
        b"1 g 0 0 200 20 re f /Tx BMC q 2 2 196 16 re W n BT 0 g /Helv 9 Tf 2 6 Td (Kyoto) Tj ET Q EMC",
        b"0 g 0 0 200 20 re f BT 1 g /Helv 9 Tf 1 0 0 1 2 6 Tm (Kyoto) Tj ET",
    ],
    ids=["plain", "as Acrobat writes it", "white on black"],
)
def test_a_field_that_draws_its_value_passes(content, certified, maker, verdict):
    report = verdict(maker.stamp(filled(certified, "Kyoto", content)))

    assert report.reason == "ok"
    assert [one[0] for one in said(report)] == ["passed"]


def test_a_field_that_draws_another_text_never_passes_and_both_are_said(certified, maker, verdict):
    forged = filled(certified, "Kyoto", PLAIN % b"I owe 9000 euros.")
    for data in (forged, maker.stamp(forged)):
        report = verdict(data)

        assert report.indication == "INDETERMINATE"
        assert said(report) == [("not_checked", "place", OTHER % ("I owe 9000 euros.", "Kyoto"))]


def test_a_field_without_its_drawing_and_one_whose_old_drawing_stays_are_told(certified, verdict):
    plain = changed(certified, "place", V="9000", AP=None)
    stale = changed(filled(certified, "1000", PLAIN % b"1000"), "place", V="9000")

    assert verdict(plain).reason in ("altered", "incomplete")
    assert said(verdict(stale)) == [("not_checked", "place", OTHER % ("1000", "9000"))]


CLEVER = {
    "text nobody sees": b"BT 1 g /Helv 10 Tf 2 5 Td (1000) Tj ET",
    "white again after a state": b"1 g q 0 g Q BT /Helv 10 Tf 2 5 Td (1000) Tj ET",
    "invisible": b"BT 3 Tr /Helv 10 Tf 2 5 Td (1000) Tj ET",
    "a stroke beside it": b"BT /Helv 10 Tf 12 5 Td (1000) Tj ET 2 5 1 9 re f",
    "a stroke before it": b"2 5 1 9 re f BT /Helv 10 Tf 12 5 Td (1000) Tj ET",
    "covered": b"BT /Helv 10 Tf 2 5 Td (1000) Tj ET 1 g 0 0 200 20 re f",
    "cut off on the left": b"BT /Helv 10 Tf -6 5 Td (1000) Tj ET",
    "cut off on the right": b"BT /Helv 10 Tf 185 5 Td (1000) Tj ET",
    "cut by a clip": b"0 0 8 20 re W n BT /Helv 10 Tf 2 5 Td (1000) Tj ET",
    "drawn backwards": b"BT /Helv 10 Tf 30 5 Td (10) Tj -20 0 Td (00) Tj ET",
    "mirrored": b"BT /Helv 10 Tf -1 0 0 1 90 5 Tm (1000) Tj ET",
    "curve": b"0 0 m 9 9 9 9 20 0 c S BT /Helv 10 Tf 20 5 Td (1000) Tj ET",
    "too small to read": b"BT /Helv 1 Tf 2 5 Td (1000) Tj ET",
    "spread by spaces": b"BT 90 Tc /Helv 10 Tf 2 5 Td (1000) Tj ET",
    "unknown font": b"BT /F9 10 Tf 2 5 Td (1000) Tj ET",
    "broken": b"BT /Helv 10 Tf 2 5 Td (1000 Tj ET",
}


@pytest.mark.parametrize("name", CLEVER)
def test_a_clever_drawing_is_never_taken_for_its_value(name, certified, maker, verdict):
    report = verdict(maker.stamp(filled(certified, "1000", CLEVER[name])))

    assert report.indication == "INDETERMINATE"
    assert [one[0] for one in said(report)] == ["not_checked"]


@pytest.mark.parametrize(
    "font",
    [
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica"
        b" /Encoding << /Differences [49 /nine] >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>",
        b"<< /Type /Font /Subtype /Type3 /BaseFont /Helvetica >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FontDescriptor << /Flags 4 >> >>",
    ],
    ids=["other glyphs", "symbols", "glyphs of its own", "embedded"],
)
def test_a_font_that_came_with_the_filling_proves_nothing(font, certified, verdict):
    number = facts_of(certified).size + 1
    forged = filled(
        certified,
        "1000",
        b"BT /New 10 Tf 2 5 Td (1000) Tj ET",
        entries=b"/Resources << /Font << /New %d 0 R >> >>" % number,
        more=[font],
    )

    assert said(verdict(forged)) == [("not_checked", "place", UNCLEAR)]


def test_a_font_of_a_known_name_in_the_drawing_replaces_the_one_of_the_form(certified, verdict):
    number = facts_of(certified).size + 1
    forged = filled(
        certified,
        "1000",
        PLAIN % b"1000",
        entries=b"/Resources << /Font << /Helv %d 0 R >> >>" % number,
        more=[
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica"
            b" /Encoding << /Differences [49 /nine] >> >>"
        ],
    )

    assert said(verdict(forged)) == [("not_checked", "place", UNCLEAR)]


def test_control_characters_and_length_of_a_value_do_not_reach_the_sentence(certified, verdict):
    report = verdict(filled(certified, "\u202e" + "9" * 500, PLAIN % b"1000"))

    assert said(report) == [("not_checked", "place", OTHER % ("1000", "?" + "9" * 59))]


def test_fields_nobody_filled_in_after_signing_are_not_spoken_of(maker, verdict):
    before = honest.filled(paper.form(), "place", "Kyoto")

    assert said(verdict(maker.archived(before, certify=honest.P2))) == []


def test_a_file_with_a_value_of_an_odd_kind_gets_a_verdict(certified, verdict):
    odd = changed(certified, "place", V=pikepdf.Array([1, 2]))

    assert said(verdict(odd)) == [("not_checked", "place", UNCLEAR)]
