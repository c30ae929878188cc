"""The verdict: findings, and one pure function that turns them into indication and reason.

A checker only ever adds findings. Which findings a kind of file *requires*, and what a failed
or missing one means, stands in the tables of this module and nowhere else, so that no checker
can talk a file into ``TOTAL_PASSED``: that needs every required check present and passed.

Words: ``failed`` means checked and wrong, ``not_checked`` means it could not be checked; the
second is never a pass. Indications follow ETSI EN 319 102-1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .marks import Mark

PASSED = "passed"
FAILED = "failed"
NOT_CHECKED = "not_checked"
OUTCOMES = (PASSED, FAILED, NOT_CHECKED)

TOTAL_PASSED = "TOTAL_PASSED"
INDETERMINATE = "INDETERMINATE"
TOTAL_FAILED = "TOTAL_FAILED"

KINDS = ("bundle", "pdf", "receipt", "token", "other")
TRUST_LABELS = ("public", "configured", "development", "none")

REASONS = (
    "altered",
    "limits_exceeded",
    "unreadable",
    "no_signature",
    "not_ours",
    "development_trust",
    "signer_not_trusted",
    "incomplete",
    "ok",
)
"""Gravest first: the reason of a report is the gravest one any required check gives."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what came of it.

    check: stable lower-case code; ``detail``: one English sentence; ``where``: file or object.
    reason: overrides the reason the tables give for this check when it is not passed.
    """

    check: str
    outcome: str
    required: bool
    detail: str
    where: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"no such outcome: {self.outcome}")
        if self.reason and self.reason not in REASONS:
            raise ValueError(f"no such reason: {self.reason}")


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one file; build it with ``make_report``."""

    file: str
    kind: str
    indication: str
    reason: str
    trust: str
    findings: tuple[Finding, ...]
    seconds: float
    marks: tuple[Mark, ...] = ()
    """Signatures and time-stamps as facts, for pages; not part of ``to_dict``."""

    @property
    def passed(self) -> bool:
        return self.indication == TOTAL_PASSED

    def of(self, check: str) -> tuple[Finding, ...]:
        """Return the findings of one check, in order of appearance."""
        return tuple(finding for finding in self.findings if finding.check == check)

    def to_json(self) -> str:
        """Return one line of JSON (ASCII), as the command line prints it."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, object]:
        return {
            "file": self.file,
            "kind": self.kind,
            "indication": self.indication,
            "reason": self.reason,
            "trust": self.trust,
            "findings": [_finding_dict(finding) for finding in self.findings],
            "seconds": round(self.seconds, 4),
        }


def _finding_dict(finding: Finding) -> dict[str, object]:
    answer: dict[str, object] = {
        "check": finding.check,
        "outcome": finding.outcome,
        "required": finding.required,
        "detail": finding.detail,
    }
    if finding.where:
        answer["where"] = finding.where
    return answer


SIGNATURE_CHECKS = frozenset(
    {
        "recognised", "structure", "integrity", "coverage", "revisions", "docmdp", "signer",
        "chain", "validity", "revocation", "signature_time_stamp", "time_stamp", "algorithms",
        "level", "completeness",
    }
)  # fmt: skip
TOKEN_CHECKS = frozenset(
    {
        "recognised",
        "structure",
        "integrity",
        "signer",
        "chain",
        "validity",
        "revocation",
        "algorithms",
    }
)

REQUIRED: dict[str, frozenset[str]] = {
    "pdf": SIGNATURE_CHECKS,
    "token": TOKEN_CHECKS,
    "bundle": SIGNATURE_CHECKS,
    "receipt": frozenset({"recognised"}),
    "other": frozenset({"recognised"}),
}
"""Kind of file → checks that must each be present and passed. The bundle checker passes its own
larger set to ``make_report`` (this one joined with its own checks)."""

_FAILED_REASON: dict[str, tuple[str, str]] = {
    "chain": ("signer_not_trusted", INDETERMINATE),
    "signer": ("signer_not_trusted", INDETERMINATE),
    "validity": ("signer_not_trusted", TOTAL_FAILED),
    "revocation": ("signer_not_trusted", TOTAL_FAILED),
    "algorithms": ("signer_not_trusted", INDETERMINATE),
    "level": ("incomplete", INDETERMINATE),
    "completeness": ("incomplete", INDETERMINATE),
    "recognised": ("not_ours", INDETERMINATE),
    "readable": ("unreadable", INDETERMINATE),
    "limits": ("limits_exceeded", INDETERMINATE),
}
"""Check → reason and indication when it failed; every other failed check means altered."""

_UNCHECKED_REASON: dict[str, str] = {
    "chain": "signer_not_trusted",
    "signer": "signer_not_trusted",
    "validity": "signer_not_trusted",
    "revocation": "signer_not_trusted",
    "recognised": "unreadable",
    "limits": "limits_exceeded",
}
"""Check → reason when it could not be checked; otherwise incomplete."""


def passed(check: str, detail: str, where: str = "", *, required: bool = True) -> Finding:
    return Finding(check, PASSED, required, detail, where)


def failed(
    check: str, detail: str, where: str = "", *, required: bool = True, reason: str = ""
) -> Finding:
    return Finding(check, FAILED, required, detail, where, reason)


def not_checked(
    check: str, detail: str, where: str = "", *, required: bool = True, reason: str = ""
) -> Finding:
    return Finding(check, NOT_CHECKED, required, detail, where, reason)


def judge(findings: Iterable[Finding]) -> tuple[str, str]:
    """Return ``(indication, reason)`` of findings whose ``required`` marks are already set.

    Pure and total. An empty list is INDETERMINATE/unreadable: nothing was checked.
    """
    required = [finding for finding in findings if finding.required]
    if not required:
        return INDETERMINATE, "unreadable"
    meanings = [_meaning(finding) for finding in required if finding.outcome != PASSED]
    if not meanings:
        return TOTAL_PASSED, "ok"
    gravest = min((reason for _, reason in meanings), key=REASONS.index)
    is_failed = any(indication == TOTAL_FAILED for indication, _ in meanings)
    return (TOTAL_FAILED if is_failed else INDETERMINATE), gravest


def meaning_reason(finding: Finding) -> str:
    """Return the reason a finding that is not passed stands for."""
    return _meaning(finding)[1]


def _meaning(finding: Finding) -> tuple[str, str]:
    if finding.outcome == NOT_CHECKED:
        return INDETERMINATE, finding.reason or _UNCHECKED_REASON.get(finding.check, "incomplete")
    reason, indication = _FAILED_REASON.get(finding.check, ("altered", TOTAL_FAILED))
    if not finding.reason:
        return indication, reason
    return (TOTAL_FAILED if finding.reason == "altered" else INDETERMINATE), finding.reason


def mark_required(findings: Iterable[Finding], required: frozenset[str]) -> tuple[Finding, ...]:
    """Return the findings with ``required`` set from the table, missing checks added.

    A required check nobody spoke of is added as ``not_checked``. A finding that is not in the
    table and failed stays required when its maker said so: doubt never becomes a pass.
    """
    marked = [
        replace(
            finding,
            required=finding.check in required or (finding.required and finding.outcome != PASSED),
        )
        for finding in findings
    ]
    spoken = {finding.check for finding in marked}
    missing = [
        not_checked(check, "This could not be reached.") for check in sorted(required - spoken)
    ]
    return tuple(marked + missing)


def make_report(
    file: str,
    kind: str,
    findings: Iterable[Finding],
    *,
    trust: str = "none",
    seconds: float = 0.0,
    required: frozenset[str] | None = None,
    marks: tuple[Mark, ...] = (),
) -> Report:
    """Return the report of one file, judged by the table of its kind (or by ``required``)."""
    if kind not in KINDS or trust not in TRUST_LABELS:
        raise ValueError(f"no such kind or trust: {kind} {trust}")
    marked = mark_required(findings, REQUIRED[kind] if required is None else required)
    indication, reason = judge(marked)
    return Report(file, kind, indication, reason, trust, marked, seconds, marks)


def with_finding(report: Report, finding: Finding) -> Report:
    """Return ``report`` with one more finding, and never a better verdict than before.

    Findings of a report that was read back carry no reason of their own, so the old verdict is
    kept unless the new finding is required and not passed, which makes the file altered at worst.
    """
    findings = (*report.findings, finding)
    if not finding.required or finding.outcome == PASSED:
        return replace(report, findings=findings)
    indication, reason = judge([finding])
    is_graver = REASONS.index(reason) < REASONS.index(report.reason)
    is_failed = TOTAL_FAILED in (indication, report.indication)
    return replace(
        report,
        findings=findings,
        indication=TOTAL_FAILED if is_failed else INDETERMINATE,
        reason=reason if is_graver else report.reason,
    )
