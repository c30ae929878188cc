"""Attachments: the block in a row and the annex at the end of a volume."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from evidence.render.ahead import PicturesAhead, Wanted
from evidence.render.details import duration
from evidence.render.exhibit import AttachmentFile, Language, Limits, Row
from evidence.render.images import (
    TURNS,
    Picture,
    PictureFailed,
    add_picture,
    annex_picture,
)
from evidence.render.sheet import FAINT, INK, MONO, SMALL, SMALL_BOLD, SOFT, Link, StripBuilder
from evidence.render.text import Line, TextEngine, TextStyle
from evidence.render.volume import Volume
from evidence.render.words import KINDS, term
from evidence.values import Json

THUMB_WIDTH, THUMB_HEIGHT = 118.0, 92.0
PICTURE_KINDS = frozenset(("image", "sticker"))
ANNEX_PICTURE_BYTES = 30_000_000
LONGEST_NAME = 300
"""A longer file name flows in full above the block, which is never cut over pages."""


@dataclass(frozen=True, slots=True)
class AnnexItem:
    """One attachment that has a place in the annex."""

    anchor: str
    message_anchor: str
    conversation: int
    sequence: int
    attachment: Mapping[str, Json]
    file: AttachmentFile | None

    @property
    def has_bytes(self) -> bool:
        """Return whether the file itself can be loaded."""
        return self.file is not None and self.file.load is not None

    @property
    def is_picture(self) -> bool:
        """Return whether the attachment should be drawn."""
        media = str(self.attachment.get("media_type") or "")
        return self.has_bytes and (
            str(self.attachment.get("kind")) in PICTURE_KINDS or media.startswith("image/")
        )

    @property
    def key(self) -> str:
        """What names equal bytes: their hash, or the place where there is none."""
        return str(self.attachment.get("sha256") or self.anchor)

    def wanted(self) -> Wanted | None:
        """Return the picture to decode, or None where none is drawn."""
        if not self.is_picture or self.file is None or self.file.load is None:
            return None
        return Wanted(self.key, self.file.load)

    @property
    def size(self) -> int:
        """Size in bytes; 0 when it is not known."""
        size = self.attachment.get("size")
        return size if isinstance(size, int) else 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture embedded in this volume. ``width`` and ``height`` in pixels as displayed."""

    name: str
    width: int
    height: int
    turn: int
    untouched: bool


def draw_picture(
    builder: StripBuilder, picture: Shown, x: float, y: float, width: float, height: float
) -> None:
    """Draw a picture upright into a rectangle given by its lower left corner."""
    matrix = b"" if picture.turn == 1 else b"%g %g %g %g %g %g cm " % TURNS[picture.turn]
    builder.gfx.append(
        b"q %.2f 0 0 %.2f %.2f %.2f cm %s/%s Do Q"
        % (width, height, x, y, matrix, picture.name.encode("ascii"))
    )
    builder.xobjects.append(picture.name)


def embed(volume: Volume, picture: Picture) -> Shown:
    """Put a picture into the volume."""
    number = add_picture(volume.pdf, picture)
    name = volume.add_xobject(f"I{number}", number)
    return Shown(name, picture.width, picture.height, picture.turn, picture.untouched)


def items_of(number: int, row: Row) -> Iterator[AnnexItem]:
    """Yield the attachments of a row of conversation ``number``."""
    if row.message is None:
        return
    sequence = row.message.sequence
    for index, attachment in enumerate(row.message.attachments):
        if isinstance(attachment, dict):
            file = row.files[index] if index < len(row.files) else None
            anchor = f"a{number}-{sequence}-{index}"
            message = f"m{number}-{sequence}"
            yield AnnexItem(anchor, message, number, sequence, attachment, file)


class Column(Protocol):
    """What an attachment block needs of the column it stands in."""

    left: float
    width: float

    def small(self, text: str) -> None: ...

    def block(self, height: float) -> tuple[StripBuilder, float]: ...


