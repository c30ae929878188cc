"""``data/manifest.json``: what a bundle is, and every file in it. Version 1.

Canonical JSON (``|null`` may be null; ``id`` an opaque id; ``range`` as in ``ranges``):
    {"bundle":id,"created":time,"format":"truethread/manifest/v1",
     "deployment":{"name":text,"origin":text,"trust":text},
     "files":[{"path":text,"sha256":hex,"size":int[,"sm3":hex]}, …],
     "jurisdiction":text|null,"language":text,
     "log":{"checkpoint":"data/checkpoints/prepared.txt","earlier":[{"checkpoint":text,
            "consistency":[hex, …],"token":text}, …],"origin":text,"prepared_index":int,
            "token":"data/tokens/prepared.tst","vkey":text},
     "matter":{"authority":text|null,"id":id|null,"name":text|null,"number":text|null,
               "purpose":text|null,"requester":text|null},
     "selection":{"digest":hex,"parts":[part, …]},
     "series":[{"custodian":text|null,"head":{…},"head_entry":int,"original":null|
                {"name","owner","seed","sha256","size"},"participants":[…],"platform":text,
                "title":text}, …],
     "siblings":[{"compared_with":id,"different":int,"extra":int,"head":hex,"missing":int,
                  "same":int,"series":id}, …],
     "stated":{what: who stated it},
     "volumes":[{"bates_first":int,"bates_last":int,"pages":int,"path":text}, …]}

files: every file of the bundle, ascending by path, except ``data/manifest.json``, ``data/evidence.pdf``,
``bag-info.txt`` and the BagIt manifests. ``sm3`` stands on all or on none.
log: the entry ``export.prepared`` of this bundle has index ``prepared_index`` in the tree of ``checkpoint``.
earlier: stamped checkpoints that already covered ``series.sealed`` entries, ascending by size; files
``data/checkpoints/<size>.txt`` and ``data/tokens/<size>.tst``, size as 10 digits; consistency: from that
tree to the prepared one (``merkle``). They say since when at the latest a series was in the store. One
from before the log's key was changed is signed by the former key, which the bundle does not vouch for:
consistency and token carry it.
participants: objects of the source's own facts, ``{"details","is_owner","key","names","platform_id"}``,
and where the requester said who that is ``"stated":{"basis":code|null,"by":text,"name":text}``; nobody
checked it. Pictures supplied beside that stand in ``stated`` as ``"pictures":[{"by":text,
"media_type":text,"name":text,"path":text,"sha256":hex,"size":int,"supplied":time}, …]``, absent where
there are none; name is "" then where nobody is named. Each is one of ``files``, and each file under
``data/participants/`` is one of them (``pictures_of``). Readers take further keys as they are.
series: one per series, head as in ``series_head``, head_entry = index of its ``series.sealed`` entry.
volumes: the master first; Bates numbers count pages through all volumes without a gap, from
wherever the counter of the matter stood.
siblings: the other series and readings the custodian holds of the same conversation.

A **part** says what is shown of one series; parts stand in the order of ``series``:
    {"contiguous":bool,"disclosed":range,"gaps":int,"n_disclosed":int,"n_rows":int,"reasons":{…},
     "rule":text,"series":id,"span":[first,last],"withheld":{…}}
disclosed: rows that have a line in ``data/messages.jsonl``, withheld ones included; not empty.
withheld: sequence → what is not shown of it (``message.Withheld.items``); reasons: the same keys → why.
The rest is derived and checked: span = first and last of disclosed; gaps = spans - 1; contiguous = no
gap; n_rows = rows of the series; n_disclosed = rows in disclosed that are not withheld whole.

selection digest = SHA-256("truethread/selection/v1" + 0x00 + canonical(parts)).

**Volumes** other than the master embed ``volume.json``, canonical
    {"bundle":id,"format":"truethread/volume/v1","of":v,"selection":hex,"volume":k from 2}
so that each says what it is when it is found alone.

Worked example: ``tests/vectors/manifests/manifest.json``.
Broken examples: files out of order; a part whose ``gaps`` does not follow from ``disclosed``; a withheld
sequence outside ``disclosed``; one more key anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ..values import Json, Ranges
from . import canonical, message, ranges, shape
from .hashes import SHA256, sha256
from .series_head import Original, SeriesHead, read_original
from .series_head import read as read_head

FORMAT = "truethread/manifest/v1"
VOLUME_FORMAT = "truethread/volume/v1"
PREPARED_CHECKPOINT = "data/checkpoints/prepared.txt"
PREPARED_TOKEN = "data/tokens/prepared.tst"  # noqa: S105 - a path, no secret
_MATTER_KEYS = ("id", "name", "number", "purpose", "authority", "requester")


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle."""

    path: str
    size: int
    sha256: bytes
    sm3: bytes | None = None

    def value(self) -> dict[str, Json]:
        found: dict[str, Json] = {
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256.hex(),
        }
        return found if self.sm3 is None else {**found, "sm3": self.sm3.hex()}


