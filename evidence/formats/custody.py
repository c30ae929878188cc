"""Entries of the custody log and the lines of ``data/custody.jsonl``. Version 1.

An entry is canonical JSON:
    {"actor":{"id":text,"kind":"person"|"client"|"system"|"operator","name":text|null},
     "details":{…},"event":code,"format":"truethread/custody/v1","index":int from 0,"log":origin,
     "subjects":[{"id":text,"kind":kind,"number":int from 1,"previous":hex|null}, …],
     "time":"…Z","where":{"address":text|null,"host":text},
     "why":{"authority":text|null,"purpose":text|null}}
kind of a subject: series, matter, bundle, acquisition, log, organisation. ``number`` counts the entries about that
subject in this log without a gap; ``previous`` is the digest of its entry number - 1, null for number 1. No
subject stands twice in one entry.

digest = leaf data = SHA-256("truethread/custody/v1" + 0x00 + 32-byte salt + canonical entry);
leaf hash = SHA-256(0x00 + digest). The public log holds digests only.

``details`` a verifier relies on (others are free, values as in ``canonical``):
    series.sealed      {"head":hex}: digest of the series head (``series_head``); where a recovery
                       brought the seal over from a former log, mostly also {"from":{"digest":hex,
                       "index":int,"log":origin}}: the entry that sealed it there.
                       A growing series has one such entry per head, with also {"size":int,
                       "root":hex} of its tree and, from the second on, {"grown_from":{"size","root",
                       "consistency":[hex, …]}}: the head before, and the proof (RFC 9162 section
                       2.1.4) that its tree is a prefix
    export.prepared    {"selection":hex}: selection digest (``manifest``)
    export.issued      {"pdfs":[{"path","sha256","size"}],"zip":{"name","sha256","size"}}
    checkpoint.stamped {"checkpoint":hex,"size":int,"token":hex}: SHA-256 of note and token

A line of ``data/custody.jsonl`` is canonical JSON and a line feed, ascending by index, each index once:
    {"entry":{…},"inclusion":[hex, …],"salt":hex}
    {"digest":hex,"inclusion":[hex, …],"index":int,"subjects":[{"id","kind","number"}, …]}
The second form stands for an entry of a chain the bundle needs whose content is not disclosed; it
names only the subjects whose chains the bundle carries. Inclusion is in the tree of the prepared
checkpoint (``merkle``).

**Time.** An entry keeps the time of its act and must fit the tokens around its place:
    latest genTime over a checkpoint without it - LONGEST_ACT  <=  time
    time  <=  earliest genTime over a checkpoint that holds it + CLOCK_TOLERANCE
An act may begin, its time taken, before a checkpoint is cut, and reach the log after it: that is the
room below. The room above is for clocks that differ.

Worked example: ``tests/vectors/manifests/custody.jsonl``.
Broken examples: an event outside the list; number 2 without previous; a time without ``Z``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import timedelta

from ..values import Json
from . import canonical, merkle, shape
from .hashes import SHA256, sha256

FORMAT = "truethread/custody/v1"

EVENTS = (
    "acquisition.received", "series.sealed", "acquisition.recognised", "conversation.viewed",
    "selection.frozen", "export.requested", "export.prepared", "export.issued", "export.failed",
    "export.cancelled", "bundle.downloaded", "bundle.renewed", "bundle.withdrawn",
    "bundle.superseded", "original.downloaded", "conversation.erased", "hold.placed",
    "hold.released", "matter.opened", "matter.changed", "access.granted", "access.revoked",
    "admin.viewed", "checkpoint.stamped", "epoch.opened", "key.rotated", "verification.requested",
)  # fmt: skip
LONGEST_ACT = timedelta(hours=1)
CLOCK_TOLERANCE = timedelta(minutes=5)
ACTOR_KINDS = ("person", "client", "system", "operator")
SUBJECT_KINDS = ("series", "matter", "bundle", "acquisition", "log", "organisation")

_ENTRY_KEYS = (
    "actor", "details", "event", "format", "index", "log", "subjects", "time", "where", "why",
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """One subject of an entry, with its place in that subject's chain.

    previous: digest of the entry number - 1; unknown (None) too where an undisclosed line names it.
    """

    kind: str
    id: str
    number: int
    previous: bytes | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, self.id

    def value(self) -> dict[str, Json]:
        return {
            "kind": self.kind,
            "id": self.id,
            "number": self.number,
            "previous": None if self.previous is None else self.previous.hex(),
        }


@dataclass(frozen=True)
class Actor:
    """Who acted."""

    kind: str
    id: str
    name: str | None = None


@dataclass(frozen=True)
class Entry:
    """One entry, complete with its place in the log. time: RFC 3339 UTC with ``Z``."""

    log: str
    index: int
    time: str
    event: str
    actor: Actor
    host: str
    address: str | None = None
    purpose: str | None = None
    authority: str | None = None
    subjects: tuple[Subject, ...] = ()
    details: Mapping[str, Json] = dataclass_field(default_factory=dict)

    def value(self) -> dict[str, Json]:
        """Return the JSON object; ``read_entry`` of it gives this entry back."""
        return {
            "format": FORMAT,
            "log": self.log,
            "index": self.index,
            "time": self.time,
            "event": self.event,
            "actor": {"kind": self.actor.kind, "id": self.actor.id, "name": self.actor.name},
            "where": {"host": self.host, "address": self.address},
            "why": {"purpose": self.purpose, "authority": self.authority},
            "subjects": [subject.value() for subject in self.subjects],
            "details": dict(self.details),
        }

    def digest(self, salt: bytes) -> bytes:
        """Return the 32-byte digest: the leaf data of the log and the link of chains.

        salt: 32 random bytes of this entry alone.
        Raises ValueError for an entry ``read_entry`` would refuse.
        """
        value = self.value()
        read_entry(value)
        return value_digest(value, salt)


def value_digest(value: Json, salt: bytes) -> bytes:
    """Return the digest of an entry given as its JSON object, which is not checked."""
    if len(salt) != 32:
        raise ValueError("a salt has 32 bytes")
    return sha256(SHA256.tag("custody") + salt + canonical.dumps(value))


def leaf_hash(digest: bytes) -> bytes:
    """Return the leaf hash of the log for an entry's digest."""
    return merkle.leaf_hash(digest)


