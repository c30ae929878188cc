"""Read what a finished bundle discloses, with the readers of ``formats`` and nothing else.

A bundle is opened once, and everything is read through that one descriptor: whatever takes the place
of its name later is not what is converted. That the lines fit the sealed tree, the log and the signature is for the verifier to say, before this
is asked. Who has just asked it passes on the leaf hashes it derived (``Verified``); they count as long
as the lines have the hash the verified manifest lists. Otherwise each is derived here once more.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import weakref
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pikepdf

from evidence.exchange.disclosed import (
    ALL,
    Disclosure,
    Exchange,
    ExchangeFile,
    ExchangeRow,
    ExchangeSeries,
    ExchangeVolume,
    Load,
    NotConvertible,
)
from evidence.exchange.pages import PageFinder, hashes_on
from evidence.formats import bundle, canonical, custody, message, shape
from evidence.formats import manifest as manifest_format
from evidence.formats.bundle import Member
from evidence.formats.manifest import Manifest, Part, SeriesInfo
from evidence.formats.message import Line
from evidence.values import Json, Participant

_MAX_MANIFEST = 256 << 20
_WORKER = Path(__file__).with_name("leaf_worker.py")
_WORTH_A_PROCESS = 5_000
Members = dict[str, Member]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verifier found out about ``data/messages.jsonl`` of a bundle that passed.

    sha256: of the whole file, as the manifest it verified lists it. leaf_hashes: 32 bytes a line.
    """

    sha256: bytes
    leaf_hashes: bytes


class _File:
    """A bundle held open for as long as anything of it may be read; nobody's place in it moves."""

    def __init__(self, bundle_file: Path | BinaryIO) -> None:
        if isinstance(bundle_file, Path):
            self.name = bundle_file.name
            self.descriptor = os.open(bundle_file, os.O_RDONLY | os.O_CLOEXEC)
        else:
            self.name = Path(str(bundle_file.name)).name
            self.descriptor = os.dup(bundle_file.fileno())
        weakref.finalize(self, os.close, self.descriptor)

    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    def reader(self) -> BinaryIO:
        """Return a reader with a place of its own."""
        return io.BufferedReader(_Reader(self))


class _Reader(io.RawIOBase):
    """Reads a held file from a place of its own; what it has in common with others is never moved."""

    def __init__(self, file: _File) -> None:
        self._file, self._place = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._file.size()}[whence]
        self._place = start + offset
        return self._place

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]  # typeshed's Buffer cannot be filled
        count = os.preadv(self._file.descriptor, [buffer], self._place)
        self._place += count
        return count


def from_bundle(
    bundle_file: Path | BinaryIO, *, pages: bool = True, verified: Verified | None = None
) -> Exchange:
    """Return what a bundle discloses; it is read again, from the same file, whenever rows are asked for.

    bundle_file: its path, opened here and once; or the opened file, which stays the caller's to close.
    pages: also look up on which Bates page of the PDFs each row begins. verified: saves deriving each
    leaf hash; when the lines are no longer those it speaks of, reading ends with NotConvertible.
    Raises NotConvertible for a file that is no bundle; OSError when it cannot be read.
    """
    file = _File(bundle_file)
    try:
        return _open(file, pages, verified)
    except ValueError as error:
        raise NotConvertible(str(error), where=file.name) from error


def _open(file: _File, pages: bool, verified: Verified | None) -> Exchange:
    members = {one.name: one for one in bundle.read_zip(file.reader(), file.size())}
    data = b"".join(_content(file, _member(members, bundle.MANIFEST, _MAX_MANIFEST)))
    manifest = manifest_format.loads(data)
    found = Exchange(
        bundle=manifest.bundle,
        created=manifest.created,
        deployment=manifest.deployment_name,
        language=manifest.language,
        matter={
            key: value
            for key, value in manifest.matter.value().items()
            if value is None or isinstance(value, str)
        },
        series=(),
        volumes=tuple(_volumes(file, members, manifest)),
        custody=partial(_custody, file, _member(members, bundle.CUSTODY)),
        log_origin=manifest.log_origin,
    )
    return replace(
        found, series=tuple(_series(_Lines(file, members, verified), manifest, found, pages))
    )


