"""Telegram Desktop's ``result.json``: one chat, or a whole account with its list of chats.

Each element of ``messages`` is one row and its slice is the whole object, so that every field,
known here or not, is kept and sealed. Between objects lie commas and blanks only; anything else
there becomes an unparsed row, and so does every field of a chat that this parser does not know.
A chat without messages makes no series. Account data (contacts, sessions, personal information) belongs to no conversation: its bytes are
accounted for as header spans, it stays in the original, and ``account_data_not_in_rows`` names
each part.

``date`` is the wall clock of the computer that exported, without offset; ``date_unixtime`` (since
3.7.6) settles it. A reaction sets ``edited`` too, so an edit beside reactions is marked
``edited_flag_unreliable``.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from evidence.errors import IngestRefused
from evidence.ingest.clock import from_epoch, from_local, likely_zones, naive, zone_named
from evidence.ingest.encodings import utf8_mark_length
from evidence.ingest.interface import (
    Answers,
    ChatFile,
    Event,
    SeriesEnd,
    SeriesStart,
    Span,
    StoredMember,
    Survey,
)
from evidence.ingest.jsonscan import Broken, Slice, Window, skip_to
from evidence.ingest.media import attachment, attachment_kind
from evidence.ingest.rows import PIECE_BYTES, Rows, clean
from evidence.values import Json, Message

_TYPES = {
    "personal_chat": ("direct", "user"), "bot_chat": ("direct", "user"),
    "saved_messages": ("direct", "saved"), "verification_codes": ("direct", "user"),
    "replies": ("direct", "user"), "private_group": ("group", "chat"),
    "private_supergroup": ("group", "channel"), "public_supergroup": ("group", "channel"),
    "private_channel": ("channel", "channel"), "public_channel": ("channel", "channel"),
}  # fmt: skip
_MOST_LOOKS_AHEAD = 64
_TELLS = re.compile(
    rb'"date_unixtime"\s*:|"text_entities"\s*:|"(?:from|actor)_id"\s*:\s*"(?:user|channel|chat)\d'
    rb'|"type"\s*:\s*"(?:(?:personal|bot)_chat|(?:private|public)_(?:group|supergroup|channel)'
    rb'|saved_messages)"|"personal_information"\s*:|"chats"\s*:\s*\{\s*"about"'
)
_OLD_TELL = re.compile(rb'"type"\s*:\s*"(?:message|service)"')
_MEDIA = {
    "voice_message": "voice", "video_message": "video", "video_file": "video",
    "animation": "video", "sticker": "sticker", "audio_file": "file",
}  # fmt: skip
_DETAILS = (
    "via_bot", "author", "media_type", "sticker_emoji", "duration_seconds", "performer", "title",
    "width", "height", "saved_from", "forwarded_from_id", "self_destruct_period_seconds",
    "live_location_period_seconds", "place_name", "address", "contact_vcard", "reply_to_peer_id",
)  # fmt: skip
_NOT_VALUES = frozenset({
    "id", "type", "date", "date_unixtime", "actor", "actor_id", "action", "text", "text_entities",
    "edited", "edited_unixtime", "reactions",
})  # fmt: skip


@dataclass(slots=True)
class _Chat:
    """A chat object while it is being walked. strays: spans of fields no rule knows."""

    head: dict[str, Any] = field(default_factory=dict)
    strays: list[tuple[int, int]] = field(default_factory=list)
    begun: bool = False


@dataclass(frozen=True, slots=True)
class _Begin:
    """A list of messages opens; at: the offset behind its bracket."""

    head: dict[str, Any]
    at: int
    strays: list[tuple[int, int]]
    account: dict[str, Any]
    account_parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Close:
    """The list of messages ended."""

    start: int

    @property
    def end(self) -> int:
        return self.start


@dataclass(frozen=True, slots=True)
class _Stray:
    """Bytes that are content but no message."""

    start: int
    end: int


_Step = _Begin | Slice | _Stray | _Close
_LOCAL = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)


class TelegramJson:
    """The JSON export of Telegram Desktop."""

    name = "telegram_json"
    version = "1"
    format = "telegram_json"
    zip_format = "telegram_zip"

    def recognises(self, head: bytes, name: str) -> bool:
        """True for an object with Telegram's own field names near its beginning."""
        body = head[utf8_mark_length(head) :].lstrip()
        if not body.startswith(b"{") or b'"sender_name"' in body:
            return False
        old = b'"messages"' in body and b'"from"' in body and _OLD_TELL.search(body)
        return bool(_TELLS.search(body) or old)

    def survey(self, chat: ChatFile) -> Survey:
        """Return whether a message lacks its epoch time. Raises ``no_messages``."""
        rows = 0
        without: list[str] = []
        for step in _walk(chat):
            if isinstance(step, Slice):
                rows += 1
                if not without and b'"date_unixtime"' not in step.data:
                    date = step.value.get("date") if isinstance(step.value, dict) else None
                    without = [date] if isinstance(date, str) and _LOCAL.fullmatch(date) else []
        if not rows:
            raise IngestRefused("no message in any chat", code="no_messages")
        return Survey(
            needs_timezone=bool(without),
            timezone_examples=tuple(without),
            likely_timezones=likely_zones(),
        )

    def read(self, chat: ChatFile, survey: Survey, answers: Answers) -> Iterator[Event]:
        with chat.open() as stream:
            yield from self._events(chat, _Behind(stream), answers)

    def _events(self, chat: ChatFile, behind: _Behind, answers: Answers) -> Iterator[Event]:
        series: _Series | None = None
        accounted = 0
        for step in _walk(chat):
            if isinstance(step, _Begin):
                if series is not None:
                    yield from series.finish()
                series = _Series(chat, behind, step, answers)
                yield series.start(_gaps(accounted, step.at, step.strays))
                for start, end in step.strays:
                    yield from series.stray(start, end)
                accounted = step.at
            elif series is not None:
                series.gap(accounted, step)
                yield from series.take(step)
                accounted = step.end
        if series is not None:
            for name in chat.unreferenced():
                series.rows.warn("member_not_referenced", name)
            series.gap(accounted, _Stray(chat.size, chat.size))
            yield from series.finish()


