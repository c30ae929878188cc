"""WhatsApp's own text export, Android and iOS, bare or in its archive.

A line that opens a message is ``date, time - rest`` (Android) or ``[date, time] rest`` (iOS);
everything up to the next such line belongs to it. ``rest`` is ``sender: body``, or a system
sentence without a sender. The layout of the file (brackets, date separator, seconds) is settled
on its first lines; a line of another layout inside a message stays in that message and is marked
``header_like_line``. A line of the same layout cannot be told from a real message: a participant
can paste one. It is read as a message, and where it breaks the order of time both neighbours are
marked ``possible_forgery``.

Dates. See ``dates``; two-digit years lead where the half-day mark is Chinese or Korean. The order
is known when some day is above 12 and asked when two orders fit every date. No export carries a
time zone: always asked.

Sender. Everything before the first ``: ``. A colon without blank counts when the name before it
already spoke. A colon inside a name cannot be told from a body that begins with a word and a
colon; ``sender_may_contain_colon`` is warned of where all messages of one sender begin alike.

Not in these exports, so never filled: ids, replies, reactions, receipts, earlier versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from evidence.errors import IngestRefused
from evidence.ingest.clock import from_local, likely_zones, naive, zone_needed
from evidence.ingest.dates import OrderNotes, date_in, fitting, settled_order
from evidence.ingest.encodings import utf8_mark_length
from evidence.ingest.interface import (
    Answers,
    ChatFile,
    Event,
    SeriesStart,
    Span,
    Survey,
)
from evidence.ingest.lines import LONGEST_PIECE, lines
from evidence.ingest.media import attachment, attachment_kind
from evidence.ingest.products import whatsapp_words as words
from evidence.ingest.rows import ROW_BYTES, Rows, clean
from evidence.values import Json, Message

_M = f"[{words.MARKS}]{{0,8}}"
_S = "[ \u00a0\u202f\u2009]"
_DATE = (
    rf"(\d{{1,4}}){_M}(\.{_S}|[./-]|[年년]{_S}?){_M}(\d{{1,2}}){_M}(\.{_S}|[./-]|[月월]{_S}?){_M}"
    rf"(\d{{1,4}})(?:[.日일](?!\d))?"
)
_BETWEEN = rf"{_M}[,،、]?{_S}*(?:(?:at|um|à|às|a las|alle|ore|klo|kl\.|om|в){_S}+)?"
_TIME = rf"(?:([^\d\s:,\[\]\-–—]{{1,14}}){_S}*)?(\d{{1,2}})[:.](\d{{2}})(?:[:.](\d{{2}}))?"
_AFTER = rf"(?:{_S}*([^\d\[\]:\-–—]{{1,16}}?))??"
_BRACKET = re.compile(rf"{_M}\[{_M}({_DATE}{_BETWEEN}{_TIME}{_AFTER}){_M}\]{_S}?(.*)", re.DOTALL)
_DASH = re.compile(rf"{_M}({_DATE}{_BETWEEN}{_TIME}{_AFTER}){_S}+[-–—]{_S}(.*)", re.DOTALL)
_WHOLE, _A, _SEP1, _B, _SEP2, _C, _HALF1, _HOUR, _MINUTE, _SECOND, _HALF2, _REST = range(1, 13)
_MAYBE_HEADER = re.compile(rf"{_M}\[?{_M}\d{{1,4}}{_M}[./年년-]")
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(,?) ")
"""Two shapes with such dates are not WhatsApp's: ``[2019-12-24, 12:23]`` without seconds is what a
Signal exporter writes, and ``2019-12-24 12:23:05 - `` with seconds and a dash is a log file."""

_PAIRS = {"年": "月", "년": "월"}
_OUTER_MARKS = words.MARKS + " \u00a0\u202f"
_PHONE = re.compile(r"\+[\d\s\u00a0().\-\u2010-\u2015]{5,24}")
_ATTACHED_IOS = re.compile(rf"{_M}<{_M}([^:<>]{{2,24}})[:：]{_M} ?{_M}([^<>\r\n]{{1,255}}?){_M}>")
_ATTACHED_ANDROID = re.compile(rf"{_M}([^\r\n]{{1,255}}?) \(([^()\r\n]{{2,30}})\){_M}\r?(?:\n|$)")
_IOS_WORDS = {word.lower() for word in words.ATTACHED_IOS}
_ANDROID_WORDS = {word.lower() for word in words.ATTACHED_ANDROID}
_TITLE = re.compile(
    r"WhatsApp Chat (?:with|-|mit) (.+)|与(.+)的 ?WhatsApp ?聊天(?:记录)?|與(.+)的 ?WhatsApp ?對話"
    r"|Chat de WhatsApp con (.+)|Discussion WhatsApp avec (.+)|Chat WhatsApp con (.+)"
    r"|Conversa do WhatsApp com (.+)|WhatsApp[- ]chat met (.+)|WhatsAppチャット - (.+)",
    re.IGNORECASE,
)
_COPY_NUMBER = re.compile(r" ?\(\d{1,3}\)$")
_LONGEST_NAME = 400
_QUOTES = frozenset('"“„«「')
_TIMES_KEPT: Final = 4096


class WhatsAppText:
    """The one layout family of ``_chat.txt`` and ``WhatsApp Chat with X.txt``."""

    name = "whatsapp_text"
    version = "1"
    format = "whatsapp_text"
    zip_format = "whatsapp_zip"

    def recognises(self, head: bytes, name: str) -> bool:
        """True when one of the first fifty lines opens a message."""
        text = head.decode("utf-8", "replace").split("\n")[:50]
        return any(_header(line, None) for line in text)

    def survey(self, chat: ChatFile) -> Survey:
        layout = _layout(chat)
        notes = _Notes()
        with chat.open() as stream:
            for _, line, begins in lines(stream):
                text = line.decode("utf-8", "replace") if begins else ""
                match = _header(text, layout) if begins else None
                if match is not None:
                    notes.take(match)
        return Survey(
            needs_timezone=True,
            timezone_examples=tuple(notes.dates.examples[:1]),
            likely_timezones=likely_zones(*notes.zones()),
            date_orders=notes.orders(),
            date_examples=tuple(notes.dates.examples),
            facts={"layout": layout, "group": "1" if len(notes.names) > 2 else ""},
        )

    def read(self, chat: ChatFile, survey: Survey, answers: Answers) -> Iterator[Event]:
        order = settled_order(survey, answers)
        with chat.open() as stream:
            mark = utf8_mark_length(stream.read(3))
        header: tuple[Span, ...] = ((chat.member, 0, mark),) if mark else ()
        title = _title(chat)
        yield SeriesStart(
            platform="whatsapp",
            platform_id=None,
            title=title,
            conversation_type="group" if survey.facts["group"] else "unknown",
            identity=f"whatsapp:{(title or chat.name).casefold()}",
            owner_name=None,
            header_spans=header,
            date_order=order,
            date_order_basis="file" if len(survey.date_orders) < 2 else "stated",
        )
        times = _Times(zone_needed(answers.timezone), order)
        yield from _Reading(chat, survey.facts["layout"], times, answers.owner).rows(mark)


class _Notes:
    """What the survey gathers over all header lines."""

    def __init__(self) -> None:
        self.dates = OrderNotes()
        self.names: set[str] = set()
        self._halves: set[str] = set()

    def take(self, match: re.Match[str]) -> None:
        half = match[_HALF1] or match[_HALF2]
        if half and len(self._halves) < 8:
            self._halves.add(half.strip())
        if len(self.names) < 3:
            name, colon, _ = match[_REST].partition(": ")
            if colon:
                self.names.add(name)
        self.dates.take(fitting(match[_A], match[_SEP1], match[_B], match[_C]), match[_WHOLE])

    def orders(self) -> tuple[str, ...]:
        return self.dates.orders(year_leads=bool(self._halves & words.CHINESE_HALF_DAYS))

    def zones(self) -> tuple[str, ...]:
        marks = "".join(self._halves)
        if re.search("[가-힣]", marks):
            return ("Asia/Seoul",)
        return ("Asia/Tokyo",) if "午前" in marks or "午後" in marks else ()


def _header(line: str, layout: str | None) -> re.Match[str] | None:
    """Return the match of a line that opens a message, in ``layout`` or, if None, in any."""
    if not _MAYBE_HEADER.match(line):
        return None
    for shape, pattern in (("[", _BRACKET), ("-", _DASH)):
        if layout is not None and layout[0] != shape:
            continue
        match = pattern.match(line)
        if match is not None and _sound(match) and layout in (None, _layout_of(shape, match)):
            return match
    return None


def _layout_of(shape: str, match: re.Match[str]) -> str:
    return f"{shape}{match[_SEP1][0]}{'s' if match[_SECOND] else ''}"


def _sound(match: re.Match[str]) -> bool:
    separator = match[_SEP1].strip(_OUTER_MARKS)
    if match[_SEP2].strip(_OUTER_MARKS) != _PAIRS.get(separator, separator):
        return False
    for half in (match[_HALF1], match[_HALF2]):
        if half and words.half_day(half) is None:
            return False
    iso = _ISO_DATE.match(match[_WHOLE])
    if iso and bool(iso[1]) > bool(match[_SECOND]) and match.re is _BRACKET:
        return False
    if iso and match[_SECOND] and match.re is _DASH:
        return False
    if int(match[_HOUR]) > 24 or int(match[_MINUTE]) > 59 or int(match[_SECOND] or 0) > 60:
        return False
    return bool(fitting(match[_A], match[_SEP1], match[_B], match[_C]))


def _layout(chat: ChatFile) -> str:
    """Return the layout most of the first lines have, the earlier one on a tie."""
    counts: dict[str, int] = {}
    with chat.open() as stream:
        for _, line, begins in islice(lines(stream), 2000):
            match = _header(line.decode("utf-8", "replace"), None) if begins else None
            if match is not None:
                shape = "[" if match.re is _BRACKET else "-"
                layout = _layout_of(shape, match)
                counts[layout] = counts.get(layout, 0) + 1
    if not counts:
        raise IngestRefused("no line opens a message", code="unknown_format")
    return max(counts, key=lambda layout: counts[layout])


def _title(chat: ChatFile) -> str | None:
    """Return the chat's name as the file names tell it."""
    for name in (chat.name, chat.archive_name):
        stem = name.replace("\\", "/").rpartition("/")[2].rpartition(".")[0] or name
        match = _TITLE.fullmatch(_COPY_NUMBER.sub("", stem.strip(_OUTER_MARKS)))
        if match is not None:
            return clean(next(group for group in match.groups() if group))
    return None


