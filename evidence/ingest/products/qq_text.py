"""The text export of the message manager of QQ for Windows (up to 9.7).

One file may hold many conversations, each behind a block of ``====`` lines that names its group
(``消息分组:``) and its partner (``消息对象:``). A message opens with ``date time name(number)``,
``name<mail>`` or a bare name, the hour in 24 or 12 (``8:43:38 PM``) hours, and the exporter puts an
empty line in front; a line of that shape without an empty line in front stays in the message it
stands in and is marked ``header_like_line``, unless no message of the file has one. A date alone
opens nothing. Empty lines inside a message are lost by the exporter, which nobody can repair.

Pictures are written as ``[图片]`` only: attachments that are not included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from evidence.errors import IngestRefused
from evidence.ingest.clock import from_local, likely_zones, naive, zone_needed
from evidence.ingest.encodings import encoding_of, mark_length
from evidence.ingest.interface import Answers, ChatFile, Event, SeriesStart, Span, Survey
from evidence.ingest.lines import lines
from evidence.ingest.media import attachment
from evidence.ingest.rows import ROW_BYTES, Rows, clean
from evidence.values import Json, Message

_HEADER = re.compile(
    r"((\d{4})[-/](\d{1,2})[-/](\d{1,2}) (\d{1,2}):(\d{2}):(\d{2})(?:[ \u00a0\u202f](AM|PM|上午|下午))?)"
    r" (\S[^\r\n]{0,200})\s*",
    re.ASCII,
)
_SENDER = re.compile(
    r"(?:【(?P<title>[^】]{1,30})】)?(?P<name>.*?)(?:\((?P<id>\d{4,12})\)|<(?P<mail>[^<>\s]+@[^<>\s]+)>)?"
)
_RULE = re.compile(r"={16,}\s*")
_GROUP = re.compile(r"消息分组[:：](.*)", re.DOTALL)
_OBJECT = re.compile(r"消息对象[:：](.*)", re.DOTALL)
_BANNER = "消息记录"
_SYSTEM_IDS = frozenset({"10000", "1000000"})
_PLACEHOLDERS = {
    "[图片]": "image", "[闪照]": "image", "[语音]": "voice", "[视频]": "video", "[文件]": "file",
    "[动画表情]": "sticker", "[原创表情]": "sticker",
}  # fmt: skip
_PLACEHOLDER = re.compile("|".join(map(re.escape, _PLACEHOLDERS)))
_TEMPLATES = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("recalled", r"撤回了?一条(?:成员)?消息"),
        ("member_joined", r"加入(?:了)?本群|加入了?群|入群"),
        ("member_left", r"退出(?:了)?(?:本|该)?群|离开了?群"),
        ("member_removed", r"移出(?:了)?(?:本|该)?群|踢出"),
        ("muted", r"禁言"),
        ("subject_changed", r"修改了?群(?:名称|昵称)"),
        ("red_packet", r"红包"),
        ("contact_added", r"成为好友|已经是好友"),
    )
)
_RECALLED_BY = re.compile(r"(.{1,60}?)\s*撤回了?一条")


class QQText:
    """The one layout."""

    name = "qq_text"
    version = "1"
    format = "qq_text"
    zip_format = "qq_text_zip"

    def recognises(self, head: bytes, name: str) -> bool:
        """True for the exporter's banner or blocks, or for a header line with number or mail."""
        mark = mark_length(head)
        wide = {b"\xff\xfe": ("utf-16-le",), b"\xfe\xff": ("utf-16-be",)}.get(head[:2])
        for encoding in wide or ("utf-8", "gb18030"):
            text = head[mark:].decode(encoding, "ignore")
            first = text.split("\n")[:60]
            if any(_OBJECT.match(line) or line.startswith(_BANNER) for line in first):
                return any(_HEADER.fullmatch(line) for line in text.split("\n"))
            if any(_sure_header(line) for line in first):
                return True
        return False

    def survey(self, chat: ChatFile) -> Survey:
        encoding, mark = encoding_of(chat.open)
        example = ""
        behind_blank = elsewhere = 0
        blank = True
        for _, line, begins in _lines(chat, encoding, mark):
            text = line.decode(encoding, "replace") if begins else "x"
            match = _HEADER.fullmatch(text)
            if match is not None:
                behind_blank += bool(blank and example)
                elsewhere += not blank
                example = example or match[1]
            blank = not text.strip() or _RULE.fullmatch(text) is not None
        if not example:
            raise IngestRefused("no line opens a message", code="unknown_format")
        return Survey(
            needs_timezone=True,
            timezone_examples=(example,),
            likely_timezones=likely_zones("Asia/Shanghai"),
            encoding=encoding,
            facts={"mark": str(mark), "strict": "1" if behind_blank or not elsewhere else ""},
        )

    def read(self, chat: ChatFile, survey: Survey, answers: Answers) -> Iterator[Event]:
        zone = zone_needed(answers.timezone)
        yield from _Reading(chat, survey, zone, answers.owner).events()