@dataclass(frozen=True)
class Part:
    """What is shown of one series; everything derivable is derived in ``value``.

    withheld: sequence → ``message.Withheld.items()``; reasons: the same sequences → why.
    """

    series: str
    rule: str
    n_rows: int
    disclosed: Ranges
    withheld: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    reasons: Mapping[int, str] = field(default_factory=dict)

    def value(self) -> dict[str, Json]:
        spans = self.disclosed.spans
        return {
            "series": self.series,
            "rule": self.rule,
            "span": [spans[0][0], spans[-1][1]],
            "disclosed": str(self.disclosed),
            "withheld": {str(key): list(items) for key, items in self.withheld.items()},
            "reasons": {str(key): reason for key, reason in self.reasons.items()},
            "n_disclosed": len(self.disclosed) - self.n_withheld_rows,
            "n_rows": self.n_rows,
            "contiguous": len(spans) == 1,
            "gaps": len(spans) - 1,
        }

    @property
    def n_withheld_rows(self) -> int:
        """Return how many rows are withheld whole."""
        return sum(items == (message.WHOLE,) for items in self.withheld.values())


def selection_digest(parts: Sequence[Part]) -> bytes:
    """Return the 32-byte digest that ``export.prepared`` and every volume carry."""
    values = cast(Json, [part.value() for part in parts])
    return sha256(SHA256.tag("selection") + canonical.dumps(values))


@dataclass(frozen=True)
class SeriesInfo:
    """One series of the bundle. original and seed: only where it is wholly disclosed."""

    head: SeriesHead
    head_entry: int
    title: str
    platform: str
    custodian: str | None = None
    original: Original | None = None
    original_seed: bytes | None = None
    participants: Sequence[Json] = ()

    def value(self) -> dict[str, Json]:
        original: Json = None
        if self.original is not None and self.original_seed is not None:
            original = {**self.original.value(), "seed": self.original_seed.hex()}
        return {
            "head": self.head.value(),
            "head_entry": self.head_entry,
            "title": self.title,
            "platform": self.platform,
            "custodian": self.custodian,
            "original": original,
            "participants": list(self.participants),
        }


@dataclass(frozen=True)
class PartyPicture:
    """A picture somebody supplied beside a participant. supplied: RFC 3339 UTC with ``Z``."""

    path: str
    name: str
    media_type: str
    size: int
    sha256: bytes
    by: str
    supplied: str

    def value(self) -> dict[str, Json]:
        return {
            "path": self.path,
            "name": self.name,
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256.hex(),
            "by": self.by,
            "supplied": self.supplied,
        }


def pictures_of(info: SeriesInfo) -> list[PartyPicture]:
    """Return the pictures beside the participants of a series; ValueError when malformed."""
    found: list[PartyPicture] = []
    for one in info.participants:
        stated = one.get("stated") if isinstance(one, dict) else None
        if isinstance(stated, dict) and "pictures" in stated:
            found += map(_read_picture, shape.array(stated["pictures"]))
    return found


def _read_picture(value: Json) -> PartyPicture:
    found = shape.mapping(value, ("path", "name", "media_type", "size", "sha256", "by", "supplied"))
    shape.utc(found["supplied"])
    return PartyPicture(
        path=shape.text(found["path"]),
        name=shape.text(found["name"]),
        media_type=shape.text(found["media_type"]),
        size=shape.integer(found["size"]),
        sha256=shape.unhex(found["sha256"]),
        by=shape.text(found["by"]),
        supplied=shape.text(found["supplied"]),
    )


