"""``data/proofs.json``: the pruned tree of each series. Version 1.

Canonical JSON, series in the order of the manifest:
    {"format":"truethread/proofs/v1","series":[{"disclosed":ranges,"hashes":[hex, …],"root":hex,
      "series":id,"size":int,"sm3_hashes":[hex, …]|null,"sm3_root":hex|null}, …]}
disclosed: the sequences that have a line in ``data/messages.jsonl``, withheld ones included
(``ranges``). hashes, sm3_hashes: the pruned trees of ``merkle``. The two SM3 values are both null or
both there.

Worked example: ``tests/vectors/manifests/proofs.json``.
Broken example: ``sm3_root`` without ``sm3_hashes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ..values import Json, Ranges
from . import canonical, ranges, shape

FORMAT = "truethread/proofs/v1"
_KEYS = ("disclosed", "hashes", "root", "series", "size", "sm3_hashes", "sm3_root")


@dataclass(frozen=True)
class SeriesProof:
    """The pruned tree of one series."""

    series: str
    size: int
    root: bytes
    disclosed: Ranges
    hashes: tuple[bytes, ...]
    sm3_root: bytes | None = None
    sm3_hashes: tuple[bytes, ...] | None = None

    def value(self) -> dict[str, Json]:
        return {
            "series": self.series,
            "size": self.size,
            "root": self.root.hex(),
            "sm3_root": None if self.sm3_root is None else self.sm3_root.hex(),
            "disclosed": str(self.disclosed),
            "hashes": shape.hex_list(self.hashes),
            "sm3_hashes": None if self.sm3_hashes is None else shape.hex_list(self.sm3_hashes),
        }


def dumps(proofs: Sequence[SeriesProof]) -> bytes:
    """Return the bytes of ``data/proofs.json``."""
    return canonical.dumps(
        {"format": FORMAT, "series": cast(Json, [proof.value() for proof in proofs])}
    )


def loads(data: bytes) -> list[SeriesProof]:
    """Return the proofs; ValueError for anything but their canonical bytes."""
    value = shape.mapping(canonical.loads(data), ("format", "series"))
    if value["format"] != FORMAT:
        raise ValueError("not proofs of version 1")
    return [_read(item) for item in shape.array(value["series"])]


def _read(value: Json) -> SeriesProof:
    found = shape.mapping(value, _KEYS)
    if (found["sm3_root"] is None) is not (found["sm3_hashes"] is None):
        raise ValueError("an SM3 root comes with its hashes")
    absent = found["sm3_root"] is None
    return SeriesProof(
        series=shape.opaque(found["series"]),
        size=shape.integer(found["size"]),
        root=shape.unhex(found["root"]),
        disclosed=ranges.parse(found["disclosed"]),
        hashes=tuple(shape.unhex_list(found["hashes"])),
        sm3_root=None if absent else shape.unhex(found["sm3_root"]),
        sm3_hashes=None if absent else tuple(shape.unhex_list(found["sm3_hashes"])),
    )
