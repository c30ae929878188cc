"""Each published attack, on each kind of third-party file: never intact, always altered."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pikepdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from evidence.management.attacks import doubtful, forged, placed, subtle
from evidence.management.attacks.update import Update
from evidence.verify import engine

BASES = ("approval", "B-LTA", "certified P=1", "certified P=2", "certified P=3", "streams")
NOTICED_BY = {
    "a byte in a page": {"integrity"},
    "a byte in the signature": {"integrity"},
    "padding filled": {"coverage"},
    "trailing bytes": {"coverage", "structure"},
    "trailing %%EOF": {"coverage"},
    "reason replaced in place": {"integrity"},
    "ISA: page replaced": {"revisions", "docmdp", "coverage"},
    "ISA: without %%EOF": {"coverage"},
    "ISA: empty table, no %%EOF (ISA-B)": {"structure", "coverage"},
    "ISA: empty table": {"structure", "coverage"},
    "ISA: hybrid table": {"structure", "coverage"},
    "ISA: object stream": {"revisions", "docmdp"},
    "ISA: an object nothing uses": {"coverage"},
    "signature wrapping": {"coverage", "signatures"},
    "signed gap wider than /Contents": {"coverage"},
    "signed range begins late": {"coverage"},
    "signed range ends early": {"coverage"},
    "overlapping ranges": {"coverage"},
    "shadow: font replaced": {"revisions", "docmdp"},
    "shadow: cover taken away": {"revisions", "docmdp"},
    "evil annotation": {"revisions", "docmdp"},
    "evil stamp": {"revisions", "docmdp"},
    "form removed": {"signatures"},
    "form removed, then stamped": {"signatures"},
    "field emptied": {"signatures"},
    "form misspelt in place": {"signatures"},
    "signature dictionary rewritten": {"coverage"},
    "time-stamp over a forged page": {"revisions", "docmdp"},
    "time-stamp over an empty table": {"structure"},
    "time-stamp copied": {"integrity"},
    "signature named twice": {"coverage"},
    "title replaced": {"revisions", "docmdp"},
    "fields drawn anew": {"revisions", "docmdp"},
    "look of the signature's field": {"revisions", "docmdp"},
}
"""Attack → findings that must have failed (on a plain approval)."""


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", forged.GENERAL)
def test_a_forged_file_is_altered(name, base, bases, maker, verdict):
    report = verdict(forged.GENERAL[name](bases[base], maker))

    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered"), report.findings


@pytest.mark.parametrize("name", subtle.SUBTLE)
def test_what_is_switched_inherited_or_looked_up_is_altered_too(name, bases, maker, verdict):
    report = verdict(subtle.SUBTLE[name](bases["approval"], maker))

    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered"), report.findings


@pytest.mark.sweep
@pytest.mark.parametrize("base", [one for one in BASES if one != "approval"])
@pytest.mark.parametrize("name", subtle.SUBTLE)
def test_the_same_in_every_other_kind_of_file(name, base, bases, maker, verdict):
    assert verdict(subtle.SUBTLE[name](bases[base], maker)).reason == "altered"


@pytest.mark.parametrize("name", NOTICED_BY)
def test_the_finding_that_fails_is_the_one_the_attack_is_about(name, bases, maker, verdict):
    report = verdict(forged.GENERAL[name](bases["approval"], maker))

    failed = {one.check for one in report.findings if one.outcome == "failed"}
    assert NOTICED_BY[name] <= failed


@pytest.mark.parametrize("base", ["certified P=2", "certified P=3"])
@pytest.mark.parametrize("name", forged.CERTIFIED)
def test_a_sneaky_signature_over_a_certified_text_is_altered(name, base, bases, maker, verdict):
    report = verdict(forged.CERTIFIED[name](bases[base], maker))

    assert report.reason == "altered"
    assert "failed" in {one.outcome for one in report.of("docmdp")}


def test_a_signature_wrapped_around_other_objects_fools_the_digest_alone(bases, maker, verdict):
    """The signed bytes are all there, only elsewhere: integrity holds, the place does not."""
    report = verdict(forged.wrapping(bases["approval"], maker))

    assert {one.outcome for one in report.of("integrity")} == {"passed"}
    assert {one.outcome for one in report.of("coverage")} == {"failed"}


@pytest.mark.parametrize("name", placed.VISIBLE)
@pytest.mark.parametrize("certify", [None, fields.MDPPerm.FILL_FORMS])
def test_another_look_of_a_visible_signature_is_altered(name, certify, kit, maker, verdict):
    box = (50, 50, 150, 90)
    signed = maker.archived(kit.paper.plain(1), visible=box, certify=certify)
    forged_file = placed.VISIBLE[name](signed, maker)

    assert verdict(signed).reason == "ok"
    assert verdict(forged_file).reason == "altered"
    assert verdict(maker.stamp(forged_file, field="Fresh", with_store=False)).reason == "altered"


def test_a_form_filled_in_without_leave_or_later_signature_is_altered(kit, maker, verdict):
    filled = kit.honest.filled(maker.sign(kit.paper.form()), "amount", "9000")

    assert verdict(filled).reason == "altered"
    stamped = maker.stamp(kit.honest.filled(filled, "place", "Rome"))
    assert verdict(stamped).reason != "unreadable"


def test_hide_and_replace_is_altered_while_its_preparation_is_intact(kit, maker, verdict):
    spare = maker.sign(kit.paper.with_spare(kit.paper.plain(1)))
    swapped = forged.shadow_hide_and_replace(spare, maker)

    assert verdict(spare).reason == "incomplete"
    assert verdict(swapped).reason == "altered"
    assert verdict(maker.stamp(swapped, field="Fresh", with_store=False)).reason == "altered"


def test_the_page_a_forger_changed_is_named(bases, maker, verdict):
    report = verdict(forged.isa(bases["B-LTA"], maker))

    places = {one.where for one in report.of("revisions") if one.outcome == "failed"}
    assert "revision 4, page 1" in places


def test_two_files_forged_alike_get_the_same_findings(bases, maker, verdict):
    forgery = forged.isa_empty_table(bases["approval"], maker)

    assert verdict(forgery).findings == verdict(forgery).findings


def test_a_stamp_of_a_trusted_authority_alone_never_passes(kit, maker, verdict, now):
    """An attacker can take the text, forge it and have the result stamped."""
    report = verdict(maker.stamp(kit.paper.plain()), at=now + timedelta(minutes=1))

    assert report.indication == "INDETERMINATE"
    assert report.of("signer")[0].outcome == "not_checked"


def locked(maker, kit):
    """A form, approved by a signature that locks the amount."""
    writer = IncrementalPdfFileWriter(io.BytesIO(kit.paper.form()), strict=False)
    lock = fields.FieldMDPSpec(fields.FieldMDPAction.INCLUDE, fields=["amount"])
    spec = fields.SigFieldSpec(
        "Signature1", on_page=0, field_mdp_spec=lock, doc_mdp_update_value=fields.MDPPerm.FILL_FORMS
    )
    fields.append_signature_field(writer, spec)
    out = io.BytesIO()
    writer.write(out)
    return maker.sign(out.getvalue(), existing=True)


def test_a_locked_field_filled_in_is_altered(kit, maker, verdict):
    signed = locked(maker, kit)

    assert verdict(signed).reason == "incomplete"
    for data in (
        kit.honest.filled(signed, "amount", "9000"),
        maker.stamp(kit.honest.filled(signed, "amount", "9000")),
    ):
        assert verdict(data).reason == "altered"


def layered(kit, *, hidden):
    """A page with two layers, one price in each; ``hidden`` names the one that is off."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(kit.paper.plain(1))) as opened:
        layers = [
            opened.make_indirect(
                pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name=pikepdf.String(one))
            )
            for one in ("1000", "9000")
        ]
        page = opened.pages[0].obj
        page.Resources.Properties = pikepdf.Dictionary(A=layers[0], B=layers[1])
        text = b" ".join(
            b"/OC /%s BDC BT /F1 12 Tf 72 %d Td (%s euros) Tj ET EMC" % one
            for one in ((b"A", 600, b"1000"), (b"B", 600, b"9000"))
        )
        page.Contents = opened.make_stream(text)
        chosen = opened.make_indirect(
            pikepdf.Dictionary(OFF=pikepdf.Array([layers[hidden]]), Order=pikepdf.Array(layers))
        )
        opened.Root.OCProperties = pikepdf.Dictionary(OCGs=pikepdf.Array(layers), D=chosen)
        opened.save(out, deterministic_id=True)
    return out.getvalue()


