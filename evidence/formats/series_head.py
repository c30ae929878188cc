"""What a seal says about a whole series, and the commitment to the original bytes. Version 1.

The head is canonical JSON:
    {"acquisition":id,"answers":{"date_order":text|null,"timezone":text|null},"conversation":id,
     "first_utc":time|null,"format":"truethread/series-head/v1","last_utc":time|null,
     "parser":{"name":text,"version":text},"root":hex,"series":id,"size":int,"sm3_root":hex|null,
     "source":{"members":int,"original":hex}}
size, root, sm3_root: the tree over all rows (``merkle`` over ``message`` leaves). first_utc, last_utc:
the earliest and latest interpreted times, null when no row has one. members: how many files of
the delivery the series was read from.

Its digest is SHA-256("truethread/series-head/v1" + 0x00 + canonical head); the custody entry
``series.sealed`` carries that digest.

``source.original`` commits to the delivered bytes without giving them away. With its own uniform
32-byte seed, salt = HMAC-SHA-256(seed, "truethread/salt/v1" 0x00 "original" 0x01) and
    original = SHA-256("truethread/field/v1" 0x00 "original" 0x00 + salt + canonical(
        {"name":text,"owner":text|null,"sha256":hex,"size":int}))
name: of the delivered file; owner: who the person said they are in it; sha256, size: of its bytes.
That object and its seed stand in a manifest only where everything in the original is disclosed.

**A push stream** (``push``) has a new head after every batch, under parser ``push``: members is the number
of the batch, and source.original commits to {"name":"batch-<number, 8 digits>.ndjson","owner":the account,
"sha256":the batch hash,"size":bytes of the batch}; by the chain of hashes that is all batches so far.

Worked example: ``tests/vectors/manifests/series_head.json``.
Broken examples: a head with one more key; ``size`` 0 with another root than SHA-256 of nothing.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from ..values import Json
from . import canonical, shape
from .hashes import SHA256, sha256

FORMAT = "truethread/series-head/v1"
_KEYS = (
    "acquisition", "answers", "conversation", "first_utc", "format", "last_utc", "parser", "root",
    "series", "size", "sm3_root", "source",
)  # fmt: skip


@dataclass(frozen=True)
class SeriesHead:
    """One head; ``value`` is its JSON object, ``digest`` what the custody log names."""

    series: str
    acquisition: str
    conversation: str
    size: int
    root: bytes
    sm3_root: bytes | None
    parser_name: str
    parser_version: str
    timezone: str | None
    date_order: str | None
    original: bytes
    members: int
    first_utc: str | None
    last_utc: str | None

    def value(self) -> dict[str, Json]:
        """Return the JSON object."""
        return {
            "format": FORMAT,
            "series": self.series,
            "acquisition": self.acquisition,
            "conversation": self.conversation,
            "size": self.size,
            "root": self.root.hex(),
            "sm3_root": None if self.sm3_root is None else self.sm3_root.hex(),
            "parser": {"name": self.parser_name, "version": self.parser_version},
            "answers": {"timezone": self.timezone, "date_order": self.date_order},
            "source": {"original": self.original.hex(), "members": self.members},
            "first_utc": self.first_utc,
            "last_utc": self.last_utc,
        }

    def digest(self) -> bytes:
        """Return the 32-byte digest."""
        return sha256(SHA256.tag("series-head") + canonical.dumps(self.value()))


def read(value: Json) -> SeriesHead:
    """Return the head in ``value``; ValueError for anything else."""
    head = shape.mapping(value, _KEYS)
    if head["format"] != FORMAT:
        raise ValueError("not a series head of version 1")
    parser = shape.mapping(head["parser"], ("name", "version"))
    answers = shape.mapping(head["answers"], ("timezone", "date_order"))
    source = shape.mapping(head["source"], ("original", "members"))
    found = SeriesHead(
        series=shape.opaque(head["series"]),
        acquisition=shape.opaque(head["acquisition"]),
        conversation=shape.opaque(head["conversation"]),
        size=shape.integer(head["size"]),
        root=shape.unhex(head["root"]),
        sm3_root=None if head["sm3_root"] is None else shape.unhex(head["sm3_root"]),
        parser_name=shape.text(parser["name"]),
        parser_version=shape.text(parser["version"]),
        timezone=shape.optional_text(answers["timezone"]),
        date_order=shape.optional_text(answers["date_order"]),
        original=shape.unhex(source["original"]),
        members=shape.integer(source["members"]),
        first_utc=_optional_utc(head["first_utc"]),
        last_utc=_optional_utc(head["last_utc"]),
    )
    if found.size == 0 and found.root != sha256(b""):
        raise ValueError("an empty series has the root of nothing")
    return found


@dataclass(frozen=True)
class Original:
    """The delivered bytes a series was read from, as committed to."""

    name: str
    owner: str | None
    sha256: bytes
    size: int

    def value(self) -> dict[str, Json]:
        """Return the committed JSON object."""
        return {
            "name": self.name,
            "owner": self.owner,
            "sha256": self.sha256.hex(),
            "size": self.size,
        }

    def commitment(self, seed: bytes) -> bytes:
        """Return ``source.original`` for a uniform 32-byte ``seed`` used for nothing else."""
        if len(seed) != 32:
            raise ValueError("a seed has 32 bytes")
        salt = hmac.digest(seed, b"truethread/salt/v1\0original\x01", "sha256")
        return sha256(SHA256.tag("field") + b"original\0" + salt + canonical.dumps(self.value()))


def read_original(value: Json) -> tuple[Original, bytes]:
    """Return the opened original of a manifest and its seed."""
    found = shape.mapping(value, ("name", "owner", "sha256", "size", "seed"))
    original = Original(
        name=shape.text(found["name"]),
        owner=shape.optional_text(found["owner"]),
        sha256=shape.unhex(found["sha256"]),
        size=shape.integer(found["size"]),
    )
    return original, shape.unhex(found["seed"])


def _optional_utc(value: Json) -> str | None:
    if value is None:
        return None
    shape.utc(value)
    return shape.text(value)
