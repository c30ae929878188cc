"""From an exhibit to its PDFs: volumes first, the master last.

``render_volumes`` draws everything and returns a Rendering whose ``volumes`` are finished files
ready to be signed. The master's pages are drawn too, so its page count and Bates range are known
(``Rendering.master``) before the manifest is; ``render_master`` embeds the manifest and closes it.
A small exhibit has no volumes: its transcripts stand in the master.

Equal exhibits give equal bytes. When a process dies in between, render again: the volumes come out
the same.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from evidence.render import images
from evidence.render.ahead import PicturesAhead, Wanted
from evidence.render.attachments import ANNEX_PICTURE_BYTES, AttachmentBlock, draw_annex
from evidence.render.exhibit import (
    Exhibit,
    Limits,
    MissingGlyph,
    RenderedVolume,
    Row,
    SealBox,
    Transcript,
)
from evidence.render.flow import Flow, Mono
from evidence.render.fonts import FontLibrary
from evidence.render.front import FrontMatter, Overview, Place, cover_foot, transcript_head
from evidence.render.rows import (
    RowSetter,
    day_heading,
    day_strip,
    month_heading,
    shown_time,
)
from evidence.render.sheet import StripBuilder, geometry
from evidence.render.text import TextStyle
from evidence.render.volume import (
    BACK,
    BODY,
    FRONT,
    BatesLabel,
    Metadata,
    Volume,
    Wording,
    volume_note,
)
from evidence.render.words import words
from evidence.values import Json

MASTER_NAME = "evidence.pdf"
FONT_RESERVE = 5_000_000
MEDIA_TYPES = {".json": "application/json", ".txt": "text/plain", ".jsonl": "application/jsonl"}


@dataclass(slots=True)
class _Span:
    """Pages of something within the body of one volume, as indices into its pages."""

    volume: int
    first: int
    last: int


@dataclass(slots=True)
class _Body:
    """One volume's worth of transcript and annex, drawn; its final number is not known yet."""

    volume: Volume
    seal: SealBox | None = None
    annex: tuple[int, int] | None = None


@dataclass(slots=True)
class Rendering:
    """The state between the two steps. ``volumes`` are finished; ``master`` is planned."""

    exhibit: Exhibit
    volumes: list[RenderedVolume]
    master: RenderedVolume
    overview: Overview
    """Where each conversation, annex and participant stands, for lists made beside the exhibit."""
    _master: Volume = field(repr=False)
    _bates_first: int = field(repr=False)
    _filing_copy: bool = field(default=False, repr=False)


def render_volumes(
    exhibit: Exhibit,
    folder: Path,
    *,
    fonts: FontLibrary,
    limits: Limits | None = None,
    filing_copy: bool = False,
) -> Rendering:
    """Draw the exhibit into ``folder``; volumes are finished, the master awaits its manifest.

    filing_copy: draw an unsigned, watermarked copy (``filing-copy.pdf``) instead.
    """
    images.configure()
    renderer = _Renderer(exhibit, folder, fonts, limits or Limits(), filing_copy)
    try:
        return renderer.run()
    except BaseException:
        renderer.abandon()
        raise
    finally:
        renderer.ahead.close()


def render_master(rendering: Rendering, *, embed: Mapping[str, bytes]) -> RenderedVolume:
    """Embed ``embed`` (name → bytes), finish the master and return it."""
    exhibit = rendering.exhibit
    number_of = len(rendering.volumes) + 1
    note = volume_note(exhibit.bundle_id, 1, number_of, exhibit.selection_digest)
    files = {key: (data, _media_type(key)) for key, data in embed.items()}
    files["volume.json"] = (note, "application/json")
    rendering._master.finish(
        bates_first=rendering._bates_first, number=1, of=number_of, embedded=files,
        about=_metadata(exhibit, 1, number_of, rendering._filing_copy),
    )  # fmt: skip
    return rendering.master


def _weight(attachment: Json) -> int:
    """Return how many bytes an attachment may add: its annex picture and its thumbnail."""
    size = attachment.get("size") if isinstance(attachment, dict) else 0
    return min(size, ANNEX_PICTURE_BYTES) + 150_000 if isinstance(size, int) else 150_000


