r"""Concordance DAT and Opticon OPT with TEXT, NATIVES and IMAGES.

    VOL001/DATA/VOL001.dat          records, UTF-8 with BOM
    VOL001/DATA/VOL001.opt          one line per page of the PDFs
    VOL001/DATA/VOL001-changes.csv  every field whose text could not stand as it is
    VOL001/IMAGES/…                 the signed PDFs, named by their first Bates number
    VOL001/NATIVES/001/…            disclosed attachments, named by their DOCID
    VOL001/TEXT/001/…               text of each message, UTF-8, named by its DOCID

**DAT.** Fields between þ (U+00FE), separated by U+0014, CRLF after each record, several values
separated by ``;``: a ``;`` in one of several names becomes ``,``, so that no name makes two people.
Line breaks within a field become ® (U+00AE). þ, ® and U+0014 of a text become ``(th)``, ``(R)`` and
U+FFFD, NUL and lone surrogates U+FFFD; each such change is listed, and BODYHEX then holds the exact bytes of the body. A line feed alone in a body is the ordinary case: its ® is
counted in the list, and BODYHEX stays empty.

**Records.** First one per PDF (DOCTYPE Exhibit) with its Bates range, the documents of the OPT; then
one per message (Chat) in the order of the bundle, each followed by its disclosed attachments
(Attachment). DOCID is unique: bundle, series, message, attachment. BEGBATES and ENDBATES of a message
are the page on which it begins; PAGECOUNT is 1 there. Dates are those of TIMEZONE. Where the platform
names messages by ids of its own (MSGID), REPLYTOID, EDITOF and RECALLOF name the message a reply
answers, a new text replaces or a recall takes back; HASEDITS is Y for the new text too.

Paths begin with a backslash at the volume. ``RSMFLINK`` is empty: RSMF files are written apart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from evidence.exchange.csv_table import safe_cell
from evidence.exchange.disclosed import (
    Exchange,
    ExchangeFile,
    ExchangeRow,
    ExchangeSeries,
    ExchangeVolume,
    Load,
    string,
)
from evidence.exchange.flat_rows import body_in_hex, flat
from evidence.exchange.people import People
from evidence.exchange.plain_text import REPLACEMENT, readable, valid
from evidence.exchange.slices import local_time, zone_of
from evidence.exchange.small_files import SmallFiles

VOLUME = "VOL001"
QUOTE, SEPARATOR, NEWLINE = "\u00fe", "\u0014", "\u00ae"
BOM = b"\xef\xbb\xbf"
PER_FOLDER = 1_000
FIELDS = (
    "DOCID", "PARENTDOCID", "BEGBATES", "ENDBATES", "BEGATTACH", "ENDATTACH", "PAGECOUNT",
    "CUSTODIAN", "ALLCUSTODIANS", "DOCTYPE", "PLATFORM", "CONVERSATION", "CONVERSATIONID",
    "CONVERSATIONPARTICIPANTS", "CONVERSATIONSLICESENDERS", "FROM", "TO", "PARTICIPANTS",
    "THREADID", "PARENTMSGID", "DATESENT", "TIMESENT", "TIMEZONE", "BEGINDATE_UTC", "ENDDATE_UTC",
    "MSGCOUNT", "ATTACHCOUNT", "FILENAME", "FILEEXT", "FILESIZE", "SOURCEFILE", "SOURCEPATH",
    "MD5HASH", "SHA256HASH", "DUPLICATEOF", "HASEDITS", "DELETEDFLAG", "REDACTED",
    "CONFIDENTIALITY", "NATIVELINK", "TEXTLINK", "RSMFLINK",
    "MSGNUMBER", "MSGID", "MSGKIND", "MSGHASH", "BODY", "BODYHEX", "SENDERKEY", "SENDERID",
    "DIRECTION", "TIMERAW", "TIMEBASIS", "SOURCEOFFSET", "SOURCELENGTH", "DISCLOSURE",
    "WITHHELDFIELDS", "WITHHELDREASON", "REPLYTOID", "EDITOF", "RECALLOF",
)  # fmt: skip
"""The fields of law firms' protocols, then our own."""

_TROUBLE = re.compile("[\x00\x14\u00ae\u00fe\r\n\u0085\u2028\u2029\ud800-\udfff]")
_NEWLINES = re.compile("\r\n|[\r\n\u0085\u2028\u2029]")
_OTHERS = {"\u00fe": "(th)", "\u00ae": "(R)"}


@dataclass(frozen=True, slots=True)
class LoadFile:
    """What was written. changes: fields whose text was changed."""

    folder: Path
    records: int
    messages: int
    attachments: int
    pages: int
    changes: int


