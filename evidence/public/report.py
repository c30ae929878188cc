"""The answer as a file to keep: JSON for programs, a document for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evidence.actions.verification_report import Part, WrittenReport
from evidence.front.marks import plain
from evidence.front.sentences import EVENTS
from evidence.public.answers import plain_moment
from evidence.public.facts import Known, SeriesFacts
from evidence.public.judged import Judged
from evidence.public.lookup import facts_json
from evidence.public.verdicts import (
    extra_lines,
    finding_lines,
    proves_evidence,
    three_lines,
    verdict,
)

FORMAT = "truethread/verification-report/v1"


def report_json(judged: Judged, known: Known | None) -> dict[str, Any]:
    """Return the report for programs: the engine's own, what it is about, what the log knows."""
    return {
        "format": FORMAT,
        "checked": judged.checked_at.isoformat().replace("+00:00", "Z"),
        "by": settings.TRUETHREAD_PUBLIC_URL,
        "sha256": judged.sha256.hex(),
        "size": judged.size,
        "report": judged.report.to_dict(),
        "signatures": [mark.to_dict() for mark in judged.report.marks],
        "issued": facts_json(known) if known else None,
    }


def document(judged: Judged, known: Known | None, language: Literal["en", "zh"]) -> WrittenReport:
    """Return the report in the words of the page, in the language of the request."""
    said = verdict(judged.report)
    return WrittenReport(
        language=language,
        title=_("Verification report"),
        headline=str(said.headline),
        explanation=str(said.explanation),
        identifier=judged.sha256.hex(),
        page_of=_("Page {page} of {pages}"),
        development_mark=_("DEVELOPMENT"),
        development_words=_("Made with the keys of a development service: proves nothing."),
        parts=tuple(_parts(judged, known)),
    )


def _parts(judged: Judged, known: Known | None) -> Iterator[Part]:
    report = judged.report
    lines = [*three_lines(report), *extra_lines(report, known)]
    yield Part("", facts=tuple((str(line.title), str(line.words)) for line in lines))
    yield Part(_("The file"), facts=tuple(_file_facts(judged, known)))
    if report.passed and (known or proves_evidence(report)):
        yield Part(_("What this proves"), paragraphs=tuple(claims(known)))
        yield Part(_("What this does not prove"), paragraphs=tuple(no_claims()))
    yield Part(
        _("Checks, one by one"),
        facts=tuple(
            (str(line.outcome), " · ".join(filter(None, (str(line.words), plain(line.detail), plain(line.where)))))
            for line in finding_lines(report)
        ),
    )  # fmt: skip
    if known:
        yield Part(_("Custody of this bundle"), facts=tuple(_custody_facts(known)))


def _file_facts(judged: Judged, known: Known | None) -> Iterator[tuple[str, str]]:
    yield _("Name as it was sent"), plain(judged.report.file)
    yield _("Size"), f"{judged.size:,} B"
    yield "SHA-256", judged.sha256.hex()
    yield _("Checked"), f"{plain_moment(judged.checked_at)}, {settings.TRUETHREAD_PUBLIC_URL}"
    if known:
        yield _("Issued here"), plain_moment(known.issued_at)
        yield _("Bundle"), known.bundle
    else:
        yield (
            _("Issued here"),
            _("No file with exactly these bytes was issued by this service."),
        )


def claims(known: Known | None) -> Iterator[str]:
    """Yield what a passing verdict proves, word for word."""
    if known is None:
        yield _(
            "These bytes were in the issuer's store no later than the time-stamp over their seal, "
            "and this excerpt is unchanged from them. The source held as many rows as the cover "
            "states; the positions of these and what is withheld are stated there too."
        )
        return
    for one in known.series:
        yield " ".join(_series_claim(one))


def _series_claim(one: SeriesFacts) -> Iterator[str]:
    if one.stored_by:
        yield _(
            "These bytes were in our store no later than %(time)s, and this excerpt is unchanged "
            "from them."
        ) % {"time": plain_moment(one.stored_by)}
    yield ngettext(
        "The source held %(rows)s row as delivered.",
        "The source held %(rows)s rows as delivered.",
        one.rows,
    ) % {"rows": one.rows}
    yield _("This excerpt stands at positions %(first)s…%(last)s.") % {
        "first": one.first, "last": one.last,
    }  # fmt: skip
    if one.withheld:
        yield ngettext(
            "%(withheld)s of its messages is withheld, in whole or in part.",
            "%(withheld)s of its messages are withheld, in whole or in part.",
            one.withheld,
        ) % {"withheld": one.withheld}
    else:
        yield _("Nothing is withheld.")
    if one.is_contiguous:
        yield _("The excerpt is contiguous.")
        return
    yield ngettext(
        "Between them %(gaps)s stretch of messages is not included.",
        "Between them %(gaps)s stretches of messages are not included.",
        one.gaps,
    ) % {"gaps": one.gaps}


def no_claims() -> Iterator[str]:
    """Yield what no verdict proves, word for word."""
    yield _(
        "Who typed it, what was deleted or edited before delivery, and whether the clocks of the "
        "source were right."
    )
    yield _(
        "Identity, authority and time zone are printed as “stated by …”: somebody said so, and it "
        "was not examined here."
    )


def _custody_facts(known: Known) -> Iterator[tuple[str, str]]:
    for line in known.custody:
        words = str(EVENTS.get(line.event, line.event))
        yield plain_moment(line.time), f"{words} · {known.log_origin} #{line.place} · {line.digest}"