class _Times:
    """Header times to clock and sealed time, each distinct string worked out once."""

    def __init__(self, zone: ZoneInfo, order: str) -> None:
        self._zone, self._order = zone, order
        self._known: dict[str, tuple[datetime | None, dict[str, Json] | None, list[Json]]] = {}

    def of(
        self, match: re.Match[str]
    ) -> tuple[datetime | None, dict[str, Json] | None, list[Json]]:
        raw = match[_WHOLE]
        known = self._known.get(raw)
        if known is None:
            if len(self._known) >= _TIMES_KEPT:
                self._known.clear()
            known = self._known[raw] = self._worked_out(match)
        return known

    def _worked_out(
        self, match: re.Match[str]
    ) -> tuple[datetime | None, dict[str, Json] | None, list[Json]]:
        date = date_in(match[_A], match[_B], match[_C], self._order)
        hour = _hour(int(match[_HOUR]), match[_HALF1] or match[_HALF2])
        local = naive(*date, hour, int(match[_MINUTE]), int(match[_SECOND] or 0)) if date else None
        if local is None:
            return None, None, ["unreadable_time"]
        precision = "second" if match[_SECOND] else "minute"
        time, warnings = from_local(local, self._zone, precision)
        return (None if warnings else local), time, list(warnings)


def _hour(hour: int, mark: str | None) -> int:
    half = words.half_day(mark) if mark else None
    if half == "am" and hour == 12:
        return 0
    if (half == "pm" and hour < 12) or (half == "noon" and hour < 11):
        return hour + 12
    return hour