def _member(members: Members, name: str, at_most: int | None = None) -> Member:
    if name not in members:
        raise ValueError(f"the bundle has no {name}")
    if at_most is not None and members[name].size > at_most:
        raise ValueError(f"{name} is too large")
    return members[name]


def _content(file: _File, member: Member) -> Iterator[bytes]:
    return bundle.content(file.reader(), member)


def _lines(file: _File, member: Member, digest: hashlib._Hash | None = None) -> Iterator[bytes]:
    """Yield the lines of a member without their ends; ``digest`` takes in what is read."""
    rest = b""
    for piece in _content(file, member):
        if digest is not None:
            digest.update(piece)
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    if rest:
        raise ValueError(f"{member.name} ends within a line")


def _custody(file: _File, member: Member) -> Iterator[custody.Line]:
    return (custody.read_line(line) for line in _lines(file, member))


def _volumes(file: _File, members: Members, manifest: Manifest) -> Iterator[ExchangeVolume]:
    for volume in manifest.volumes:
        member = _member(members, volume.path)
        yield ExchangeVolume(
            path=volume.path,
            pages=volume.pages,
            bates_first=volume.bates_first,
            bates_last=volume.bates_last,
            size=member.size,
            load=partial(_content, file, member),
        )


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where the lines are read from, and what is known of them already."""

    file: _File
    members: Members
    verified: Verified | None


def _series(
    source: _Lines, manifest: Manifest, found: Exchange, pages: bool
) -> Iterator[ExchangeSeries]:
    before = 0
    for info, part in zip(manifest.series, manifest.parts, strict=True):
        head = info.head
        yield ExchangeSeries(
            id=head.series,
            title=info.title,
            platform=info.platform,
            rows=partial(_rows, source, part, before, found.volumes if pages else ()),
            size=head.size,
            custodian=info.custodian,
            participants=tuple(_participants(info)),
            zone=head.timezone,
            acquisition=head.acquisition,
            parser=f"{head.parser_name} {head.parser_version}",
            root=head.root.hex(),
        )
        before += len(part.disclosed)


def _participants(info: SeriesInfo) -> Iterator[Participant]:
    for item in map(shape.any_mapping, info.participants):
        names = [name for name in shape.array(item.get("names")) if isinstance(name, str)]
        details = item.get("details")
        yield Participant(
            key=shape.text(item["key"]),
            names=tuple(names) or (shape.text(item["key"]),),
            platform_id=shape.optional_text(item.get("platform_id")),
            details={
                key: value
                for key, value in (details.items() if isinstance(details, dict) else ())
                if isinstance(value, str)
            },
            is_owner=item.get("is_owner") is True,
        )


def _rows(
    source: _Lines, part: Part, before: int, volumes: tuple[ExchangeVolume, ...]
) -> Iterator[ExchangeRow]:
    """Yield the rows of one series; ``before``: lines of the series that stand before it."""
    finder = PageFinder(partial(_printed, volumes))
    try:
        with closing(_plain_rows(source, part, before)) as rows:
            for row in rows:
                yield replace(row, page=finder.page_of(row.leaf)) if volumes and row.leaf else row
    except ValueError as error:
        raise NotConvertible(str(error), where=source.file.name) from error
    finally:
        finder.close()


def _plain_rows(source: _Lines, part: Part, before: int) -> Generator[ExchangeRow, None, None]:
    file, members, verified = source.file, source.members, source.verified
    member = _member(members, bundle.MESSAGES)
    digest = hashlib.sha256()
    lines = _lines(file, member, digest)
    deque((next(lines, None) for _ in range(before)), maxlen=0)
    count = len(part.disclosed)
    if verified is None:
        opening = _opened(file, member, lines, before, count)
    else:
        opening = _known(lines, verified.leaf_hashes[32 * before : 32 * (before + count)])
    with closing(opening) as opened:
        end = 0
        for first, last in part.disclosed.spans:
            if end:
                yield ExchangeRow("gap", end + 1, first - 1)
            for sequence in range(first, last + 1):
                line = next(opened, None)
                if line is None or (line.series, line.sequence) != (part.series, sequence):
                    raise ValueError("the messages are not those the manifest names")
                yield _row(file, members, line)
            end = last
    # To the end, where the checksum of the file is compared.
    deque(lines, maxlen=0)
    if verified is not None and digest.digest() != verified.sha256:
        raise ValueError("the messages are not those that were verified")


def _known(lines: Iterator[bytes], leaves: bytes) -> Generator[Line, None, None]:
    """Yield the next lines opened, one for each leaf hash known of them."""
    for place in range(0, len(leaves), 32):
        line = next(lines, None)
        if line is None:
            return
        yield _with_leaf(line, leaves[place : place + 32], _parsed(line))


def _opened(
    file: _File, member: Member, lines: Iterator[bytes], before: int, count: int
) -> Generator[Line, None, None]:
    """Yield ``count`` lines opened; for many, a second process derives their leaf hashes."""
    if count < _WORTH_A_PROCESS:
        yield from map(message.read_line, islice(lines, count))
        return
    numbers = map(str, (file.descriptor, member.offset, member.size, before, count))
    worker = subprocess.Popen(  # noqa: S603 - our own worker, no shell
        [sys.executable, "-I", str(_WORKER), *numbers],
        stdout=subprocess.PIPE,
        pass_fds=[file.descriptor],
        env={},
    )
    try:
        assert worker.stdout is not None  # noqa: S101 - said for the type checker
        for line in islice(lines, count):
            leaf = worker.stdout.read(32)
            if len(leaf) != 32:
                raise ValueError("a message is not in its one spelling")
            yield _with_leaf(line, leaf, canonical.parse(line))
    finally:
        worker.kill()
        worker.communicate()


def _parsed(data: bytes) -> Json:
    """Return what a line in canonical form says; the plain parser is several times faster."""
    return canonical.parse(data) if b'{"wtf8":' in data else json.loads(data)


def _with_leaf(data: bytes, leaf: bytes, parsed: Json) -> Line:
    """Return the line opened; a whole one is only parsed, ``leaf`` says that it was checked."""
    value = shape.any_mapping(parsed)
    if "seed" not in value:
        return message.read_line(data)
    fields = shape.any_mapping(value["fields"])
    return Line(
        series=shape.opaque(value["series"]),
        sequence=shape.integer(fields["sequence"], 1),
        fields=fields,
        leaf_hash=leaf,
    )


def _row(file: _File, members: Members, line: Line) -> ExchangeRow:
    disclosure: Disclosure = "whole"
    if line.withheld:
        disclosure = "withheld" if line.withheld == (ALL,) else "partly"
    return ExchangeRow(
        disclosure=disclosure,
        sequence=line.sequence,
        last=line.sequence,
        fields=line.fields,
        leaf=line.leaf_hash.hex(),
        withheld=line.withheld,
        reason=line.reason,
        pieces=line.body,
        files=tuple(_files(file, members, line)) if line.fields.get("attachments") else (),
    )


def _files(file: _File, members: Members, line: Line) -> Iterator[ExchangeFile]:
    for number, item in enumerate(shape.array(line.fields.get("attachments")), start=1):
        value = shape.any_mapping(item)
        name = _text(value.get("name")) or ""
        place = bundle.attachment_path(line.series, line.sequence, number, name)
        load: Load | None = None
        if place in members:
            load = partial(_content, file, members[place])
        size = value.get("size")
        yield ExchangeFile(
            name=name,
            kind=_text(value.get("kind")) or "file",
            media_type=_text(value.get("media_type")),
            size=size if isinstance(size, int) else None,
            sha256=_text(value.get("sha256")),
            path=place if load is not None else "",
            load=load,
        )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _printed(
    volumes: tuple[ExchangeVolume, ...],
) -> Generator[tuple[int, list[str]], None, None]:
    """Yield each page of the PDFs as (Bates number, hashes printed on it)."""
    for volume in volumes:
        with tempfile.NamedTemporaryFile(suffix=".pdf") as copy:
            for piece in volume.load():
                copy.write(piece)
            copy.flush()
            with pikepdf.open(copy.name) as pdf:
                for place, page in enumerate(pdf.pages):
                    yield volume.bates_first + place, hashes_on(page)