def _sure_header(line: str) -> bool:
    match = _HEADER.fullmatch(line)
    sender = _SENDER.fullmatch(match[9].strip()) if match else None
    return bool(sender and (sender["id"] or sender["mail"]))


def _lines(chat: ChatFile, encoding: str, mark: int) -> Iterator[tuple[int, bytes, bool]]:
    with chat.open() as stream:
        stream.read(mark)
        for offset, line, begins in lines(stream, encoding):
            yield offset + mark, line, begins


class _Reading:
    """One pass; a conversation begins with the first row behind its block."""

    def __init__(self, chat: ChatFile, survey: Survey, zone: ZoneInfo, owner: str | None) -> None:
        self._chat, self._zone, self._owner = chat, zone, owner
        self._encoding = survey.encoding
        self._mark = int(survey.facts["mark"])
        self._strict = bool(survey.facts["strict"])
        self._rows: Rows | None = None
        self._spans: list[Span] = [(chat.member, 0, self._mark)] if self._mark else []
        self._group = self._object = ""
        self._turned = False
        self._match: re.Match[str] | None = None
        self._start = self._mark
        self._slices: list[bytes] = []
        self._size = 0
        self._like_header = False

    def events(self) -> Iterator[Event]:
        blank = True
        block: list[tuple[int, bytes, str]] = []
        for offset, line, begins in _lines(self._chat, self._encoding, self._mark):
            text = line.decode(self._encoding, "replace")
            if begins and (block or blank) and _is_block_line(text, bool(block)):
                block.append((offset, line, text))
                continue
            if block:
                yield from self._settle(block)
                blank = not block[-1][2].strip() or _RULE.fullmatch(block[-1][2]) is not None
                block = []
            match = _HEADER.fullmatch(text) if begins else None
            if match is not None and (blank or not self._strict):
                yield from self._close()
                self._match, self._start = match, offset
            elif match is not None:
                self._like_header = True
            yield from self._keep(offset, line)
            blank = begins and not text.strip()
        if block:
            yield from self._settle(block)
        yield from self._close()
        yield from self._end(last=True)

    def _settle(self, block: list[tuple[int, bytes, str]]) -> Iterator[Event]:
        """Take a run of block-like lines as structure if it names a partner, else as content."""
        objects = [match for _, _, text in block if (match := _OBJECT.match(text))]
        banner = not self._slices and self._rows is None and block[0][2].startswith(_BANNER)
        if not objects and not banner:
            for offset, line, _ in block:
                yield from self._keep(offset, line)
            return
        yield from self._close()
        groups = [match for _, _, text in block if (match := _GROUP.match(text))]
        if objects:
            self._turned = True
            self._object = objects[-1][1].strip()
        if groups:
            self._group = groups[-1][1].strip()
        start = block[0][0]
        self._spans.append((self._chat.member, start, block[-1][0] + len(block[-1][1]) - start))

    def _keep(self, offset: int, line: bytes) -> Iterator[Event]:
        """Add a line to the open row; rows that grow too long are closed first."""
        if self._slices and self._size + len(line) > ROW_BYTES:
            yield from self._close()
        if not self._slices:
            self._start = offset
        self._slices.append(line)
        self._size += len(line)

    def _close(self) -> Iterator[Event]:
        if not self._slices:
            return
        data, start, match, like = (
            b"".join(self._slices),
            self._start,
            self._match,
            self._like_header,
        )
        self._slices, self._size, self._match, self._like_header = [], 0, None, False
        fresh = self._rows is None or self._turned
        if match is None and fresh and not data.strip(b"\r\n\t \0"):
            self._spans.append((self._chat.member, start, len(data)))
            return
        if self._turned:
            yield from self._end(last=False)
            self._turned = False
        if self._rows is None:
            self._rows = Rows(
                self._chat.member, (self._owner,), text_can_lie=True, encoding=self._encoding
            )
            if self._encoding != "utf-8":
                self._rows.warn(f"encoding_assumed_{self._encoding.replace('-', '_')}")
            yield self._series_start()
        if match is None:
            yield from self._rows.unparsed(start, data)
        else:
            yield from self._row(self._rows, match, start, data, like)

    def _series_start(self) -> SeriesStart:
        spans, self._spans = tuple(self._spans), []
        stem = self._chat.name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
        group = re.search(r"群|讨论组", self._group)
        kind = "group" if group else "direct" if self._group else "unknown"
        title = clean(self._object or stem)
        return SeriesStart(
            platform="qq",
            platform_id=None,
            title=title,
            conversation_type=kind,
            identity=f"qq:{kind if self._object else 'file'}:{title}",
            header_spans=spans,
        )

    def _end(self, *, last: bool) -> Iterator[Event]:
        if self._rows is None:
            return
        rows, self._rows = self._rows, None
        spans: tuple[Span, ...] = ()
        if last:
            spans, self._spans = tuple(self._spans), []
            for name in self._chat.unreferenced():
                rows.warn("member_not_referenced", name)
        yield from rows.finish(spans)

    def _row(
        self, rows: Rows, match: re.Match[str], start: int, data: bytes, like: bool
    ) -> Iterable[Message]:
        text = data.decode(self._encoding, "replace")
        body = text.partition("\n")[2].rstrip("\r\n")
        clock, time, warnings = self._time(match)
        if like:
            warnings.append("header_like_line")
        if "\ufffd" in text:
            warnings.append("replacement_character")
        sender = _SENDER.fullmatch(match[9].strip())
        name = sender["name"].strip() if sender else match[9].strip()
        number = (sender["id"] or sender["mail"]) if sender else None
        is_system = number in _SYSTEM_IDS or (name == "系统消息" and number is None)
        person = None
        if not is_system:
            person = rows.person(name or number, number)
            if sender and sender["title"]:
                person.details.setdefault("group_title", clean(sender["title"]))
        fields = _system(body) if is_system else _content(body)
        return rows.add(
            str(fields.pop("kind")),
            start,
            data,
            person=person,
            shown_name=name or None,
            clock=clock,
            time=time,
            warnings=warnings,
            time_raw=match[1],
            body=body,
            **fields,
        )

    def _time(
        self, match: re.Match[str]
    ) -> tuple[datetime | None, dict[str, Json] | None, list[Json]]:
        hour = int(match[5])
        if match[8] in ("PM", "下午") and hour < 12:
            hour += 12
        elif match[8] in ("AM", "上午") and hour == 12:
            hour = 0
        year, month, day, minute, second = (int(match[at]) for at in (2, 3, 4, 6, 7))
        local = naive(year, month, day, hour, minute, second)
        if local is None:
            return None, None, ["unreadable_time"]
        time, codes = from_local(local, self._zone, "second")
        return (None if codes else local), time, list(codes)


def _is_block_line(text: str, inside: bool) -> bool:
    if _RULE.fullmatch(text) or (text.startswith(_BANNER) and not inside):
        return True
    return inside and (not text.strip() or bool(_GROUP.match(text) or _OBJECT.match(text)))


def _content(body: str) -> dict[str, Any]:
    found: list[Json] = [
        attachment(None, _PLACEHOLDERS[mark], None) for mark in _PLACEHOLDER.findall(body)
    ]
    if not found:
        return {"kind": "transfer" if body.startswith("[QQ红包]") else "text"}
    alone = not _PLACEHOLDER.sub("", body).strip()
    first = _PLACEHOLDERS[str(_PLACEHOLDER.findall(body)[0])]
    return {"kind": first if alone else "text", "attachments": found}


def _system(body: str) -> dict[str, Any]:
    template = next((code for code, pattern in _TEMPLATES if pattern.search(body)), "notice")
    if template == "recalled":
        by = _RECALLED_BY.search(body[:500])
        return {"kind": "recalled", "deletion": {"by": by[1] if by else None, "time_raw": None}}
    return {"kind": "system", "system": {"template": template, "values": {"text": body}}}


PARSERS = (QQText(),)
