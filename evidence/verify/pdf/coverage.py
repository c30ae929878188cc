"""What the byte ranges of all signatures cover, and that each leaves out nothing but itself.

For each signature: four numbers, the first 0; the gap is exactly the /Contents string of this very
signature dictionary, one DER value in hexadecimal of one case, padded with zeros; it ends where a
revision ends, and that revision is the one the signature stands in. Taken together: no two
signatures end at the same place, and none begins before the one before it has ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from evidence.verify.offline import der
from evidence.verify.offline.report import Finding, failed
from evidence.verify.pdf.opened import Opened
from evidence.verify.pdf.signatures import Signature

HEXADECIMAL = re.compile(rb"<(?:[0-9a-f]*|[0-9A-F]*)>")
_END = re.compile(
    rb"startxref[\x00\t\n\x0c\r ]+\d{1,12}[\x00\t\n\x0c\r ]+%%EOF[\x00\t\n\x0c\r ]{0,16}\Z"
)
"""Blanks that are signed along say nothing; no program looks for more behind them."""
MAX_CONTENTS = 1024 * 1024


@dataclass(slots=True)
class Coverage:
    """is_sound: every range is as it must be, so that later revisions can be told apart."""

    findings: list[Finding] = field(default_factory=list)
    is_sound: bool = True
    first_end: int = 0


def check_ranges(one: Opened, signatures: list[Signature]) -> Coverage:
    """Return what is wrong with the ranges of ``signatures``, given in order of their reach."""
    coverage = Coverage()
    end = 0
    for signature in signatures:
        problem = _problem(one, signature) or _place_problem(signature, end)
        end = max(end, signature.reach)
        if problem:
            coverage.is_sound = False
            coverage.findings.append(failed("coverage", f"{problem}.", signature.field))
    if not signatures:
        coverage.is_sound = False
        coverage.findings.append(failed("coverage", "No signature covers anything."))
    elif coverage.is_sound:
        coverage.first_end = signatures[0].reach
    return coverage


def _problem(one: Opened, signature: Signature) -> str:
    numbers = signature.byte_range
    if len(numbers) != 4 or any(number < 0 for number in numbers) or numbers[0] != 0:
        return "The signature does not say what it covers"
    _, before, after, _ = numbers
    if not before < after <= signature.reach <= len(one.data):
        return "The signature claims to cover what is not there"
    if (before, after) != (signature.start, signature.end):
        return "The signature leaves out other bytes than its own"
    if after - before > MAX_CONTENTS:
        return "The signature leaves out too much"
    gap = one.data[before:after]
    if HEXADECIMAL.fullmatch(gap) is None or len(gap) % 2:
        return "The signature is not plain hexadecimal"
    return _padding_problem(bytes.fromhex(gap[1:-1].decode())) or _end_problem(one, signature)


def _padding_problem(contents: bytes) -> str:
    try:
        _, end = der.read(contents, 0)
    except der.DerError:
        return ""  # not DER: the signature itself cannot be judged, which is said elsewhere
    return "The padding of the signature is not empty" if contents[end:].strip(b"\0") else ""


def _end_problem(one: Opened, signature: Signature) -> str:
    end = signature.reach
    if _END.search(one.data[max(0, end - 96) : end]) is None:
        return "The signature does not end where a revision ends"
    cache = one.reader.xrefs
    inside = [
        number
        for number in range(cache.total_revisions)
        if signature.end <= cache.get_xref_container_info(number).declared_startxref < end
    ]
    if len(inside) != 1:
        return "The signature covers more or less than the revision it stands in"
    return ""


def _place_problem(signature: Signature, end: int) -> str:
    if signature.start < end:
        return "The signature overlaps another one"
    return ""
