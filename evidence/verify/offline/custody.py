"""Does the custody record of a bundle hold: chains without gaps, in the log, at the stated times?

Attacks this answers: an entry dropped, reordered, edited or re-hashed; a number skipped; an entry of
another log; a head that was never sealed; a selection changed after it was logged; entries dated
outside the time-stamps around them; a log key nobody vouched for; a history rewritten later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ...formats import checkpoint, custody, merkle, shape
from ...formats.checkpoint import Checkpoint, VerifierKey
from ...formats.custody import CLOCK_TOLERANCE, LONGEST_ACT, Entry, Line, Subject
from ...formats.manifest import EarlierStamp, Manifest, selection_digest
from ...formats.series_head import SeriesHead
from ...values import Json
from . import ed25519, x509
from .report import Finding, failed, not_checked, passed

CUSTODY = "data/custody.jsonl"
MAX_LINES = 1_000_000


@dataclass(frozen=True)
class StampedCheckpoint:
    """A checkpoint whose signature, place in the log and token hold. moment: of the token."""

    path: str
    checkpoint: Checkpoint
    moment: datetime


def read_lines(data: bytes) -> list[Line]:
    """Return the lines of ``data/custody.jsonl``; ValueError unless ascending, each index once."""
    if not data.endswith(b"\n"):
        raise ValueError("the last line does not end")
    raw = data[:-1].split(b"\n")
    if len(raw) > MAX_LINES:
        raise ValueError("too many entries")
    lines = []
    for number, line in enumerate(raw, start=1):
        try:
            lines.append(custody.read_line(line))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    for before, after in pairwise(lines):
        if after.index <= before.index:
            raise ValueError(f"entry {after.index} stands after entry {before.index}")
    return lines


def check_chains(manifest: Manifest, lines: Sequence[Line]) -> Finding:
    """Return whether the entries are those the bundle needs, without a gap, each linked to the last."""
    entries = {line.index: line.entry for line in lines if line.entry is not None}
    try:
        prepared = _prepared(manifest, entries)
        _check_heads(manifest, entries)
        chains = _chains(lines)
        for subject in prepared.subjects:
            _check_chain(subject.key, subject.number, chains.get(subject.key, []))
        grown = [_check_growth(info.head, info.head_entry, chains) for info in manifest.series]
    except ValueError as error:
        return failed("custody", f"{error}.", CUSTODY)
    total = sum(subject.number for subject in prepared.subjects)
    hidden = sum(line.entry is None for line in lines)
    detail = f"{total} numbered places in {len(prepared.subjects)} chains without a gap"
    detail = "; ".join([detail, *filter(None, grown)])
    return passed("custody", f"{detail}; {hidden} entries known by their hash alone.", CUSTODY)


def check_log(
    manifest: Manifest, lines: Sequence[Line], note: bytes, path: str
) -> tuple[Finding, Checkpoint | None]:
    """Return whether the log signed the prepared checkpoint and holds every entry of the bundle."""
    try:
        key = checkpoint.read_vkey(manifest.log_vkey)
        found = checkpoint.read(note)
    except ValueError as error:
        return failed("log", f"The checkpoint cannot be read: {error}.", path), None
    if found.origin != manifest.log_origin or key.name != manifest.log_origin:
        return failed("log", "The checkpoint or its key belongs to another log.", path), None
    if not checkpoint.verify_log(found, key, ed25519.verify):
        return failed("log", "The log's signature under its checkpoint is wrong.", path), None
    for line in lines:
        leaf = custody.leaf_hash(line.digest)
        if not merkle.verify_inclusion(line.index, found.size, leaf, line.inclusion, found.root):
            detail = (
                f"Entry {line.index} is not in the log: its content, place or proof was changed."
            )
            return failed("log", detail, CUSTODY), None
    detail = f"Signed by the log; {len(lines)} entries proved to be among its first {found.size}."
    return passed("log", detail, path), found


def check_earlier(
    manifest: Manifest, prepared: Checkpoint, note: bytes, stamp: EarlierStamp
) -> tuple[Finding, Checkpoint | None]:
    """Return whether an earlier checkpoint was signed by the log and is a prefix of the prepared one.

    Before the log's key was changed, another key signed. Its note counts for what the consistency
    proof and its time-stamp say: that so much of the present tree stood then.
    """
    path = stamp.checkpoint
    try:
        found = checkpoint.read(note)
        key = checkpoint.read_vkey(manifest.log_vkey)
    except ValueError as error:
        return failed("log", f"An earlier checkpoint cannot be read: {error}.", path), None
    former = _signed_by_a_former_key(found, key)
    if found.origin != prepared.origin or not (
        former or checkpoint.verify_log(found, key, ed25519.verify)
    ):
        return failed("log", "An earlier checkpoint was not signed by this log.", path), None
    if found.size != stamp.size or not merkle.verify_consistency(
        found.size, prepared.size, found.root, prepared.root, stamp.consistency
    ):
        detail = "The log was rewritten: an earlier checkpoint is not a prefix of the later one."
        return failed("log", detail, path), None
    by = " by a key that is not the log's any more" if former else ""
    return passed("log", f"A prefix of {found.size} entries, signed earlier{by}.", path), found


def _signed_by_a_former_key(found: Checkpoint, key: VerifierKey) -> bool:
    """Return whether the note bears a signature in the log's name, and none by its present key."""
    named = [line for line in found.signatures if line.name == key.name]
    return bool(named) and all(line.key_id != key.key_id for line in named)


