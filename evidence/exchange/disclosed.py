"""What the exchange formats are made from: disclosed values only, with proof of where they stand.

An ``Exchange`` holds nothing that its bundle does not disclose, so no writer of this room can give
away what was withheld. Sequences and Bates numbers are 1-based; hashes are lower-case hex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from evidence.errors import EvidenceError
from evidence.formats.custody import Line as CustodyLine
from evidence.values import Json, Participant

Disclosure = Literal["whole", "partly", "withheld", "gap"]
Load = Callable[[], Iterator[bytes]]
HIDDEN = "█████"
"""Stands in a body for each withheld stretch."""
ALL = "*"


class NotConvertible(EvidenceError):
    """The file is no bundle, or one that contradicts itself; nothing was written from it."""

    code = "bundle_not_convertible"
    sentence = "This file cannot be converted: it is not a bundle, or it was changed."


@dataclass(frozen=True, slots=True)
class ExchangeFile:
    """One attachment as its message states it. load: None when the bundle does not hold it."""

    name: str
    kind: str
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    path: str = ""
    load: Load | None = None


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One row of a series, or a gap.

    - ``whole``: ``fields`` holds every field.
    - ``partly``: ``fields`` holds what is disclosed; ``pieces`` the body where it is shown in part,
      None for each withheld segment.
    - ``withheld``: ``fields`` holds the sequence alone.
    - ``gap``: rows ``sequence`` to ``last`` were not chosen; there is nothing else.
    """

    disclosure: Disclosure
    sequence: int
    last: int
    fields: Mapping[str, Json] = field(default_factory=dict)
    leaf: str = ""
    withheld: tuple[str, ...] = ()
    """As the manifest names it: ``("*",)`` or ``("body:3-5", "source_text")``."""
    reason: str = ""
    pieces: tuple[str | None, ...] | None = None
    files: tuple[ExchangeFile, ...] = ()
    page: int | None = None
    """Bates number of the page on which the row begins, where it was found."""

    def text(self) -> str | None:
        """Return the body as disclosed, ``HIDDEN`` for each withheld stretch."""
        if self.pieces is None:
            body = self.fields.get("body")
            return body if isinstance(body, str) else None
        found: list[str] = []
        for piece in self.pieces:
            if piece is not None:
                found.append(piece)
            elif not found or found[-1] is not HIDDEN:
                found.append(HIDDEN)
        return "".join(found)

    def mapping(self, name: str) -> Mapping[str, Json]:
        """Return a field that holds an object; empty when absent or withheld."""
        value = self.fields.get(name)
        return value if isinstance(value, dict) else {}

    def items(self, name: str) -> list[dict[str, Json]]:
        """Return a field that holds a list of objects; empty when absent or withheld."""
        value = self.fields.get(name)
        return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

    def utc(self) -> str | None:
        """Return the interpreted time as sealed, RFC 3339 ending in ``Z``."""
        return string(self.mapping("time").get("utc"))


def string(value: Json) -> str | None:
    """Return ``value`` when it is a text that says something."""
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class ExchangeSeries:
    """One series. ``rows`` may be called again and yields ascending by sequence."""

    id: str
    title: str
    platform: str
    rows: Callable[[], Iterator[ExchangeRow]]
    size: int
    """Rows of the series as delivered."""
    custodian: str | None = None
    participants: tuple[Participant, ...] = ()
    """Those the bundle names; a writer adds who else stands in disclosed rows."""
    zone: str | None = None
    """IANA zone stated when the series was acquired."""
    acquisition: str = ""
    parser: str = ""
    root: str = ""


@dataclass(frozen=True, slots=True)
class ExchangeVolume:
    """One signed PDF with its pages in Bates numbers."""

    path: str
    pages: int
    bates_first: int
    bates_last: int
    size: int
    load: Load


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one bundle discloses."""

    bundle: str
    created: str
    """RFC 3339 ending in ``Z``."""
    deployment: str
    language: str
    matter: Mapping[str, str | None]
    """name, number, purpose, authority, requester."""
    series: tuple[ExchangeSeries, ...]
    volumes: tuple[ExchangeVolume, ...] = ()
    custody: Callable[[], Iterator[CustodyLine]] = lambda: iter(())
    log_origin: str = ""
    bates_prefix: str = "TT"
    bates_digits: int = 6

    def bates(self, number: int | None) -> str:
        """Return the label stamped on page ``number``; blank for None."""
        return "" if number is None else f"{self.bates_prefix}-{number:0{self.bates_digits}d}"
