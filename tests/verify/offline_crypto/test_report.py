"""The verdict follows from findings and tables alone."""

from __future__ import annotations

import itertools
import json

import pytest

from evidence.verify.offline.report import (
    FAILED,
    KINDS,
    NOT_CHECKED,
    PASSED,
    REASONS,
    REQUIRED,
    Finding,
    failed,
    judge,
    make_report,
    not_checked,
    passed,
)


def all_passed(kind="pdf"):
    return [passed(check, "Fine.") for check in sorted(REQUIRED[kind])]


@pytest.mark.parametrize("kind", KINDS)
def test_all_required_checks_passed_is_a_pass(kind):
    report = make_report("f", kind, all_passed(kind))
    assert (report.indication, report.reason) == ("TOTAL_PASSED", "ok")


@pytest.mark.parametrize("kind", KINDS)
def test_one_check_missing_or_unsure_or_failed_is_never_a_pass(kind):
    for check in REQUIRED[kind]:
        others = [one for one in all_passed(kind) if one.check != check]
        for more in ([], [not_checked(check, "?")], [failed(check, "!")]):
            assert not make_report("f", kind, others + more).passed
        both = [*others, passed(check, "Fine."), failed(check, "!", "elsewhere")]
        assert not make_report("f", kind, both).passed


def test_a_maker_cannot_declare_a_required_check_advisory():
    findings = all_passed()
    findings[0] = Finding(findings[0].check, FAILED, False, "!")
    assert not make_report("f", "pdf", findings).passed


def test_a_failed_check_outside_the_table_still_counts():
    report = make_report("f", "pdf", [*all_passed(), failed("something_new", "!")])
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")


def test_advisory_findings_do_not_decide():
    advisory = [not_checked("witness", "?", required=False), failed("x", "!", required=False)]
    assert make_report("f", "pdf", [*all_passed(), *advisory]).passed


def test_no_findings_are_no_pass():
    assert judge([]) == ("INDETERMINATE", "unreadable")
    assert not make_report("f", "other", []).passed


def test_the_gravest_reason_is_given():
    for first, second in itertools.combinations(REASONS[:-1], 2):
        findings = [failed("a", "!", reason=second), failed("b", "!", reason=first)]
        assert make_report("f", "pdf", [*all_passed(), *findings]).reason == first


def test_altered_is_always_a_total_failure():
    findings = [failed("a", "!", reason="altered"), not_checked("chain", "?")]
    assert judge(findings) == ("TOTAL_FAILED", "altered")


def test_the_report_is_one_line_of_json():
    report = make_report("证.pdf", "pdf", all_passed(), trust="development", seconds=0.12345)
    line = report.to_json()
    read = json.loads(line)

    assert "\n" not in line
    assert read["file"] == "证.pdf"
    assert read["indication"] == "TOTAL_PASSED"
    assert read["seconds"] == 0.1235 or read["seconds"] == 0.1234
    assert set(read["findings"][0]) == {"check", "outcome", "required", "detail"}
    assert {one["outcome"] for one in read["findings"]} == {PASSED}


@pytest.mark.parametrize("bad", [{"outcome": "maybe"}, {"reason": "because"}])
def test_unknown_words_are_our_own_mistake(bad):
    fields = {"check": "a", "outcome": NOT_CHECKED, "required": True, "detail": "?"} | bad
    with pytest.raises(ValueError, match="no such"):
        Finding(**fields)