def _walk(chat: ChatFile) -> Iterator[_Step]:
    """Yield what begins, the elements of ``messages``, and spans no rule knows, in file order."""
    with chat.open() as stream:
        head = stream.read(3)
        mark = utf8_mark_length(head)
    with chat.open() as stream:
        stream.read(mark)
        window = Window(stream, mark)
        if not window.take("{"):
            return
        yield from _Walker(chat, window).top()
        start = window.offset
        if window.peek():
            yield _Stray(min(start, window.offset), chat.size)


class _Walker:
    def __init__(self, chat: ChatFile, window: Window) -> None:
        self._file, self._window = chat, window
        self._looks_ahead = 0
        self._account: dict[str, Any] = {}
        self._parts: list[str] = []

    def top(self) -> Iterator[_Step]:
        chat = _Chat()
        named: list[str] = []
        for key, start in self._fields():
            if key in ("chats", "left_chats") and self._window.take("{"):
                self._parts.extend(named)
                chat.strays, named = [], []
                yield from self._chats()
            elif key == "personal_information":
                self._account = self._object_value()
                self._parts.append(key)
            else:
                before = len(chat.strays)
                yield from self._chat_field(chat, key, start)
                named += [key] * (len(chat.strays) - before)

    def _chats(self) -> Iterator[_Step]:
        for key, _ in self._fields():
            if key != "list" or not self._window.take("["):
                self._window.skip()
                continue
            while self._window.peek() not in ("", "]"):
                if self._window.take("{"):
                    chat = _Chat()
                    for name, start in self._fields():
                        yield from self._chat_field(chat, name, start)
                elif not self._window.take(","):
                    yield self._stray()
            self._window.take("]")

    def _chat_field(self, chat: _Chat, key: str, start: int) -> Iterator[_Step]:
        window = self._window
        if key == "messages" and not chat.begun and window.take("["):
            if window.take("]"):
                return
            chat.begun = True
            whole = {"name", "type", "id"} <= chat.head.keys()
            if not whole and self._looks_ahead < _MOST_LOOKS_AHEAD:
                self._looks_ahead += 1
                chat.head = {**self._later_head(window.offset), **chat.head}
            strays, chat.strays = chat.strays, []
            yield _Begin(chat.head, window.offset, strays, self._account, tuple(self._parts))
            self._parts.clear()
            yield from self._elements()
            yield _Close(window.offset)
        elif key in ("name", "type", "id"):
            chat.head.setdefault(key, self._scalar_value())
        else:
            window.skip()
            if chat.begun:
                yield _Stray(start, window.offset)
            else:
                chat.strays.append((start, window.offset))

    def _later_head(self, offset: int) -> dict[str, Any]:
        """Return the fields of a chat that stand behind its messages."""
        head: dict[str, Any] = {}
        with self._file.open() as stream:
            skip_to(stream, offset)
            ahead = _Walker(self._file, Window(stream, offset))
            for _ in ahead._elements():
                pass
            for key, _ in ahead._fields():
                if key in ("name", "type", "id"):
                    head[key] = ahead._scalar_value()
                else:
                    ahead._window.skip()
        return head

    def _elements(self) -> Iterator[Slice | _Stray]:
        window = self._window
        while (following := window.peek()) not in ("", "]"):
            if following == ",":
                window.take(",")
                continue
            try:
                yield window.value()
            except Broken:
                yield self._stray()
        window.take("]")

    def _fields(self) -> Iterator[tuple[str, int]]:
        """Yield the keys of the object the window stands in; the caller consumes each value."""
        window = self._window
        while (following := window.peek()) not in ("", "}"):
            if following == ",":
                window.take(",")
                continue
            start = window.offset
            if following == '"':
                key = self._scalar_value()
                if isinstance(key, str) and window.take(":"):
                    yield key, start
            if window.offset == start:
                window.resync()
        window.take("}")

    def _stray(self) -> _Stray:
        """Step over what is no value, up to where one could begin."""
        start = self._window.offset
        while True:
            before = self._window.offset
            self._window.skip()
            if self._window.offset == before:
                self._window.resync()
            if self._window.peek() not in ("}", ":"):
                return _Stray(start, self._window.offset)

    def _scalar_value(self) -> Any:
        try:
            value = self._window.value().value
        except Broken:
            return None
        return value if isinstance(value, str | int) else None

    def _object_value(self) -> dict[str, Any]:
        try:
            value = self._window.value().value
        except Broken:
            self._window.skip()
            return {}
        return value if isinstance(value, dict) else {}