@dataclass(frozen=True)
class Sibling:
    """Another series of the same conversation, compared over the selected period."""

    series: str
    compared_with: str
    head: bytes
    same: int
    different: int
    missing: int
    extra: int

    def value(self) -> dict[str, Json]:
        return {
            "series": self.series,
            "compared_with": self.compared_with,
            "head": self.head.hex(),
            "same": self.same,
            "different": self.different,
            "missing": self.missing,
            "extra": self.extra,
        }


@dataclass(frozen=True)
class Matter:
    """The case, as stated."""

    id: str | None = None
    name: str | None = None
    number: str | None = None
    purpose: str | None = None
    authority: str | None = None
    requester: str | None = None

    def value(self) -> dict[str, Json]:
        return {key: cast("str | None", getattr(self, key)) for key in _MATTER_KEYS}


@dataclass(frozen=True)
class Volume:
    """One signed PDF of the bundle."""

    path: str
    pages: int
    bates_first: int
    bates_last: int

    def value(self) -> dict[str, Json]:
        return {
            "path": self.path,
            "pages": self.pages,
            "bates_first": self.bates_first,
            "bates_last": self.bates_last,
        }


@dataclass(frozen=True)
class EarlierStamp:
    """A checkpoint of ``size`` entries that was stamped before the bundle was prepared.

    consistency: proof from its tree to the tree of the prepared checkpoint.
    """

    size: int
    consistency: tuple[bytes, ...]

    @property
    def checkpoint(self) -> str:
        return f"data/checkpoints/{self.size:010d}.txt"

    @property
    def token(self) -> str:
        return f"data/tokens/{self.size:010d}.tst"

    def value(self) -> dict[str, Json]:
        return {
            "checkpoint": self.checkpoint,
            "token": self.token,
            "consistency": shape.hex_list(self.consistency),
        }


@dataclass(frozen=True)
class Manifest:
    """A whole manifest; ``dumps`` writes it, ``loads`` reads it back equal."""

    bundle: str
    created: str
    deployment_name: str
    deployment_origin: str
    deployment_trust: str
    language: str
    jurisdiction: str | None
    matter: Matter
    series: tuple[SeriesInfo, ...]
    siblings: tuple[Sibling, ...]
    parts: tuple[Part, ...]
    log_origin: str
    log_vkey: str
    prepared_index: int
    volumes: tuple[Volume, ...]
    stated: Mapping[str, str]
    files: tuple[FileEntry, ...]
    earlier: tuple[EarlierStamp, ...] = ()

    def value(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "bundle": self.bundle,
            "created": self.created,
            "deployment": {
                "name": self.deployment_name,
                "origin": self.deployment_origin,
                "trust": self.deployment_trust,
            },
            "language": self.language,
            "jurisdiction": self.jurisdiction,
            "matter": self.matter.value(),
            "series": [info.value() for info in self.series],
            "siblings": [sibling.value() for sibling in self.siblings],
            "selection": {
                "digest": selection_digest(self.parts).hex(),
                "parts": [part.value() for part in self.parts],
            },
            "log": {
                "origin": self.log_origin,
                "vkey": self.log_vkey,
                "prepared_index": self.prepared_index,
                "checkpoint": PREPARED_CHECKPOINT,
                "token": PREPARED_TOKEN,
                "earlier": [stamp.value() for stamp in self.earlier],
            },
            "volumes": [volume.value() for volume in self.volumes],
            "stated": dict(self.stated),
            "files": [entry.value() for entry in self.files],
        }

    @property
    def uses_sm3(self) -> bool:
        """Return whether the files carry SM3 beside SHA-256."""
        return bool(self.files) and self.files[0].sm3 is not None


def dumps(manifest: Manifest) -> bytes:
    """Return the bytes of ``data/manifest.json``; ValueError when ``loads`` would refuse them."""
    data = canonical.dumps(manifest.value())
    loads(data)
    return data


def loads(data: bytes) -> Manifest:
    """Return the manifest whose canonical bytes are ``data``; ValueError for anything else."""
    value = canonical.loads(data)
    found = _read(value)
    if found.value() != value:
        raise ValueError("a derived value of the manifest is not what it is derived from")
    return found


