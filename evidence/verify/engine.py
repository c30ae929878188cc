"""Any file of anybody → one report: ours by the offline verifier, other people's PDFs by ``pdf``.

Bundles, receipts, tokens and PDFs that carry the name of our seal are judged by ``offline``, so that
``verify.pyz`` and this engine say the same about them; our PDFs, alone or in a bundle, are then read a
second time by qpdf (``own``), which ``verify.pyz`` has not. Every other PDF goes to ``pdf``, with
pyHanko and pikepdf. Everything here runs in this process; strangers' files belong into ``pool``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from evidence.formats.checkpoint import VerifierKey
from evidence.verify import offline
from evidence.verify.offline.report import FAILED, PASSED, with_finding


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
    if is_foreign_pdf(report):
        from evidence.verify.pdf import report_pdf

        return report_pdf(Path(path), trust, at)
    return _read_twice(report, Path(path)) if is_own(report) else report


def _read_twice(report: offline.Report, path: Path) -> offline.Report:
    """Return ``report`` with what the second parser says; the verdict never becomes a better one."""
    from evidence.verify.own import second_findings

    started = time.perf_counter()
    for finding in second_findings(report, path):
        report = with_finding(report, finding)
    return replace(report, seconds=report.seconds + time.perf_counter() - started)


def is_own(report: offline.Report) -> bool:
    """Tell whether the offline verifier met a bundle, or a PDF that carries the name of our seal."""
    if report.kind == "pdf":
        return any(finding.outcome == PASSED for finding in report.of("recognised"))
    return report.kind == "bundle"


def is_foreign_pdf(report: offline.Report) -> bool:
    """Tell whether the offline verifier met a PDF that does not carry the name of our seal."""
    return report.kind == "pdf" and any(
        finding.outcome == FAILED for finding in report.of("recognised")
    )