def _media_type(key: str) -> str:
    return MEDIA_TYPES.get(Path(key).suffix, "application/octet-stream")


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let the collector of cycles look less often: rows are trees, thousands a second, without any."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class _Renderer:
    """One run over one exhibit."""

    def __init__(
        self, exhibit: Exhibit, folder: Path, fonts: FontLibrary, limits: Limits, filing_copy: bool
    ) -> None:
        self.exhibit, self.folder, self.fonts = exhibit, folder, fonts
        self.limits, self.filing_copy = limits, filing_copy
        self.words = words(exhibit.language)
        self.stem = "filing-copy" if filing_copy else "evidence"
        self.label = BatesLabel(exhibit.bates.prefix, exhibit.bates.digits)
        self.bodies: list[_Body] = []
        self.transcripts: list[list[_Span]] = []
        self.parties: dict[tuple[int, str], list[_Span]] = {}
        self.leaves: dict[int, list[tuple[int, str]]] = {}
        self.ahead = PicturesAhead(
            lambda data: images.small_picture(data, self.limits.max_image_pixels)
        )
        self._opened: list[Volume] = []
        self._volume: Volume
        """The volume being filled, that of the last body."""
        self._checked_pages = 0
        """How many pages it had when ``_full`` last said no."""
        self._attachments: AttachmentBlock
        self._setter: RowSetter
        self._day = ""

    # ---- bodies ---------------------------------------------------------------------------------

    def run(self) -> Rendering:
        """Draw bodies, then the master around or beside them, then number everything."""
        self._open_body()
        for number, part in enumerate(self.exhibit.transcripts, 1):
            self._transcript(number, part)
        self._draw_annex()
        self._volume.end_page()
        if len(self.bodies) == 1:
            own = self._own_page_counts()
            if len(self._volume.pages) + sum(own) <= self.limits.max_pages:
                return self._single(own)
        return self._several()

    def abandon(self) -> None:
        """Close and delete every file that was begun."""
        for volume in self._opened:
            volume.discard()

    def _open_body(self) -> None:
        path = self.folder / f"{self.stem}-{len(self.bodies) + 2:03d}.pdf"
        volume = self._new_volume(path)
        self.bodies.append(_Body(volume))
        self._volume, self._checked_pages = volume, 0
        self._attachments = AttachmentBlock(
            volume, words=self.words, language=self.exhibit.language, limits=self.limits,
            ahead=self.ahead, several=len(self.exhibit.transcripts) > 1,
        )  # fmt: skip

    def _new_volume(self, path: Path) -> Volume:
        exhibit, text = self.exhibit, self.words
        stamps, marks = [], []
        if exhibit.deployment.trust == "development":
            stamps.append(text["development"])
            marks.append(text["development.mark"])
        if self.filing_copy:
            stamps.append(text["filing.stamp"].format(master=MASTER_NAME, bundle=exhibit.bundle_id))
            marks.append(text["filing.mark"])
        volume = Volume(
            path,
            library=self.fonts,
            sheet=geometry(exhibit.paper),
            wording=Wording(
                text["page_of"], exhibit.bundle_id, "\n".join(stamps), text["volume_of"]
            ),
            bates_prefix=exhibit.bates.prefix,
            forms=self._forms(""),
            cjk_first=exhibit.language == "zh",
            watermark=" · ".join(marks),
        )
        self._opened.append(volume)
        matter = exhibit.matter
        volume.header_left = " · ".join(filter(None, (matter.number, matter.name)))
        volume.header_left = volume.header_left or text["title"]
        return volume

    def _forms(self, script: str) -> str:
        return script or "zh-Hans"

    def _transcript(self, number: int, part: Transcript) -> None:
        self._begin_transcript(number, part)
        small = sum(t.span[1] - t.span[0] + 1 for t in self.exhibit.transcripts)
        keep = self.leaves.setdefault(number, []) if small <= self.limits.leaf_list_rows else None

        def wanted(row: Row) -> Iterable[Wanted]:
            return self._attachments.wanted(number, row) if row.files else ()

        with _seldom_collected():
            for row in self.ahead.over(part.rows(), wanted):
                if self._full(row):
                    self._next_body(number, part)
                self._row(number, row)
                if keep is not None and row.message is not None and row.leaf:
                    keep.append((row.message.sequence, row.leaf))
        self._volume.engine.set_forms(self._forms(""), guess=True)
        self.transcripts[-1][-1].last = len(self._volume.pages) - 1

    def _begin_transcript(self, number: int, part: Transcript) -> None:
        volume = self._volume
        volume.engine.set_forms(self._forms(part.script), guess=not part.script)
        transcript_head(volume, part, number, self.words, self.exhibit.style)
        index = len(volume.pages) - 1
        self.transcripts.append([_Span(len(self.bodies) - 1, index, index)])
        self._new_setter(number, part)
        self._day = ""

    def _new_setter(self, number: int, part: Transcript) -> None:
        self._setter = RowSetter(
            engine=self._volume.engine, words=self.words, language=self.exhibit.language,
            transcript=part, number=number, measure=self._volume.sheet.measure,
            attachments=self._attachments, style=self.exhibit.style,
        )  # fmt: skip

    def _full(self, row: Row) -> bool:
        """Return whether ``row`` belongs into a new volume."""
        volume, block = self._volume, self._attachments
        begun = len(volume.pages)
        if begun == self._checked_pages and not row.files:
            return False
        self._checked_pages = begun
        pages = begun + len(block.items) + len(row.files) + 4
        size = volume.pdf.size + block.annex_bytes + FONT_RESERVE
        if row.files and row.message is not None:
            size += sum(map(_weight, row.message.attachments))
        if begun < 2:
            return False
        return pages >= self.limits.max_pages or size >= self.limits.max_bytes

    def _next_body(self, number: int, part: Transcript) -> None:
        """Close this volume with its annex and go on in a new one."""
        self.transcripts[-1][-1].last = len(self._volume.pages) - 1
        self._draw_annex()
        self._seal_body(self.bodies[-1])
        self._open_body()
        volume = self._volume
        volume.engine.set_forms(self._forms(part.script), guess=not part.script)
        title = self.words["chat.named"].format(number=number, title=part.title[:80])
        volume.header_right = self.words["chat.continued"].format(title=title)
        volume.begin_page()
        volume.bookmark(0, title)
        Flow(volume).heading(volume.header_right)
        self.transcripts[-1].append(_Span(len(self.bodies) - 1, 0, 0))
        self._new_setter(number, part)
        self._day = ""

    def _draw_annex(self) -> None:
        volume = self._volume
        first = len(volume.pages)
        draw_annex(
            volume, self._attachments, words=self.words, language=self.exhibit.language, limits=self.limits,
            heading=Flow(volume).heading,
        )  # fmt: skip
        if self._attachments.items:
            self.bodies[-1].annex = (first, len(volume.pages) - 1)

    def _row(self, number: int, row: Row) -> None:
        volume = self._volume
        message = row.message
        shown = None
        if message is not None and row.disclosure != "withheld":
            shown = shown_time(message)
            if shown is not None and shown.date != self._day:
                self._new_day(shown.date)
        strips = self._setter.strips(row, shown)
        volume.place(strips[0])
        if message is None:
            return
        if message.sender and row.disclosure != "withheld":
            self._note_party((number, str(message.sender.get("key"))))
        if len(strips) > 1:
            resume = self._setter.resume(message.sequence)
            for strip in strips[1:]:
                volume.place(strip, resume=resume)

    def _new_day(self, day: str) -> None:
        volume, language = self._volume, self.exhibit.language
        strip = day_strip(
            volume.engine, day_heading(day, language), volume.sheet.measure, self.exhibit.style
        )
        if volume.room < strip.height + 44:
            volume.begin_page()
        if day[:7] != self._day[:7]:
            volume.bookmark(1, month_heading(day, language))
        volume.bookmark(2, day_heading(day, language))
        volume.place(strip)
        self._day = day

    def _note_party(self, key: tuple[int, str]) -> None:
        """Remember on which pages somebody (transcript, participant) speaks, for their index."""
        page, body = len(self._volume.pages) - 1, len(self.bodies) - 1
        spans = self.parties.get(key)
        if spans is None:
            self.parties[key] = [_Span(body, page, page), _Span(body, page, page)]
        elif spans[1].last != page or spans[1].volume != body:
            spans[1] = _Span(body, page, page)

    # ---- masters --------------------------------------------------------------------------------

    def _single(self, own: tuple[int, int]) -> Rendering:
        """Put the master's own pages around the one body."""
        volume = self._volume
        path = self.folder / f"{self.stem}.pdf"
        volume.rename(path)
        first = self.exhibit.bates.first
        body_first = first + own[0]
        pages = own[0] + len(volume.pages) + own[1]
        missing = self._missing([volume], [body_first])
        overview = self._overview([body_first], pages, 1, (), missing)
        seal = self._draw_own(volume, overview, own)
        volume.close()
        master = self._rendered(volume, 1, 1, first, seal, missing)
        return Rendering(self.exhibit, [], master, overview, volume, first, self.filing_copy)

    def _several(self) -> Rendering:
        """Make each body a volume of its own and the master a file before them."""
        self._seal_body(self.bodies[-1])
        first = self.exhibit.bates.first
        own = self._own_page_counts()
        starts, at = [], first + own[0] + own[1]
        for body in self.bodies:
            starts.append(at)
            at += len(body.volume.pages)
        number_of = len(self.bodies) + 1
        missing = self._missing([body.volume for body in self.bodies], starts)
        master = self._new_volume(self.folder / f"{self.stem}.pdf")
        files = self._volume_lines(starts, own[0] + own[1])
        overview = self._overview(starts, at - first, number_of, files, missing)
        seal = self._draw_own(master, overview, own)
        master.close()
        volumes = [
            self._finish_body(body, i, number_of, start)
            for i, (body, start) in enumerate(zip(self.bodies, starts, strict=True), 2)
        ]
        rendered = self._rendered(master, 1, number_of, first, seal, missing)
        return Rendering(self.exhibit, volumes, rendered, overview, master, first, self.filing_copy)

    def _own_page_counts(self) -> tuple[int, int]:
        """Return how many pages go before and after the transcripts, by laying them out once."""
        scratch = self._new_volume(self.folder / f"{self.stem}.layout.part")
        guess = Place(
            self.label(self.exhibit.bates.first), self.label(self.exhibit.bates.first + 1)
        )
        single = len(self.bodies) == 1 and not self.bodies[0].seal
        files: tuple[tuple[int, str, int, Place], ...] = ()
        if not single:
            files = self._volume_lines([1] * len(self.bodies), 1)
        missing = self._missing([b.volume for b in self.bodies], [1] * len(self.bodies))
        overview = Overview(
            pages=1000, files=len(files) or 1, bates_first=guess.first, bates_last=guess.last,
            transcripts=(guess,) * len(self.transcripts),
            annexes=tuple((i, guess) for i, b in enumerate(self.bodies, 2) if b.annex),
            parties=dict.fromkeys(self.parties, guess), volumes=files, missing=missing,
        )  # fmt: skip
        own = self._draw_own_pages(scratch, overview)[1]
        scratch.discard()
        return own

    def _draw_own_pages(
        self, volume: Volume, overview: Overview
    ) -> tuple[SealBox, tuple[int, int]]:
        before = len(volume.pages)
        matter = FrontMatter(
            volume, self.exhibit, self.words, overview, self.limits, unsigned=self.filing_copy
        )
        volume.end_page()
        volume.part = FRONT
        seal = matter.cover()
        matter.evidence_list()
        matter.participants()
        volume.end_page()
        middle = len(volume.pages)
        volume.part = BACK
        matter.sources()
        matter.tools()
        matter.hashes({n: rows for n, rows in self.leaves.items() if rows})
        matter.custody()
        matter.colophon()
        volume.end_page()
        volume.part = BODY
        seal = replace(seal, page=seal.page - before)
        return seal, (middle - before, len(volume.pages) - middle)

    def _draw_own(self, volume: Volume, overview: Overview, own: tuple[int, int]) -> SealBox:
        seal, counts = self._draw_own_pages(volume, overview)
        if counts != own:
            raise RuntimeError(f"the front matter took {counts} pages, {own} were counted")
        return seal

    def _missing(self, volumes: list[Volume], starts: list[int]) -> tuple[MissingGlyph, ...]:
        found: dict[int, MissingGlyph] = {}
        for volume, start in zip(volumes, starts, strict=True):
            for code_point, count in volume.missing.items():
                page = volume.pages.index(volume.first_missing[code_point])
                known = found.get(code_point)
                label = known.first_bates if known else self.label(start + page)
                total = count + (known.count if known else 0)
                found[code_point] = MissingGlyph(code_point, total, label)
        return tuple(found[c] for c in sorted(found))

    def _overview(
        self,
        starts: list[int],
        pages: int,
        files: int,
        volumes: tuple[tuple[int, str, int, Place], ...],
        missing: tuple[MissingGlyph, ...],
    ) -> Overview:
        first = self.exhibit.bates.first

        def place(spans: list[_Span]) -> Place:
            a, b = spans[0], spans[-1]
            return Place(
                self.label(starts[a.volume] + a.first), self.label(starts[b.volume] + b.last)
            )

        offset = 1 if files == 1 else 2
        return Overview(
            pages=pages,
            files=files,
            bates_first=self.label(first),
            bates_last=self.label(first + pages - 1),
            transcripts=tuple(place(spans) for spans in self.transcripts),
            annexes=tuple(
                (i + offset, place([_Span(i, *body.annex)]))
                for i, body in enumerate(self.bodies)
                if body.annex
            ),
            parties={key: place(spans) for key, spans in self.parties.items()},
            volumes=volumes,
            missing=missing,
        )

    def _volume_lines(self, starts: list[int], own: int) -> tuple[tuple[int, str, int, Place], ...]:
        first = self.exhibit.bates.first
        place = Place(self.label(first), self.label(first + own - 1))
        lines = [(1, f"{self.stem}.pdf", own, place)]
        for i, (body, start) in enumerate(zip(self.bodies, starts, strict=True), 2):
            count = len(body.volume.pages)
            place = Place(self.label(start), self.label(start + count - 1))
            lines.append((i, body.volume.path.name, count, place))
        return tuple(lines)

    def _seal_body(self, body: _Body) -> None:
        """Draw a volume's own cover and close it; its numbers come later."""
        volume = body.volume
        volume.end_page()
        volume.part = FRONT
        before = len(volume.pages)
        body.seal = self._volume_cover(volume)
        body.seal = replace(body.seal, page=body.seal.page - before)
        moved = len(volume.pages) - before
        for spans in (*self.transcripts, *self.parties.values()):
            for span in spans:
                if span.volume == self.bodies.index(body):
                    span.first += moved
                    span.last += moved
        if body.annex:
            body.annex = (body.annex[0] + moved, body.annex[1] + moved)
        volume.end_page()
        volume.pages.sort(key=lambda page: page.part)
        volume.close()

    def _volume_cover(self, volume: Volume) -> SealBox:
        text, exhibit = self.words, self.exhibit
        volume.header_right = ""
        volume.begin_page()
        volume.bookmark(0, text["title"])
        builder = StripBuilder()
        engine = volume.engine
        builder.text(engine.line(text["title"], TextStyle(22, bold=True)), 0, -24)
        builder.form(volume.volume_label(), 0, -50)
        builder.rule(0, volume.sheet.measure, -60, 1.2, 0)
        volume.place(builder.build(72))
        flow = Flow(volume)
        flow.paragraph(text["volume.part"])
        flow.facts(
            [
                (text["bundle_id"], Mono(exhibit.bundle_id)),
                (text["cover.matter"], exhibit.matter.name),
                (text["cover.number"], exhibit.matter.number),
                (text["volume.selection"], Mono(exhibit.selection_digest)),
            ]
        )
        return cover_foot(volume, exhibit, text, unsigned=self.filing_copy)

    def _finish_body(self, body: _Body, number: int, of: int, start: int) -> RenderedVolume:
        exhibit = self.exhibit
        note = volume_note(exhibit.bundle_id, number, of, exhibit.selection_digest)
        body.volume.finish(
            bates_first=start, number=number, of=of,
            embedded={"volume.json": (note, "application/json")},
            about=_metadata(exhibit, number, of, self.filing_copy),
        )  # fmt: skip
        assert body.seal is not None  # noqa: S101  # set when the body was closed
        missing = self._missing([body.volume], [start])
        return self._rendered(body.volume, number, of, start, body.seal, missing)

    def _rendered(
        self, volume: Volume, number: int, of: int, first: int, seal: SealBox,
        missing: tuple[MissingGlyph, ...],
    ) -> RenderedVolume:  # fmt: skip
        pages = len(volume.pages)
        return RenderedVolume(
            volume.path, pages, self.label(first), self.label(first + pages - 1), seal, number, of,
            missing,
        )  # fmt: skip


def _metadata(exhibit: Exhibit, number: int, of: int, filing_copy: bool) -> Metadata:
    text = words(exhibit.language)
    title = text["file_title"].format(bundle=exhibit.bundle_id)
    if of > 1:
        title += " · " + text["volume_of"].format(number=number, of=of)
    if filing_copy:
        title += " · " + text["filing.mark"]
    issuer = exhibit.deployment
    return Metadata(
        bates_label=BatesLabel(exhibit.bates.prefix, exhibit.bates.digits),
        title=title,
        creator=issuer.name,
        producer=f"{issuer.software} {issuer.version}".strip(),
        identifier=exhibit.bundle_id,
        language="zh-CN" if exhibit.language == "zh" else "en",
        created=exhibit.created,
    )


__all__ = ["Rendering", "render_master", "render_volumes"]