def check_log_key(
    manifest: Manifest,
    certificate: bytes,
    signature: bytes,
    signer: x509.Certificate | None,
    stamped: datetime | None,
    path: str,
) -> Finding:
    """Return whether the key that signed the PDF vouches for the key of the log."""
    try:
        key, not_before = checkpoint.read_log_key(certificate)
    except ValueError as error:
        return failed("log_key", f"The log's key certificate cannot be read: {error}.", path)
    if str(key) != manifest.log_vkey or key.name != manifest.log_origin:
        return failed("log_key", "The certificate is for another log key.", path)
    if signer is None:
        return not_checked("log_key", "The signer of the PDF is not known.", path)
    if not x509.verify_raw_signature(signer, signature, certificate, "sha256"):
        return failed("log_key", "The signer of the PDF does not vouch for this log key.", path)
    if stamped is not None and shape.utc(not_before) > stamped + CLOCK_TOLERANCE:
        return failed("log_key", "The log's key was not yet valid at the time-stamp.", path)
    return passed("log_key", "The signer of the PDF vouches for the log's key.", path)


def check_times(lines: Sequence[Line], stamps: Sequence[StampedCheckpoint]) -> Finding:
    """Return whether every entry's time lies between the time-stamps around its place in the log."""
    for entry in _entries(lines):
        moment = shape.utc(entry.time)
        holding = [one.moment for one in stamps if one.checkpoint.size > entry.index]
        before = [one.moment for one in stamps if one.checkpoint.size <= entry.index]
        if holding and moment > min(holding) + CLOCK_TOLERANCE:
            detail = f"Entry {entry.index} is dated later than the time-stamp that covers it."
            return failed("custody_times", detail, CUSTODY)
        if before and moment < max(before) - LONGEST_ACT:
            detail = f"Entry {entry.index} is dated long before a time-stamp it came after."
            return failed("custody_times", detail, CUSTODY)
    if not stamps:
        return not_checked("custody_times", "No time-stamp over the log could be used.", CUSTODY)
    return passed("custody_times", "Every entry is dated within its time-stamps.", CUSTODY)


def storage_times(
    manifest: Manifest, stamps: Sequence[StampedCheckpoint]
) -> Iterator[tuple[str, datetime]]:
    """Yield, per series, the earliest time-stamp that covers its seal."""
    for info in manifest.series:
        moments = [one.moment for one in stamps if one.checkpoint.size > info.head_entry]
        if moments:
            yield info.head.series, min(moments)


def check_single_view(
    prepared: Checkpoint | None, witnesses: Sequence[VerifierKey], path: str
) -> Finding:
    """Return whether a witness the caller named saw the same log; advisory."""
    if prepared is not None:
        for key in witnesses:
            seconds = checkpoint.verify_witness(prepared, key, ed25519.verify)
            if seconds is not None:
                detail = f"Witness {key.name} saw this log at POSIX time {seconds}."
                return passed("single_view", detail, path, required=False)
    detail = "No witness known here has confirmed that everybody is shown the same log."
    return not_checked("single_view", detail, path, required=False)


