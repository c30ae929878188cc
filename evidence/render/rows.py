"""The transcript, record style: one row per message, number and full time on every row.

A row becomes strips. A short row is one strip; a long one is cut between lines, so that a message of
ten thousand lines flows over pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from evidence.render.attachments import AttachmentBlock, items_of
from evidence.render.details import named, shown_details
from evidence.render.exhibit import Language, Redacted, Row, Style, Transcript
from evidence.render.sheet import (
    BODY,
    BODY_BOLD,
    FAINT,
    GROUND,
    INK,
    LEADING,
    MONO,
    SMALL,
    SMALL_LEADING,
    SOFT,
    Link,
    Strip,
    StripBuilder,
)
from evidence.render.text import Line, TextEngine, TextStyle
from evidence.render.words import FIELDS, KINDS, TEMPLATES, WARNINGS, term
from evidence.values import Json, Message

NUMBER_RIGHT, TIME_LEFT, TEXT_LEFT = 29.0, 38.0, 114.0
FIRST_STRIP, NEXT_STRIP = 90.0, 70.0
BLOCK = "█"
NUMBER_STYLE = TextStyle(8.5, bold=True)
HASH_STYLE = TextStyle(6.0, mono=True)
_EPOCH_LENGTH = 19


class ShownTime(NamedTuple):
    """A time as it is printed: date, and time with offset and marks."""

    date: str
    time: str


class Heading(NamedTuple):
    """Name and id of a sender, ready for the head of a row."""

    texts: bytes
    gfx: tuple[bytes, ...]
    xobjects: tuple[str, ...]


class RowSetter:
    """Sets rows of one transcript into strips for one volume."""

    def __init__(
        self,
        *,
        engine: TextEngine,
        words: Mapping[str, str],
        language: Language,
        transcript: Transcript,
        number: int,
        measure: float,
        attachments: AttachmentBlock,
        style: Style = "record",
    ) -> None:
        self.engine, self.words, self.language = engine, words, language
        self.transcript, self.number, self.measure = transcript, number, measure
        self.attachments = attachments
        self.width = measure - TEXT_LEFT
        self._sober = style == "record"
        self._columns = Bubble if style == "conversation" else Column
        self.owners = {p.participant.key for p in transcript.parties if p.participant.is_owner}
        self._senders: dict[tuple[str, str], Heading] = {}
        sans = engine._sans
        sans.encode("".join(map(chr, range(0x20, 0x7F))))
        engine._mono.encode("".join(map(chr, range(0x20, 0x7F))))
        engine._bold.encode("0123456789")
        self._digit = engine._bold.widths["0"] * NUMBER_STYLE.size

    def anchor(self, sequence: int) -> str:
        """Return the anchor of a row."""
        return f"m{self.number}-{sequence}"

    def strips(self, row: Row, shown: ShownTime | None) -> list[Strip]:
        """Return the strips of one row whose time prints as ``shown``."""
        if row.disclosure == "gap":
            return [self._gap(row)]
        if row.disclosure == "withheld" or row.message is None:
            return [self._withheld(row)]
        return self._message(row, row.message, shown)

    def resume(self, sequence: int) -> Strip:
        """Return the line at the head of a page on which a long row goes on."""
        builder = StripBuilder()
        builder.texts.append(self._number(sequence))
        words = self.engine.line(self.words["row.continued"], SMALL)
        builder.text(words, TIME_LEFT, -10, SOFT)
        return builder.build(15)

    # ---- rows without a message -----------------------------------------------------------------

    def _gap(self, row: Row) -> Strip:
        key = "row.gap.one" if row.count == 1 else "row.gap"
        text = self.words[key].format(count=row.count, first=row.first, last=row.last)
        line = self.engine.line(text, SMALL, self.measure - 40)
        builder = StripBuilder()
        start = (self.measure - line.width) / 2
        builder.text(line, start, -12, SOFT)
        for x0, x1 in ((0.0, start - 8), (start + line.width + 8, self.measure)):
            builder.gfx.append(
                b"0.6 w 0.36 G [2 2] 0 d %.2f -9.5 m %.2f -9.5 l S [] 0 d" % (x0, x1)
            )
        return builder.build(20)

    def _withheld(self, row: Row) -> Strip:
        builder = StripBuilder()
        sequence = row.message.sequence if row.message is not None else row.first
        builder.anchors.append(self.anchor(sequence))
        builder.texts.append(self._number(sequence))
        builder.texts.append(self._hash(row.leaf, -20))
        reason = row.reason or self.words["row.reason.none"]
        text = self.words["row.withheld"].format(reason=reason)
        builder.rectangle(TEXT_LEFT, -14, 64, 9, 0)
        lines = self.engine.lines(text, self.width - 74, SMALL)
        y = -12.0
        for line in lines:
            builder.text(line, TEXT_LEFT + 74, y)
            y -= SMALL_LEADING
        height = max(26.0, -y + 4)
        builder.rule(0, self.measure, -height, 0.25)
        return builder.build(height)

    # ---- messages -------------------------------------------------------------------------------

    def _message(self, row: Row, message: Message, shown: ShownTime | None) -> list[Strip]:
        if self._sober and _is_bare(row, message):
            lines = self.engine.lines(message.body or "", self.width, BODY)
            if len(lines) <= 5 and not any(map(_is_odd, lines)):
                return [self._bare(row, message, shown, lines)]
            column = Column(self, row, message, shown)
            column.body_lines(lines)
            return column.finish()
        column = self._columns(self, row, message, shown)
        self._fill(column, row, message)
        return column.finish()

    def _bare(
        self, row: Row, message: Message, shown: ShownTime | None, lines: list[Line]
    ) -> Strip:
        """Return the one strip of a short row that holds nothing but text: most of any chat."""
        heading = self.sender(message, row)
        parts = [*self.left_block(message, row, shown), heading.texts]
        y = -23.5
        for line in lines:
            parts.append(b"1 0 0 1 114 %.1f Tm %s" % (y, line.ops))
            y -= LEADING
        height = max(34.0, -y - 7.5) + 3
        ops = b"0.25 w 0.75 G 0 %.1f m %.2f %.1f l S %s\n0 g 0 G BT\n%s\nET" % (
            -height, self.measure, -height, b" ".join(heading.gfx), b"\n".join(parts),
        )  # fmt: skip
        return Strip(height + 2, ops, heading.xobjects, (), (self.anchor(message.sequence),))

    def _fill(self, column: Column, row: Row, message: Message) -> None:
        """Put everything the message says into the column, in reading order."""
        if message.reply_to:
            self._reply(column, message.reply_to)
        if message.forward:
            self._forward(column, message.forward)
        self._kind(column, message)
        self._body(column, row, message)
        if message.details:
            for text in shown_details(message, self.language):
                column.small(text)
        self._files(column, row)
        for edit in message.edits:
            self._edit(column, edit)
        if message.deletion:
            self._deletion(column, message.deletion)
        if message.reactions:
            column.small(self.words["row.reactions"] + _reactions(message.reactions))
        if message.receipts:
            column.small(self.words["row.receipts"] + self._receipts(message.receipts))
        if row.withheld:
            fields = self.words["and"].join(
                term(FIELDS, f, self.language) for f in sorted(row.withheld)
            )
            note = self.words["row.withheld.fields"].format(fields=fields)
            if row.reason:
                note += self.words["row.withheld.reason"].format(reason=row.reason)
            column.small(note)
        for warning in message.warnings:
            text = term(WARNINGS, str(warning), self.language)
            column.small(self.words["row.note"].format(text=text))

    def _kind(self, column: Column, message: Message) -> None:
        if message.kind and message.kind not in ("text", "system"):
            column.small(term(KINDS, message.kind, self.language), bold=True)

    def _body(self, column: Column, row: Row, message: Message) -> None:
        if row.body is not None:
            column.body(_redacted(row.body))
        elif "body" in row.withheld:
            column.body(BLOCK * 12)
        elif message.body:
            column.body(message.body)
        elif message.system:
            column.body(_system(message.system, self.language))
        elif message.kind == "unparsed":
            column.body(_source(message.source_text, self.language))
        elif message.kind == "text" and not message.attachments:
            column.small(self.words["row.empty"])

    def _reply(self, column: Column, reply: Mapping[str, Json]) -> None:
        sequence = reply.get("sequence")
        if isinstance(sequence, int):
            text = self.words["row.reply"].format(number=sequence)
            column.small(text, target=self.anchor(sequence))
        else:
            column.small(self.words["row.reply.unknown"])
        quote = reply.get("quote")
        if isinstance(quote, str) and quote:
            column.quote(quote)

    def _forward(self, column: Column, forward: Mapping[str, Json]) -> None:
        name = forward.get("from")
        if isinstance(name, str) and name:
            column.small(self.words["row.forward"].format(name=name))
        else:
            column.small(self.words["row.forward.unknown"])

    def _files(self, column: Column, row: Row) -> None:
        if "attachments" in row.withheld:
            column.small(self.words["file.withheld"])
        for item in items_of(self.number, row):
            self.attachments.set(column, item)

    def _edit(self, column: Column, edit: Json) -> None:
        if not isinstance(edit, dict):
            return
        when = str(edit.get("time_raw") or edit.get("utc") or "")
        previous = edit.get("previous")
        if isinstance(previous, str):
            column.small(self.words["row.edited"].format(time=when, previous=previous))
        else:
            column.small(self.words["row.edited.lost"].format(time=when))

    def _deletion(self, column: Column, deletion: Mapping[str, Json]) -> None:
        by = deletion.get("by") or self.words["row.someone"]
        when = deletion.get("time_raw") or ""
        column.small(self.words["row.recalled"].format(by=by, time=when))

    def _receipts(self, receipts: list[Json]) -> str:
        found = []
        for receipt in receipts:
            if isinstance(receipt, dict):
                action = self.words.get(f"row.{receipt.get('action')}", "")
                when = receipt.get("time_raw") or ""
                found.append(f"{receipt.get('participant')} {action} {when}".strip())
        return "; ".join(found)

    # ---- the left columns -----------------------------------------------------------------------

    def left_block(self, message: Message, row: Row, shown: ShownTime | None) -> list[bytes]:
        """Return number, date, time and hash as text operators."""
        if shown is not None:
            number = str(message.sequence)
            return [
                b"/B 8.5 Tf 1 0 0 1 %.2f -10 Tm (%s) Tj /A 7.5 Tf 1 0 0 1 38 -10 Tm (%s) Tj "
                b"0 -9.5 Td (%s) Tj 0.36 g /M 6 Tf 0 -9.5 Td (%s) Tj 0 g"
                % (
                    NUMBER_RIGHT - len(number) * self._digit,
                    number.encode("utf-16-be"),
                    shown.date.encode("utf-16-be"),
                    shown.time.encode("utf-16-be"),
                    row.leaf[:16].encode("utf-16-be"),
                )
            ]
        text = message.time_raw or self.words["row.no_time"]
        if "time" in row.withheld:
            text = BLOCK * 6
        line = self.engine.line(text, SMALL, TEXT_LEFT - TIME_LEFT - 6)
        raw = b"1 0 0 1 38 -10 Tm %s" % line.ops
        return [self._number(message.sequence), raw, self._hash(row.leaf, -29)]

    def _number(self, sequence: int) -> bytes:
        text = str(sequence)
        return b"/B 8.5 Tf 1 0 0 1 %.2f -10 Tm (%s) Tj" % (
            NUMBER_RIGHT - len(text) * self._digit,
            text.encode("utf-16-be"),
        )

    def _hash(self, leaf: str, y: float) -> bytes:
        return b"0.36 g /M 6 Tf 1 0 0 1 38 %.2f Tm (%s) Tj 0 g" % (
            y,
            leaf[:16].encode("utf-16-be"),
        )

    def names(self, message: Message, row: Row) -> tuple[str, str]:
        """Return the sender's name and id as printed."""
        sender = message.sender
        if "sender" in row.withheld:
            return BLOCK * 6, ""
        if not sender:
            return self.words["row.system" if message.kind == "system" else "row.no_sender"], ""
        return str(sender.get("name") or ""), str(sender.get("id") or "")

    def sender(self, message: Message, row: Row) -> Heading:
        """Return the heading of a row: name in bold, id after it; cached per sender."""
        key = self.names(message, row)
        found = self._senders.get(key)
        if found is None:
            if len(self._senders) > 5_000:
                self._senders.clear()
            found = self._senders[key] = self._heading(*key)
        return found

    def _heading(self, name: str, platform_id: str) -> Heading:
        builder = StripBuilder()
        line = self.engine.line(name, TextStyle(9, bold=True), self.width * 0.62)
        builder.text(line, TEXT_LEFT, -10)
        if platform_id and platform_id != name:
            after = self.engine.line(platform_id, SMALL, self.width - line.width - 10)
            builder.text(after, TEXT_LEFT + line.width + 7, -10, SOFT)
            builder.ink()
        return Heading(b" ".join(builder.texts), tuple(builder.gfx), tuple(builder.xobjects))


