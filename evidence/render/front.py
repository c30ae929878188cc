"""Everything of the exhibit but transcripts and annexes: cover, lists, records, appendices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from evidence.render.attachments import draw_picture, embed
from evidence.render.exhibit import (
    Acquisition,
    CustodyLine,
    Exhibit,
    Limits,
    MissingGlyph,
    Party,
    PartyPicture,
    SealBox,
    Statement,
    Style,
    Transcript,
)
from evidence.render.flow import CELL, Flow, Late, Mono
from evidence.render.images import Picture
from evidence.render.qr import qr_ops
from evidence.render.rows import shown_time
from evidence.render.sheet import FAINT, INK, MONO, SMALL, SMALL_BOLD, SOFT, StripBuilder
from evidence.render.text import TextStyle
from evidence.render.volume import Volume
from evidence.render.words import EVENTS, counted, term

PARTY_PICTURE = 118.0
"""The longer side of a picture beside a participant, in points."""
SEAL_WIDTH, SEAL_HEIGHT = 214.0, 76.0
COLOPHON_HEIGHT = 170.0
"""Room the last chapter needs."""
LAST_ROWS = 200.0
"""How much of the custody log goes over to the last page with the colophon when that does not fit
below it, so that the last page is never nearly empty."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: first and last Bates label, and the anchor when it is in this file."""

    first: str = ""
    last: str = ""
    file: str = ""

    def __str__(self) -> str:
        if not self.first or self.first == self.last:
            return self.first
        return f"{self.first} – {self.last}"


@dataclass(frozen=True, slots=True)
class Overview:
    """What is only known once all pages exist; a first pass is laid out with guesses."""

    pages: int
    files: int
    bates_first: str
    bates_last: str
    transcripts: tuple[Place, ...]
    annexes: tuple[tuple[int, Place], ...]
    """(volume number, place) of each annex."""
    parties: Mapping[tuple[int, str], Place]
    volumes: tuple[tuple[int, str, int, Place], ...]
    """(number, file name, pages, place)."""
    missing: tuple[MissingGlyph, ...] = ()


