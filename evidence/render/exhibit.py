"""What an exhibit is made of: the values the renderer takes, whole and nothing else.

The room reads no clock, no database and no settings, so equal values give equal bytes. Texts that
people stated (matter, purpose, names) are printed as they are; nothing here is mark-up.
Times are aware. Hashes are lower-case hex. Sequences are 1-based.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from evidence.values import Message, Participant

Language = Literal["en", "zh"]
Paper = Literal["A4", "Letter"]
Style = Literal["record", "conversation"]
Jurisdiction = Literal["cn", "us", "eu"]
Trust = Literal["public", "configured", "development"]

DEFAULT_MAX_PAGES = 2_000
DEFAULT_MAX_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large one PDF may become before the next volume is opened."""

    max_pages: int = DEFAULT_MAX_PAGES
    max_bytes: int = DEFAULT_MAX_BYTES
    max_image_pixels: int = 250_000_000
    """Pictures with more pixels are listed, not drawn."""
    leaf_list_rows: int = 2_000
    """Up to so many rows every full leaf hash is printed in the hash appendix; above, the appendix
    says where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Who runs the service that issues the exhibit, and how far its keys are to be trusted."""

    name: str
    origin: str
    """Origin of the custody log."""
    trust: Trust
    operator: str = ""
    """Legal name of the operator; blank prints a line to fill in nowhere, it is simply left out."""
    log_vkey: str = ""
    software: str = "TrueThread"
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """The case, as stated by the requester; any text may be blank."""

    name: str = ""
    number: str = ""
    purpose: str = ""
    authority: str = ""
    requester: str = ""
    custodian: str = ""
    object_of_proof: str = ""
    """证明对象与内容: what the requester offers the evidence to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StampAuthority:
    """Who operates the time-stamp authority. ``name`` and ``operator`` are printed as given."""

    name: str
    operator: str
    independent: bool
    """False for the local authority: then the exhibit says that time is not independent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bates:
    """Page numbers of the matter, drawn when the page is made."""

    prefix: str = "TT"
    first: int = 1
    digits: int = 6

    def label(self, number: int) -> str:
        """Return the label of page ``number`` (``number`` counts within the matter, from 1)."""
        return f"{self.prefix}-{number:0{self.digits}d}" if self.prefix else f"{number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A fact nobody could check: printed as "stated by …"."""

    what: str
    value: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """One delivery of source data. ``files``: original and its members, disclosed ones only."""

    id: str
    received: datetime
    received_by: str
    method: str
    """How it came: "upload", "API push" … in the exhibit's language."""
    format: str
    """Name of the source format, for example "WhatsApp text export (Android)"."""
    parser: str
    """Name and version of the parser."""
    original_name: str = ""
    """Blank when the original is withheld."""
    original_size: int | None = None
    original_sha256: str = ""
    original_sm3: str = ""
    original_in_bundle: bool = False
    answers: tuple[Statement, ...] = ()
    """Time zone, date order …: what a person answered and who it was."""
    warnings: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    stamped: datetime | None = None
    """``genTime`` of the token that covers the acquisition."""
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyPicture:
    """A picture somebody supplied beside a participant.

    load: returns a JPEG of our own making, RGB, upright, ``width`` × ``height`` pixels; called when it
    is needed, maybe twice. name, size, sha256, path: of the file in the bundle.
    """

    load: Callable[[], bytes]
    width: int
    height: int
    name: str
    size: int
    sha256: str
    path: str
    by: str
    supplied: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One participant with what is known about who that is."""

    participant: Participant
    basis: str
    """How the name was arrived at, for example "as named by the source; not verified"."""
    stated_identity: Statement | None = None
    pictures: tuple[PartyPicture, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """Another series or reading this custodian holds of the same conversation."""

    series: str
    description: str
    same: int
    different: int
    missing: int
    extra: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A stretch of a body that is withheld; ``segments`` is how many sealed segments it hides."""

    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentFile:
    """Where the bytes of one attachment are. ``load`` is called when they are needed, maybe twice.

    path: where the file stands in the bundle ("" when it is not in it).
    """

    load: Callable[[], bytes] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a transcript.

    - ``whole``: everything in ``message`` is shown.
    - ``partly``: ``message`` holds the disclosed fields; those in ``withheld`` are blacked out. When
      the body is partly withheld ``body`` holds its pieces in order.
    - ``withheld``: only ``message.sequence`` may be shown, with the reason.
    - ``gap``: ``count`` messages, ``first`` to ``last``, are not included; there is no message.
    """

    disclosure: Literal["whole", "partly", "withheld", "gap"]
    message: Message | None = None
    leaf: str = ""
    """Leaf hash, 64 hex characters; the row prints the first 16."""
    withheld: frozenset[str] = frozenset()
    """Names of the withheld fields of a ``partly`` row."""
    body: tuple[str | Redacted, ...] | None = None
    reason: str = ""
    files: tuple[AttachmentFile, ...] = ()
    """Beside ``message.attachments``, in the same order; may be shorter."""
    first: int = 0
    last: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One part of the selection: rows of one series, in order.

    ``rows`` is called for each pass over the rows (once for the exhibit, once for a filing copy).
    """

    series: str
    title: str
    platform: str
    rows: Callable[[], Iterator[Row]]
    size: int
    """Rows of the series as delivered."""
    span: tuple[int, int]
    shown: int
    """Rows shown whole or in part."""
    withheld: int
    """Rows inside the span withheld whole."""
    partly: int
    """Rows shown in part."""
    gaps: int
    """Stretches of rows inside the span that were not chosen."""
    omitted: int
    """Rows in those stretches."""
    rule: str
    """How the rows were chosen, in words."""
    acquisition: str = ""
    custodian: str = ""
    zone: str = ""
    """IANA zone in which times are shown; blank: each row shows the offset its time was read with."""
    zone_stated_by: str = ""
    first_time: datetime | None = None
    last_time: datetime | None = None
    root: str = ""
    sm3_root: str = ""
    head_digest: str = ""
    parties: tuple[Party, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    script: Literal["", "zh-Hans", "zh-Hant", "ja", "ko"] = ""
    """Which forms of Han characters to draw; blank: Japanese in text with kana, else Simplified."""
    reasons: tuple[str, ...] = ()
    """Reasons given for what is withheld, each once."""

    @property
    def contiguous(self) -> bool:
        """Return True when no row inside the span was left out."""
        return self.gaps == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyLine:
    """One entry of the custody log that concerns this exhibit; ``event`` blank: digest only."""

    index: int
    time: datetime | None = None
    event: str = ""
    actor: str = ""
    where: str = ""
    why: str = ""
    subjects: tuple[str, ...] = ()
    """For example "series 3f2a… no. 2"."""
    details: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HashLine:
    """One hash of the appendix."""

    name: str
    sha256: str
    size: int | None = None
    sm3: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The custody log as it stood when the exhibit was prepared."""

    size: int
    root: str
    stamped: datetime | None = None
    witnesses: tuple[str, ...] = ()
    """Empty: the exhibit says that nobody else has seen this log ("single view")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """Everything that is printed. Equal exhibits give equal bytes."""

    bundle_id: str
    language: Language
    created: datetime
    deployment: Deployment
    matter: Matter
    stamp: StampAuthority
    transcripts: tuple[Transcript, ...]
    selection_digest: str
    verification_url: str
    acquisitions: tuple[Acquisition, ...] = ()
    custody: tuple[CustodyLine, ...] = ()
    log: LogState | None = None
    hashes: tuple[HashLine, ...] = ()
    statements: tuple[Statement, ...] = ()
    """Identity, authority and the like, each as stated by somebody."""
    environment: tuple[tuple[str, str], ...] = ()
    """Software and versions that read, sealed and rendered, as (name, version)."""
    checks: tuple[tuple[str, str], ...] = ()
    """Checks run during acquisition and export with their outcome, as (check, outcome)."""
    bates: Bates = field(default_factory=Bates)
    paper: Paper = "A4"
    style: Style = "record"
    jurisdiction: Jurisdiction | None = None
    version: str = "1"
    """Version of the bundle format."""
    verifiable_until: datetime | None = None
    """Until when the signatures can be checked unaided (end of the last certificate)."""
    privacy: str = ""
    """Basis for handling third parties' data, recipient and retention, as stated."""
    original_carrier: str = ""
    """Where the original device or account is and who keeps it, as stated."""
    neutrality: str = ""
    """Statement about the operator's independence of the parties and its certifications."""


@dataclass(frozen=True, slots=True)
class SealBox:
    """Where the visible signature goes: 0-based page and rectangle in points, origin lower left."""

    page: int
    rect: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class MissingGlyph:
    """A character no font has; it was drawn as its code point."""

    code_point: int
    count: int
    first_bates: str


@dataclass(frozen=True, slots=True)
class RenderedVolume:
    """One finished (or, for the master, planned) PDF. Bates labels as drawn; pages ≥ 1."""

    path: Path
    pages: int
    bates_first: str
    bates_last: str
    seal_box: SealBox
    number: int
    """1 is the master."""
    of: int
    missing_glyphs: tuple[MissingGlyph, ...] = ()
