"""Each signature and time-stamp as facts: who, by which certificate, when, over how much.

Findings say what holds; a mark says what there is, also where it does not hold. Everything in it was
read from the file under test, apart from ``chain``, which ends at a root the caller gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from ...formats import shape
from . import x509

SIGNATURE, TIME_STAMP = "signature", "time_stamp"


@dataclass(frozen=True)
class Mark:
    """One signature or time-stamp. where: its field, as in findings.

    name, issuer: of the certificate, as text; empty when there is none. serial: hexadecimal.
    key: kind and size. valid_from, valid_until, time: UTC as text. chain: names from the signer to
    a given root, empty when no given root vouches. time: proven by a token, empty without one.
    authority: who issued that token. covers, size: bytes from the start of the file, of how many.
    byte_range: as the signature states it. contents: SHA-256 of its /Contents, padding included, hex;
    with the field's name they are what two parsers must see alike.
    """

    where: str
    kind: str
    name: str
    issuer: str
    serial: str
    key: str
    valid_from: str
    valid_until: str
    chain: tuple[str, ...]
    time: str
    authority: str
    covers: int
    size: int
    byte_range: tuple[int, ...] = ()
    contents: str = ""

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def mark_of(
    where: str,
    kind: str,
    certificate: x509.Certificate | None,
    chain: x509.Chain | None,
    *,
    time: datetime | None,
    authority: x509.Certificate | None,
    byte_range: tuple[int, ...],
    contents: str,
    size: int,
) -> Mark:
    """Return the facts of one signature or time-stamp. Total."""
    return Mark(
        where=where,
        kind=kind,
        name=certificate.subject_text if certificate else "",
        issuer=certificate.issuer_text if certificate else "",
        serial=f"{certificate.serial:x}"[:80] if certificate else "",
        key=x509.key_text(certificate) if certificate else "",
        valid_from=shape.utc_text(certificate.not_before) if certificate else "",
        valid_until=shape.utc_text(certificate.not_after) if certificate else "",
        chain=tuple(one.subject_text for one in chain.certificates) if chain else (),
        time=shape.utc_text(time) if time else "",
        authority=authority.subject_text if authority else "",
        covers=sum(byte_range[2:4]) if len(byte_range) == 4 else 0,
        size=size,
        byte_range=byte_range,
        contents=contents,
    )


def marks_from(values: Iterable[Mapping[str, object]]) -> tuple[Mark, ...]:
    """Return what ``to_dict`` wrote, once through JSON; raises TypeError for anything else."""
    return tuple(Mark(**{key: _listed(value) for key, value in one.items()}) for one in values)  # type: ignore[arg-type]  # as to_dict wrote it


def _listed(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