def moment(value: datetime | None) -> str:
    """Return an aware time as printed: UTC, to the second."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if value else ""


class FrontMatter:
    """Draws the master's own pages into a volume."""

    def __init__(
        self,
        volume: Volume,
        exhibit: Exhibit,
        words: Mapping[str, str],
        overview: Overview,
        limits: Limits,
        *,
        unsigned: bool = False,
    ) -> None:
        self.unsigned = unsigned
        self.volume, self.exhibit, self.words = volume, exhibit, words
        self.overview, self.limits = overview, limits
        self.flow = Flow(volume)

    # ---- cover ----------------------------------------------------------------------------------

    def cover(self) -> SealBox:
        """Draw the cover and return where the visible signature goes."""
        volume, words, exhibit = self.volume, self.words, self.exhibit
        volume.header_right = ""
        volume.begin_page()
        volume.bookmark(0, words["title"])
        self._cover_title()
        self.flow.facts(self._cover_facts(), size=8.8)
        self.flow.subheading(words["cover.proved"])
        for text in self._claims():
            self.flow.paragraph(text, TextStyle(8.6))
        self.flow.subheading(words["cover.not_proved"])
        self.flow.paragraph(words["claim.not"], TextStyle(8.6))
        self.flow.paragraph(self._witness(), SMALL, SOFT)
        return cover_foot(volume, exhibit, words, unsigned=self.unsigned)

    def _cover_title(self) -> None:
        builder, engine, words = StripBuilder(), self.volume.engine, self.words
        builder.text(
            engine.line(words["title"], TextStyle(22, bold=True), self.flow.measure), 0, -24
        )
        under = self.exhibit.matter.name or words["bundle"]
        y = -44.0
        for line in engine.lines(_clip(under, 240), self.flow.measure, TextStyle(12)):
            builder.text(line, 0, y, SOFT)
            y -= 16
        builder.rule(0, self.flow.measure, y + 6, 1.2, INK)
        self.volume.place(builder.build(-y + 4))

    def _cover_facts(self) -> list[tuple[str, str]]:
        words, exhibit, matter = self.words, self.exhibit, self.exhibit.matter
        stamp = exhibit.stamp
        operator = words["cover.stamp.value"].format(name=stamp.name, operator=stamp.operator)
        if not stamp.independent:
            operator += "\n" + words["cover.stamp.local"]
        issuer = exhibit.deployment
        return [
            (words["bundle_id"], Mono(exhibit.bundle_id)),
            (words["cover.matter"], matter.name if len(matter.name) > 240 else ""),
            (words["cover.number"], matter.number),
            (words["cover.requester"], matter.requester),
            (words["cover.authority"], matter.authority),
            (words["cover.purpose"], matter.purpose),
            (words["cover.custodian"], self._custodians()),
            (
                words["cover.jurisdiction"],
                words[f"jurisdiction.{exhibit.jurisdiction}"] if exhibit.jurisdiction else "",
            ),
            (words["cover.conversations"], self._conversations()),
            (words["cover.period"], self._period()),
            (words["cover.zone"], self._zones()),
            (words["cover.messages"], self._counts()),
            (words["cover.pages"], self._page_count()),
            (words["cover.created"], moment(exhibit.created)),
            (words["cover.language"], words["cover.version"].format(version=exhibit.version)),
            (words["cover.issuer"], " · ".join(filter(None, (issuer.name, issuer.operator)))),
            (words["cover.stamp"], operator),
            (words["cover.until"], moment(exhibit.verifiable_until)),
        ]

    def _custodians(self) -> str:
        named = [t.custodian for t in self.exhibit.transcripts]
        return self.exhibit.matter.custodian or _each_once(named)

    def _conversations(self) -> str:
        titles = [
            f"{i}. {_clip(t.title)} ({t.platform})"
            for i, t in enumerate(self.exhibit.transcripts, 1)
        ]
        shown = titles[:12]
        if len(titles) > 12:
            shown.append(f"… ({len(titles)})")
        return "\n".join(shown)

    def _period(self) -> str:
        first = [t.first_time for t in self.exhibit.transcripts if t.first_time]
        last = [t.last_time for t in self.exhibit.transcripts if t.last_time]
        if not first or not last:
            return self.words["not_stated"]
        return self.words["to"].format(first=moment(min(first)), last=moment(max(last)))

    def _zones(self) -> str:
        zones = [
            self.words["stated_by"].format(value=t.zone, by=t.zone_stated_by)
            if t.zone_stated_by
            else t.zone
            for t in self.exhibit.transcripts
            if t.zone
        ]
        return _each_once(zones) or self.words["cover.zone.rows"]

    def _counts(self) -> str:
        parts = self.exhibit.transcripts
        return self.words["cover.counts"].format(
            shown=sum(t.shown for t in parts),
            size=sum(t.size for t in parts),
            withheld=sum(t.withheld for t in parts),
            partly=sum(t.partly for t in parts),
            omitted=sum(t.omitted for t in parts),
            gaps=sum(t.gaps for t in parts),
        )

    def _page_count(self) -> str:
        overview = self.overview
        return self.words["cover.pages.value" if overview.files > 1 else "cover.pages.one"].format(
            pages=overview.pages,
            volumes=overview.files,
            first=overview.bates_first,
            last=overview.bates_last,
        )

    def _claims(self) -> list[str]:
        words, exhibit = self.words, self.exhibit
        known = {a.id: a.stamped for a in exhibit.acquisitions}
        found = []
        for i, part in enumerate(exhibit.transcripts[:6], 1):
            stamped = known.get(part.acquisition) or (exhibit.log.stamped if exhibit.log else None)
            text = _proved(part, moment(stamped) or words["claim.time.stamp"], words)
            if len(exhibit.transcripts) > 1:
                text = words["claim.proved.many"].format(number=i, title=_clip(part.title)) + text
            found.append(text)
        return found

    def _witness(self) -> str:
        log = self.exhibit.log
        if log is None or not log.witnesses:
            return self.words["cover.witness.none"]
        return self.words["cover.witness"].format(names=", ".join(log.witnesses))

    # ---- evidence list --------------------------------------------------------------------------

    def evidence_list(self) -> None:
        """Draw the evidence list with the columns of 证据规定 article 19, and the contents."""
        words, overview = self.words, self.overview
        self.flow.chapter(words["list.title"])
        measure = self.flow.measure
        widths = _split(measure, (26, 106, 98, 84, 0, 88))
        head = [words[f"list.{k}"] for k in ("no", "name", "pages", "source", "object", "copies")]
        self.flow.table(head, self._evidence_rows(), widths)
        self.flow.facts(
            [(words["list.submitted"], "\u2002" * 2), (words["list.date"], "\u2002" * 2)], 170
        )
        if len(overview.volumes) > 1:
            self.flow.subheading(words["list.volumes"])
            rows = [
                [str(number), Mono(file), str(pages), str(place)]
                for number, file, pages, place in overview.volumes
            ]
            head = [
                words["list.no"],
                words["list.files"],
                words["list.count"],
                words["list.bates"],
            ]
            self.flow.table(head, rows, _split(measure, (30, 170, 60, 0)))
        self._contents()

    def _evidence_rows(self) -> list[list[str]]:
        words, exhibit, overview = self.words, self.exhibit, self.overview
        rows: list[list[str]] = []
        for i, part in enumerate(exhibit.transcripts, 1):
            place = overview.transcripts[i - 1]
            source = " · ".join(filter(None, (part.platform, part.custodian)))
            rows.append(
                [str(len(rows) + 1), words["chat.transcript"].format(title=_clip(part.title)),
                 str(place), source, self._object(), words["list.copies.value"]]
            )  # fmt: skip
        source = _each_once([part.platform for part in exhibit.transcripts])
        for number, place in overview.annexes:
            rows.append(
                [str(len(rows) + 1), self._annex(number), str(place), source, self._object(),
                 words["list.copies.value"]]
            )  # fmt: skip
        return rows

    def _object(self) -> str:
        """Return what is to be proved, as stated; the purpose where nothing more was stated."""
        matter = self.exhibit.matter
        return matter.object_of_proof or matter.purpose or self.words["not_stated"]

    def _annex(self, number: int) -> str:
        words, files = self.words, self.overview.files
        if files == 1:
            return words["annex.title"]
        return f"{words['annex.title']} ({words['volume_of'].format(number=number, of=files)})"

    def _contents(self) -> None:
        words = self.words
        self.flow.subheading(words["list.contents"])
        keys = ["people", "source", "tool", "hash", "custody", "colophon"]
        rows: list[list[str]] = [[words[f"{key}.title"], Late(f"s-{key}")] for key in keys]
        for i, part in enumerate(self.exhibit.transcripts, 1):
            title = words["chat.named"].format(number=i, title=_clip(part.title))
            rows.insert(i, [title, str(self.overview.transcripts[i - 1])])
        at = len(self.exhibit.transcripts) + 1
        rows[at:at] = [[self._annex(n), str(place)] for n, place in self.overview.annexes]
        measure = self.flow.measure
        self.flow.table((), rows, (measure - 150, 150))

    # ---- participants ---------------------------------------------------------------------------

    def participants(self) -> None:
        """Draw who speaks: ids, names over time, basis, counts, and where they appear."""
        words, exhibit = self.words, self.exhibit
        self.flow.chapter(words["people.title"], anchor="s-people", room=140)
        shared = self._shared_basis()
        widths: tuple[float, ...] = (0, 86, 112, 50, 50, 98)
        keys = ["names", "id", "basis", "messages", "range", "pages"]
        if shared:
            self.flow.paragraph(words["people.basis.all"].format(basis=shared), TextStyle(8.6))
            del keys[2]
            widths = (0, 140, 56, 64, 110)
        widths = _split(self.flow.measure, widths)
        head = [words[f"people.{key}"] for key in keys]
        for i, part in enumerate(exhibit.transcripts, 1):
            if len(exhibit.transcripts) > 1:
                title = words["chat.named"].format(number=i, title=_clip(part.title))
                self.flow.subheading(title)
            rows = self._party_rows(i, part)
            for row in rows if shared else ():
                del row[2]
            self.flow.table(head, rows, widths)
            self._party_pictures(part)

    def _party_pictures(self, part: Transcript) -> None:
        """Draw the pictures supplied beside participants, each with its file and who supplied it."""
        shown = [(party, one) for party in part.parties for one in party.pictures]
        if not shown:
            return
        words = self.words
        self.flow.subheading(words["people.pictures"])
        self.flow.paragraph(words["people.pictures.how"], TextStyle(8.6))
        for party, one in shown:
            self._party_picture(party, one)
        self.flow.volume.skip(8)

    def _party_picture(self, party: Party, one: PartyPicture) -> None:
        words, volume = self.words, self.volume
        lines = [
            (words["people.then"].join(party.participant.names), SMALL_BOLD),
            (one.name, SMALL),
            (words["file.size"].format(size=f"{one.size:,}"), SMALL),
            (f"SHA-256 {one.sha256}", MONO),
            (f"{words['annex.path']}: {one.path}", SMALL),
            (words["people.picture.by"].format(by=one.by, time=moment(one.supplied)), SMALL),
        ]
        left = PARTY_PICTURE + 12
        room = self.flow.measure - left
        text = [
            (line, INK if i == 0 else SOFT)
            for i, (said, style) in enumerate(lines)
            for line in volume.engine.lines(_clip(said, 300), room, style)
        ]
        scale = min(PARTY_PICTURE / one.width, PARTY_PICTURE / one.height)
        width, height = one.width * scale, one.height * scale
        needed = max(height, len(text) * 10.4) + 14
        if volume.room < needed:
            volume.begin_page()
        builder = StripBuilder()
        picture = embed(volume, Picture(one.load(), one.width, one.height, jpeg=True))
        draw_picture(builder, picture, 0, -height - 4, width, height)
        builder.frame(0, -height - 4, width, height, 0.3)
        y = -11.0
        for line, grey in text:
            builder.text(line, left, y, grey)
            y -= 10.4
        volume.place(builder.build(needed))

    def _shared_basis(self) -> str:
        """Return the basis all participants share, or "" where something is stated of one."""
        parties = [party for part in self.exhibit.transcripts for party in part.parties]
        found = {party.basis or self.words["people.basis.default"] for party in parties}
        stated = any(party.stated_identity for party in parties)
        return found.pop() if len(found) == 1 and not stated else ""

    def _party_rows(self, number: int, part: Transcript) -> list[list[str]]:
        words = self.words
        rows = []
        for party in part.parties:
            who = party.participant
            names = words["people.then"].join(who.names)
            if who.is_owner:
                names += f" ({words['people.owner']})"
            details = [f"{key}: {value}" for key, value in who.details.items()]
            basis = [party.basis or words["people.basis.default"]]
            if party.stated_identity:
                basis.append(self._stated(party.stated_identity))
            place = self.overview.parties.get((number, who.key), Place())
            span = f"{who.first_sequence} – {who.last_sequence}" if who.first_sequence else ""
            rows.append(
                [names, "\n".join([who.platform_id or words["not_stated"], *details]),
                 "\n".join(basis), str(who.message_count), span, str(place)]
            )  # fmt: skip
        return rows

    def _stated(self, statement: Statement) -> str:
        value = f"{statement.what}: {statement.value}"
        return self.words["stated_by"].format(value=value, by=statement.by)

    # ---- back matter ----------------------------------------------------------------------------

    def sources(self) -> None:
        """Draw where the data came from and what people stated about it."""
        words, exhibit = self.words, self.exhibit
        self.flow.chapter(words["source.title"], anchor="s-source")
        for acquisition in exhibit.acquisitions:
            self.flow.subheading(words["source.acquisition"].format(id=acquisition.id))
            self.flow.facts(self._acquisition_facts(acquisition))
        self.flow.facts(
            [
                (words["source.carrier"], self._requested(exhibit.original_carrier)),
                (words["source.neutrality"], exhibit.neutrality or words["not_stated"]),
                (words["source.privacy"], self._requested(exhibit.privacy)),
            ]
        )
        if exhibit.statements:
            self.flow.subheading(words["source.statements"])
            head = [words["source.fact"], words["source.value"], words["source.by_column"]]
            rows = [[s.what, s.value, s.by] for s in exhibit.statements]
            self.flow.table(head, rows, _split(self.flow.measure, (130, 0, 120)))

    def _requested(self, value: str) -> str:
        """Return what the requester stated, and that it is only stated."""
        by = self.exhibit.matter.requester
        if not value:
            return self.words["not_stated"]
        return self.words["stated_by"].format(value=value, by=by) if by else value

    def _acquisition_facts(self, acquisition: Acquisition) -> list[tuple[str, str]]:
        words = self.words
        if acquisition.original_name:
            size = (
                f"{acquisition.original_size:,}" if acquisition.original_size is not None else "?"
            )
            original = f"{acquisition.original_name}, {words['file.size'].format(size=size)}"
            if acquisition.original_in_bundle:
                original += f"; {words['source.original.included']}"
        else:
            original = words["source.original.withheld"]
        return [
            (words["source.received"], moment(acquisition.received)),
            (words["source.by"], acquisition.received_by),
            (words["source.method"], acquisition.method),
            (words["source.format"], acquisition.format),
            (words["source.parser"], acquisition.parser),
            (words["source.original"], original),
            ("SHA-256", Mono(acquisition.original_sha256)),
            ("SM3", Mono(acquisition.original_sm3)),
            (words["source.stamped"], moment(acquisition.stamped)),
            (words["source.answers"], "\n".join(self._stated(a) for a in acquisition.answers)),
            (words["source.warnings"], "\n".join(acquisition.warnings) or words["none"]),
            (words["source.steps"], "\n".join(acquisition.steps)),
            (words["chat.series"], Mono("\n".join(acquisition.series))),
        ]

    def tools(self) -> None:
        """Draw software, versions and the checks that were run."""
        words, exhibit = self.words, self.exhibit
        self.flow.chapter(words["tool.title"], anchor="s-tool", room=140)
        if exhibit.environment:
            head = [words["tool.name"], words["tool.version"]]
            rows = [list(pair) for pair in exhibit.environment]
            self.flow.table(head, rows, _split(self.flow.measure, (190, 0)))
        if exhibit.checks:
            head = [words["tool.checks"], words["tool.outcome"]]
            rows = [list(pair) for pair in exhibit.checks]
            self.flow.table(head, rows, _split(self.flow.measure, (0, 150)))
        self.flow.paragraph(words["tool.changes"], TextStyle(8.6))

    def hashes(self, leaves: Mapping[int, Sequence[tuple[int, str]]]) -> None:
        """Draw every hash; ``leaves`` has (sequence, leaf hash) by conversation where they fit."""
        words = self.words
        self.flow.chapter(words["hash.title"], anchor="s-hash", room=200)
        self.flow.paragraph(words["hash.how"], TextStyle(8.6))
        head = [words["hash.name"], words["hash.value"]]
        self.flow.table(head, self._hash_rows(), _split(self.flow.measure, (0, 258)))
        for number, rows in leaves.items():
            self.flow.subheading(words["hash.leaves"].format(number=number))
            self._leaf_list(rows)
        if not leaves:
            self.flow.paragraph(words["hash.leaves.elsewhere"], TextStyle(8.6))

    def _hash_rows(self) -> list[list[str]]:
        words, exhibit = self.words, self.exhibit
        rows: list[list[str]] = [[words["hash.selection"], Mono(exhibit.selection_digest)]]
        for i, part in enumerate(exhibit.transcripts, 1):
            for key, value in (
                ("root", part.root), ("root.sm3", part.sm3_root), ("head", part.head_digest),
            ):  # fmt: skip
                if value:
                    rows.append([words[f"hash.{key}"].format(number=i), Mono(value)])
        for acquisition in exhibit.acquisitions:
            if acquisition.original_sha256:
                label = words["hash.original"].format(id=acquisition.id)
                rows.append([label, Mono(acquisition.original_sha256)])
        if exhibit.log:
            rows.append([words["hash.log"], Mono(exhibit.log.root)])
        for line in exhibit.hashes:
            value = line.sha256 + (f"\nSM3 {line.sm3}" if line.sm3 else "")
            if line.size is not None:
                value += "\n" + words["file.size"].format(size=f"{line.size:,}")
            rows.append([Mono(line.name), Mono(value)])
        return rows

    def _leaf_list(self, rows: Sequence[tuple[int, str]]) -> None:
        """Set the hashes in two columns, read across."""
        engine, style = self.volume.engine, TextStyle(5.5, mono=True)
        for i in range(0, len(rows), 2):
            builder = StripBuilder()
            for left, (sequence, leaf) in zip(
                (0.0, self.flow.measure / 2), rows[i : i + 2], strict=False
            ):
                builder.text_right(engine.line(str(sequence), style), left + 22, -8, SOFT)
                builder.text(engine.line(leaf, style), left + 28, -8)
            self.volume.place(builder.build(9.2))

    def custody(self) -> None:
        """Draw the custody log as far as it concerns this exhibit."""
        words, exhibit = self.words, self.exhibit
        self.flow.chapter(words["custody.title"], anchor="s-custody", room=500)
        size = exhibit.log.size if exhibit.log else len(exhibit.custody)
        how = words["custody.how"].format(origin=exhibit.deployment.origin, size=size)
        self.flow.paragraph(how, TextStyle(8.6))
        head = [words[f"custody.{k}"] for k in ("index", "time", "event", "actor", "why")]
        rows = [self._custody_row(line) for line in exhibit.custody]
        widths = _split(self.flow.measure, (32, 62, 112, 104, 0))
        self.flow.table(head, rows, widths, tail=LAST_ROWS, after=COLOPHON_HEIGHT)

    def _custody_row(self, line: CustodyLine) -> list[str]:
        if not line.event:
            undisclosed = self.words["custody.undisclosed"]
            return [str(line.index), "", undisclosed, "", Mono(line.digest)]
        when = moment(line.time).removesuffix(" UTC").replace(" ", "\n")
        who = "\n".join(filter(None, (line.actor, line.where)))
        what = "\n".join(filter(None, (line.why, *line.subjects, line.details)))
        event = term(EVENTS, line.event, self.exhibit.language)
        if event != line.event:
            event += f"\n{line.event}"
        return [str(line.index), when, event, who, what]

    def colophon(self) -> None:
        """Draw fonts and their licences, and the characters no font has."""
        words = self.words
        issuer = self.exhibit.deployment
        self.flow.chapter(words["colophon.title"], anchor="s-colophon", room=COLOPHON_HEIGHT)
        software = f"{issuer.software} {issuer.version}".strip()
        self.flow.paragraph(words["colophon.text"].format(software=software), CELL)
        fonts: dict[str, list[str]] = {}
        for font, licence in self.volume.fonts.library.credits():
            fonts.setdefault(licence, []).append(font)
        rows = [["; ".join(those), licence] for licence, those in fonts.items()]
        head = [words["colophon.fonts"], words["colophon.licence"]]
        self.flow.table(head, rows, _split(self.flow.measure, (0, 110)), size=SMALL.size)
        self.flow.facts([(words["colophon.missing"], self._missing())])

    def _missing(self) -> str:
        words = self.words
        found = [
            counted(
                words,
                "colophon.missing.row",
                m.count,
                code=f"{m.code_point:04X}",
                bates=m.first_bates,
            )
            for m in self.overview.missing
        ]
        return "\n".join(found) or words["colophon.missing.none"]