def _prepared(manifest: Manifest, entries: Mapping[int, Entry]) -> Entry:
    entry = entries.get(manifest.prepared_index)
    if entry is None or entry.event != "export.prepared":
        raise ValueError("The entry export.prepared the manifest names is missing")
    needed = {("bundle", manifest.bundle)}
    needed |= {("series", info.head.series) for info in manifest.series}
    if manifest.matter.id is not None:
        needed.add(("matter", manifest.matter.id))
    if missing := needed - {subject.key for subject in entry.subjects}:
        kind, name = min(missing)
        raise ValueError(f"The entry export.prepared does not name {kind} {name}")
    if entry.details.get("selection") != selection_digest(manifest.parts).hex():
        raise ValueError("The selection is not the one that was logged before the bundle was made")
    for index, other in entries.items():
        if other.log != manifest.log_origin:
            raise ValueError(f"Entry {index} is of another log")
    return entry


def _check_heads(manifest: Manifest, entries: Mapping[int, Entry]) -> None:
    for info in manifest.series:
        entry = entries.get(info.head_entry)
        if entry is None or entry.event != "series.sealed":
            raise ValueError(f"The sealing of series {info.head.series} is missing")
        if ("series", info.head.series) not in {subject.key for subject in entry.subjects}:
            raise ValueError(f"Entry {entry.index} seals another series")
        if entry.details.get("head") != info.head.digest().hex():
            raise ValueError(
                f"The head of series {info.head.series} is not the one that was sealed"
            )


def _check_growth(
    head: SeriesHead, head_entry: int, chains: Mapping[tuple[str, str], list[tuple[Line, Subject]]]
) -> str:
    """Return a sentence on how a growing series grew, "" for any other.

    Raises ValueError unless each of its heads is a proved extension of the one before, and where a
    series that does not grow was sealed with two heads.
    """
    before: tuple[int, bytes] | None = None
    first, later = "", 0
    for line, _ in chains.get(("series", head.series), []):
        entry = line.entry
        if entry is None or entry.event != "series.sealed":
            continue
        details = entry.details
        if "size" not in details:
            first = first or str(details.get("head"))
            if details.get("head") != first:
                raise ValueError(f"Series {head.series} was sealed again with another head")
            continue
        size, root = shape.integer(details["size"]), shape.unhex(details.get("root"))
        _check_step(head.series, before, (size, root), details.get("grown_from"))
        if entry.index == head_entry and (size, root) != (head.size, head.root):
            raise ValueError(f"Entry {entry.index} states another tree than the head it names")
        before, later = (size, root), later + (entry.index > head_entry)
    if before is None:
        return ""
    return f"a growing series, cut at its {head.size} rows of then, {later} later heads logged"


def _check_step(
    series: str, before: tuple[int, bytes] | None, after: tuple[int, bytes], stated: Json
) -> None:
    """Raise ValueError unless ``after`` is ``before`` (size, root) with rows appended."""
    if stated is None:
        if before not in (None, after):
            raise ValueError(f"Series {series} begins anew after it had begun")
        return
    grown = shape.mapping(stated, ("size", "root", "consistency"))
    old = shape.integer(grown["size"]), shape.unhex(grown["root"])
    proof = shape.unhex_list(grown["consistency"])
    if before != old:
        raise ValueError(f"A head of series {series} does not go on from the one before")
    if not merkle.verify_consistency(old[0], after[0], old[1], after[1], proof):
        raise ValueError(f"Series {series} was rewritten: an earlier head is no prefix of a later")


def _chains(lines: Sequence[Line]) -> dict[tuple[str, str], list[tuple[Line, Subject]]]:
    """Return, per subject, its lines in the order of the log."""
    found: dict[tuple[str, str], list[tuple[Line, Subject]]] = {}
    for line in lines:
        for subject in line.subjects:
            found.setdefault(subject.key, []).append((line, subject))
    return found


def _check_chain(key: tuple[str, str], last: int, chain: Sequence[tuple[Line, Subject]]) -> None:
    """Raise ValueError at the first gap, break or surplus of one chain."""
    before: bytes | None = None
    for number, (line, subject) in enumerate(chain, start=1):
        if subject.number != number:
            raise ValueError(
                f"The record of {key[0]} {key[1]} has a gap or is out of order: "
                f"number {subject.number} stands where number {number} belongs"
            )
        if line.entry is not None and subject.previous != before:
            raise ValueError(
                f"Entry {line.index} does not follow the entry before it about {key[0]} {key[1]}"
            )
        before = line.digest
    if len(chain) != last:
        raise ValueError(
            f"The record of {key[0]} {key[1]} has {len(chain)} entries, but {last} were logged"
        )


def _entries(lines: Sequence[Line]) -> Iterator[Entry]:
    return (line.entry for line in lines if line.entry is not None)
