"""The receipt beside a bundle: that, and when, exactly this ZIP was issued. Version 1.

``<name of the ZIP>.receipt.json``, canonical JSON:
    {"bundle":id,"certificates":[base64 DER, …],"checkpoint":note text,"consistency":[hex, …],
     "crls":[base64 DER, …],"entry":{export.issued},"format":"truethread/receipt/v1",
     "inclusion":[hex, …],"pdfs":[{"path","sha256","size"}, …],"salt":hex,"token":base64 DER,
     "zip":{"name":text,"sha256":hex,"size":int}}
entry, salt: as in ``custody``; entry.details holds exactly {"pdfs", "zip"} of the receipt.
inclusion: of the entry in the tree of ``checkpoint``. consistency: from the tree of the bundle's
prepared checkpoint to the tree of ``checkpoint`` (``merkle``). token: DER TimeStampToken over the whole
note; certificates, crls: what helps to judge it, DER each. They are at hand, not vouched for: none of them
makes a verdict better than the verifier's own roots allow.

Worked example: ``tests/vectors/manifests/receipt.json``.
Broken examples: an entry of another event; details that name another ZIP than ``zip``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from ..values import Json
from . import canonical, checkpoint, custody, shape

FORMAT = "truethread/receipt/v1"
_KEYS = (
    "bundle", "certificates", "checkpoint", "consistency", "crls", "entry", "format", "inclusion",
    "pdfs", "salt", "token", "zip",
)  # fmt: skip


@dataclass(frozen=True)
class IssuedFile:
    """A file as issued: the ZIP (path = its name) or one of the PDFs."""

    path: str
    size: int
    sha256: bytes


@dataclass(frozen=True)
class Receipt:
    """A whole receipt; ``dumps`` writes it, ``loads`` reads it back equal."""

    bundle: str
    zip: IssuedFile
    pdfs: tuple[IssuedFile, ...]
    entry: custody.Entry
    salt: bytes
    inclusion: tuple[bytes, ...]
    consistency: tuple[bytes, ...]
    checkpoint: bytes
    token: bytes
    certificates: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def value(self) -> dict[str, Json]:
        return {
            "format": FORMAT,
            "bundle": self.bundle,
            **issued_details(self.zip, self.pdfs),
            "entry": self.entry.value(),
            "salt": self.salt.hex(),
            "inclusion": shape.hex_list(self.inclusion),
            "consistency": shape.hex_list(self.consistency),
            "checkpoint": self.checkpoint.decode(),
            "token": base64.b64encode(self.token).decode(),
            "certificates": _base64_list(self.certificates),
            "crls": _base64_list(self.crls),
        }


def issued_details(zip_file: IssuedFile, pdfs: Iterable[IssuedFile]) -> dict[str, Json]:
    """Return the details of ``export.issued``: what was issued, by size and SHA-256."""
    return {
        "zip": {
            "name": zip_file.path,
            "size": zip_file.size,
            "sha256": zip_file.sha256.hex(),
        },
        "pdfs": [{"path": pdf.path, "size": pdf.size, "sha256": pdf.sha256.hex()} for pdf in pdfs],
    }


def dumps(receipt: Receipt) -> bytes:
    """Return the bytes of the receipt; ValueError when ``loads`` would refuse them."""
    data = canonical.dumps(receipt.value())
    loads(data)
    return data


def loads(data: bytes) -> Receipt:
    """Return the receipt whose canonical bytes are ``data``. Proofs and token are **not** checked."""
    value = shape.mapping(canonical.loads(data), _KEYS)
    if value["format"] != FORMAT:
        raise ValueError("not a receipt of version 1")
    note = shape.text(value["checkpoint"]).encode()
    checkpoint.read(note)
    found = Receipt(
        bundle=shape.opaque(value["bundle"]),
        zip=_read_issued(value["zip"], "name"),
        pdfs=tuple(_read_issued(item, "path") for item in shape.array(value["pdfs"])),
        entry=custody.read_entry(value["entry"]),
        salt=shape.unhex(value["salt"]),
        inclusion=tuple(shape.unhex_list(value["inclusion"])),
        consistency=tuple(shape.unhex_list(value["consistency"])),
        checkpoint=note,
        token=shape.unbase64(value["token"]),
        certificates=tuple(shape.unbase64(item) for item in shape.array(value["certificates"])),
        crls=tuple(shape.unbase64(item) for item in shape.array(value["crls"])),
    )
    if found.entry.event != "export.issued":
        raise ValueError("the entry of a receipt is not export.issued")
    if dict(found.entry.details) != issued_details(found.zip, found.pdfs):
        raise ValueError("the entry does not name the files of the receipt")
    if ("bundle", found.bundle) not in {subject.key for subject in found.entry.subjects}:
        raise ValueError("the entry is about another bundle")
    return found


def _read_issued(value: Json, name: str) -> IssuedFile:
    found = shape.mapping(value, (name, "size", "sha256"))
    return IssuedFile(
        shape.text(found[name]), shape.integer(found["size"]), shape.unhex(found["sha256"])
    )


def _base64_list(items: Iterable[bytes]) -> list[Json]:
    return [base64.b64encode(item).decode() for item in items]