class _Reading:
    """One pass over the file in a settled layout."""

    def __init__(self, chat: ChatFile, layout: str, times: _Times, owner: str | None) -> None:
        self._chat, self._layout, self._times = chat, layout, times
        self._rows = Rows(chat.member, (owner,), text_can_lie=True)
        self._colons: dict[str, tuple[str, int] | None] = {}

    def rows(self, mark: int) -> Iterator[Event]:
        match: re.Match[str] | None = None
        texts: list[str] = []
        start, size, held = mark, 0, b""
        slices: list[bytes] = []
        damaged = like_header = False
        layout = self._layout
        with self._chat.open() as stream:
            stream.read(mark)
            for offset, line, begins in lines(stream):
                offset += mark
                try:
                    text = line.decode("utf-8")
                except UnicodeDecodeError:
                    text, held = line.decode("utf-8", "replace"), line
                found = _header(text, layout) if begins else None
                if found is None:
                    if begins and match is not None and not like_header:
                        like_header = _header(text, None) is not None
                    size += len(line)
                    if size > ROW_BYTES and slices:
                        yield from self._row(match, start, slices, texts, damaged, like_header)
                        yield from self._rows.unparsed(offset, line, "row_too_long")
                        match, slices, texts, size = None, [], [], 0
                        start = offset + len(line)
                        damaged = like_header = False
                        continue
                else:
                    if slices:
                        yield from self._row(match, start, slices, texts, damaged, like_header)
                    match, slices, texts, start, size = found, [], [], offset, len(line)
                    damaged = like_header = False
                slices.append(line)
                texts.append(text)
                if held:
                    damaged, held = True, b""
        if slices:
            yield from self._row(match, start, slices, texts, damaged, like_header)
        self._closing_warnings()
        yield from self._rows.finish()

    def _row(
        self,
        match: re.Match[str] | None,
        start: int,
        slices: list[bytes],
        texts: list[str],
        damaged: bool,
        like_header: bool,
    ) -> Iterable[Message]:
        data = slices[0] if len(slices) == 1 else b"".join(slices)
        if match is None:
            code = "blank" if not data.strip() else ""
            return self._rows.unparsed(start, data, code)
        text = texts[0] if len(texts) == 1 else "".join(texts)
        clock, time, warnings = self._times.of(match)
        if damaged or like_header:
            warnings = [*warnings, *(["invalid_utf8"] if damaged else [])]
            warnings += ["header_like_line"] if like_header else []
        rest = _without_line_end(text[match.start(_REST) :])
        source = {"clock": clock, "time": time, "time_raw": match[_WHOLE], "warnings": warnings}
        source["text"] = None if damaged else text
        return self._message(rest, start, data, source)

    def _message(
        self, rest: str, start: int, data: bytes, source: dict[str, Any]
    ) -> Iterable[Message]:
        name, body = self._sender(rest)
        if name is None:
            fields = _system(rest)
            kind = str(fields.pop("kind"))
            return self._rows.add(kind, start, data, body=rest, **source, **fields)
        shown = name.strip(_OUTER_MARKS) or name
        if self._is_notice(body):
            fields = {"system": {"template": "encryption_notice", "values": {"as": shown}}}
            return self._rows.add("system", start, data, body=body, **source, **fields)
        phone = _PHONE.fullmatch(shown)
        person = self._rows.person(shown, "".join(re.findall(r"[+\d]", shown)) if phone else None)
        self._note_colon(shown, body)
        fields = self._body_fields(body)
        kind = str(fields.pop("kind", "text"))
        return self._rows.add(kind, start, data, person=person, body=body, **source, **fields)

    def _sender(self, rest: str) -> tuple[str | None, str]:
        name, colon, body = rest.partition(": ")
        if not colon or "\n" in name:
            first = rest.partition("\n")[0].rstrip("\r")
            if first.endswith(":"):
                return self._unless_system(first[:-1], rest[len(first) :].lstrip("\r\n"), rest)
            name, colon, body = rest.partition(":")
            if colon and (None, name.strip(_OUTER_MARKS)) in self._rows.known():
                return name, body
            return None, rest
        return self._unless_system(name, body, rest)

    @staticmethod
    def _unless_system(name: str, body: str, rest: str) -> tuple[str | None, str]:
        if not name.strip(_OUTER_MARKS) or len(name) > _LONGEST_NAME:
            return None, rest
        if (len(name) > 25 or _QUOTES & set(name)) and words.COLON_INSIDE.search(name):
            return None, rest
        return name, body

    def _is_notice(self, body: str) -> bool:
        if self._rows.count and not body.startswith("\u200e"):
            return False
        return words.system_template(body[:400]) == "encryption_notice"

    def _note_colon(self, name: str, body: str) -> None:
        known = self._colons.get(name, ("", 0))
        if known is None:
            return
        word, colon, _ = body.partition(": ")
        same = colon and "\n" not in word and (not known[0] or word == known[0])
        self._colons[name] = (word, known[1] + 1) if same else None

    def _closing_warnings(self) -> None:
        for name, known in self._colons.items():
            if known is not None and known[1] >= 3:
                self._rows.warn("sender_may_contain_colon", clean(name))
        for name in self._chat.unreferenced():
            self._rows.warn("member_not_referenced", name)

    def _body_fields(self, body: str) -> dict[str, Any]:
        """Return kind and fields that WhatsApp's own wording in ``body`` gives."""
        fields: dict[str, Any] = {}
        if body.endswith((">", ">\u200e")) or "<" in body[-60:]:
            if body.strip(_OUTER_MARKS).endswith(words.EDITED):
                fields["edits"] = [{"time_raw": None, "utc": None, "previous": None}]
        if len(body) > 4000:
            return fields
        attached = self._attached(body)
        if attached is not None:
            kind = str(attached["kind"])
            return {**fields, "kind": kind, "attachments": [attached]}
        plain = body.strip(_OUTER_MARKS + "\r\n")
        if len(plain) < 80 and "\n" not in plain:
            short = _short_fields(plain, body)
            if short is not None:
                return {**fields, **short}
        if "http" in plain[:40] and (place := words.LOCATION.fullmatch(plain)):
            details = {"url": plain[plain.index("http") :]}
            if place["at"]:
                details["latitude"], _, details["longitude"] = place["at"].partition(",")
            return {**fields, "kind": "location", "details": details}
        if "\n" in plain and (poll := words.POLL.fullmatch(plain)):
            return {**fields, "kind": "poll", "details": _poll(poll[1])}
        return fields

    def _attached(self, body: str) -> dict[str, Json] | None:
        ios = _ATTACHED_IOS.search(body) if "<" in body else None
        if ios is not None:
            name, known = ios[2], ios[1].strip().lower() in _IOS_WORDS
        else:
            android = _ATTACHED_ANDROID.match(body) if ")" in body else None
            if android is None:
                return None
            name, known = android[1], android[2].strip().lower() in _ANDROID_WORDS
        name = name.strip(words.MARKS)
        found = self._chat.attachment(name)
        if found is None and not known:
            return None
        return attachment(name, attachment_kind(name), found)


