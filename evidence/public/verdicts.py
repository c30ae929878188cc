"""A report in the words of the page: one verdict, three lines, findings.

The rule above all others here: no sentence calls a file intact unless every finding about its
integrity passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from evidence.public.answers import plain_moment
from evidence.public.details import spoken
from evidence.public.facts import Known
from evidence.verify.offline.checks import CHECKS
from evidence.verify.offline.marks import TIME_STAMP, Mark
from evidence.verify.offline.report import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    TOTAL_FAILED,
    TOTAL_PASSED,
    Finding,
    Report,
)

SIGNER_CHECKS = frozenset({"signer", "chain", "validity", "revocation", "log_key"})
TIME_CHECKS = frozenset(
    {
        "time", "time_stamp", "signature_time_stamp", "time_independence", "imprint", "log_time",
        "custody_times", "stored_by", "verifiable_until",
    }
)  # fmt: skip
CORE_CHECKS = frozenset({"integrity", "log", "messages", "files"})
"""Without one of these nothing can be said about integrity."""

_SHADES = {PASSED: "ok", FAILED: "bad", NOT_CHECKED: "doubt"}

CHECK_WORDS: dict[str, Promise] = {code: _(text) for code, text in CHECKS.items()}
_OTHER_CHECK = _("A further check")

OUTCOME_WORDS: dict[str, Promise] = {
    PASSED: pgettext_lazy("outcome", "Holds"),
    FAILED: pgettext_lazy("outcome", "Does not hold"),
    NOT_CHECKED: pgettext_lazy("outcome", "Could not be checked"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one sentence. shade: ``ok``, ``doubt`` or ``bad``; never the only bearer of meaning."""

    shade: str
    headline: Promise
    explanation: Promise


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One of the lines under the verdict: what it is about, how it stands, in words."""

    title: Promise
    shade: str
    words: Promise | str


@dataclass(frozen=True, slots=True)
class FindingLine:
    """One finding in words. is_english: the detail stayed as the engine wrote it."""

    shade: str
    outcome: Promise
    words: Promise
    detail: str
    where: str
    is_advisory: bool
    is_english: bool


def verdict(report: Report) -> Verdict:
    """Return what to say about the file as a whole."""
    if report.indication == TOTAL_PASSED:
        return _passed(report)
    if report.indication == TOTAL_FAILED or report.reason == "altered":
        return _failed(report)
    if is_intact(report):
        return _intact_but(report)
    return _undecided(report)


def _passed(report: Report) -> Verdict:
    if _filled_in(report):
        return _passed_and_filled_in(report)
    if report.trust == "development":
        return Verdict(
            "doubt",
            _("Intact, made with test keys"),
            _(
                "The file is exactly as it was issued. It was signed and time-stamped with the keys "
                "of a development service, so it proves nothing outside of a test."
            ),
        )
    return Verdict(
        "ok",
        _("Intact and trusted"),
        _("The file is exactly as it was issued, and its signer and its time are trusted here."),
    )


def _passed_and_filled_in(report: Report) -> Verdict:
    if report.trust == "development":
        return Verdict(
            "doubt",
            _("Intact, made with test keys"),
            _(
                "What was signed is unchanged; fields of its form were filled in since, as the "
                "signature allows. It was made with the keys of a development service, so it proves "
                "nothing outside of a test."
            ),
        )
    return Verdict(
        "ok",
        _("Intact and trusted"),
        _(
            "What was signed is unchanged, and its signer and its time are trusted here. Fields of "
            "its form were filled in since, as the signature allows."
        ),
    )


def _failed(report: Report) -> Verdict:
    if report.reason == "signer_not_trusted" and is_intact(report):
        return Verdict(
            "bad",
            _("The signer's certificate was not valid"),
            _(
                "What was signed is unchanged, but the certificate it was signed with had expired "
                "or been revoked. Do not rely on this file."
            ),
        )
    return Verdict(
        "bad",
        _("Altered. Do not rely on this file"),
        _(
            "This file is not what was issued: something in it was changed, removed or added. "
            "Below you see which check failed."
        ),
    )


def _intact_but(report: Report) -> Verdict:
    if _filled_in(report) == "doubt":
        return Verdict(
            "doubt",
            _("What was signed is intact; what was filled in since may mislead"),
            _(
                "A field of its form was filled in after signing, and what it shows is not its "
                "value, or could not be compared with it. The checks below say which field."
            ),
        )
    words = {
        "development_trust": (
            _("Intact, made with test keys"),
            _(
                "What was signed is unchanged, but it was signed with keys that prove nothing outside "
                "of a test."
            ),
        ),
        "signer_not_trusted": (
            _("Intact, but the signer is not trusted here"),
            _(
                "What was signed is unchanged. Who signed it could not be traced to an authority that "
                "is trusted here."
            ),
        ),
    }
    headline, explanation = words.get(
        report.reason,
        (
            _("Intact as far as it goes, but not everything could be checked"),
            _(
                "Nothing that was signed was found to be changed. Some checks could not be made; see "
                "below which ones."
            ),
        ),
    )
    return Verdict("doubt", headline, explanation)


_UNDECIDED: dict[str, tuple[Promise, Promise]] = {
    "no_signature": (
        _("Not signed"),
        _(
            "This file carries no signature, so nothing can be said about who made it or whether it was changed."
        ),
    ),
    "not_ours": (
        _("Not one of our files"),
        _(
            "This is no bundle, document or receipt of TrueThread. That says nothing about whether it is genuine."
        ),
    ),
    "unreadable": (
        _("Unreadable"),
        _("The file is damaged or of a kind that cannot be judged here."),
    ),
    "limits_exceeded": (
        _("Too large to judge here"),
        _(
            "Judging this file would take more than this page allows. Try the volumes of the bundle "
            "one by one, or use the verifier that comes with the bundle."
        ),
    ),
}


def _undecided(report: Report) -> Verdict:
    headline, explanation = _UNDECIDED.get(
        report.reason,
        (
            _("Could not be verified"),
            _(
                "Not enough could be checked to say anything about this file. Do not rely on it as it stands."
            ),
        ),
    )
    return Verdict("doubt", headline, explanation)


def is_intact(report: Report) -> bool:
    """Return whether the content is proven unchanged: each finding about it passed, and some did."""
    findings = _integrity(report)
    core = [finding for finding in findings if finding.check in CORE_CHECKS]
    return (
        bool(core)
        and all(finding.outcome == PASSED for finding in core)
        and not any(finding.outcome == FAILED for finding in findings)
    )


def _filled_in(report: Report) -> str:
    """Return how fields filled in after signing stand, ``ok`` or ``doubt``; "" without any."""
    findings = report.of("filled")
    return _worst(findings) if findings else ""


_INTACT: dict[str, tuple[str, Promise]] = {
    "": ("ok", _("Unchanged since it was signed.")),
    "ok": (
        "ok",
        _(
            "What was signed is unchanged. Fields of its form were filled in since, as the signature "
            "allows."
        ),
    ),
    "doubt": (
        "doubt",
        _(
            "What was signed is unchanged. A field of its form was filled in since, and what it "
            "shows is not its value, or could not be compared with it."
        ),
    ),
}
"""The line about integrity, by how fields filled in since stand."""


def three_lines(report: Report) -> tuple[ReportLine, ...]:
    """Return integrity, signer and time, each for itself."""
    return (
        _integrity_line(report),
        _signer_line([one for one in report.findings if one.check in SIGNER_CHECKS]),
        _time_line([one for one in report.findings if one.check in TIME_CHECKS]),
    )


def _integrity(report: Report) -> list[Finding]:
    apart = SIGNER_CHECKS | TIME_CHECKS | {"algorithms", "level", "single_view", "recognised"}
    return [one for one in report.findings if one.check not in apart]


def _integrity_line(report: Report) -> ReportLine:
    title = _("Integrity")
    if any(one.outcome == FAILED for one in _integrity(report)):
        if report.reason in {"limits_exceeded", "unreadable", "no_signature", "not_ours"}:
            return ReportLine(title, "doubt", _("Could not be checked."))
        if report.reason == "incomplete" and report.indication != TOTAL_FAILED:
            return ReportLine(title, "doubt", _("Could not be established in full."))
        return ReportLine(title, "bad", _("The file was changed after it was issued."))
    if is_intact(report):
        return ReportLine(title, *_INTACT[_filled_in(report)])
    return ReportLine(title, "doubt", _("Could not be checked."))


def _signer_line(findings: list[Finding]) -> ReportLine:
    title = _("Signer")
    words = {
        "ok": _("Known, and trusted here."),
        "bad": _("Not trusted here."),
        "doubt": _("Could not be checked."),
    }
    shade = _worst(findings)
    return ReportLine(title, shade, words[shade])


def _time_line(findings: list[Finding]) -> ReportLine:
    title = _("Time")
    proofs = [one for one in findings if one.check != "time_independence"]
    is_independent = not any(
        one.check == "time_independence" and one.outcome != PASSED for one in findings
    )
    shade = _worst([one for one in proofs if one.required])
    if shade == "ok" and not is_independent:
        return ReportLine(
            title, "doubt", _("Time-stamped, but by an authority that is not independent.")
        )
    words = {
        "ok": _("Proven by a time-stamp."),
        "bad": _("Not proven."),
        "doubt": _("Could not be checked."),
    }
    return ReportLine(title, shade, words[shade])


def _worst(findings: Iterable[Finding]) -> str:
    outcomes = {finding.outcome for finding in findings}
    if FAILED in outcomes:
        return "bad"
    if not outcomes or NOT_CHECKED in outcomes:
        return "doubt"
    return "ok"


def finding_lines(report: Report) -> list[FindingLine]:
    """Return every finding in words, what does not hold first."""
    order = {FAILED: 0, NOT_CHECKED: 1, PASSED: 2}
    ordered = sorted(report.findings, key=lambda one: order[one.outcome])
    return [_finding_line(one) for one in ordered]


def _finding_line(finding: Finding) -> FindingLine:
    detail = spoken(finding.detail)
    return FindingLine(
        shade=_SHADES[finding.outcome],
        outcome=OUTCOME_WORDS[finding.outcome],
        words=CHECK_WORDS.get(finding.check, _OTHER_CHECK),
        detail=detail,
        where=spoken(finding.where),
        is_advisory=not finding.required,
        is_english=detail == finding.detail,
    )


def proves_evidence(report: Report) -> bool:
    """Return whether the file is a passing bundle or volume of evidence, of whatever issuer.

    Other people's documents pass too, and so do our own reports: neither was in any store.
    """
    if not report.passed:
        return False
    if report.kind == "bundle":
        return True
    return report.kind == "pdf" and not report.of("ours") and bool(report.of("completeness"))


def extra_lines(report: Report, known: Known | None) -> tuple[ReportLine, ...]:
    """Return excerpt, redactions, custody and renewal of an issued file; nothing for others."""
    if known is None:
        return ()
    return (
        ReportLine(_("Excerpt"), "ok" if known.gaps == 0 else "doubt", _excerpt(known)),
        ReportLine(_("Redactions"), "ok", _redactions(known)),
        _custody_line(report, known),
        _renewal_line(report, known),
    )


def _excerpt(known: Known) -> str:
    if known.gaps == 0:
        stretches = str(_("contiguous"))
    else:
        stretches = ngettext("with %(gaps)d gap", "with %(gaps)d gaps", known.gaps) % {
            "gaps": known.gaps
        }
    said = _("%(chosen)d of %(rows)d messages, %(stretches)s.")
    return str(said) % {"chosen": known.chosen, "rows": known.rows, "stretches": stretches}


def _redactions(known: Known) -> str:
    if not known.withheld:
        return str(_("Nothing is withheld."))
    return ngettext(
        "%(number)d message is withheld in full or in part; its seal is intact and stands in its "
        "place.",
        "%(number)d messages are withheld in full or in part; their seals are intact and stand in "
        "their places.",
        known.withheld,
    ) % {"number": known.withheld}


def _custody_line(report: Report, known: Known) -> ReportLine:
    title = _("Custody")
    checked = [one for one in report.findings if one.check in {"custody", "log", "custody_times"}]
    if any(one.outcome == FAILED for one in checked):
        return ReportLine(title, "bad", _("The record of custody does not hold."))
    if known.stamped_at is None:
        return ReportLine(
            title, "doubt", _("The issue is recorded in the log; its time-stamp is still pending.")
        )
    said = _("The issue is recorded in the log, time-stamped %(time)s.")
    return ReportLine(title, "ok", str(said) % {"time": plain_moment(known.stamped_at)})


def _renewal_line(report: Report, known: Known) -> ReportLine:
    title = _("Renewal")
    until = next((one.detail for one in report.of("verifiable_until")), "")
    said = []
    if known.renewed:
        words = str(_("Time-stamp last renewed on %(time)s."))
        said.append(words % {"time": plain_moment(known.renewed[-1])})
    else:
        said.append(str(_("The time-stamp has not been renewed; none was needed so far.")))
    if _is_moment(until):
        words = str(_("Verifiable without renewal until %(time)s."))
        said.append(words % {"time": plain_moment(until)})
    return ReportLine(title, "ok", " ".join(said))


def _is_moment(text: str) -> bool:
    try:
        plain_moment(text)
    except ValueError:
        return False
    return bool(text)


_CARD_CHECKS = (
    "integrity", "signer", "chain", "validity", "revocation", "algorithms", "ades",
    "signature_time_stamp", "time_stamp", "level", "verifiable_until",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """One signature or time-stamp of the file. where: its field, as the file names it.

    facts: what there is, as title and value; lines: what holds of it.
    """

    title: Promise
    where: str
    shade: str
    facts: tuple[tuple[Promise, str], ...]
    lines: tuple[FindingLine, ...]


def cards(report: Report) -> tuple[Card, ...]:
    """Return a card for every signature and time-stamp, in the order of the file."""
    marks = {mark.where: mark for mark in report.marks}
    by_place: dict[str, list[Finding]] = {where: [] for where in marks}
    for finding in report.findings:
        if finding.where and finding.check in _CARD_CHECKS and not _is_path(finding.where):
            by_place.setdefault(finding.where, []).append(finding)
    return tuple(_card(where, findings, marks.get(where)) for where, findings in by_place.items())


def _card(where: str, findings: list[Finding], mark: Mark | None) -> Card:
    checks = {one.check for one in findings}
    is_stamp = "time_stamp" in checks and "signer" not in checks
    if mark is not None:
        is_stamp = mark.kind == TIME_STAMP
    findings.sort(key=lambda one: _CARD_CHECKS.index(one.check))
    return Card(
        title=_("Time-stamp") if is_stamp else _("Signature"),
        where=where.rpartition(": ")[2],
        shade=_worst(findings),
        facts=tuple(_mark_facts(mark)) if mark is not None else (),
        lines=tuple(map(_finding_line, findings)),
    )


def _mark_facts(mark: Mark) -> Iterator[tuple[Promise, str]]:
    """Yield title and value of what the file says of one signature; nothing of it is a verdict."""
    is_stamp = mark.kind == TIME_STAMP
    unknown = str(_("not known"))
    yield (_("Authority") if is_stamp else _("Signed by")), mark.name or unknown
    if mark.name:
        yield _("Certificate issued by"), mark.issuer
        yield _("Serial number"), mark.serial
        yield _("Key"), mark.key
        yield _("Certificate valid"), _span(mark)
    no_chain = str(_("none to an authority that is trusted here"))
    yield _("Chain of trust"), " → ".join(mark.chain) or no_chain
    no_time = str(_("none; only what the signer says"))
    yield _("Proven time"), plain_moment(mark.time) if mark.time else no_time
    if mark.authority and not is_stamp:
        yield _("Time-stamped by"), mark.authority
    yield _("Covers"), _covered(mark)


def _span(mark: Mark) -> str:
    return f"{plain_moment(mark.valid_from)} – {plain_moment(mark.valid_until)}"


def _covered(mark: Mark) -> str:
    if mark.covers == mark.size:
        return str(_("the whole file"))
    if not 0 < mark.covers < mark.size:
        return str(_("not known"))
    said = _("the first %(covers)s of %(size)s bytes; the rest was added later")
    return str(said) % {"covers": f"{mark.covers:,}", "size": f"{mark.size:,}"}


def _is_path(where: str) -> bool:
    """Return whether ``where`` names a whole file of a bundle, not a field in one."""
    return where.startswith("data/") and ": " not in where