def volume_bytes(bundle: str, number: int, count: int, selection: bytes) -> bytes:
    """Return the ``volume.json`` of volume ``number`` of ``count``; selection: its digest."""
    if not 2 <= number <= count:
        raise ValueError("the master is volume 1 and embeds the manifest instead")
    return canonical.dumps(
        {
            "format": VOLUME_FORMAT,
            "bundle": bundle,
            "volume": number,
            "of": count,
            "selection": selection.hex(),
        }
    )


def _read(value: Json) -> Manifest:
    found = shape.mapping(
        value,
        ("format", "bundle", "created", "deployment", "language", "jurisdiction", "matter",
         "series", "siblings", "selection", "log", "volumes", "stated", "files"),
    )  # fmt: skip
    if found["format"] != FORMAT:
        raise ValueError("not a manifest of version 1")
    deployment = shape.mapping(found["deployment"], ("name", "origin", "trust"))
    log = shape.mapping(
        found["log"], ("origin", "vkey", "prepared_index", "checkpoint", "token", "earlier")
    )
    selection = shape.mapping(found["selection"], ("digest", "parts"))
    shape.utc(found["created"])
    series = tuple(_read_series(item) for item in shape.array(found["series"]))
    return Manifest(
        bundle=shape.opaque(found["bundle"]),
        created=shape.text(found["created"]),
        deployment_name=shape.text(deployment["name"]),
        deployment_origin=shape.text(deployment["origin"]),
        deployment_trust=shape.text(deployment["trust"]),
        language=shape.text(found["language"]),
        jurisdiction=shape.optional_text(found["jurisdiction"]),
        matter=_read_matter(found["matter"]),
        series=series,
        siblings=tuple(_read_sibling(item) for item in shape.array(found["siblings"])),
        parts=_read_parts(selection["parts"], series),
        log_origin=shape.text(log["origin"]),
        log_vkey=shape.text(log["vkey"]),
        prepared_index=shape.integer(log["prepared_index"]),
        volumes=_read_volumes(found["volumes"]),
        stated={key: shape.text(item) for key, item in shape.any_mapping(found["stated"]).items()},
        files=_read_files(found["files"]),
        earlier=_read_earlier(log["earlier"]),
    )


def _read_parts(value: Json, series: Sequence[SeriesInfo]) -> tuple[Part, ...]:
    parts = tuple(_read_part(item) for item in shape.array(value))
    if [part.series for part in parts] != [info.head.series for info in series] or not parts:
        raise ValueError("the parts of the selection are not the series of the bundle")
    if len({part.series for part in parts}) != len(parts):
        raise ValueError("a series stands twice in the selection")
    for part, info in zip(parts, series, strict=True):
        if part.n_rows != info.head.size or part.disclosed.spans[-1][1] > part.n_rows:
            raise ValueError("the selection reaches beyond the sealed series")
    return parts


def _read_part(value: Json) -> Part:
    found = shape.mapping(
        value,
        ("series", "rule", "span", "disclosed", "withheld", "reasons", "n_disclosed", "n_rows",
         "contiguous", "gaps"),
    )  # fmt: skip
    withheld = shape.any_mapping(found["withheld"])
    reasons = shape.any_mapping(found["reasons"])
    part = Part(
        series=shape.opaque(found["series"]),
        rule=shape.text(found["rule"]),
        n_rows=shape.integer(found["n_rows"], 1),
        disclosed=ranges.parse(found["disclosed"]),
        withheld={_sequence(key): _read_items(items) for key, items in withheld.items()},
        reasons={_sequence(key): shape.text(reason) for key, reason in reasons.items()},
    )
    if not part.disclosed.spans or part.withheld.keys() != part.reasons.keys():
        raise ValueError("a part shows nothing, or withholds without a reason")
    if not _covers(part.disclosed, sorted(part.withheld)):
        raise ValueError("a withheld message lies outside the disclosed rows")
    return part


def _covers(disclosed: Ranges, sequences: Sequence[int]) -> bool:
    """Return whether ascending ``sequences`` all lie in ``disclosed``, however wide that is."""
    spans = iter(disclosed.spans)
    last = 0
    first = 1
    for sequence in sequences:
        while sequence > last:
            span = next(spans, None)
            if span is None:
                return False
            first, last = span
        if sequence < first:
            return False
    return True