def write_load_file(
    exchange: Exchange, folder: Path, *, zone: str | None = None, confidentiality: str = ""
) -> LoadFile:
    """Write the volume into ``folder`` and return what was written.

    zone: IANA zone of DATESENT and TIMESENT; without it the one stated for each series, or UTC.
    Raises ValueError for an unknown zone. Streams: memory does not grow with messages.
    """
    volume = folder / VOLUME
    for name in ("DATA", "IMAGES", "NATIVES", "TEXT"):
        (volume / name).mkdir(parents=True, exist_ok=True)
    data = volume / "DATA" / VOLUME
    with (
        data.with_suffix(".dat").open("wb") as dat,
        data.with_suffix(".opt").open("wb") as opt,
        data.with_name(f"{VOLUME}-changes.csv").open("wb") as changes,
        SmallFiles() as texts,
    ):
        writer = _Writer(exchange, volume, dat, changes, texts, confidentiality)
        writer.head()
        pages = sum(writer.exhibit(one, opt) for one in exchange.volumes)
        for place, series in enumerate(exchange.series, start=1):
            writer.series(series, place, zone_of(zone or series.zone or "UTC"))
    return LoadFile(
        volume, writer.records, writer.messages, writer.attachments, pages, writer.changed
    )


class _Writer:
    def __init__(
        self,
        exchange: Exchange,
        volume: Path,
        dat: BinaryIO,
        changes: BinaryIO,
        texts: SmallFiles,
        legend: str,
    ) -> None:
        self.exchange, self.volume, self.dat, self.changes = exchange, volume, dat, changes
        self.texts, self.legend = texts, legend
        self.records = self.messages = self.attachments = self.changed = 0
        self.inner: dict[str, int] = {}
        """Field of several names → how many ``;`` of them were replaced, in the record at hand."""
        custodians = dict.fromkeys(one.custodian for one in exchange.series if one.custodian)
        self.custodians = self._several("ALLCUSTODIANS", custodians)

    def head(self) -> None:
        self.dat.write(BOM + _record(FIELDS))
        self.changes.write(BOM + b'"DOCID","FIELD","CHANGE","COUNT"\r\n')

    def exhibit(self, volume: ExchangeVolume, opt: BinaryIO) -> int:
        """Copy one PDF, write its record and its lines of the OPT; return its pages."""
        label = self.exchange.bates(volume.bates_first)
        name = f"{label}.pdf"
        size, md5, sha256 = _copy(volume.load, self.volume / "IMAGES" / name)
        last = self.exchange.bates(volume.bates_last)
        self._write(
            label,
            {
                "BEGBATES": label, "ENDBATES": last, "BEGATTACH": label, "ENDATTACH": last,
                "PAGECOUNT": str(volume.pages), "CUSTODIAN": self.custodians,
                "ALLCUSTODIANS": self.custodians, "DOCTYPE": "Exhibit", "FILENAME": name,
                "FILEEXT": "pdf", "FILESIZE": str(size), "MD5HASH": md5, "SHA256HASH": sha256,
                "SOURCEPATH": volume.path, "NATIVELINK": f"\\IMAGES\\{name}",
            },
        )  # fmt: skip
        for page in range(volume.pages):
            key = self.exchange.bates(volume.bates_first + page)
            first = ("Y", str(volume.pages)) if page == 0 else ("", "")
            line = f"{key},{VOLUME},\\IMAGES\\{name},{first[0]},,,{first[1]}\r\n"
            opt.write(line.encode("ascii"))
        return volume.pages

    def series(self, series: ExchangeSeries, place: int, zone: ZoneInfo) -> None:
        people = People(series.participants)
        shared = {
            "CUSTODIAN": series.custodian or "",
            "ALLCUSTODIANS": self.custodians,
            "PLATFORM": series.platform,
            "CONVERSATION": series.title,
            "CONVERSATIONID": series.id,
            "CONVERSATIONPARTICIPANTS": self._several(
                "CONVERSATIONPARTICIPANTS", (one.display for one in people.all())
            ),
            "PARTICIPANTS": self._several("PARTICIPANTS", _names(series)),
            "TIMEZONE": zone.key,
        }
        for row in series.rows():
            if row.disclosure != "gap":
                self._message(row, series, place, zone, shared)

    def _message(
        self,
        row: ExchangeRow,
        series: ExchangeSeries,
        place: int,
        zone: ZoneInfo,
        shared: dict[str, str],
    ) -> None:
        doc = f"{self.exchange.bundle[:8].upper()}-{place:02d}-{row.sequence:08d}"
        held = [(n, one) for n, one in enumerate(row.files, start=1) if one.load is not None]
        cells = {**shared, **_message_cells(row, series, self.exchange, zone)}
        cells["TO"] = self._several("TO", _recipients(row, series))
        cells["CONVERSATIONSLICESENDERS"] = self._several(
            "CONVERSATIONSLICESENDERS", filter(None, [cells["FROM"]])
        )
        cells["ATTACHCOUNT"] = str(len(row.files))
        cells["TEXTLINK"] = self._text(doc, row)
        self.messages += 1
        self._write(doc, cells)
        for number, file in held:
            self._attachment(f"{doc}-{number:03d}", doc, file, cells)

    def _text(self, doc: str, row: ExchangeRow) -> str:
        folder = f"{1 + (self.messages // PER_FOLDER):03d}"
        if self.messages % PER_FOLDER == 0:
            (self.volume / "TEXT" / folder).mkdir(exist_ok=True)
        self.texts.add(f"{self.volume}/TEXT/{folder}/{doc}.txt", _text_of(row).encode())
        return f"\\TEXT\\{folder}\\{doc}.txt"

    def _attachment(self, doc: str, parent: str, file: ExchangeFile, cells: dict[str, str]) -> None:
        if file.load is None:
            return
        number = f"{1 + (self.attachments // PER_FOLDER):03d}"
        folder = self.volume / "NATIVES" / number
        folder.mkdir(exist_ok=True)
        ending = file.path.rpartition(".")[2]
        size, md5, sha256 = _copy(file.load, folder / f"{doc}.{ending}")
        kept = (
            "CUSTODIAN", "ALLCUSTODIANS", "PLATFORM", "CONVERSATION", "CONVERSATIONID",
            "CONVERSATIONPARTICIPANTS", "TIMEZONE", "BEGBATES", "ENDBATES", "BEGATTACH",
            "ENDATTACH", "FROM", "DATESENT", "TIMESENT", "BEGINDATE_UTC", "ENDDATE_UTC",
            "MSGNUMBER", "MSGHASH",
        )  # fmt: skip
        self.attachments += 1
        self._write(
            doc,
            {name: cells[name] for name in kept if name in cells}
            | {
                "PARENTDOCID": parent, "DOCTYPE": "Attachment", "FILENAME": file.name,
                "FILEEXT": ending, "FILESIZE": str(size), "MD5HASH": md5, "SHA256HASH": sha256,
                "SOURCEPATH": file.path, "NATIVELINK": f"\\NATIVES\\{number}\\{doc}.{ending}",
            },
        )  # fmt: skip

    def _several(self, field: str, names: Iterable[str]) -> str:
        """Return ``names`` as the values of one field, each of them one value."""
        found = list(names)
        text = ";".join(found)
        count = text.count(";") - max(len(found) - 1, 0)
        self.inner.pop(field, None)
        if not count:
            return text
        self.inner[field] = count
        return ";".join(name.replace(";", ",") for name in found)

    def _write(self, doc: str, cells: dict[str, str]) -> None:
        cells["DOCID"] = doc
        cells["CONFIDENTIALITY"] = self.legend
        # One search for all: trouble is rare, and this is the innermost loop.
        if self.inner or _TROUBLE.search("".join(cells.values())):
            for name, text in cells.items():
                if name in self.inner or _TROUBLE.search(text):
                    cells[name] = self._changed(doc, name, text)
        self.dat.write(_record([cells.get(name, "") for name in FIELDS]))
        self.records += 1

    def _changed(self, doc: str, name: str, text: str) -> str:
        """Return ``text`` as a field may hold it, and list what that changed."""
        found, counts = dat_text(text)
        if name in self.inner:
            counts["U+003B to ,"] = self.inner[name]
        for what, count in counts.items():
            line = ",".join(f'"{safe_cell(cell)}"' for cell in (doc, name, what, str(count)))
            self.changes.write(f"{line}\r\n".encode())
        self.changed += 1
        return found