def _short_fields(plain: str, body: str) -> dict[str, Any] | None:
    """Return the fields of a one-line body that is WhatsApp's wording; None for other text."""
    omitted = words.omitted_kind(plain)
    if omitted is not None:
        return {"kind": omitted, "attachments": [attachment(None, omitted, None)]}
    if words.is_deleted(plain):
        return {"kind": "recalled", "deletion": {"by": None, "time_raw": None}}
    if plain.rstrip(".").lower() in words.LIVE_LOCATION:
        return {"kind": "location", "details": {"live": "true"}}
    if body.startswith("\u200e"):
        call = words.call_in(plain)
        if call is not None:
            return {"kind": "call", "details": call}
    return None


def _system(rest: str) -> dict[str, Any]:
    plain = rest.strip(_OUTER_MARKS + "\r\n")
    if words.is_deleted(plain):
        return {"kind": "recalled", "deletion": {"by": None, "time_raw": None}}
    call = words.call_in(plain) if len(plain) < 120 else None
    if call is not None:
        return {"kind": "call", "details": call}
    template = words.system_template(plain) if len(plain) < 2000 else "notice"
    return {"kind": "system", "system": {"template": template, "values": {"text": plain}}}


def _poll(text: str) -> dict[str, Json]:
    question, options = "", []
    for line in text.split("\n"):
        plain = line.strip(_OUTER_MARKS + "\r")
        option = words.POLL_OPTION.fullmatch(plain)
        if option is not None:
            options.append(option[1])
        elif plain and not options:
            question = f"{question}\n{plain}" if question else plain
    return {"question": question, "options": list(options)}


def _without_line_end(text: str) -> str:
    if text.endswith("\n"):
        text = text[:-1]
        if text.endswith("\r"):
            text = text[:-1]
    return text


PARSERS = (WhatsAppText(),)

assert LONGEST_PIECE < ROW_BYTES  # noqa: S101  # a piece must fit a row