class AttachmentBlock:
    """Sets attachments into rows of one volume and remembers them for its annex."""

    def __init__(
        self,
        volume: Volume,
        *,
        words: Mapping[str, str],
        language: Language,
        limits: Limits,
        ahead: PicturesAhead,
        several: bool = False,
    ) -> None:
        self.volume, self.words, self.language = volume, words, language
        self.several = several
        self.limits, self.ahead = limits, ahead
        self.items: list[AnnexItem] = []
        self._shown: dict[str, Shown | str] = {}
        self.annex_bytes = 0

    @property
    def engine(self) -> TextEngine:
        """The text engine of the volume."""
        return self.volume.engine

    def set(self, column: Column, item: AnnexItem) -> None:
        """Set one attachment: picture if there is one, name, size, hash, page in the annex."""
        shown, trouble = self._thumbnail(item)
        listed = item.has_bytes
        if listed:
            self.items.append(item)
            self.annex_bytes += min(item.size, ANNEX_PICTURE_BYTES) if item.is_picture else 400
        lines = describe(item, self.words, self.language)
        if len(lines[0]) > LONGEST_NAME:
            column.small(lines[0])
            lines[0] = lines[0][:LONGEST_NAME] + "…"
        if trouble:
            lines.append(self.words["file.undrawn"].format(why=trouble))
        if shown:
            self._with_picture(column, item, shown, lines, listed)
        else:
            self._text_only(column, item, lines, listed)

    def wanted(self, number: int, row: Row) -> Iterator[Wanted]:
        """Yield the pictures that ``row`` of conversation ``number`` will need decoded."""
        for item in items_of(number, row):
            wanted = item.wanted()
            if wanted is not None and wanted.key not in self._shown:
                yield wanted

    def _thumbnail(self, item: AnnexItem) -> tuple[Shown | None, str]:
        """Return the picture for the row, embedded once per volume and file, or what is wrong."""
        wanted = item.wanted()
        if wanted is None:
            return None, ""
        found = self._shown.get(wanted.key)
        if found is None:
            found = self._shown[wanted.key] = self._embed(wanted)
            if len(self._shown) > 2_000:
                self._shown.pop(next(iter(self._shown)))
        return (None, found) if isinstance(found, str) else (found, "")

    def _embed(self, wanted: Wanted) -> Shown | str:
        try:
            picture = self.ahead.picture(wanted)
        except PictureFailed as failure:
            return str(failure)
        return embed(self.volume, picture)

    def shown(self, item: AnnexItem) -> Shown | None:
        """Return the untouched picture already embedded for ``item``, if there is one."""
        found = self._shown.get(item.key)
        return found if isinstance(found, Shown) and found.untouched else None

    def _with_picture(
        self, column: Column, item: AnnexItem, picture: Shown, lines: list[str], listed: bool
    ) -> None:
        scale = min(THUMB_WIDTH / picture.width, THUMB_HEIGHT / picture.height)
        width, height = picture.width * scale, picture.height * scale
        text = self._set_lines(lines, column.width - THUMB_WIDTH - 18)
        needed = max(height, len(text) * 9.6 + (11 if listed else 0)) + 12
        builder, top = column.block(needed)
        draw_picture(builder, picture, column.left, top - height - 3, width, height)
        builder.frame(column.left, top - height - 3, width, height, 0.3)
        self._draw_lines(builder, item, text, column.left + THUMB_WIDTH + 10, top - 10, listed)

    def _text_only(self, column: Column, item: AnnexItem, lines: list[str], listed: bool) -> None:
        text = self._set_lines(lines, column.width - 12)
        needed = len(text) * 9.6 + (11 if listed else 0) + 8
        builder, top = column.block(needed)
        builder.rectangle(column.left, top - needed + 5, 1.6, needed - 6, FAINT)
        self._draw_lines(builder, item, text, column.left + 10, top - 9, listed)

    def _set_lines(self, lines: list[str], width: float) -> list[tuple[Line, float]]:
        found = []
        for i, text in enumerate(lines):
            is_hash = text.startswith("SHA-256 ")
            style = (
                SMALL_BOLD
                if i == 0
                else TextStyle(6.2 if width > 300 else 5.4, mono=True)
                if is_hash
                else SMALL
            )
            for line in self.engine.lines(text, width, style):
                found.append((line, INK if i == 0 else SOFT))
        return found

    def _draw_lines(
        self, builder: StripBuilder, item: AnnexItem, lines: list[tuple[Line, float]],
        x: float, y: float, listed: bool,
    ) -> None:  # fmt: skip
        for line, grey in lines:
            builder.text(line, x, y, grey)
            y -= 9.6
        builder.ink()
        if listed:
            words = self.engine.line(self.words["file.annex"], SMALL)
            builder.text(words, x, y)
            late = self.volume.late_label(item.anchor, 7.5)
            builder.form(late, x + words.width + 1, y - 4)
            builder.links.append(Link(x, y - 2, x + words.width + 60, y + 8, item.anchor))


