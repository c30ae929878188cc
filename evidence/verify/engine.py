"""Any file of anybody → one report: ours by the offline verifier, other people's PDFs by ``pdf``.

Bundles, receipts, tokens and PDFs that carry the name of our seal are judged by ``offline`` alone,
so that ``verify.pyz`` and this engine say the same about them. Every other PDF goes to ``pdf``,
with pyHanko and pikepdf. Everything here runs in this process; strangers' files belong into
``pool``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from evidence.formats.checkpoint import VerifierKey
from evidence.verify import offline
from evidence.verify.offline.report import FAILED


def verify(
    path: str | Path,
    *,
    trust: offline.Trust,
    at: datetime | None = None,
    limits: offline.Limits | None = None,
    receipt: bytes | None = None,
    witnesses: Sequence[VerifierKey] = (),
    processes: int | None = None,
) -> offline.Report:
    """Return the report on the file (or unpacked bundle) at ``path``. Total over all bytes.

    Arguments are those of ``offline.verify``. OSError of an unreadable path is the caller's;
    nothing else is raised.
    """
    report = offline.verify(
        path,
        trust=trust,
        at=at,
        limits=limits,
        receipt=receipt,
        witnesses=witnesses,
        processes=processes,
    )
    if not is_foreign_pdf(report):
        return report
    from evidence.verify.pdf import report_pdf

    return report_pdf(Path(path), trust, at)


def is_foreign_pdf(report: offline.Report) -> bool:
    """Tell whether the offline verifier met a PDF that does not carry the name of our seal."""
    return report.kind == "pdf" and any(
        finding.outcome == FAILED for finding in report.of("recognised")
    )
