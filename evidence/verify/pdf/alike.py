"""Whether two programs see the same signatures, and whether they ever did.

What one of them does not see may have been hidden after signing, which is an alteration; or the producer
made the file so, and signed it so: then nobody can say what it says, and nothing was altered.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidence.verify.offline.pdf_ranges import RangeHasher, find_ranges, raw_integrity
from evidence.verify.offline.report import PASSED, Finding, failed, not_checked, passed
from evidence.verify.pdf import second
from evidence.verify.pdf.opened import LIBRARY_ERRORS, MAX_SIGNATURES, Unreadable, open_bytes
from evidence.verify.pdf.signatures import Signature, find_signatures, hidden_signatures


@dataclass(frozen=True, slots=True)
class Sight:
    """problems: what is seen by one program only, with its place; findings: all of it, as alterations."""

    problems: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]


def compare(signatures: list[Signature], hidden: list[str], other: second.SecondReading) -> Sight:
    """Return how ours and the second program's view of the signatures differ.

    hidden: places of signatures no form field names.
    """
    problems = [
        ("A signature stands in the file that no form field names.", each) for each in hidden
    ]
    mine = frozenset(one.seen for one in signatures)
    if mine == other.signatures:
        if hidden:
            return _differing(problems)
        detail = f"Two programs see the same {len(signatures)} signature(s)."
        return Sight((), (passed("signatures", detail),))
    if _unnamed(mine) == _unnamed(other.signatures) and not hidden:
        detail = "Two programs do not read the name of a signature's field alike."
        return Sight((), (not_checked("signatures", detail, reason="unreadable"),))
    problems.append(("Two programs do not see the same signatures in this file.", ""))
    return _differing(problems)


def _differing(problems: list[tuple[str, str]]) -> Sight:
    found = (failed("signatures", detail, where) for detail, where in problems)
    return Sight(tuple(problems), tuple(found))


def _unnamed(seen: frozenset[second.Seen]) -> list[tuple[tuple[int, ...], str]]:
    return sorted((one.byte_range, one.contents) for one in seen)


def was_always_so(data: bytes) -> bool:
    """Tell whether two programs disagreed already about the file as it was first signed, and unaltered.

    Every range anywhere in the file must fit what it covers. Total, apart from TooLarge.
    """
    stretches = list(find_ranges(data))
    if len(stretches) > MAX_SIGNATURES:
        return False
    hasher = RangeHasher(data)
    try:
        found = [raw_integrity(data, hasher, each, is_ours=False) for each in stretches]
    finally:
        hasher.release()
    if not found or any(each.outcome != PASSED for each in found):
        return False
    before = data[: min(after + length for _, after, length in stretches)]
    try:
        one = open_bytes(before)
        signatures = find_signatures(one)
        hidden = hidden_signatures(one, signatures)
    except (Unreadable, *LIBRARY_ERRORS):
        return False
    return bool(compare(signatures, hidden, second.read(before)).problems)