def read_entry(value: Json) -> Entry:
    """Return the entry in ``value``; ValueError for anything else."""
    found = shape.mapping(value, _ENTRY_KEYS)
    if found["format"] != FORMAT:
        raise ValueError("not a custody entry of version 1")
    actor = shape.mapping(found["actor"], ("kind", "id", "name"))
    where = shape.mapping(found["where"], ("host", "address"))
    why = shape.mapping(found["why"], ("purpose", "authority"))
    subjects = tuple(_read_subject(item) for item in shape.array(found["subjects"]))
    if len({subject.key for subject in subjects}) != len(subjects):
        raise ValueError("an entry names a subject twice")
    shape.utc(found["time"])
    return Entry(
        log=shape.text(found["log"]),
        index=shape.integer(found["index"]),
        time=shape.text(found["time"]),
        event=_one_of(found["event"], EVENTS),
        actor=Actor(
            kind=_one_of(actor["kind"], ACTOR_KINDS),
            id=shape.text(actor["id"]),
            name=shape.optional_text(actor["name"]),
        ),
        host=shape.text(where["host"]),
        address=shape.optional_text(where["address"]),
        purpose=shape.optional_text(why["purpose"]),
        authority=shape.optional_text(why["authority"]),
        subjects=subjects,
        details=shape.any_mapping(found["details"]),
    )


@dataclass(frozen=True)
class Line:
    """One line of ``data/custody.jsonl``; entry and salt are None where it is not disclosed."""

    index: int
    digest: bytes
    inclusion: tuple[bytes, ...]
    subjects: tuple[Subject, ...]
    entry: Entry | None = None


def disclosed_line(entry: Entry, salt: bytes, inclusion: Sequence[bytes]) -> bytes:
    """Return the line that discloses ``entry``, without its line end."""
    entry.digest(salt)
    return canonical.dumps(
        {"entry": entry.value(), "salt": salt.hex(), "inclusion": shape.hex_list(inclusion)}
    )


def undisclosed_line(
    index: int, digest: bytes, subjects: Sequence[Subject], inclusion: Sequence[bytes]
) -> bytes:
    """Return the line that stands for an entry without its content, without its line end."""
    named: list[Json] = [
        {"kind": subject.kind, "id": subject.id, "number": subject.number} for subject in subjects
    ]
    return canonical.dumps(
        {
            "digest": digest.hex(),
            "index": index,
            "inclusion": shape.hex_list(inclusion),
            "subjects": named,
        }
    )


def read_line(data: bytes) -> Line:
    """Return one line (without its line end) opened; its digest is re-derived where disclosed."""
    value = shape.any_mapping(canonical.loads(data))
    if "entry" in value:
        return _read_disclosed(shape.mapping(value, ("entry", "salt", "inclusion")))
    shape.mapping(value, ("digest", "index", "inclusion", "subjects"))
    return Line(
        index=shape.integer(value["index"]),
        digest=shape.unhex(value["digest"]),
        inclusion=tuple(shape.unhex_list(value["inclusion"])),
        subjects=tuple(_read_named(item) for item in shape.array(value["subjects"])),
    )


def _read_disclosed(value: dict[str, Json]) -> Line:
    entry = read_entry(value["entry"])
    return Line(
        index=entry.index,
        digest=value_digest(value["entry"], shape.unhex(value["salt"])),
        inclusion=tuple(shape.unhex_list(value["inclusion"])),
        subjects=entry.subjects,
        entry=entry,
    )


def _read_subject(value: Json) -> Subject:
    found = shape.mapping(value, ("kind", "id", "number", "previous"))
    number = shape.integer(found["number"], 1)
    if (number == 1) is not (found["previous"] is None):
        raise ValueError("a chain starts with number 1, and only there without a previous entry")
    return Subject(
        kind=_one_of(found["kind"], SUBJECT_KINDS),
        id=shape.text(found["id"]),
        number=number,
        previous=None if found["previous"] is None else shape.unhex(found["previous"]),
    )


def _read_named(value: Json) -> Subject:
    found = shape.mapping(value, ("kind", "id", "number"))
    return Subject(
        kind=_one_of(found["kind"], SUBJECT_KINDS),
        id=shape.text(found["id"]),
        number=shape.integer(found["number"], 1),
    )


def _one_of(value: Json, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"not in the closed list: {str(value)[:60]}")
    return value