def cover_foot(
    volume: Volume, exhibit: Exhibit, words: Mapping[str, str], *, unsigned: bool = False
) -> SealBox:
    """Draw QR code, address and the box for the visible signature at the foot of a cover."""
    sheet, engine = volume.sheet, volume.engine
    if volume.room < SEAL_HEIGHT + 12:
        volume.begin_page()
    base = sheet.bottom
    right = sheet.width - sheet.right
    box = (right - SEAL_WIDTH, base, right, base + SEAL_HEIGHT)
    ops = [
        b"0.6 w %g G %s %.2f %.2f %.2f %.2f re S [] 0 d"
        % (
            FAINT if unsigned else INK,
            b"[3 2] 0 d" if unsigned else b"",
            box[0],
            box[1],
            SEAL_WIDTH,
            SEAL_HEIGHT,
        ),
        qr_ops(exhibit.verification_url, sheet.left, base, SEAL_HEIGHT),
    ]
    x = sheet.left + SEAL_HEIGHT + 10
    width = box[0] - x - 10
    texts = [(words["cover.verify"], TextStyle(9, bold=True))]
    texts += [(exhibit.verification_url, TextStyle(6.4)), (words["cover.verify.how"], TextStyle(7))]
    y = base + SEAL_HEIGHT - 9
    ops.append(b"BT")
    for text, style in texts:
        for line in engine.lines(text, width, style):
            ops.append(b"1 0 0 1 %.2f %.2f Tm %s" % (x, y, line.ops))
            y -= style.size * 1.34
        y -= 2
    label = engine.line(words["cover.seal.filing" if unsigned else "cover.seal"], TextStyle(7))
    ops.append(b"0.62 g 1 0 0 1 %.2f %.2f Tm %s ET" % (box[0] + 6, box[3] - 11, label.ops))
    volume.draw(b"\n".join(ops))
    return SealBox(len(volume.pages) - 1, box)