class _Behind:
    """A second look at bytes the window has passed, forward only: strays come in file order."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._at = stream, 0

    def read(self, offset: int, length: int) -> bytes:
        skip_to(self._stream, offset, self._at)
        data = self._stream.read(length)
        self._at = offset + len(data)
        return data


class _Series:
    """The rows of one chat."""

    def __init__(self, chat: ChatFile, behind: _Behind, begin: _Begin, answers: Answers) -> None:
        self._chat, self._behind, self._begin = chat, behind, begin
        self._zone = zone_named(answers.timezone) if answers.timezone else None
        account = begin.account
        self._owner_id = f"user{account['user_id']}" if "user_id" in account else None
        names = (account.get("first_name"), account.get("last_name"))
        self._owner_name = " ".join(clean(n) for n in names if isinstance(n, str) and n) or None
        self.rows = Rows(chat.member, (answers.owner, self._owner_id))
        for part in begin.account_parts:
            self.rows.warn("account_data_not_in_rows", clean(part))
        self._ids, self._numbers = array("q"), array("q")
        self._closed = False
        self._trailer: list[Span] = []

    def start(self, header: list[tuple[int, int]]) -> SeriesStart:
        head = self._begin.head
        title = clean(_text(head.get("name"))) or None
        conversation_type, space = _TYPES.get(_text(head.get("type")), ("unknown", "chat"))
        platform_id = _text(head.get("id")) or None
        if platform_id is None:
            identity = f"telegram:name:{title or self._chat.name}"
        else:
            identity = f"telegram:{space}:{clean(platform_id)}"
        return SeriesStart(
            platform="telegram",
            platform_id=platform_id,
            title=title,
            conversation_type=conversation_type,
            identity=identity,
            owner_name=self._owner_name,
            owner_id=self._owner_id,
            header_spans=tuple((self._chat.member, at, end - at) for at, end in header),
        )

    def gap(self, accounted: int, step: Slice | _Stray | _Close) -> None:
        """Account for structure in front of ``step`` once the list of messages is closed."""
        start = step.offset if isinstance(step, Slice) else step.start
        at_end = start == self._chat.size or isinstance(step, _Close)
        if (self._closed or at_end) and start > accounted:
            self._trailer.append((self._chat.member, accounted, start - accounted))

    def take(self, step: Slice | _Stray | _Close) -> Iterator[Message]:
        if isinstance(step, _Close):
            self._closed = True
        elif isinstance(step, _Stray):
            yield from self.stray(step.start, step.end)
        elif step.damaged or not isinstance(step.value, dict):
            yield from self.rows.unparsed(step.offset, step.data)
        else:
            yield from self._row(step)

    def stray(self, start: int, end: int) -> Iterator[Message]:
        while start < end:
            data = self._behind.read(start, min(end - start, PIECE_BYTES))
            if not data:
                return
            yield from self.rows.unparsed(start, data)
            start += len(data)

    def finish(self) -> Iterator[Message | SeriesEnd]:
        yield from self.rows.finish(tuple(self._trailer))

    def _row(self, step: Slice) -> Iterable[Message]:
        raw: dict[str, Any] = step.value
        time, clock, warnings = self._time(raw)
        number = _text(raw.get("id")) or None
        self._remember(raw.get("id"))
        service = raw.get("type") == "service"
        who, who_id = ("actor", "actor_id") if service else ("from", "from_id")
        name, sender_id = _text(raw.get(who)) or None, _text(raw.get(who_id)) or None
        person = self.rows.person(name, sender_id) if name or sender_id else None
        fields = _service(raw) if service else self._content(raw)
        edits = _edits(raw)
        if edits and raw.get("reactions"):
            warnings.append("edited_flag_unreliable")
        return self.rows.add(
            fields.pop("kind"),
            step.offset,
            step.data,
            person=person,
            shown_name=name,
            clock=clock,
            time=time,
            warnings=warnings,
            platform_id=number,
            time_raw=_text(raw.get("date")) or _text(raw.get("date_unixtime")) or None,
            reply_to=self._reply(raw),
            forward=_forward(raw),
            edits=edits,
            reactions=_reactions(raw),
            **fields,
        )

    def _time(
        self, raw: dict[str, Any]
    ) -> tuple[dict[str, Json] | None, datetime | None, list[Json]]:
        local = _local(raw.get("date"))
        epoch = _number(raw.get("date_unixtime"))
        if epoch is not None:
            time = from_epoch(epoch, local)
            warnings: list[Json] = [] if time else ["unreadable_time"]
            if time and local and _disagree(time, local):
                warnings.append("time_fields_disagree")
        elif local is None:
            return None, None, ["unreadable_time"] if raw.get("date") else []
        else:
            if self._zone is None:
                raise IngestRefused("a message has no epoch time", code="answers_missing")
            time, codes = from_local(local, self._zone, "second")
            warnings = list(codes)
        clock = datetime.fromisoformat(str(time["utc"])[:-1]) if time else None
        return time, clock, warnings

    def _remember(self, number: Any) -> None:
        is_known = isinstance(number, int) and abs(number) < 1 << 63  # as many bits as are kept
        if is_known and (not self._ids or self._ids[-1] < number):
            self._ids.append(number)
            self._numbers.append(self.rows.count + 1)

    def _reply(self, raw: dict[str, Any]) -> dict[str, Json] | None:
        target = raw.get("reply_to_message_id")
        if target is None:
            return None
        sequence: int | None = None
        if isinstance(target, int) and abs(target) < 1 << 63 and "reply_to_peer_id" not in raw:
            at = bisect_left(self._ids, target)
            if at < len(self._ids) and self._ids[at] == target:
                sequence = self._numbers[at]
        return {"platform_id": _text(target), "sequence": sequence, "quote": None}

    def _content(self, raw: dict[str, Any]) -> dict[str, Any]:
        body, links = _body(raw.get("text"))
        details: dict[str, Json] = {key: _text(raw[key]) for key in _DETAILS if raw.get(key)}
        if links:
            details["links"] = links
        kind, attachments = self._media(raw)
        special, more = _special(raw)
        details.update(more)
        if kind is None:
            kind = special or ("text" if body or "text" in raw else "other")
        return {
            "kind": kind,
            "body": body,
            "attachments": attachments,
            "details": details or None,
        }

    def _media(self, raw: dict[str, Any]) -> tuple[str | None, list[Json]]:
        found: list[Json] = []
        kind: str | None = None
        for key in ("photo", "file"):
            if not isinstance(raw.get(key), str) or not raw[key]:
                continue
            path = raw[key]
            stored, absent = self._stored(path)
            name = _text(raw.get("file_name")) or (None if absent else path.rpartition("/")[2])
            this = "image" if key == "photo" else _MEDIA.get(_text(raw.get("media_type")))
            this = this or (attachment_kind(name or "") if raw.get("mime_type") is None else "file")
            found.append(
                attachment(
                    name,
                    this,
                    stored,
                    declared_type=_text(raw.get("mime_type")) or None,
                    declared_size=_text(raw.get(f"{key}_file_size") or raw.get("file_size"))
                    or None,
                    duration=_text(raw.get("duration_seconds")) or None,
                )
            )
            kind = kind or this
        thumbnail = raw.get("thumbnail")
        if isinstance(thumbnail, str):
            stored, _ = self._stored(thumbnail)
            if stored is not None:
                found.append(attachment(stored.name.rpartition("/")[2], "image", stored))
        return kind, found

    def _stored(self, path: str) -> tuple[StoredMember | None, bool]:
        """Return the member, and whether ``path`` is Telegram's note that it was left out."""
        absent = path.startswith("(") and path.endswith(")")
        return (None if absent else self._chat.attachment(path)), absent