def _is_bare(row: Row, message: Message) -> bool:
    """Return whether a row is a text and nothing else."""
    return bool(
        message.body
        and message.kind == "text"
        and row.body is None
        and not row.withheld
        and not message.attachments
        and not message.reply_to
        and not message.reactions
        and not message.edits
        and not message.warnings
        and not message.forward
        and not message.deletion
        and not message.receipts
        and not (message.details and any(shown_details(message, "en")))
    )


def _is_odd(line: Line) -> bool:
    return bool(line.boxes or line.images or line.rtl)


class Column:
    """The right column of one row: content flows down it and is cut into strips."""

    def __init__(
        self, setter: RowSetter, row: Row, message: Message, shown: ShownTime | None
    ) -> None:
        self.setter, self.engine = setter, setter.engine
        self.left, self.width = TEXT_LEFT, setter.width
        self._strips: list[Strip] = []
        self._builder = StripBuilder()
        self._builder.anchors.append(setter.anchor(message.sequence))
        self._y = -23.5
        self._least = 34.0
        self._begin(row, message, shown)
        self._first = self._y

    def _begin(self, row: Row, message: Message, shown: ShownTime | None) -> None:
        """Put number, time, hash and sender."""
        heading = self.setter.sender(message, row)
        self._builder.texts += self.setter.left_block(message, row, shown)
        self._builder.texts.append(heading.texts)
        self._builder.gfx += heading.gfx
        self._builder.xobjects += heading.xobjects

    def body(self, text: str) -> None:
        """Set the message text."""
        self.body_lines(self.engine.lines(text, self.width, BODY))

    def body_lines(self, lines: list[Line]) -> None:
        """Set the lines of the message text."""
        for line in lines:
            if self._y - LEADING < -FIRST_STRIP:
                self._cut()
            if line.boxes or line.images or line.rtl:
                x = self.left + (self.width - line.width if line.rtl else 0)
                self._builder.text(line, x, self._y)
            else:
                self._builder.ink()
                self._builder.texts.append(
                    b"1 0 0 1 %.2f %.2f Tm %s" % (self.left, self._y, line.ops)
                )
            self._y -= LEADING

    def small(self, text: str, *, bold: bool = False, target: str = "") -> None:
        """Set a line of secondary text, wrapped."""
        style = TextStyle(7.5, bold=bold)
        for line in self.engine.lines(text, self.width, style):
            if self._y - SMALL_LEADING < -FIRST_STRIP:
                self._cut()
            self._builder.text(line, self.left, self._y + 1, INK if bold else SOFT)
            if target:
                box = Link(self.left, self._y - 2, self.left + line.width, self._y + 8, target)
                self._builder.links.append(box)
            self._y -= SMALL_LEADING
        self._y -= 1.5

    def quote(self, text: str) -> None:
        """Set a quoted message: indented beside a bar."""
        for line in self.engine.lines(text, self.width - 12, TextStyle(8.5)):
            if self._y - 12 < -FIRST_STRIP:
                self._cut()
            self._builder.rectangle(self.left, self._y - 3.2, 1.6, 12, FAINT)
            self._builder.text(line, self.left + 10, self._y, SOFT)
            self._y -= 12
        self._y -= 2

    def block(self, height: float) -> tuple[StripBuilder, float]:
        """Reserve an unbroken area; return the builder and the y of its upper edge."""
        under_heading = self._first - self._y < 2 * LEADING
        if self._y - height < -FIRST_STRIP and not under_heading:
            self._cut()
        top = self._y + 8
        self._y -= height
        return self._builder, top

    def _cut(self) -> None:
        """Finish the strip; the next one begins at its own upper edge."""
        self._strips.append(self._builder.build(-self._y - 9))
        self._builder = StripBuilder()
        self._y = self._first = -10.0
        self._least = 0.0

    def finish(self) -> list[Strip]:
        """Return the strips; the last one ends with a hairline."""
        height = max(self._least, -self._y - 7.5) + 3
        self._builder.rule(0, self.setter.measure, -height, 0.25, 0.75)
        self._strips.append(self._builder.build(height + 2))
        return self._strips