def describe(item: AnnexItem, words: Mapping[str, str], language: Language) -> list[str]:
    """Return the lines that describe an attachment; its name first."""
    attachment = item.attachment
    kind = term(KINDS, str(attachment.get("kind") or "file"), language)
    lines = [str(attachment.get("name") or words["file.unnamed"])]
    facts = [kind]
    if attachment.get("media_type"):
        facts.append(str(attachment["media_type"]))
    size = attachment.get("size")
    if not isinstance(size, int):
        size = attachment.get("declared_size")
    if size is not None:
        facts.append(words["file.size"].format(size=f"{size:,}" if isinstance(size, int) else size))
    if attachment.get("duration") is not None:
        facts.append(words["file.duration"].format(duration=duration(attachment["duration"])))
    lines.append(" · ".join(facts))
    if attachment.get("sha256"):
        lines.append(f"SHA-256 {attachment['sha256']}")
    if not attachment.get("included"):
        lines.append(words["file.missing"])
    return lines


def draw_annex(
    volume: Volume,
    block: AttachmentBlock,
    *,
    words: Mapping[str, str],
    language: Language,
    limits: Limits,
    heading: Callable[[str], None],
) -> None:
    """Draw the annex of a volume: pictures a page each, other files as entries."""
    if not block.items:
        return
    volume.header_right = words["annex.title"]
    volume.begin_page()
    volume.bookmark(0, words["annex.title"])
    heading(words["annex.title"])
    ahead = PicturesAhead(
        lambda data: annex_picture(data, limits.max_image_pixels, ANNEX_PICTURE_BYTES)
    )

    def wanted(item: AnnexItem) -> Iterator[Wanted]:
        found = item.wanted()
        if found is not None and block.shown(item) is None:
            yield found

    try:
        for item in ahead.over(block.items, wanted):
            _annex_item(volume, block, item, words, language, ahead)
    finally:
        ahead.close()


def _annex_item(
    volume: Volume, block: AttachmentBlock, item: AnnexItem, words: Mapping[str, str],
    language: Language, ahead: PicturesAhead,
) -> None:  # fmt: skip
    shown, note, wanted = block.shown(item), words["annex.untouched"], item.wanted()
    if shown is None and wanted is not None:
        try:
            shown = embed(volume, ahead.picture(wanted))
            note = words["annex.untouched" if shown.untouched else "annex.scaled"]
        except PictureFailed as failure:
            note = words["file.undrawn"].format(why=str(failure))
    elif shown is None:
        note = words["annex.listed"]
    title = words["annex.item.of" if block.several else "annex.item"]
    title = title.format(number=item.sequence, conversation=item.conversation)
    _annex_strip(volume, item, shown, title, note, words, language)


def _annex_strip(
    volume: Volume, item: AnnexItem, picture: Shown | None, heading: str, note: str,
    words: Mapping[str, str], language: Language,
) -> None:  # fmt: skip
    engine, measure = volume.engine, volume.sheet.measure
    builder = StripBuilder()
    builder.anchors.append(item.anchor)
    title = engine.line(heading, SMALL_BOLD)
    builder.text(title, 0, -12)
    builder.links.append(Link(0, -15, title.width, -3, item.message_anchor))
    y = -24.0
    texts = describe(item, words, language)
    if item.file is not None and item.file.path:
        texts.append(f"{words['annex.path']}: {item.file.path}")
    if note:
        texts.append(note)
    for text in texts:
        style = MONO if text.startswith("SHA-256 ") else SMALL
        for line in engine.lines(text, measure, style):
            if y < -volume.sheet.depth / 2:
                volume.place(builder.build(-y))
                builder, y = StripBuilder(), -10.4
            builder.text(line, 0, y, SOFT)
            y -= 10.4
    if picture is not None:
        y = _annex_picture(volume, builder, picture, y)
    builder.rule(0, measure, y, 0.25, 0.75)
    volume.place(builder.build(-y + 6))


def _annex_picture(volume: Volume, builder: StripBuilder, picture: Shown, y: float) -> float:
    """Draw the picture below ``y`` as large as the page allows; return the y after it."""
    room_width, room_height = volume.sheet.measure, volume.sheet.depth + y - 46
    natural = 72 / 120
    scale = min(room_width / picture.width, room_height / picture.height, natural)
    width, height = picture.width * scale, picture.height * scale
    draw_picture(builder, picture, 0, y - height, width, height)
    builder.frame(0, y - height, width, height, 0.3)
    return y - height - 10