def dat_text(text: str) -> tuple[str, dict[str, int]]:
    """Return ``text`` as a field of a DAT, and how often each kind of character was replaced."""
    counts: dict[str, int] = {}

    def replace(what: str, by: str, found: str) -> str:
        count = found.count(what)
        if count:
            counts[f"U+{ord(what):04X} to {by}"] = count
        return found.replace(what, by)

    for what, by in _OTHERS.items():
        text = replace(what, by, text)
    for what in (SEPARATOR, "\0"):
        text = replace(what, REPLACEMENT, text)
    whole = valid(text)
    if whole != text:
        lone = sum(before != after for before, after in zip(text, whole, strict=True))
        counts["lone surrogate to U+FFFD"] = lone
    whole, breaks = _NEWLINES.subn(NEWLINE, whole)
    if breaks:
        counts["line break to U+00AE"] = breaks
    return whole, counts


def _message_cells(
    row: ExchangeRow, series: ExchangeSeries, exchange: Exchange, zone: ZoneInfo
) -> dict[str, str]:
    values = flat(row, series, exchange)
    body = values["body"]
    when = local_time(values["time_utc"], zone)
    bates, reply, details = values["bates"], values.get("reply_to", ""), row.mapping("details")
    return {
        "BEGBATES": bates, "ENDBATES": bates, "BEGATTACH": bates, "ENDATTACH": bates,
        "PAGECOUNT": "1" if bates else "",
        "DOCTYPE": "Chat",
        "FROM": values["sender"],
        "THREADID": reply or values["number"],
        "PARENTMSGID": reply,
        "DATESENT": when.strftime("%m/%d/%Y") if when else "",
        "TIMESENT": when.strftime("%H:%M:%S") if when else "",
        "BEGINDATE_UTC": values["time_utc"], "ENDDATE_UTC": values["time_utc"],
        "MSGCOUNT": "1",
        "SOURCEFILE": values["source_file"],
        "HASEDITS": "Y" if row.fields.get("edits") or "edit_of" in details else "N",
        "DELETEDFLAG": "Y" if _is_deleted(row) else "N",
        "REDACTED": "N" if row.disclosure == "whole" else "Y",
        "MSGNUMBER": values["number"], "MSGID": values["platform_id"],
        "MSGKIND": values["kind"], "MSGHASH": values["message_hash"],
        "BODY": body,
        "BODYHEX": body_in_hex(row) if _is_inexact(body) else "",
        "SENDERKEY": values["sender_key"], "SENDERID": values["sender_id"],
        "DIRECTION": values["direction"],
        "TIMERAW": values["time_raw"], "TIMEBASIS": values["time_basis"],
        "SOURCEOFFSET": values["source_offset"], "SOURCELENGTH": values["source_length"],
        "DISCLOSURE": values["disclosure"], "WITHHELDFIELDS": values["withheld"],
        "WITHHELDREASON": values["reason"],
        "REPLYTOID": values.get("reply_to_id", ""),
        "EDITOF": string(details.get("edit_of")) or "",
        "RECALLOF": string(details.get("recall_of")) or "",
    }  # fmt: skip


