"""WeChat conversations as CSV, in the layouts of two widespread exporters.

WeChat itself exports no text. WeChatMsg 2.x writes one conversation per file with Chinese column
names; its first version and PyWxDump write one row per database row, possibly of several
conversations mixed, which become one series each, rows in file order.

Times are wall-clock strings without a zone, except WeChatMsg 1's epoch seconds. A spreadsheet
that opened and saved the file destroys ids (``7.43E+18``), seconds and texts (``FALSE``); such
rows are marked ``excel_damaged_id`` and ``excel_damaged_text``. A file that is not UTF-8 but fits
GB 18030 throughout is read so, with the warning ``encoding_assumed_gb18030``.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from evidence.errors import IngestRefused
from evidence.ingest.clock import from_epoch, from_local, likely_zones, naive, zone_named
from evidence.ingest.csvscan import Record, Records, cells_of
from evidence.ingest.dates import OrderNotes, date_in, fitting, settled_order
from evidence.ingest.encodings import encoding_of, utf8_mark_length
from evidence.ingest.interface import Answers, ChatFile, Event, SeriesStart, Survey
from evidence.ingest.jsonscan import skip_to
from evidence.ingest.media import attachment
from evidence.ingest.products.wechat_content import (
    KIND_BY_APP_NUMBER,
    KIND_BY_NAME,
    KIND_BY_NUMBER,
    Content,
    content_of,
)
from evidence.ingest.rows import ROW_BYTES, Rows, clean
from evidence.values import Json, Message

MOST_CONVERSATIONS = 2000
_MEDIA = frozenset({"image", "voice", "video", "file", "sticker"})
_TIME = re.compile(
    r"\s*(\d{1,4})([-/.年])(\d{1,2})[-/.月](\d{1,4})日?[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*",
    re.ASCII,
)
_EPOCH = re.compile(r"\d{9,10}", re.ASCII)
_MILLISECONDS = re.compile(r"\d{12,13}", re.ASCII)
_EXCEL_NUMBER = re.compile(r"-?\d(?:\.\d+)?E\+\d+", re.ASCII)
_EXCEL_TEXT = re.compile(r"TRUE|FALSE|#[A-Z/0]+[?!]?|-?\d+\.\d+|-?\d(?:\.\d+)?E[+-]\d+", re.ASCII)
_GENERIC_STEMS = frozenset({"messages", "message", "chat", "export", "msg", "聊天记录", ""})


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which column means what; "" where the layout has none."""

    code: str
    required: tuple[str, ...]
    id: str
    time: str
    content: str
    sender: str
    type_name: str = ""
    type_number: str = ""
    subtype: str = ""
    is_sender: str = ""
    conversation: str = ""
    local_time: str = ""
    path: str = ""
    names: tuple[str, ...] = ()
    sender_is_id: bool = False


_LAYOUTS = (
    _Layout(
        "wechatmsg",
        ("消息ID", "类型", "发送人", "时间", "内容"),
        id="消息ID", type_name="类型", sender="发送人", time="时间", content="内容",
        names=("备注", "昵称"),
    ),
    _Layout(
        "wechatmsg_v1",
        ("localId", "TalkerId", "Type", "IsSender", "CreateTime", "StrContent"),
        id="localId", type_number="Type", subtype="SubType", is_sender="IsSender",
        time="CreateTime", local_time="StrTime", content="StrContent", sender="Sender",
        conversation="TalkerId", names=("Remark", "NickName"),
    ),
    _Layout(
        "pywxdump",
        ("MsgSvrID", "type_name", "is_sender", "talker", "msg", "CreateTime"),
        id="MsgSvrID", type_name="type_name", is_sender="is_sender", sender="talker",
        conversation="room_name", content="msg", path="src", time="CreateTime", sender_is_id=True,
    ),
)  # fmt: skip