def transcript_head(
    volume: Volume, part: Transcript, number: int, words: Mapping[str, str], style: Style = "record"
) -> None:
    """Draw the title and the facts above a transcript."""
    flow = Flow(volume)
    named = words["chat.named"]
    volume.header_right = named.format(number=number, title=_clip(part.title))
    volume.begin_page()
    volume.bookmark(0, named.format(number=number, title=part.title))
    flow.heading(named.format(number=number, title=_clip(part.title, 160)), anchor=f"t{number}")
    flow.facts(
        [
            (words["chat.platform"], part.platform),
            (words["cover.custodian"], part.custodian),
            (words["chat.extent"], _extent(part, words)),
            (words["chat.rule"], part.rule),
            (words["chat.withheld"], _withheld(part, words)),
            (words["chat.reasons"], "; ".join(part.reasons)),
            (words["cover.period"], _span(part, words)),
            (words["chat.zone"], _zone(part, words)),
            (words["chat.siblings"], "\n".join(_sibling_lines(part, words)) or words["none"]),
            (words["chat.series"], Mono(part.series)),
            (words["chat.root"], Mono(part.root)),
        ]
    )
    legend = words["chat.legend"]
    if style == "conversation":
        known = any(party.participant.is_owner for party in part.parties)
        legend = f"{words['chat.sides' if known else 'chat.sides.unknown']} {legend}"
    flow.paragraph(legend, SMALL, SOFT)


