"""The file around an RSMF manifest: a mail with a text part and one attachment, ``rsmf.zip``.

Headers: Date, From, To, Subject, Message-ID, MIME-Version and
    X-RSMF-Version 2.0.0 · X-RSMF-Generator · X-RSMF-BeginDate, X-RSMF-EndDate (earliest and latest
    timestamp of the manifest, RFC 3339) · X-RSMF-EventCount · X-RSMF-AttachmentCount ·
    X-RSMF-Participants (how they are shown, separated by ``;``) · X-RSMF-Application ·
    X-RSMF-Custodian · X-RSMF-EventCollectionID (equal in all files of one series)
Both parts are base64, lines of 76 characters, CRLF everywhere. No text of a chat reaches a header
with a line break in it.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from types import TracebackType
from typing import IO, BinaryIO, cast
from zoneinfo import ZoneInfo

from evidence.exchange.disclosed import Load
from evidence.exchange.people import Person
from evidence.exchange.plain_text import header, mailbox, one_line, readable, words_header
from evidence.formats import bundle

VERSION = "2.0.0"
GENERATOR = "TrueThread"
MANIFEST = "rsmf_manifest.json"
ARCHIVE = "rsmf.zip"
DOMAIN = "rsmf.invalid"
_BOUNDARY = "=_truethread_rsmf"
_IN_MEMORY = 16 << 20
_LINE = 57
_PIECE = _LINE * 16_384
_MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands around the events of one file."""

    subject: str
    application: str
    custodian: str
    sender: Person | None
    people: tuple[Person, ...]
    conversation: Mapping[str, object]
    participants: tuple[Mapping[str, object], ...]
    times: tuple[str, str] | None
    """Earliest and latest timestamp of the manifest."""
    created: str
    """Stands for them where no event has one."""
    zone: ZoneInfo
    events: int
    attachments: int
    collection: str
    message_id: str


class Body:
    """Events and searchable text of one file, on disk when they are large."""

    def __init__(self) -> None:
        self.events: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)
        self.text: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)

    def __enter__(self) -> Body:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.events.close()
        self.text.close()

    def add_event(self, event: bytes, text: bytes) -> None:
        """Append one event, as JSON, and what a search should find of it."""
        if self.events.tell():
            self.events.write(b",")
        self.events.write(event)
        self.text.write(text + b"\n")


def write(out: BinaryIO, facts: Facts, body: Body, members: Mapping[str, tuple[int, Load]]) -> None:
    """Write one RSMF file to ``out``; members: the attachments its events name."""
    out.write(_headers(facts))
    out.write(_part('Content-Type: text/plain; charset="utf-8"'))
    _write_base64(out, _text(facts, body))
    out.write(
        _part(
            f'Content-Type: application/zip; name="{ARCHIVE}"',
            f'Content-Disposition: attachment; filename="{ARCHIVE}"',
        )
    )
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as archive:
        _write_archive(cast(BinaryIO, archive), facts, body, members)
        _write_base64(out, _pieces(archive))
    out.write(f"--{_BOUNDARY}--\r\n".encode())


def _part(*headers: str) -> bytes:
    lines = [f"--{_BOUNDARY}", *headers, "Content-Transfer-Encoding: base64", "", ""]
    return "\r\n".join(lines).encode()


def _headers(facts: Facts) -> bytes:
    first, last = facts.times or (facts.created, facts.created)
    date = _shown(first, facts.zone)
    names = [one_line(one.display, 100).replace(";", ",") for one in facts.people]
    return b"".join(
        (
            words_header("Date", format_datetime(date).split(" ")),
            words_header("From", _mailbox(facts.sender, facts)),
            words_header("To", _mailboxes(facts)),
            header("Subject", facts.subject),
            words_header("Message-ID", [f"<{facts.message_id}@{DOMAIN}>"]),
            b"MIME-Version: 1.0\r\n",
            header("X-RSMF-Version", VERSION),
            header("X-RSMF-Generator", GENERATOR),
            header("X-RSMF-BeginDate", first),
            header("X-RSMF-EndDate", last),
            header("X-RSMF-EventCount", str(facts.events)),
            header("X-RSMF-AttachmentCount", str(facts.attachments)),
            header("X-RSMF-Participants", "; ".join(names[:_MOST_NAMES]), longest=4_000),
            header("X-RSMF-Application", facts.application),
            header("X-RSMF-Custodian", facts.custodian),
            header("X-RSMF-EventCollectionID", facts.collection),
            f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"\r\n\r\n'.encode(),
        )
    )


def _shown(moment: str, zone: ZoneInfo) -> datetime:
    """Return a moment in ``zone``; as it is where that would leave the years there are."""
    found = datetime.fromisoformat(moment)
    try:
        return found.astimezone(zone)
    except OverflowError:
        return found


def _mailbox(person: Person | None, facts: Facts) -> list[str]:
    if person is None:
        return mailbox("unknown", f"unknown@{DOMAIN}")
    return mailbox(person.display, f"participant-{_number(person, facts)}@{DOMAIN}")


def _mailboxes(facts: Facts) -> list[str]:
    found: list[str] = []
    for person in [one for one in facts.people if one is not facts.sender][:_MOST_NAMES]:
        words = _mailbox(person, facts)
        if found:
            found[-1] += ","
        found += words
    return found or ["undisclosed-recipients:;"]


def _number(person: Person, facts: Facts) -> int:
    return 1 + next(place for place, one in enumerate(facts.people) if one is person)


def _text(facts: Facts, body: Body) -> Iterator[bytes]:
    shown = [f"{one.key}: {one.display}" for one in facts.people]
    head = [readable(facts.subject), "", *(readable(one_line(line)) for line in shown), "", ""]
    yield "\n".join(head).encode()
    yield from _pieces(body.text)


def _write_archive(
    out: BinaryIO, facts: Facts, body: Body, members: Mapping[str, tuple[int, Load]]
) -> None:
    before, after = _around_events(facts)
    size = len(before) + body.events.tell() + len(after)

    def manifest() -> Iterator[bytes]:
        yield before
        yield from _pieces(body.events)
        yield after

    bundle.write_zip(out, {**members, MANIFEST: (size, manifest)})


def _around_events(facts: Facts) -> tuple[bytes, bytes]:
    """Return the bytes of the manifest before and after its events."""
    value = {
        "conversations": [facts.conversation],
        "eventcollectionid": facts.collection,
        "events": [],
        "participants": list(facts.participants),
        "version": VERSION,
    }
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    tail = json.dumps(
        {"participants": value["participants"], "version": VERSION},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    end = f"],{tail[1:]}"
    return text[: len(text) - len(end)].encode(), end.encode()


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    end = file.seek(0, 2)
    at = 0
    while at < end:
        file.seek(at)
        piece = file.read(min(_PIECE, end - at))
        at += len(piece)
        yield piece


def _write_base64(out: BinaryIO, pieces: Iterator[bytes]) -> None:
    rest = b""
    for piece in pieces:
        data = rest + piece
        whole = len(data) - len(data) % _LINE
        out.write(base64.encodebytes(data[:whole]).replace(b"\n", b"\r\n"))
        rest = data[whole:]
    out.write(base64.encodebytes(rest).replace(b"\n", b"\r\n"))