class WeChatCsv:
    """One layout."""

    version = "1"

    def __init__(self, layout: _Layout) -> None:
        self._layout = layout
        self.name = self.format = f"wechat_csv_{layout.code}"
        self.zip_format = f"{self.format}_zip"

    def recognises(self, head: bytes, name: str) -> bool:
        """True when the first line names this layout's columns."""
        line = head[utf8_mark_length(head) :].partition(b"\n")[0]
        for encoding in ("utf-8", "gb18030"):
            try:
                cells = cells_of(line.decode(encoding).encode())
            except UnicodeDecodeError:
                continue
            named = {cell.decode().strip() for cell in cells or ()}
            return named.issuperset(self._layout.required)
        return False

    def survey(self, chat: ChatFile) -> Survey:
        encoding, mark = encoding_of(chat.open)
        table = _Table(chat, self._layout, encoding, mark)
        dates = OrderNotes()
        local: list[str] = []
        conversations: set[str] = set()
        for record in table.records():
            row = table.row(record)
            if row is None:
                continue
            conversations.add(row["conversation"])
            raw = row["time"] if row["time"] or not row["local_time"] else row["local_time"]
            match = _TIME.fullmatch(raw)
            if match is not None:
                local = local or [raw]
                dates.take(fitting(match[1], match[2], match[3], match[4]), raw)
        return Survey(
            needs_timezone=bool(local),
            timezone_examples=tuple(local),
            likely_timezones=likely_zones("Asia/Shanghai", "Asia/Hong_Kong"),
            date_orders=dates.orders(),
            date_examples=tuple(dates.examples),
            encoding=encoding,
            facts={"mark": str(mark), "several": "1" if len(conversations) > 1 else ""},
        )

    def read(self, chat: ChatFile, survey: Survey, answers: Answers) -> Iterator[Event]:
        order = settled_order(replace(survey, date_orders=survey.date_orders or ("ymd",)), answers)
        table = _Table(chat, self._layout, survey.encoding, int(survey.facts["mark"]))
        zone = zone_named(answers.timezone) if answers.timezone else None
        reading = _Reading(chat, table, self._layout, zone, order, answers.owner)
        if survey.facts["several"]:
            groups = _grouped(table)
        else:
            groups = {"": table.records()}
        stated = len(survey.date_orders) > 1
        for number, (conversation, records) in enumerate(groups.items()):
            header = ((chat.member, 0, table.header_end),) if number == 0 else ()
            start = reading.start(next(iter(table.records()), None) if not conversation else None,
                                  conversation)  # fmt: skip
            yield replace(
                start,
                header_spans=header,
                date_order=order if survey.date_orders else None,
                date_order_basis="stated" if stated else "file" if survey.date_orders else None,
            )
            yield from reading.series(records)


class _Table:
    """The file as rows of named cells."""

    def __init__(self, chat: ChatFile, layout: _Layout, encoding: str, mark: int) -> None:
        self._chat, self._layout = chat, layout
        self.encoding, self._mark = encoding, mark
        with self._open() as stream:
            header = next(Records(stream, mark), None)
        self.header_end = mark + len(header.data) if header else mark
        names = [self._text(cell).strip() for cell in (header.cells or ())] if header else []
        self._columns = {name: at for at, name in enumerate(names)}
        self._width = len(names)
        wanted = ("id", "time", "content", "sender", "type_name", "type_number", "subtype",
                  "is_sender", "conversation", "local_time", "path")  # fmt: skip
        self._places = {one: self._columns.get(getattr(layout, one), -1) for one in wanted}

    def records(self) -> Iterator[Record]:
        with self._open() as stream:
            records = Records(stream, self._mark)
            next(records, None)
            yield from records

    def some(self, offsets: array[int], lengths: array[int]) -> Iterator[Record]:
        """Yield the records at these places, which ascend."""
        with self._chat.open() as stream:
            at = 0
            for offset, length in zip(offsets, lengths, strict=True):
                skip_to(stream, offset, at)
                data = stream.read(length)
                at = offset + length
                yield Record(offset, data, cells_of(data))

    def row(self, record: Record) -> dict[str, str] | None:
        """Return the cells a layout knows by their meaning; None when the record does not fit."""
        cells = record.cells
        if cells is None or len(cells) != self._width or len(record.data) > ROW_BYTES:
            return None
        return {
            meaning: self._text(cells[at]) if at >= 0 else ""
            for meaning, at in self._places.items()
        }

    def named(self, record: Record, names: tuple[str, ...]) -> dict[str, str]:
        cells = record.cells or []
        return {
            name: self._text(cells[self._columns[name]])
            for name in names
            if name in self._columns and self._columns[name] < len(cells)
        }

    def _open(self) -> Any:
        stream = self._chat.open()
        stream.read(self._mark)
        return stream

    def _text(self, cell: bytes) -> str:
        return cell.decode(self.encoding, "replace")