def _proved(part: Transcript, time: str, words: Mapping[str, str]) -> str:
    """Return the claim of the cover for one part: rows held, where these stand, what is withheld."""
    first, last = part.span
    hidden = part.withheld + part.partly
    return words["claim.proved"].format(
        time=time,
        rows=counted(words, "claim.rows", part.size),
        place=counted(words, "claim.place", last - first + 1, first=first, last=last),
        withheld=counted(words, "claim.withheld", hidden)
        if hidden
        else words["claim.withheld.none"],
    )


def _extent(part: Transcript, words: Mapping[str, str]) -> str:
    place = {"first": part.span[0], "last": part.span[1], "size": part.size}
    if part.contiguous:
        return words["chat.complete"].format(**place)
    return counted(words, "chat.gaps", part.omitted, gaps=part.gaps, **place)


def _withheld(part: Transcript, words: Mapping[str, str]) -> str:
    if not part.withheld and not part.partly:
        return words["none"]
    return words["chat.withheld.value"].format(withheld=part.withheld, partly=part.partly)


def _span(part: Transcript, words: Mapping[str, str]) -> str:
    if not part.first_time or not part.last_time:
        return words["not_stated"]
    return words["to"].format(first=moment(part.first_time), last=moment(part.last_time))


def _zone(part: Transcript, words: Mapping[str, str]) -> str:
    if not part.zone:
        return words["cover.zone.rows"]
    if not part.zone_stated_by:
        return part.zone
    return words["stated_by"].format(value=part.zone, by=part.zone_stated_by)


def _sibling_lines(part: Transcript, words: Mapping[str, str]) -> list[str]:
    return [
        words["chat.sibling"].format(
            description=s.description, same=s.same, different=s.different, missing=s.missing,
            extra=s.extra,
        )
        for s in part.siblings
    ]  # fmt: skip


def _each_once(values: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(value for value in values if value))


def _clip(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _split(measure: float, widths: Sequence[float]) -> tuple[float, ...]:
    """Give what is left of ``measure`` to the column of width 0."""
    rest = measure - sum(widths)
    return tuple(width or rest for width in widths)


__all__ = ["FrontMatter", "Overview", "Place", "cover_foot", "shown_time", "transcript_head"]
