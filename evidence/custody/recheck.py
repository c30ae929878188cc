"""Walk the whole log again, and the seals it vouches for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from evidence.custody.findings import RecheckReport, TooManyProblems
from evidence.custody.guards import missing_guards
from evidence.custody.head import head_mismatch, mismatch, read_head
from evidence.custody.recheck_log import EpochWalk, Seen
from evidence.custody.recheck_series import ReadMessages, check_series
from evidence.errors import Corrupt
from evidence.models import CustodyPending, LogEpoch
from evidence.verify.offline import trust_of, x509


def recheck(
    read_messages: ReadMessages | None = None,
    outside: Iterable[bytes] = (),
    roots: Sequence[bytes] = (),
) -> RecheckReport:
    """Re-derive every hash from raw rows and return what was found, the first misfit first.

    read_messages: opens the rows of a series (``archive.messages``); without it the seals of
    series are not checked, and the report says so. outside: notes of checkpoints that were
    published, from bundles for example: what convicts an operator who rewrote everything here.
    roots: DER certificates to which the authorities of tokens must lead; without any they are not
    checked, and the report says so.

    Takes no lock: entries added meanwhile may or may not be seen.
    """
    report, started = RecheckReport(pending=CustodyPending.objects.count()), time.monotonic()
    try:
        _check(report, read_messages, outside, trust_of(roots))
    except TooManyProblems:
        report.not_checked.append("what comes after this many problems")
    report.seconds = time.monotonic() - started
    return report


def _check(
    report: RecheckReport,
    read_messages: ReadMessages | None,
    outside: Iterable[bytes],
    trust: x509.Trust,
) -> None:
    seen = Seen()
    for epoch in LogEpoch.objects.order_by("number"):
        EpochWalk(epoch, report, seen, trust).run()
    _check_outside(report, outside)
    if read_messages is None:
        report.not_checked.append("seals of series")
    else:
        check_series(read_messages, report, seen)
    for name in missing_guards():
        report.add("guard_missing", name, "the database would let rows of the log be changed")


def _check_outside(report: RecheckReport, outside: Iterable[bytes]) -> None:
    if found := head_mismatch():
        report.add(found.code, "log-head.json", found.detail)
    elif _head_is_missing():
        report.not_checked.append("log-head.json: no checkpoint is kept outside the database")
    for number, note in enumerate(outside, start=1):
        if found := mismatch(note):
            report.add(found.code, f"outside checkpoint {number}", found.detail)


def _head_is_missing() -> bool:
    try:
        return read_head() is None
    except Corrupt:
        return False