@pytest.mark.parametrize("certify", [None, fields.MDPPerm.FILL_FORMS, fields.MDPPerm.ANNOTATE])
def test_a_layer_switched_on_later_is_altered(certify, kit, maker, verdict):
    """The other price was signed along, out of sight."""
    signed = maker.archived(layered(kit, hidden=1), certify=certify)
    assert verdict(signed).reason == "ok"
    with pikepdf.open(io.BytesIO(signed)) as opened:
        chosen, layers = opened.Root.OCProperties.D, opened.Root.OCProperties.OCGs
        number, first = chosen.objgen[0], layers[0].objgen[0]
    switched = Update(signed, {number: b"<< /OFF [%d 0 R] >>" % first}).build()

    assert verdict(switched).reason == "altered"
    assert verdict(maker.stamp(switched, field="Fresh", with_store=False)).reason == "altered"


def test_a_signed_pdf_in_an_archive_in_a_pdf_is_no_signature_of_the_outer_one(
    kit, maker, verdict, bases
):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("inner.pdf", bases["B-LTA"])
    outer = kit.paper.holding(kit.paper.plain(), "inner.zip", packed.getvalue())

    assert verdict(outer).reason == "no_signature"
    assert verdict(maker.archived(outer)).reason == "ok"
    assert verdict(forged.isa(maker.archived(outer), maker)).reason == "altered"


def test_what_was_encrypted_from_the_start_is_unreadable_and_later_an_alteration(
    kit, maker, verdict, bases
):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(bases["approval"])) as opened:
        opened.save(out, encryption=pikepdf.Encryption(owner="a", user=""))

    assert verdict(out.getvalue()).reason in ("unreadable", "altered")
    later = verdict(subtle.encrypted_later(bases["approval"], maker))
    assert [one.outcome for one in later.of("revisions")] == ["failed"]


def test_a_file_encrypted_and_then_signed_is_unreadable_until_a_byte_of_it_changes(
    kit, maker, verdict
):
    """By AES-GCM, with a MAC: what one of two parsers cannot read, nobody judges."""
    signed = doubtful.signed_encrypted(maker, kit.paper.plain(1))

    assert verdict(signed).reason == "unreadable"
    assert verdict(signed[:600] + bytes((signed[600] ^ 1,)) + signed[601:]).reason == "altered"


@pytest.mark.parametrize("name", ["junk in front", "archive in front", "another header in front"])
def test_what_is_put_in_front_does_not_hide_the_pdf_from_the_engine(
    name, bases, maker, trust, now, tmp_path
):
    path = tmp_path / "file.pdf"
    path.write_bytes(subtle.SUBTLE[name](bases["B-LTA"], maker))
    report = engine.verify(path, trust=trust, at=now + timedelta(minutes=1))

    assert (report.kind, report.reason) == ("pdf", "altered")
