"""What a document states of itself: what a later revision may restate, and what it may not."""

from __future__ import annotations

import io

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

from evidence.management.attacks import honest, paper
from evidence.management.attacks.entries import in_catalog
from evidence.management.attacks.update import Update, body_of, facts_of, with_entry

MARKED = b"/MarkInfo << /Marked true >>"


def with_catalog(pdf, **entries):
    """Return an unsigned file whose catalog says more."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        for key, value in entries.items():
            opened.Root[f"/{key}"] = value
        opened.save(out, deterministic_id=True)
    return out.getvalue()


def declared(text):
    return generic.read_object(io.BytesIO(text + b" "), generic.Reference(0, 0))


def stamped_with(maker, pdf, change):
    """Return ``pdf`` with a genuine time-stamp in whose revision the catalog says more."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    change(writer.root)
    writer.update_root()
    out = io.BytesIO()
    stamper = signers.PdfTimeStamper(maker.pki.stamper(), field_name="Fresh")
    stamper.timestamp_pdf(writer, "sha256", bytes_reserved=32768, output=out)
    return out.getvalue()


def test_saying_again_what_goes_without_saying_is_no_change(maker, verdict):
    said = in_catalog(b"/MarkInfo << /Marked false /Suspects false >>", MarkInfo=None)

    assert verdict(said(maker.archived(paper.plain()), maker)).reason == "incomplete"


@pytest.mark.parametrize(
    "marks",
    [b"<< /Marked true >>", b"<< /Suspects true >>", b"<< /X (9000) >>", b"[true]", b"(9000)"],
)
def test_other_marks_are_a_change(marks, maker, verdict):
    said = in_catalog(b"/MarkInfo " + marks, MarkInfo=None)

    assert verdict(said(maker.archived(paper.plain()), maker)).reason == "altered"


def test_marks_taken_away_or_changed_where_they_stand_are_a_change(maker, verdict):
    tagged = with_catalog(paper.plain(), MarkInfo=pikepdf.Dictionary(Marked=True))
    signed = maker.archived(tagged)
    assert verdict(signed).reason == "ok"

    for more in (b"/MarkInfo << /Marked false >>", b"/MarkInfo << >>", b"/Nothing null"):
        said = in_catalog(more, MarkInfo=None)
        assert verdict(said(signed, maker)).reason == "altered"


def test_marks_in_an_object_of_their_own_cannot_be_exchanged(maker, verdict):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(paper.plain())) as opened:
        opened.Root.MarkInfo = opened.make_indirect(pikepdf.Dictionary(Marked=True))
        opened.save(out, deterministic_id=True)
    signed = maker.archived(out.getvalue())
    with pikepdf.open(io.BytesIO(signed)) as opened:
        number = opened.Root.MarkInfo.objgen[0]
    forged_file = Update(signed, {number: b"<< /Marked false >>"}).build()

    assert verdict(signed).reason == "ok"
    assert verdict(forged_file).reason == "altered"
    assert verdict(maker.stamp(forged_file, field="Fresh")).reason == "altered"


def test_a_time_stamp_may_raise_version_and_extension_it_needs(maker, verdict):
    def raised(root):
        root["/Version"] = generic.pdf_name("/2.0")
        root["/Extensions"]["/ADBE"] = declared(b"<< /BaseVersion /1.7 /ExtensionLevel 11 >>")

    signed = maker.archived(paper.plain())

    assert verdict(stamped_with(maker, signed, raised)).reason == "ok"


def test_who_fills_in_a_form_may_raise_the_version_with_it(maker, verdict):
    signed = maker.sign(paper.form(), certify=honest.P2)
    facts = facts_of(signed)
    number = next(one for one in facts.fields if b"(place)" in body_of(signed, one))
    root = with_entry(body_of(signed, facts.root, Version=None), b"/Version /2.1")
    field = body_of(signed, number, V=pikepdf.String("Kyoto"))

    assert verdict(Update(signed, {number: field, facts.root: root}).build()).reason == "incomplete"
    assert verdict(Update(signed, {facts.root: root}).build()).reason == "altered"


@pytest.mark.parametrize(
    "extensions",
    [
        b"<< /ADBE (I agree to pay 9000 euros.) >>",
        b"<< /ADBE << /BaseVersion (9000) /ExtensionLevel 11 >> >>",
        b"<< /ADBE << /BaseVersion /1.7 /ExtensionLevel 11 /Text (9000) >> >>",
        b"<< /ADBE << /BaseVersion /1.7 /ExtensionLevel 11 /URL (javascript:1) >> >>",
        b"<< /JS << /BaseVersion /1.7 /ExtensionLevel 11 >> >>",
        b"(9000)",
    ],
)
def test_a_time_stamp_declares_no_extension_that_is_none(extensions, maker, verdict):
    def stated(root):
        root["/Extensions"] = declared(extensions)

    assert verdict(stamped_with(maker, maker.archived(paper.plain()), stated)).reason == "altered"


def test_a_time_stamp_lowers_no_version(maker, verdict):
    def lowered(root):
        root["/Version"] = generic.pdf_name("/1.4")

    signed = maker.archived(with_catalog(paper.plain(), Version=pikepdf.Name("/2.0")))

    assert verdict(signed).reason == "ok"
    assert verdict(stamped_with(maker, signed, lowered)).reason == "altered"


def test_what_was_restated_in_between_is_a_change_though_it_was_taken_back(maker, verdict):
    signed = maker.archived(paper.plain())
    said = in_catalog(MARKED, MarkInfo=None)(signed, maker)
    back = Update(said, {facts_of(signed).root: body_of(signed, facts_of(signed).root)}).build()

    assert verdict(back).reason == "altered"
    assert verdict(maker.stamp(back, field="Fresh")).reason == "altered"