def _sequence(text: str) -> int:
    found = ranges.parse(text)
    if len(found.spans) != 1 or len(found) != 1:
        raise ValueError("a sequence was expected")
    return found.spans[0][0]


def _read_items(value: Json) -> tuple[str, ...]:
    items = tuple(shape.text(item) for item in shape.array(value))
    if not items or message.Withheld.parse(items, "").items() != items:
        raise ValueError("what is withheld is not named in its one way")
    return items


def _read_series(value: Json) -> SeriesInfo:
    found = shape.mapping(
        value,
        ("head", "head_entry", "title", "platform", "custodian", "original", "participants"),
    )
    original, seed = (None, None) if found["original"] is None else read_original(found["original"])
    return SeriesInfo(
        head=read_head(found["head"]),
        head_entry=shape.integer(found["head_entry"]),
        title=shape.text(found["title"]),
        platform=shape.text(found["platform"]),
        custodian=shape.optional_text(found["custodian"]),
        original=original,
        original_seed=seed,
        participants=tuple(shape.array(found["participants"])),
    )


def _read_sibling(value: Json) -> Sibling:
    counts = ("same", "different", "missing", "extra")
    found = shape.mapping(value, ("series", "compared_with", "head", *counts))
    same, different, missing, extra = (shape.integer(found[key]) for key in counts)
    return Sibling(
        series=shape.opaque(found["series"]),
        compared_with=shape.opaque(found["compared_with"]),
        head=shape.unhex(found["head"]),
        same=same,
        different=different,
        missing=missing,
        extra=extra,
    )


def _read_matter(value: Json) -> Matter:
    found = shape.mapping(value, _MATTER_KEYS)
    texts = {key: shape.optional_text(found[key]) for key in _MATTER_KEYS}
    if texts["id"] is not None:
        shape.opaque(texts["id"])
    return Matter(**texts)


def _read_volumes(value: Json) -> tuple[Volume, ...]:
    volumes = []
    expected = 0
    for item in shape.array(value):
        found = shape.mapping(item, ("path", "pages", "bates_first", "bates_last"))
        volume = Volume(
            path=shape.text(found["path"]),
            pages=shape.integer(found["pages"], 1),
            bates_first=shape.integer(found["bates_first"], 1),
            bates_last=shape.integer(found["bates_last"], 1),
        )
        expected = expected or volume.bates_first
        if volume.bates_first != expected or volume.bates_last != expected + volume.pages - 1:
            raise ValueError("the Bates numbers of the volumes have a gap")
        expected = volume.bates_last + 1
        volumes.append(volume)
    return tuple(volumes)


def _read_earlier(value: Json) -> tuple[EarlierStamp, ...]:
    stamps = []
    for item in shape.array(value):
        found = shape.mapping(item, ("checkpoint", "token", "consistency"))
        digits = shape.text(found["checkpoint"])[len("data/checkpoints/") : -len(".txt")]
        if not re.fullmatch("[0-9]{10}", digits):
            raise ValueError("not the path of an earlier checkpoint")
        stamps.append(EarlierStamp(int(digits), tuple(shape.unhex_list(found["consistency"]))))
    if [stamp.size for stamp in stamps] != sorted({stamp.size for stamp in stamps}):
        raise ValueError("the earlier checkpoints are not ascending by size")
    return tuple(stamps)


def _read_files(value: Json) -> tuple[FileEntry, ...]:
    files = tuple(_read_file(item) for item in shape.array(value))
    paths = [entry.path for entry in files]
    if paths != sorted(set(paths)):
        raise ValueError("the files are not ascending by path, each once")
    if len({entry.sm3 is None for entry in files}) > 1:
        raise ValueError("SM3 stands on some files only")
    return files


def _read_file(value: Json) -> FileEntry:
    found = shape.mapping(value, ("path", "size", "sha256"), ("sm3",))
    return FileEntry(
        path=shape.text(found["path"]),
        size=shape.integer(found["size"]),
        sha256=shape.unhex(found["sha256"]),
        sm3=shape.unhex(found["sm3"]) if "sm3" in found else None,
    )