def _service(raw: dict[str, Any]) -> dict[str, Any]:
    action = _text(raw.get("action")) or "notice"
    values = _object({key: value for key, value in raw.items() if key not in _NOT_VALUES})
    body = _body(raw.get("text"))[0] or None
    if action in ("phone_call", "group_call"):
        return {"kind": "call", "details": {"action": action, **values}, "body": body}
    return {"kind": "system", "system": {"template": action, "values": values}, "body": body}


def _special(raw: dict[str, Any]) -> tuple[str | None, dict[str, Json]]:
    """Return kind and details of what is neither text nor media."""
    place, contact, poll = (
        raw.get(key) for key in ("location_information", "contact_information", "poll")
    )
    if isinstance(place, dict):
        return "location", _object(place)
    if isinstance(contact, dict):
        return "contact", _object(contact)
    if isinstance(poll, dict):
        return "poll", _object(poll)
    unknown = [k for k in ("game_title", "invoice_information", "giveaway_information", "todo_list",
                           "paid_stars_amount", "story_id") if k in raw]  # fmt: skip
    return ("other" if unknown else None), {key: _plain(raw[key]) for key in unknown}


def _body(text: Any) -> tuple[str, list[Json]]:
    """Return the text of a string or a list of parts, and links that hide behind other text."""
    if isinstance(text, str):
        return text, []
    parts: list[str] = []
    links: list[Json] = []
    for part in text if isinstance(text, list) else []:
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict):
            shown = _text(part.get("text"))
            parts.append(shown)
            if part.get("href") and part["href"] != shown:
                links.append({"text": shown, "href": _text(part["href"])})
    return "".join(parts), links