def _is_inexact(body: str) -> bool:
    """Return whether a reader who turns ® into line feeds does not get ``body`` back."""
    return bool(_TROUBLE.search(body.replace("\n", "")))


def _is_deleted(row: ExchangeRow) -> bool:
    return bool(row.fields.get("deletion")) or row.fields.get("kind") == "recalled"


def _names(series: ExchangeSeries) -> list[str]:
    return [one.names[0] for one in series.participants]


def _recipients(row: ExchangeRow, series: ExchangeSeries) -> list[str]:
    """Return everybody the bundle names but the sender; nobody when no sender is disclosed."""
    key = row.mapping("sender").get("key")
    if key is None:
        return []
    return [one.names[0] for one in series.participants if one.key != key]


def _text_of(row: ExchangeRow) -> str:
    if row.disclosure == "withheld":
        return f"This message is withheld. Reason: {readable(row.reason)}\n"
    return valid(row.text() or "")


def _record(cells: Iterable[str]) -> bytes:
    return (QUOTE + f"{QUOTE}{SEPARATOR}{QUOTE}".join(cells) + f"{QUOTE}\r\n").encode()


def _copy(load: Load, path: Path) -> tuple[int, str, str]:
    """Write the content to ``path``; return size, MD5 and SHA-256."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    size = 0
    with path.open("wb") as out:
        for piece in load():
            out.write(piece)
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
    return size, md5.hexdigest(), sha256.hexdigest()


def read_dat(data: bytes) -> Iterator[dict[str, str]]:
    """Yield the records of a DAT in UTF-8, as a review platform reads them.

    Raises ValueError when a record has another number of fields than the first.
    """
    lines = data.decode("utf-8-sig").split("\r\n")
    names = _fields_of(lines[0])
    for line in lines[1:-1]:
        yield dict(zip(names, _fields_of(line), strict=True))


def _fields_of(line: str) -> list[str]:
    return line.removeprefix(QUOTE).removesuffix(QUOTE).split(f"{QUOTE}{SEPARATOR}{QUOTE}")