def shown_time(message: Message) -> ShownTime | None:
    """Return the printed time of a message, or None when the source states none.

    The wall clock is UTC plus the offset with which the time was read.
    """
    time = message.time
    if not time:
        return None
    utc, offset = str(time.get("utc") or ""), str(time.get("offset") or "+00:00")
    if len(offset) == 6 and offset.endswith(":00"):
        date, hour = _hour(utc[:13], offset)
        clock = hour + utc[13:16]
    else:
        date, clock = _wall_clock(utc[:16], offset)
    precision = time.get("precision")
    if precision == "minute":
        shown = f"{clock} {offset} m"
    else:
        end = 23 if precision == "millisecond" else 19
        shown = f"{clock}{utc[16:end].rstrip('Z')} {offset}"
    return ShownTime(date, f"{shown} a" if time.get("ambiguous") else shown)


class Bubble(Column):
    """Conversation style: the sides of the app, and still number, full time, sender id and hash.

    The account holder's messages stand right on a grey ground with a double edge, all others left
    on white, so the sides can be told apart in black and white. System rows stand in the middle.
    """

    def _begin(self, row: Row, message: Message, shown: ShownTime | None) -> None:
        setter, measure = self.setter, self.setter.measure
        key = str(message.sender.get("key")) if message.sender else ""
        self._own = message.direction == "out" or (
            message.direction is None and key in setter.owners
        )
        self._framed = message.sender is not None
        self.width = measure * 0.64 - 2 * BUBBLE_PAD
        self.left = BUBBLE_PAD + (measure * 0.36 if self._own else 0.0)
        if not self._framed:
            self.left = (measure - self.width) / 2
        self._caption(row, message, shown)
        self._top = -24.0
        self._y = -36.5
        self._least = 46.0

    def _caption(self, row: Row, message: Message, shown: ShownTime | None) -> None:
        """Put two small lines above the bubble: who, then number, time and hash."""
        setter, engine = self.setter, self.engine
        name, platform_id = setter.names(message, row)
        line = engine.line(name, TextStyle(8, bold=True), self.width * 0.6)
        self._builder.text(line, self.left, -10)
        after = engine.line(platform_id, SMALL, self.width - line.width - 8)
        self._builder.text(after, self.left + line.width + 6, -10, SOFT)
        when = f"{shown.date} {shown.time}" if shown else message.time_raw or ""
        words = f"{message.sequence}   {when or setter.words['row.no_time']}"
        at = engine.line(words, SMALL, self.width - 66)
        self._builder.text(at, self.left, -20, INK)
        leaf = engine.line(row.leaf[:16], HASH_STYLE)
        self._builder.text_right(leaf, self.left + self.width, -20, SOFT)

    def _cut(self) -> None:
        self._edge(-self._y - 9)
        super()._cut()
        self._top = 0.0

    def finish(self) -> list[Strip]:
        """Return the strips; the bubble is closed at the foot of the last."""
        height = max(self._least, -self._y - 4)
        self._edge(height, last=True)
        self._strips.append(self._builder.build(height + 7))
        return self._strips

    def _edge(self, height: float, *, last: bool = False) -> None:
        """Draw the ground and the edges of the bubble down to ``height``."""
        if not self._framed:
            return
        x, width = self.left - BUBBLE_PAD, self.width + 2 * BUBBLE_PAD
        ground = BUBBLE_OWN if self._own else 1.0
        gfx = [b"%g g %.2f %.2f %.2f %.2f re f" % (ground, x, -height, width, height + self._top)]
        edges = [x, x + width, *([x + width - 2.2] if self._own else [])]
        gfx += [b"0.5 w 0.45 G"] + [
            b"%.2f %.2f m %.2f %.2f l S" % (edge, -height, edge, self._top) for edge in edges
        ]
        if not self._strips:
            gfx.append(b"%.2f %.2f m %.2f %.2f l S" % (x, self._top, x + width, self._top))
        if last:
            gfx.append(b"%.2f %.2f m %.2f %.2f l S" % (x, -height, x + width, -height))
        self._builder.gfx[:0] = gfx