def _edits(raw: dict[str, Any]) -> list[Json]:
    edited = _text(raw.get("edited"))
    epoch = _number(raw.get("edited_unixtime"))
    if epoch == 0 or (not edited and epoch is None) or edited.startswith("1970-01-01"):
        return []
    time = from_epoch(epoch) if epoch is not None else None
    utc = time["utc"] if time else None
    return [{"time_raw": edited or str(epoch), "utc": utc, "previous": None}]


def _forward(raw: dict[str, Any]) -> dict[str, Json] | None:
    if not {"forwarded_from", "forwarded_from_id", "forwarded_date"} & raw.keys():
        return None
    time = _text(raw.get("forwarded_date") or raw.get("forwarded_date_unixtime")) or None
    return {"from": _text(raw.get("forwarded_from")) or None, "time_raw": time}


def _reactions(raw: dict[str, Any]) -> list[Json]:
    found = raw.get("reactions")
    reactions: list[Json] = []
    for one in found if isinstance(found, list) else []:
        if not isinstance(one, dict):
            continue
        recent = one.get("recent")
        people = [p for p in recent if isinstance(p, dict)] if isinstance(recent, list) else []
        count = _number(one.get("count"))
        reactions.append({
            "emoji": _text(one.get("emoji") or one.get("document_id") or one.get("type")),
            "count": count if count is not None and 0 <= count < 1 << 53 else None,
            "senders": [_text(p.get("from")) or _text(p.get("from_id")) for p in people],
        })  # fmt: skip
    return reactions