def _mojibake(text: str) -> bool:
    """True when UTF-8 was once read as GBK: the way back succeeds, which real text hardly ever does."""
    if text.isascii() or len(text) < 4:
        return False
    try:
        back = text.encode("gbk").decode("utf-8")
    except UnicodeError:
        return False
    return len(back) < len(text)


def _grouped(table: _Table) -> Mapping[str, Iterator[Record]]:
    """Return the records of each conversation, first appearance first; strays join the one before."""
    places: dict[str, tuple[array[int], array[int]]] = {}
    current = ""
    waiting: list[Record] = []
    for record in table.records():
        row = table.row(record)
        if row is None and not current:
            waiting.append(record)
            continue
        current = row["conversation"] or "?" if row is not None else current
        if current not in places and len(places) >= MOST_CONVERSATIONS:
            raise IngestRefused("conversations without end", code="too_many_conversations")
        offsets, lengths = places.setdefault(current, (array("Q"), array("Q")))
        for one in (*waiting, record):
            offsets.append(one.offset)
            lengths.append(len(one.data))
        waiting = []
    return {name: table.some(*place) for name, place in places.items()}


class _Reading:
    """Rows of one series after the other."""

    def __init__(
        self,
        chat: ChatFile,
        table: _Table,
        layout: _Layout,
        zone: ZoneInfo | None,
        order: str,
        owner: str | None,
    ) -> None:
        self._chat, self._table, self._layout = chat, table, layout
        self._zone, self._order, self._owner = zone, order, owner
        self._names: dict[str, str] = {}

    def start(self, first: Record | None, conversation: str) -> SeriesStart:
        if first is not None:
            row = self._table.row(first)
            conversation = row["conversation"] if row is not None else ""
            self._names = self._table.named(first, self._layout.names)
        stem = self._chat.name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
        title = next((name for name in self._names.values() if name), None)
        if stem.lower() not in _GENERIC_STEMS and not conversation:
            title = stem
        group = conversation.endswith("@chatroom")
        known = bool(conversation) and not conversation.isdigit()
        name = clean(title or conversation or stem)
        return SeriesStart(
            platform="wechat",
            platform_id=conversation or None,
            title=name,
            conversation_type="group" if group else "unknown",
            identity=f"wechat:id:{clean(conversation)}" if known else f"wechat:name:{name}",
        )

    def series(self, records: Iterator[Record]) -> Iterator[Event]:
        rows = Rows(self._chat.member, (self._owner,), encoding=self._table.encoding)
        if self._table.encoding != "utf-8":
            rows.warn(f"encoding_assumed_{self._table.encoding}")
        for record in records:
            yield from self._row(rows, record)
        for name in self._chat.unreferenced():
            rows.warn("member_not_referenced", name)
        yield from rows.finish()

    def _row(self, rows: Rows, record: Record) -> Iterator[Message]:
        row = self._table.row(record)
        if row is None:
            code = "unclosed_quote" if record.cells is None else "columns_missing"
            blank = not record.data.strip()
            yield from rows.unparsed(record.offset, record.data, "blank" if blank else code)
            return
        kind = _kind(row)
        content = content_of(row["content"], kind) if row["content"] else Content()
        kind = content.kind or kind
        time, clock, warnings = self._time(row)
        warnings += content.warnings
        warnings += self._damage(rows, row)
        if b"\xef\xbf\xbd" in record.data:
            warnings.append("replacement_character")
        if _mojibake(row["content"][:400]):
            warnings.append("possible_mojibake")
            rows.warn("possible_mojibake")
        mine = row["is_sender"].strip() in ("1", "TRUE", "True", "true")
        person = None
        sender = (
            content.sender_id if self._layout.sender_is_id and content.sender_id else row["sender"]
        )
        if sender and kind != "system":
            person = rows.person(sender, sender if self._layout.sender_is_id else None)
            person.is_owner = person.is_owner or mine
            self._remember_names(person.details, record, sender)
        elif kind != "system" and mine:
            person = rows.person(self._owner or "我")
            person.is_owner = True
        details = dict(content.details)
        if row["type_name"] or row["type_number"]:
            details["type"] = row["type_name"] or "/".join(
                part for part in (row["type_number"], row["subtype"]) if part
            )
        yield from rows.add(
            kind,
            record.offset,
            record.data,
            person=person,
            direction=("out" if mine else "in") if self._layout.is_sender and person else None,
            clock=clock,
            time=time,
            warnings=warnings,
            platform_id=row["id"] or None,
            time_raw=row["time"] or row["local_time"] or None,
            body=content.body,
            attachments=self._attachments(kind, row, content),
            details=details or None,
            **_system_of(kind, row, content),
        )

    def _remember_names(self, details: dict[str, str], record: Record, sender: str) -> None:
        if len(details) < 2:
            for column, name in self._table.named(record, self._layout.names).items():
                if name and name != sender:
                    details.setdefault(column, clean(name))

    def _time(
        self, row: dict[str, str]
    ) -> tuple[dict[str, Json] | None, datetime | None, list[Json]]:
        raw = row["time"].strip() or row["local_time"].strip()
        beside = self._local(row["local_time"])[0]
        if _EPOCH.fullmatch(raw) or _MILLISECONDS.fullmatch(raw):
            time = from_epoch(int(raw[:10]) if len(raw) > 10 else int(raw), beside)
            return time, _clock(time), []
        local, precision = self._local(raw)
        if local is None or self._zone is None:
            return None, None, ["unreadable_time"] if raw else []
        time, codes = from_local(local, self._zone, precision)
        return time, (None if codes else local), list(codes)

    def _local(self, raw: str) -> tuple[datetime | None, str]:
        match = _TIME.fullmatch(raw)
        date = date_in(match[1], match[3], match[4], self._order) if match else None
        if match is None or date is None:
            return None, "second"
        local = naive(*date, int(match[5]), int(match[6]), int(match[7] or 0))
        return local, "second" if match[7] else "minute"

    @staticmethod
    def _damage(rows: Rows, row: dict[str, str]) -> list[Json]:
        damaged_id = _EXCEL_NUMBER.fullmatch(row["id"].strip()) is not None
        opened = damaged_id or ("/" in row["time"] and row["time"].count(":") == 1)
        codes: list[Json] = ["excel_damaged_id"] if damaged_id else []
        if opened and _EXCEL_TEXT.fullmatch(row["content"].strip()):
            codes.append("excel_damaged_text")
        for code in codes:
            rows.warn(str(code))
        return codes

    def _attachments(self, kind: str, row: dict[str, str], content: Content) -> list[Json]:
        if kind not in _MEDIA:
            return []
        path = row["path"] or (row["content"] if len(row["content"]) < 260 else "")
        path = path.strip().replace("\\", "/")
        stored = self._chat.attachment(path) if path and "<" not in path else None
        if stored is None and "/" in path:
            stored = self._chat.attachment(path.rpartition("/")[2])
        name = content.file_name or (path.rpartition("/")[2] if "." in path[-6:] else None)
        size, duration = content.file_size, content.duration
        return [attachment(name, kind, stored, declared_size=size, duration=duration)]


def _kind(row: dict[str, str]) -> str:
    name = row["type_name"].strip()
    if name:
        return KIND_BY_NAME.get(name, "other")
    number, sub = row["type_number"].strip(), row["subtype"].strip()
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        return "other"
    if int(number) == 49:
        app = int(sub) if sub.isascii() and sub.isdigit() and len(sub) < 9 else -1
        return KIND_BY_APP_NUMBER.get(app, "other")
    return KIND_BY_NUMBER.get(int(number), "other")


def _system_of(kind: str, row: dict[str, str], content: Content) -> dict[str, Any]:
    fields = dict(content.fields)
    if kind == "system" and "system" not in fields:
        values: dict[str, Json] = {"text": content.body or row["content"]}
        fields["system"] = {"template": "notice", "values": values}
    return fields


def _clock(time: dict[str, Json] | None) -> datetime | None:
    return datetime.fromisoformat(str(time["utc"])[:-1]) if time else None


PARSERS = tuple(WeChatCsv(layout) for layout in _LAYOUTS)
