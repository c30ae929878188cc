"""One PDF of anybody → its report: all votes together, and the table of what must hold.

What each finding means for the verdict stands in ``offline.report`` and in ``REQUIRED`` here. Two
rules of this module keep sentences honest: ``integrity`` is only passed when pyHanko and our own
reader agree that bytes, digest and signature fit; and whatever no signature covers and no rule
explains makes the file altered.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from evidence.verify.offline import Report, Trust, tst, x509
from evidence.verify.offline.marks import SIGNATURE, TIME_STAMP, Mark, mark_of
from evidence.verify.offline.pdf_ranges import RangeHasher, find_ranges, raw_integrity
from evidence.verify.offline.report import (
    FAILED,
    PASSED,
    TRUST_LABELS,
    Finding,
    failed,
    make_report,
    not_checked,
    passed,
)
from evidence.verify.pdf import (
    alike,
    changes,
    layout,
    levels,
    listed,
    opinion,
    second,
    shown,
    trusting,
)
from evidence.verify.pdf.coverage import HEXADECIMAL, Coverage, check_ranges
from evidence.verify.pdf.opened import (
    Opened,
    TooLarge,
    Unreadable,
    first_problem,
    in_a_line,
    open_bytes,
    open_leniently,
)
from evidence.verify.pdf.signatures import Signature, find_signatures, hidden_signatures

REQUIRED = frozenset(
    {
        "recognised", "structure", "signatures", "integrity", "coverage", "revisions", "docmdp",
        "signer", "chain", "validity", "revocation", "algorithms", "ades",
    }
)  # fmt: skip
"""What must be present and passed for TOTAL_PASSED. Required where they occur, but not needed:
``filled``, ``signature_time_stamp``, ``time_stamp``. Always for information: ``ours``, ``level``
and ``verifiable_until`` of each signature, ``time_independence``."""
STAMPED_ONLY = REQUIRED - {"chain", "validity", "revocation", "algorithms", "ades"}
"""The same for a PDF nobody signed but an authority stamped; ``signer`` is then not_checked, so it
never passes in total: anyone can have anything stamped."""

_ORDER = (
    "recognised", "ours", "structure", "signatures", "integrity", "coverage", "revisions", "docmdp",
    "filled", "signer", "chain", "validity", "revocation", "signature_time_stamp", "time_stamp",
    "algorithms", "ades", "level", "verifiable_until", "time_independence",
)  # fmt: skip


def load() -> None:
    """Everything is imported with this module; nothing else is needed."""


def report_pdf(path: Path, trust: Trust, at: datetime | None = None) -> Report:
    """Return the report on the PDF at ``path``. Total over all bytes."""
    started = time.perf_counter()
    data = path.read_bytes()
    judged = _Judge(data, trust, at or datetime.now(UTC))
    kind, findings, required, label = _guarded(judged)
    return make_report(
        str(path),
        kind,
        sorted(findings, key=_place),
        trust=label,
        seconds=time.perf_counter() - started,
        required=required,
        marks=tuple(sorted(judged.marks, key=lambda mark: mark.covers)),
    )


def judge(
    data: bytes, trust: Trust, at: datetime
) -> tuple[str, list[Finding], frozenset[str], str]:
    """Return kind, findings, the table they are judged by and the trust label. Total."""
    return _guarded(_Judge(data, trust, at))


def _guarded(judged: _Judge) -> tuple[str, list[Finding], frozenset[str], str]:
    try:
        return judged.run()
    except TooLarge as error:
        findings = [failed("limits", f"Too large to judge: {error}.")]
    except (RecursionError, MemoryError):
        findings = [failed("limits", "Too large or too deep to judge.")]
    except Exception as error:
        # The one boundary between hostile bytes and our callers: the libraries underneath raise
        # nearly anything, and none of it may become a crash or a pass.
        findings = [
            *_raw(judged.data),
            failed("readable", f"This file cannot be read: {in_a_line(error)}."),
        ]
    return "pdf", findings, frozenset({"readable"}), "none"


def _raw(data: bytes) -> list[Finding]:
    """Return what the raw bytes of signatures still tell when the file cannot be read.

    A range that holds proves nothing here and is not shown; one that fails is an alteration.
    """
    hasher = RangeHasher(data)
    try:
        found = [
            raw_integrity(data, hasher, one, is_ours=False)
            for one, _ in zip(find_ranges(data), range(16), strict=False)
        ]
        reaches = [after + length for _, after, length in find_ranges(data)]
    finally:
        hasher.release()
    findings = [one for one in found if one.outcome == FAILED]
    for before, after, _ in find_ranges(data):
        if HEXADECIMAL.fullmatch(data, before, after) is None:
            detail = "Altered: where a signature should stand, something else does."
            findings.append(failed("integrity", detail))
            break
    if reaches and max(reaches) < len(data):
        detail = "Bytes that no program can make sense of follow what was signed."
        findings.append(failed("coverage", detail))
    elif b"/ByteRange" in data and not reaches:
        findings.append(failed("integrity", "A signature is there, but does not say of what."))
    elif reaches and not findings:
        detail = "The signature cannot be judged in a file that cannot be read."
        findings.append(not_checked("integrity", detail, reason="unreadable"))
    return findings


def _is_encrypted_later(data: bytes) -> bool:
    """Tell whether the file as it was first signed was not encrypted."""
    end = min((after + length for _, after, length in find_ranges(data)), default=len(data))
    if end == len(data):
        return False
    try:
        return not open_bytes(data[:end]).reader.encrypted
    except (TooLarge, Unreadable):
        return False


class _Judge:
    """One run over one file; findings gather in ``findings``."""

    def __init__(self, data: bytes, trust: Trust, at: datetime) -> None:
        self.data, self.trust, self.at = data, trust, at
        self.findings: list[Finding] = []
        self.marks: list[Mark] = []
        self.problem = ""
        """What strict reading found wrong only when the changes were looked at."""

    def run(self) -> tuple[str, list[Finding], frozenset[str], str]:
        try:
            one = open_bytes(self.data)
        except Unreadable as error:
            self.findings += _raw(self.data)
            self.findings.append(failed("readable", f"This PDF cannot be read: {error}."))
            return "pdf", self.findings, frozenset({"readable"}), "none"
        if one.reader.encrypted:
            self.findings += [
                finding for finding in _raw(self.data) if finding.check == "integrity"
            ]
            if _is_encrypted_later(self.data):
                detail = "Bytes after the signature say that the file is encrypted; it was not."
                self.findings.append(failed("revisions", detail))
            self.findings.append(failed("readable", "This PDF is encrypted and cannot be judged."))
            return "pdf", self.findings, frozenset({"readable"}), "none"
        signatures = find_signatures(one)
        hidden = hidden_signatures(one, signatures)
        other = second.read(self.data)
        if not signatures and not hidden and not other.signatures:
            detail = "This PDF carries no signature."
            self.findings.append(failed("recognised", detail, reason="no_signature"))
            return "pdf", self.findings, frozenset({"recognised"}), "none"
        self.findings.append(passed("recognised", "A signed PDF."))
        self.findings.append(
            not_checked("ours", "This PDF is none of TrueThread's bundles.", required=False)
        )
        sight = alike.compare(signatures, hidden, other)
        if sight.problems and alike.was_always_so(self.data):
            self.findings += [
                not_checked("signatures", detail, where, reason="unreadable")
                for detail, where in sight.problems
            ]
            if not signatures:
                detail = "The signature cannot be judged in a file that cannot be read."
                self.findings.append(not_checked("integrity", detail, reason="unreadable"))
                return "pdf", self.findings, frozenset({"recognised", "signatures"}), "none"
        else:
            self.findings += sight.findings
        return self._judge_all(one, signatures, other)

    def _judge_all(
        self, one: Opened, signatures: list[Signature], other: second.SecondReading
    ) -> tuple[str, list[Finding], frozenset[str], str]:
        stamps = [each for each in signatures if each.is_time_stamp]
        people = [each for each in signatures if not each.is_time_stamp]
        coverage = check_ranges(one, signatures)
        self.findings += coverage.findings
        self._check_changes(one, signatures, coverage)
        self._check_structure(one, coverage, other)
        material = trusting.read_store(one.reader)
        facts = self._check_stamps(stamps, material)
        judged = self._check_people(people, stamps, facts, material)
        persons = [person for _, person in judged]
        chains = [person.chain for person in persons] + [each.chain for each in facts]
        is_trusted = all(chain is not None for chain in chains)
        if signatures and is_trusted:
            last = signatures[-1]
            self.findings += trusting.loose_parts(last.contents, last.field, material, self.trust)
        labels = [self._label(person.chain, person.token) for person in persons]
        labels += [each.trust for each in facts]
        label = max(labels, key=TRUST_LABELS.index, default="none")
        self._check_time_source(label)
        if people:
            usable = self._usable(stamps)
            pairs = zip(usable, facts, strict=True)
            self.findings += levels.level_findings(one, judged, [*pairs], self.trust, self.at)
        else:
            detail = "Nobody signed this document; it carries time-stamps only."
            self.findings.append(not_checked("signer", detail, reason="incomplete"))
        return "pdf", self.findings, REQUIRED if people else STAMPED_ONLY, label

    # Bytes after signatures.

    def _check_changes(self, one: Opened, signatures: list[Signature], coverage: Coverage) -> None:
        if not coverage.is_sound:
            detail = "What was added later cannot be told from what was signed."
            self.findings.append(failed("revisions", detail))
            self.findings.append(failed("docmdp", detail))
            return
        first, last = signatures[0], signatures[-1]
        try:
            revisions = layout.read_tail(one, first.reach)
        except layout.BadLayout as error:
            detail = f"Bytes after the first signature are not a plain revision: {error}."
            for check in ("structure", "revisions", "docmdp"):
                self.findings.append(failed(check, detail, error.where))
            if last.reach < len(self.data):
                self.findings.append(failed("coverage", detail, error.where))
            return
        self._review(one, signatures, revisions)

    def _review(
        self, one: Opened, signatures: list[Signature], revisions: list[layout.Revision]
    ) -> None:
        last = signatures[-1]
        permissions = [level for level in map(_permission, signatures) if level is not None]
        permission = min(permissions, default=None)
        reviews = [(signature, changes.review(one, signature)) for signature in signatures]
        unclear = [review.why for _, review in reviews if review.level == changes.UNCLEAR]
        if unclear and self.problem:
            self._say_unclear(unclear[0], len(self.data) - last.reach)
            return
        if unclear and (problem := _problem_before(self.data[: signatures[0].reach])):
            self.problem = problem
            lenient = open_leniently(self.data, problem)
            self._review(lenient, find_signatures(lenient), revisions)
            return
        bad = [
            (signature, review)
            for signature, review in reviews
            if not _is_allowed(review.level, permission, is_last=signature is last)
        ]
        described = changes.describe(one, revisions)
        for signature, review in bad:
            why = review.why or "a form was filled in, which nobody allowed or signed"
            detail = f"After this signature the document was changed: {why}."
            self.findings.append(failed("revisions", detail, signature.field))
        if bad:
            for change in described:
                level = changes.level_of(one, change.number, bad[0][0])
                if not _is_allowed(level, permission, is_last=False):
                    self.findings.append(failed("revisions", f"{change.what}.", _where(change)))
            self.findings.append(failed("docmdp", "Changes were made that were not allowed."))
        else:
            self._say_allowed(described, permission)
            self._say_filled(one, reviews)
        self._say_coverage(one, last, reviews[-1][1], is_bad=bool(bad))

    def _say_unclear(self, why: str, rest: int) -> None:
        """What was malformed when it was signed may be read in two ways, and so may its changes."""
        detail = (
            f"The file was malformed when it was signed, and what came later is unclear: {why}."
        )
        checks = ("revisions", "docmdp", "coverage") if rest else ("revisions", "docmdp")
        self.findings += [not_checked(each, detail, reason="unreadable") for each in checks]
        if not rest:
            self.findings.append(passed("coverage", "The last signature covers the entire file."))

    def _say_allowed(self, described: list[changes.Change], permission: int | None) -> None:
        if not described:
            detail = "Nothing was added after the first signature."
            self.findings.append(passed("revisions", detail))
        for change in described:
            detail = f"Allowed: {change.what}."
            self.findings.append(passed("revisions", detail, _where(change)))
        names = {1: "forbids all changes", 2: "allows filling in forms", 3: "allows comments too"}
        if permission is None:
            detail = "No signature restricts later changes, and none were made but allowed ones."
        else:
            detail = f"The certification {names[permission]}; it was respected."
        self.findings.append(passed("docmdp", detail))

    def _say_filled(self, one: Opened, reviews: list[tuple[Signature, changes.Review]]) -> None:
        """Say of every field filled in after the first signature whether it draws its value."""
        first = reviews[0][0].embedded
        names = {name for _, review in reviews for name in review.fields}
        if first is not None and names:
            self.findings += shown.findings(one, names, first.signed_revision)

    def _say_coverage(
        self, one: Opened, last: Signature, review: changes.Review, *, is_bad: bool
    ) -> None:
        rest = len(self.data) - last.reach
        if rest == 0:
            self.findings.append(passed("coverage", "The last signature covers the entire file."))
        elif is_bad:
            detail = f"The last {rest} bytes are covered by no signature."
            self.findings.append(failed("coverage", detail))
        elif review.level == changes.PROOFS and changes.has_unused(one, last):
            detail = f"The last {rest} bytes hold something that has no use and nobody signed."
            self.findings.append(failed("coverage", detail))
        else:
            what = "proofs for later checks"
            if review.level == changes.FILLING:
                what = f"what was filled in as allowed ({', '.join(review.fields)[:200]})"
            detail = f"The last {rest} bytes hold {what} and are covered by no signature."
            self.findings.append(not_checked("coverage", detail))

    def _check_structure(
        self, one: Opened, coverage: Coverage, other: second.SecondReading
    ) -> None:
        problems = [*filter(None, (one.problem, self.problem)), *other.warnings]
        doubled = listed.doubled(one)
        if doubled:
            names = ", ".join(map(str, doubled[:5]))
            detail = f"Programs may show different documents: object(s) {names} listed twice, with different contents."
            self.findings.append(failed("structure", detail, reason="unreadable"))
        if not problems:
            if not any(each.check == "structure" for each in self.findings):
                self.findings.append(
                    passed("structure", "Two programs read the file without doubt.")
                )
            return
        detail = f"The file is malformed: {'; '.join(problems)[:300]}."
        if self._was_always_so(coverage):
            finding = not_checked("structure", detail, reason="unreadable")
        else:
            finding = failed("structure", detail)
        self.findings.append(finding)

    def _was_always_so(self, coverage: Coverage) -> bool:
        """Tell whether the file had such defects already when it was first signed."""
        end = coverage.first_end
        if not coverage.is_sound or not end:
            return False
        if end == len(self.data) or self.problem:
            return True
        before = self.data[:end]
        try:
            problem = open_bytes(before).problem
        except (TooLarge, Unreadable):
            return False
        return bool(problem or second.read(before).warnings)

    # Signatures and time-stamps.

    def _check_stamps(
        self, stamps: list[Signature], material: trusting.Material
    ) -> list[tst.TokenFacts]:
        usable = self._usable(stamps)
        for stamp in stamps:
            if stamp not in usable:
                detail = "The time-stamp does not say what it covers."
                self.findings.append(failed("integrity", detail, stamp.field))
        facts = trusting.judge_stamps(self.data, usable, self.trust, material, self.at)
        for stamp, each in zip(usable, facts, strict=True):
            self.findings += trusting.stamp_findings(each, stamp.field)
            self.marks.append(
                mark_of(
                    stamp.field, TIME_STAMP, each.authority, each.chain, time=each.time,
                    authority=each.authority, byte_range=stamp.byte_range,
                    contents=stamp.seen.contents, size=len(self.data),
                )
            )  # fmt: skip
        times = [each.time for each in facts if each.time is not None]
        if times != sorted(times):
            self.findings.append(failed("time_stamp", "The time-stamps are not in order."))
        tokens = [stamp.contents for stamp in stamps]
        if len(set(tokens)) != len(tokens):
            self.findings.append(failed("integrity", "The same time-stamp stands there twice."))
        return facts

    def _usable(self, stamps: list[Signature]) -> list[Signature]:
        return [one for one in stamps if _is_range(one, len(self.data))]

    def _check_people(
        self,
        people: list[Signature],
        stamps: list[Signature],
        facts: list[tst.TokenFacts],
        material: trusting.Material,
    ) -> list[tuple[Signature, trusting.Person]]:
        judged: list[tuple[Signature, trusting.Person]] = []
        for signature in people:
            if not _is_range(signature, len(self.data)):
                detail = f"The signature cannot be read or does not say what it covers. {signature.problem}"
                self.findings.append(failed("integrity", detail.strip(), signature.field))
                continue
            proved = self._proved(signature, self._usable(stamps), facts)
            person = trusting.judge_signature(
                self.data, signature, self.trust, material, proved, self.at
            )
            vote = opinion.ask(signature, self.trust, self.at)
            self.findings += person.findings
            self._say_integrity(signature, person, vote)
            self._say_vote(signature, person, vote)
            judged.append((signature, person))
            token = person.token
            self.marks.append(
                mark_of(
                    signature.field, SIGNATURE, person.certificate, person.chain,
                    time=person.time, authority=token.authority if token else None,
                    byte_range=signature.byte_range, contents=signature.seen.contents,
                    size=len(self.data),
                )
            )  # fmt: skip
        return judged

    def _proved(
        self, signature: Signature, stamps: list[Signature], facts: list[tst.TokenFacts]
    ) -> datetime | None:
        """Return the earliest time a good document time-stamp over this signature proves."""
        times = [
            each.time
            for stamp, each in zip(stamps, facts, strict=True)
            if stamp.reach > signature.reach
            and each.time is not None
            and each.outcome_of("integrity") == PASSED
            and each.chain is not None
        ]
        return min(times, default=None)

    def _say_integrity(
        self, signature: Signature, person: trusting.Person, vote: opinion.Opinion
    ) -> None:
        where = signature.field
        if vote.is_intact is False and not person.is_other_kind:
            detail = "Altered: the signed bytes and the signature do not fit."
            self.findings.append(failed("integrity", detail, where))
        elif any(one.check == "integrity" and one.where == where for one in person.findings):
            return
        elif person.is_weak and person.is_intact:
            detail = "The signature fits, but by algorithms too weak to rule out a forgery."
            self.findings.append(not_checked("integrity", detail, where, reason="unreadable"))
        elif vote.is_intact is None and not person.is_intact:
            detail = f"The signature is of a kind not judged here: {vote.detail}."
            self.findings.append(not_checked("integrity", detail, where, reason="unreadable"))
        else:
            detail = "The signed bytes are exactly those that were signed."
            self.findings.append(passed("integrity", detail, where))

    def _say_vote(
        self, signature: Signature, person: trusting.Person, vote: opinion.Opinion
    ) -> None:
        where, detail = signature.field, f"pyHanko: {vote.detail}"
        if vote.indication == "passed" and vote.bottom_line:
            self.findings.append(passed("ades", f"{detail}.", where))
            return
        reason = "incomplete"
        if person.chain is None:
            untrusted = [one.reason for one in person.findings if one.check == "chain"]
            reason = untrusted[0] if untrusted else "signer_not_trusted"
        line = "" if vote.bottom_line else ", bottom line: no"
        self.findings.append(not_checked("ades", f"{detail}{line}.", where, reason=reason))

    # Trust and level.

    def _label(self, chain: x509.Chain | None, token: tst.TokenFacts | None) -> str:
        labels = [chain.label_shown if chain else "none"]
        if token is not None:
            labels.append(token.trust)
        return max(labels, key=TRUST_LABELS.index)

    def _check_time_source(self, label: str) -> None:
        if label == "development":
            detail = "TIME_NOT_INDEPENDENT: the time comes from a development authority."
            self.findings.append(not_checked("time_independence", detail, required=False))


def _problem_before(signed: bytes) -> str:
    """Return what is wrong with a file as it was first signed; empty when every object can be read."""
    try:
        one = open_bytes(signed)
    except (TooLarge, Unreadable):
        return ""
    return one.problem or first_problem(one) or "; ".join(second.read(signed).warnings)[:200]


def _is_range(signature: Signature, size: int) -> bool:
    numbers = signature.byte_range
    return (
        len(numbers) == 4
        and all(number >= 0 for number in numbers)
        and numbers[0] + numbers[1] <= size
        and numbers[2] + numbers[3] <= size
        and bool(signature.contents)
    )


def _permission(signature: Signature) -> int | None:
    """Return what a signature allows to be changed (1, 2, 3), None when it says nothing."""
    if signature.embedded is None:
        return signature.permission
    try:
        level = signature.embedded.docmdp_level
    except Exception:
        return 1
    return None if level is None else int(level.value)


def _is_allowed(level: str, permission: int | None, *, is_last: bool) -> bool:
    if level == changes.PROOFS:
        return True
    if level != changes.FILLING:
        return False
    return not is_last if permission is None else permission >= 2


def _where(change: changes.Change) -> str:
    pages = ", ".join(map(str, change.pages[:20]))
    place = f"revision {change.number + 1}"
    return f"{place}, page {pages}" if pages else place


def _place(finding: Finding) -> int:
    return _ORDER.index(finding.check) if finding.check in _ORDER else len(_ORDER)
