"""Walk one epoch of the log from its raw rows: entries, chains, tree, checkpoints, tokens.

Nothing derived is believed: digests come from the decrypted entries, the tree from the digests,
and both are compared with every row that says something about them.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from hashlib import sha256
from itertools import accumulate
from operator import or_
from typing import TypeAlias

from django.db.models import Q

from evidence.custody import time_rule
from evidence.custody.findings import RecheckReport
from evidence.custody.keys import read_rotation, verify_ed25519
from evidence.custody.payloads import open_entry
from evidence.custody.tree import Growth, Node
from evidence.errors import Corrupt
from evidence.formats import checkpoint as notes
from evidence.formats import custody as formats
from evidence.formats.shape import utc
from evidence.models import Checkpoint, CustodyEntry, CustodySubject, LogEpoch, LogNode, Stamp
from evidence.verify.offline import tst, x509
from evidence.verify.offline.report import FAILED, PASSED

_CHUNK = 1_000
_Link: TypeAlias = "tuple[str, str, int]"
"""Kind, id and number of a subject."""


@dataclass(slots=True)
class Seen:
    """What the walk learned that later steps compare with; shared by all epochs."""

    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    """Subject → number of its last row; rows are numbered through all epochs."""
    sealed: dict[str, str] = field(default_factory=dict)
    """Series id → digest (hex) its last ``series.sealed`` entry names."""
    heads: dict[str, list[str]] = field(default_factory=dict)
    """Series id → digests (hex) of all its ``series.sealed`` entries, in order."""
    erased: set[str] = field(default_factory=set)
    """Ids of series that a ``conversation.erased`` entry names."""
    stamped: dict[str, tuple[str, str]] = field(default_factory=dict)
    """SHA-256 (hex) of a token → that of the note it covers, and the entry that says so."""


class EpochWalk:
    """One pass over one epoch; adds to ``report`` and ``seen``."""

    def __init__(
        self, epoch: LogEpoch, report: RecheckReport, seen: Seen, trust: x509.Trust
    ) -> None:
        self._epoch, self._report, self._seen, self._trust = epoch, report, seen, trust
        self._growth = Growth(0, ())
        self._chains: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._rows_before = dict(seen.rows)
        self._brackets = Brackets(epoch)
        self._rotations: list[tuple[int, str, str]] = []
        self._checkpoints = list(Checkpoint.objects.filter(epoch=epoch).order_by("-size"))
        self._notes: dict[int, list[tuple[Checkpoint, bytes]]] = {}

    def run(self) -> None:
        """Check everything about this epoch."""
        self._check_roots_at(0)
        for rows in self._chunks():
            self._check_chunk(rows)
        self._check_count_of_nodes()
        self._check_the_end()
        self._check_signatures()
        self._check_tokens()

    def _chunks(self) -> Iterator[list[CustodyEntry]]:
        """Yield the rows in order of place, up to the first gap."""
        rows = CustodyEntry.objects.filter(epoch=self._epoch).order_by("place")
        expected = 0
        while found := list(rows.filter(place__gte=expected)[:_CHUNK]):
            whole = [row for at, row in enumerate(found, expected) if row.place == at]
            yield whole
            expected += len(whole)
            if len(whole) < len(found):
                self._report.add(
                    "entry_missing", self._where(expected), f"next is {found[len(whole)].place}"
                )
                return

    def _check_chunk(self, rows: list[CustodyEntry]) -> None:
        links, start = self._links(rows), self._growth.size
        stored = self._stored_nodes(start, start + len(rows))
        for row in rows:
            self._report.entries += 1
            digest = self._check_entry(row, links[row.pk])
            for node, expected in self._growth.append(digest):
                self._check_node(row, node, stored.get(node), expected)
            self._check_roots_at(self._growth.size)

    # Entries and chains

    def _links(self, rows: list[CustodyEntry]) -> defaultdict[int, list[_Link]]:
        links: defaultdict[int, list[_Link]] = defaultdict(list)
        found = CustodySubject.objects.filter(entry__in=[row.pk for row in rows])
        for entry, *link in found.values_list("entry_id", "kind", "subject_id", "number"):
            links[entry].append((link[0], link[1], link[2]))
        return links

    def _check_entry(self, row: CustodyEntry, links: list[_Link]) -> bytes:
        """Return the digest re-derived from the payload, or the stored one if it does not open."""
        where, stored = self._where(row.place), bytes(row.digest)
        try:
            salt, value = open_entry(self._epoch, row.place, bytes(row.payload))
            entry = formats.read_entry(value)
            digest = formats.value_digest(value, salt)
        except (Corrupt, ValueError) as error:
            self._report.add("entry_unreadable", where, str(error))
            return stored
        if digest != stored:
            self._report.add("entry_altered", where, "its digest is another one")
        if (entry.log, entry.index) != (self._epoch.origin, row.place):
            self._report.add("entry_misplaced", where, f"says {entry.log}#{entry.index}")
        if (row.event, row.occurred_at) != (entry.event, utc(entry.time)):
            self._report.add("entry_columns_differ", where, f"{row.event} {row.occurred_at}")
        if not self._brackets.fit(row.place, utc(entry.time)):
            self._report.add("time_outside_bracket", where, entry.time)
        self._check_chains(entry, digest, links, where)
        self._remember(entry, where)
        return digest

    def _check_chains(
        self, entry: formats.Entry, digest: bytes, links: list[_Link], where: str
    ) -> None:
        named = [(*subject.key, self._row_of(subject)) for subject in entry.subjects]
        if sorted(named) != sorted(links):
            self._report.add("chain_rows_differ", where, f"rows say {sorted(links)}"[:300])
        for subject in entry.subjects:
            number, previous = self._chains.get(subject.key, (0, None))
            if (subject.number, subject.previous) != (number + 1, previous):
                self._report.add(
                    "chain_broken", where, f"{subject.kind} {subject.id}: {subject.number}"
                )
            self._chains[subject.key] = subject.number, digest
            self._seen.rows[subject.key] = self._row_of(subject)

    def _row_of(self, subject: formats.Subject) -> int:
        return self._rows_before.get(subject.key, 0) + subject.number

    def _remember(self, entry: formats.Entry, where: str) -> None:
        details, seen = entry.details, self._seen
        if entry.index == 0 and entry.event != "epoch.opened":
            self._report.add("epoch_unopened", where, entry.event)
        if entry.event == "series.sealed":
            for subject in _of_kind(entry, "series"):
                seen.sealed[subject.id] = str(details.get("head"))
                seen.heads.setdefault(subject.id, []).append(seen.sealed[subject.id])
        elif entry.event == "conversation.erased":
            seen.erased |= {subject.id for subject in _of_kind(entry, "series")}
        elif entry.event == "checkpoint.stamped":
            seen.stamped[str(details.get("token"))] = str(details.get("checkpoint")), where
        elif entry.event == "key.rotated":
            self._note_rotation(entry, where)

    def _note_rotation(self, entry: formats.Entry, where: str) -> None:
        try:
            old, new = read_rotation(self._epoch.origin, dict(entry.details))
        except ValueError as error:
            self._report.add("rotation_unsigned", where, str(error))
            return
        if self._rotations and self._rotations[-1][2] != old:
            self._report.add("rotation_unsigned", where, "the old key was not in use")
        self._rotations.append((entry.index, old, new))

    # Tree

    def _stored_nodes(self, low: int, high: int) -> dict[Node, bytes]:
        """Return the rows of the nodes that entries ``low`` up to ``high`` complete."""
        levels = range(1, high.bit_length())
        spans = [
            Q(level=level, place__gte=low >> level, place__lt=high >> level) for level in levels
        ]
        if not spans:
            return {}
        rows = LogNode.objects.filter(epoch=self._epoch).filter(reduce(or_, spans))
        return {
            (level, place): bytes(node)
            for level, place, node in rows.values_list("level", "place", "hash")
        }

    def _check_node(
        self, row: CustodyEntry, node: Node, stored: bytes | None, expected: bytes
    ) -> None:
        self._report.nodes += 1
        if stored is None:
            self._report.add("node_missing", self._where(row.place), f"level, place {node}")
        elif stored != expected:
            self._report.add("node_differs", self._where(row.place), f"level, place {node}")

    def _check_count_of_nodes(self) -> None:
        size = self._growth.size
        expected, found = size - size.bit_count(), LogNode.objects.filter(epoch=self._epoch).count()
        if found > expected:
            self._report.add("node_extra", self._epoch.origin, f"{found} instead of {expected}")

    # Checkpoints and tokens

    def _check_roots_at(self, size: int) -> None:
        while self._checkpoints and self._checkpoints[-1].size == size:
            checkpoint = self._checkpoints.pop()
            self._report.checkpoints += 1
            root = self._growth.root()
            self._notes.setdefault(size, []).append((checkpoint, root))
            if bytes(checkpoint.root) != root:
                self._report.add("checkpoint_root", self._at(size), "the tree has another root")

    def _check_the_end(self) -> None:
        for checkpoint in reversed(self._checkpoints):
            self._report.add(
                "checkpoint_beyond", self._at(checkpoint.size),
                f"the log ends at {self._growth.size}",
            )  # fmt: skip
        if self._rotations and self._rotations[-1][2] != self._epoch.vkey:
            self._report.add("epoch_key", self._epoch.origin, "not the key last rotated to")

    def _check_signatures(self) -> None:
        for size, found in self._notes.items():
            key = self._key_at(size)
            for checkpoint, root in found:
                self._check_note(checkpoint, key, root)

    def _check_note(self, checkpoint: Checkpoint, key: str, root: bytes) -> None:
        where = self._at(checkpoint.size)
        try:
            note = notes.read(bytes(checkpoint.note))
            is_signed = notes.verify_log(note, notes.read_vkey(key), verify_ed25519)
        except ValueError as error:
            self._report.add("checkpoint_unreadable", where, str(error))
            return
        if (note.origin, note.size, note.root) != (self._epoch.origin, checkpoint.size, root):
            self._report.add("checkpoint_note", where, "the note says something else")
        if not is_signed:
            self._report.add("checkpoint_signature", where, "not by the key of this size")

    def _key_at(self, size: int) -> str:
        """Return the vkey for checkpoints of ``size``: the old one of the next rotation."""
        return next((old for at, old, _ in self._rotations if at >= size), self._epoch.vkey)

    def _check_tokens(self) -> None:
        stamps = Stamp.objects.filter(checkpoint__epoch=self._epoch).select_related("checkpoint")
        for stamp in stamps.order_by("pk").iterator(100):
            self._report.stamps += 1
            self._check_token(stamp)

    def _check_token(self, stamp: Stamp) -> None:
        note, where = bytes(stamp.checkpoint.note), self._at(stamp.checkpoint.size)
        digest = sha256(bytes(stamp.token)).hexdigest()
        facts = tst.verify_token(
            bytes(stamp.token), note, self._trust,
            certificates=[base64.b64decode(item) for item in stamp.certificates],
            crls=[base64.b64decode(item) for item in stamp.crls],
            at=stamp.gen_time,
        )  # fmt: skip
        if facts.outcome_of("integrity") != PASSED:
            self._report.add("token_invalid", where, facts.findings[0].detail)
        elif facts.time != stamp.gen_time:
            self._report.add("token_time", where, f"{stamp.gen_time} instead of {facts.time}")
        else:
            self._check_authority(facts, where)
        logged, _ = self._seen.stamped.get(digest, ("", ""))
        if logged != sha256(note).hexdigest():
            self._note_unlogged(digest, where)

    def _check_authority(self, facts: tst.TokenFacts, where: str) -> None:
        """Note what is wrong with who gave the token: chain, purpose, validity, revocation."""
        for finding in facts.findings:
            if finding.outcome == FAILED:
                self._report.add("token_authority", where, finding.detail)
            elif finding.outcome != PASSED and self._trust.roots:
                self._not_checked(f"authorities of time-stamps: {finding.detail}")
        if not self._trust.roots:
            self._not_checked("authorities of time-stamps: no roots to lead them to")

    def _not_checked(self, words: str) -> None:
        if words not in self._report.not_checked:
            self._report.not_checked.append(words)

    def _note_unlogged(self, digest: str, where: str) -> None:
        """A token may still wait in the queue; otherwise its entry is missing."""
        if self._report.pending:
            self._report.not_checked.append(f"{where}: the token's entry may still be queued")
        else:
            self._report.add("token_unlogged", where, f"no entry names token {digest}")

    def _where(self, place: int) -> str:
        return f"{self._epoch.origin}#{place}"

    def _at(self, size: int) -> str:
        return f"{self._epoch.origin}@{size}"


class Brackets:
    """The tokens before and after each entry of an epoch (see ``time_rule``)."""

    def __init__(self, epoch: LogEpoch) -> None:
        stamps = list(
            Stamp.objects.filter(checkpoint__epoch=epoch)
            .order_by("checkpoint__size")
            .values_list("checkpoint__size", "gen_time")
        )
        times = [time for _, time in stamps]
        self._sizes = [size for size, _ in stamps]
        self._latest = list(accumulate(times, max))
        self._earliest = list(accumulate(reversed(times), min))[::-1]

    def fit(self, place: int, time: datetime) -> bool:
        """Return whether an entry at ``place`` may bear ``time``."""
        covering = bisect_right(self._sizes, place)
        return time_rule.fits(
            time,
            after=self._latest[covering - 1] if covering else None,
            before=self._earliest[covering] if covering < len(self._sizes) else None,
        )


def _of_kind(entry: formats.Entry, kind: str) -> list[formats.Subject]:
    return [subject for subject in entry.subjects if subject.kind == kind]
