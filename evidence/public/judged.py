"""A judged file between two requests: in the hands of whoever asked, signed, for an hour.

Nothing is stored here. The ticket in the result page holds the report, and our signature under it
is what lets it come back as ours when a report file is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing

from evidence.verify.offline.marks import Mark, marks_from
from evidence.verify.offline.report import Finding, Report

_SALT = "truethread.verification-report"
_KEPT_SECONDS = 3600
_LONGEST = 1_000_000
"""Characters of a ticket; a report beyond that can still be read on the page."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A report with what it is about: SHA-256, size, and when the check was made."""

    report: Report
    sha256: bytes
    size: int
    checked_at: datetime


def ticket(judged: Judged) -> str:
    """Return the signed text ``restored`` reads; empty when there is too much to carry."""
    value = {
        "report": judged.report.to_dict(),
        "marks": [mark.to_dict() for mark in judged.report.marks],
        "sha256": judged.sha256.hex(),
        "size": judged.size,
        "at": judged.checked_at.isoformat(),
    }
    text = signing.dumps(value, salt=_SALT, compress=True)
    return text if len(text) <= _LONGEST else ""


def restored(text: str) -> Judged | None:
    """Return what ``ticket`` signed; None when it was not us, or too long ago."""
    try:
        value = signing.loads(text[: _LONGEST + 1], salt=_SALT, max_age=_KEPT_SECONDS)
    except signing.BadSignature:
        return None
    return Judged(
        report=_report(value["report"], marks_from(value["marks"])),
        sha256=bytes.fromhex(value["sha256"]),
        size=value["size"],
        checked_at=datetime.fromisoformat(value["at"]),
    )


def _report(value: dict[str, Any], marks: tuple[Mark, ...]) -> Report:
    return Report(
        file=value["file"],
        kind=value["kind"],
        indication=value["indication"],
        reason=value["reason"],
        trust=value["trust"],
        findings=tuple(
            Finding(
                one["check"], one["outcome"], one["required"], one["detail"], one.get("where", "")
            )
            for one in value["findings"]
        ),
        seconds=value["seconds"],
        marks=marks,
    )