def _gaps(start: int, end: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    gaps = []
    for first, last in taken:
        if first > start:
            gaps.append((start, first))
        start = last
    return [*gaps, (start, end)] if end > start else gaps


def _disagree(time: dict[str, Json], local: datetime) -> bool:
    offset = datetime.fromisoformat(f"{local.isoformat()}{str(time['offset'])[:6]}")
    return offset != datetime.fromisoformat(str(time["utc"]))


def _local(raw: Any) -> datetime | None:
    match = _LOCAL.fullmatch(raw) if isinstance(raw, str) else None
    return naive(*map(int, match.groups())) if match else None


def _number(raw: Any) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, str) and _INTEGER.fullmatch(raw):
        return int(raw)
    return None


def _text(raw: Any) -> str:
    """Return a scalar as text; "" for what is no scalar."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int) and abs(raw) < 10**40:
        return str(raw)
    return ""


def _plain(raw: Any, depth: int = 0) -> Json:
    """Return any JSON as canonical values: numbers as text, depth bounded."""
    if raw is None:
        return None
    if depth < 12 and isinstance(raw, list):
        return [_plain(one, depth + 1) for one in raw]
    if depth < 12 and isinstance(raw, dict):
        return _object(raw, depth + 1)
    return _text(raw)


def _object(raw: dict[str, Any], depth: int = 0) -> dict[str, Json]:
    """Return an object whose keys a canonical object can have.

    Keys must be valid Unicode, and an object with the single key ``wtf8`` means something else
    there (see ``formats.canonical``). The source text keeps both as they were.
    """
    found = {clean(key): _plain(one, depth) for key, one in raw.items()}
    return {"wtf8_": found["wtf8"]} if found.keys() == {"wtf8"} else found


PARSERS = (TelegramJson(),)
