"""Each published attack, on each kind of third-party file: never intact, always altered."""

from __future__ import annotations

from datetime import timedelta

import pytest

from evidence.management.attacks import forged

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
