"""What goes into and out of the room: answers, findings, series, and the parser protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol, TypeAlias

from evidence.values import Message, Participant

Span: TypeAlias = tuple[str, int, int]
"""``(member, offset, length)`` in bytes; member is "" for a bare file."""

DATE_ORDERS = ("dmy", "mdy", "ymd")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a delivered file may ask of us; checked before anything is unpacked."""

    max_file_bytes: int = 8 << 30
    max_entries: int = 10_000
    max_total_bytes: int = 4 << 30
    max_ratio: int = 100
    ratio_applies_above: int = 1_000_000
    max_directory_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person stated about the source; None where nothing was stated.

    timezone: IANA name. date_order: "dmy", "mdy" or "ymd". owner: the name or platform id under
    which the custodian appears in the source.
    """

    timezone: str | None = None
    date_order: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Something the file does not say and no parser may guess.

    code: "timezone" or "date_order". choices: likely answers; for "timezone" any other IANA name
    is taken as well. examples: strings of the file that show why the question arises.
    """

    code: str
    choices: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceWarning:
    """Something about a conversation that a person choosing from it should know.

    where: a sequence, a member name or a field name of the source; "" for the whole.
    """

    code: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the chat file found out; opaque to callers, made and read by parsers.

    date_orders: the orders every date of the file fits, best known first; one entry means the
    file itself decides, none that its dates are not in doubt. facts: what else a parser noted.
    """

    needs_timezone: bool = False
    timezone_examples: tuple[str, ...] = ()
    likely_timezones: tuple[str, ...] = ()
    date_orders: tuple[str, ...] = ()
    date_examples: tuple[str, ...] = ()
    encoding: str = "utf-8"
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examination:
    """What a delivered file is. sha256 and size are of the whole file as delivered."""

    format: str
    parser_name: str
    parser_version: str
    name: str
    sha256: str
    size: int
    member: str
    """The archive member that holds the chat; "" for a bare file."""
    members: int
    """Files in the archive, folders not counted; 0 for a bare file."""
    survey: Survey


@dataclass(frozen=True, slots=True)
class SeriesStart:
    """One conversation begins; every Message up to the next SeriesEnd belongs to it.

    identity: stable text by which the same conversation of the same custodian is recognised in
    another export. header_spans: source bytes up to here that hold structure and known header
    fields only. date_order and date_order_basis ("file" or "stated"): how dates were read,
    None where the format leaves no doubt.
    """

    platform: str
    platform_id: str | None
    title: str | None
    conversation_type: str
    """``"direct"``, ``"group"``, ``"channel"`` or ``"unknown"``."""
    identity: str
    owner_name: str | None = None
    owner_id: str | None = None
    header_spans: tuple[Span, ...] = ()
    date_order: str | None = None
    date_order_basis: str | None = None


@dataclass(frozen=True, slots=True)
class SeriesEnd:
    """The conversation that began last is complete.

    message_count counts every row, unparsed ones included, and equals the last sequence.
    first_utc, last_utc: earliest and latest interpreted time, RFC 3339 with ``Z``.
    trailer_spans: structure after the last row that no later SeriesStart will account for.
    """

    participants: tuple[Participant, ...]
    warnings: tuple[SourceWarning, ...]
    first_utc: str | None
    last_utc: str | None
    message_count: int
    unparsed_count: int
    trailer_spans: tuple[Span, ...] = ()


Event: TypeAlias = SeriesStart | Message | SeriesEnd


@dataclass(frozen=True, slots=True)
class StoredMember:
    """An attachment found in the archive, read once to its end."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ChatFile:
    """The one file a parser reads, whether it lay bare or in an archive.

    title: file name without folder and ending, of the archive if the member's own name says
    nothing. attachment: looks an attachment up by name (or path) as the chat mentions it.
    unreferenced: names of members never looked up so far.
    """

    name: str
    archive_name: str
    member: str
    size: int
    open: Callable[[], BinaryIO]
    attachment: Callable[[str], StoredMember | None]
    unreferenced: Callable[[], list[str]]


class Parser(Protocol):
    """One layout of one product. Pure: everything comes from ChatFile, Survey and Answers."""

    @property
    def name(self) -> str:
        """Stable name, sealed into the series head; product and layout, lower case."""

    @property
    def version(self) -> str:
        """Raised whenever the same bytes would give other rows."""

    @property
    def format(self) -> str:
        """Format code of the bare file."""

    @property
    def zip_format(self) -> str:
        """Format code when it lies in an archive."""

    def recognises(self, head: bytes, name: str) -> bool:
        """True when the first bytes (up to 64 KiB) have this layout's shape."""

    def survey(self, chat: ChatFile) -> Survey:
        """Read the file once and say what it leaves open."""

    def read(self, chat: ChatFile, survey: Survey, answers: Answers) -> Iterator[Event]:
        """Yield series after series; between two series nothing is yielded."""