BUBBLE_PAD, BUBBLE_OWN = 8.0, 0.94


@lru_cache(4096)
def _hour(hour: str, offset: str) -> tuple[str, str]:
    """Return date and hour of a UTC hour at an ``offset`` of whole hours."""
    text = (datetime.fromisoformat(hour) + _delta(offset)).isoformat()
    return text[:10], text[11:13]


@lru_cache(65536)
def _wall_clock(minute: str, offset: str) -> tuple[str, str]:
    """Return date and time to the minute of a UTC minute at ``offset``."""
    text = (datetime.fromisoformat(minute) + _delta(offset)).isoformat()
    return text[:10], text[11:16]


@lru_cache(1024)
def _delta(offset: str) -> timedelta:
    sign = -1 if offset.startswith("-") else 1
    parts = [int(part) for part in offset.lstrip("+-Z").split(":") if part.isdigit()]
    hours, minutes = [*parts, 0, 0][:2]
    return sign * timedelta(hours=hours, minutes=minutes)


def day_heading(day: str, language: Language) -> str:
    """Return the text of a day divider: weekday and full date."""
    moment = datetime.fromisoformat(day).replace(tzinfo=UTC)
    if language == "zh":
        weekday = "一二三四五六日"[moment.weekday()]
        return f"{moment.year} 年 {moment.month} 月 {moment.day} 日 星期{weekday}"
    return f"{_WEEKDAYS[moment.weekday()]}, {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def month_heading(day: str, language: Language) -> str:
    """Return the bookmark of a month."""
    if language == "zh":
        return f"{int(day[:4])} 年 {int(day[5:7])} 月"
    return f"{_MONTHS[int(day[5:7]) - 1]} {day[:4]}"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def day_strip(engine: TextEngine, text: str, measure: float, style: Style = "record") -> Strip:
    """Return a day divider: its text above the messages, or in the middle between the sides."""
    builder = StripBuilder()
    builder.rectangle(0, -19, measure, 15, GROUND + 0.03)
    line = engine.line(text, BODY_BOLD, measure - TEXT_LEFT)
    left = (measure - line.width) / 2 if style == "conversation" else TEXT_LEFT
    builder.text(line, left, -14.6)
    return builder.build(24)


def _redacted(pieces: tuple[str | Redacted, ...]) -> str:
    return "".join(p if isinstance(p, str) else BLOCK * min(p.segments, 40) for p in pieces)


def _reactions(reactions: list[Json]) -> str:
    found = []
    for reaction in reactions:
        if isinstance(reaction, dict):
            senders = reaction.get("senders")
            names = ", ".join(map(str, senders)) if isinstance(senders, list) else ""
            count = reaction.get("count")
            text = str(reaction.get("emoji") or "")
            text += f" ×{count}" if isinstance(count, int) else ""
            found.append(f"{text} ({names})" if names else text)
    return "   ".join(found)


def _system(system: Mapping[str, Json], language: Language) -> str:
    template = term(TEMPLATES, str(system.get("template")), language)
    values = system.get("values")
    inside = named(values, language) if values else ""
    colon = "：" if language == "zh" else ": "
    return f"{template}{colon}{inside}" if inside else template


def _source(source: Json, language: Language) -> str:
    return named(source, language) if isinstance(source, dict) else str(source)


__all__ = ["MONO", "RowSetter", "ShownTime", "day_heading", "day_strip", "month_heading"]
