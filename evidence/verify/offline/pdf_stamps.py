"""What a time-stamp token's findings mean for the PDF that carries it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from . import cms, tst, x509
from .report import FAILED, NOT_CHECKED, Finding, failed, meaning_reason, passed


def stamp_finding(check: str, facts: tst.TokenFacts, where: str) -> Finding:
    """Return a token's gravest finding as the finding ``check`` of the file."""
    for outcome in (FAILED, NOT_CHECKED):
        for finding in facts.findings:
            if finding.outcome == outcome:
                return renamed(finding, check)
    if facts.time is None or facts.authority is None:
        return failed(check, "The time-stamp has no time or no authority.", where)
    detail = f"{facts.time:%Y-%m-%dT%H:%M:%SZ}, by {facts.authority.subject_text}."
    return passed(check, detail, where)


def stray_parts(
    facts: tst.TokenFacts, where: str, store: Iterable[bytes], trust: x509.Trust
) -> list[Finding]:
    """Return findings for parts of a token that nothing accounts for, none when all is well.

    The bytes of the last token are covered by nothing later, so each certificate inside it
    must be part of the chain found, a root, or in the security store.
    """
    chain = facts.chain.certificates if facts.chain else ()
    known = {*store, *(root.certificate for root in trust.roots), *(one.raw for one in chain)}
    stray = ""
    if facts.has_unsigned:
        stray = "it carries unsigned additions"
    elif not known >= set(facts.certificates):
        stray = "a certificate inside is nowhere accounted for"
    if not stray:
        return []
    return [failed("structure", f"The time-stamp is not as it was issued: {stray}.", where)]


def finding_of(facts: tst.TokenFacts, check: str, where: str) -> Finding:
    """Return the token's own finding on ``check``."""
    found = next((one for one in facts.findings if one.check == check), None)
    return found or failed(check, "The time-stamp could not be checked.", where)


def token_time(token: bytes) -> datetime | None:
    """Return the time a token states, not verified; None when it cannot be read."""
    try:
        content = cms.parse(token).content
        return tst.parse_info(content).moment if content is not None else None
    except (ValueError, IndexError, KeyError):
        return None


def tolerance(facts: tst.TokenFacts) -> timedelta:
    """Two authorities may differ by their accuracy and a little more."""
    accuracy = facts.info.accuracy if facts.info else timedelta(0)
    return accuracy + timedelta(minutes=1)


def renamed(finding: Finding, check: str) -> Finding:
    """Return a token's finding as a finding of the file, with its reason kept."""
    return Finding(
        check, finding.outcome, True, finding.detail, finding.where, meaning_reason(finding)
    )
