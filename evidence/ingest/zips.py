"""Reads an archive's directory by itself and refuses the archive before unpacking anything.

Python's zipfile accepts overlapping entries (CVE-2024-0450 class) and hands out names such as
``../../etc/x`` as they are, so nothing here relies on it. Source: APPNOTE 6.3.10 §4.3, §4.5.3.

Codes, all of IngestRefused:

========================== =====================================================================
zip_damaged                directory missing, cut, contradicting itself or the local headers
zip_too_many_entries       more than ``Limits.max_entries``
zip_too_large              declared sizes add up to more than ``Limits.max_total_bytes``
zip_ratio                  an entry above 1 MB (or the whole) unpacks to more than 100 times
zip_overlapping_entries    two entries share bytes, or one runs into the directory
zip_path_outside           ``..``, an absolute name, a drive letter
zip_bad_name               empty, NUL or another control character, not decodable
zip_duplicate_name         one name twice
zip_encrypted              an encrypted entry or directory
zip_symlink                a link or another special file
zip_nested_archive         an archive inside, also one that a chat merely attached
zip_unsupported_method     neither stored nor deflated
zip_lying_size             an entry unpacks to another size than declared (seen while reading)
========================== =====================================================================
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from evidence.errors import IngestRefused
from evidence.ingest.interface import Limits

STORED, DEFLATED = 0, 8
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END64_LOCATOR, _END64 = b"PK\x06\x07", b"PK\x06\x06"
_CENTRAL_STRUCT = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL_STRUCT = struct.Struct("<4s2B4HL2L2H")
_END_STRUCT = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 65_535
_LEFT_OPEN = (0xFFFF,) * 4 + (0xFFFFFFFF,) * 2
"""What a plain end of directory says where only its ZIP64 end knows."""
_CHUNK = 1 << 18
_ARCHIVES = (
    ".zip", ".zipx", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".zst",
    ".lz", ".lz4", ".lzma", ".z", ".cab", ".arj", ".jar", ".iso",
)  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive whose directory passed every check."""

    name: str
    method: int
    crc: int
    packed_size: int
    size: int
    data_offset: int


@dataclass(frozen=True, slots=True)
class _Listed:
    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int
    mode: int


def is_zip(path: str | os.PathLike[str]) -> bool:
    """True when the file begins like an archive (also an empty one)."""
    with open(path, "rb") as file:
        return file.read(4) in (_LOCAL, _END)


def checked_entries(path: str | os.PathLike[str], limits: Limits) -> tuple[Entry, ...]:
    """Return the files of the archive in directory order, folders left out.

    Raises IngestRefused with a code of the module's table.
    """
    with open(path, "rb") as file:
        count, start, length = _directory_place(file, limits)
        listed = _directory(file, count, start, length)
        _refuse_names(listed)
        _refuse_sizes(listed, limits)
        entries = [(one, _data_place(file, one, start)) for one in listed]
    _refuse_overlaps(entries, start)
    return tuple(
        Entry(one.name, one.method, one.crc, one.packed_size, one.size, place[1])
        for one, place in entries
        if not one.name.endswith("/")
    )


def open_entry(path: str | os.PathLike[str], entry: Entry) -> BinaryIO:
    """Return a stream of the unpacked bytes; it ends or refuses at the declared size.

    Reading raises IngestRefused (``zip_lying_size``, ``zip_damaged``) as soon as the bytes
    contradict the directory; the CRC-32 is compared at the end.
    """
    file = open(path, "rb")  # closed by the stream
    file.seek(entry.data_offset)
    return io.BufferedReader(_EntryStream(file, entry), buffer_size=_CHUNK)


def _directory_place(file: BinaryIO, limits: Limits) -> tuple[int, int, int]:
    file.seek(0, io.SEEK_END)
    size = file.tell()
    tail_start = max(0, size - _LONGEST_COMMENT - _END_STRUCT.size)
    file.seek(tail_start)
    tail = file.read()
    at = tail.rfind(_END)
    while at >= 0 and not _ends_file(tail, at):
        at = tail.rfind(_END, 0, at)
    if at < 0:
        _damaged("no end of directory")
    _, disk, directory_disk, here, count, length, start, _ = _END_STRUCT.unpack_from(tail, at)
    end_offset = tail_start + at
    # Some writers put a ZIP64 end beside a plain one that says everything itself, from 2 GiB on.
    if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start) or _has_locator(file, end_offset):
        plain = (disk, directory_disk, here, count, length, start)
        *large, end_offset = _end64(file, end_offset)
        for said, meant, left_open in zip(plain, large, _LEFT_OPEN, strict=True):
            if said not in (meant, left_open):
                _damaged("its two ends of directory disagree")
        disk, directory_disk, here, count, length, start = large
    if disk or directory_disk or here != count:
        _damaged("archive in parts")
    if count > limits.max_entries:
        raise IngestRefused(f"{count} entries", code="zip_too_many_entries")
    if length > limits.max_directory_bytes:
        raise IngestRefused(f"directory of {length} bytes", code="zip_too_large")
    if start + length != end_offset:
        _damaged("the directory does not end where its end begins")
    return count, start, length


def _ends_file(tail: bytes, at: int) -> bool:
    if at + _END_STRUCT.size > len(tail):
        return False
    comment: int = _END_STRUCT.unpack_from(tail, at)[7]
    return at + _END_STRUCT.size + comment == len(tail)


def _has_locator(file: BinaryIO, end_offset: int) -> bool:
    if end_offset < 20:
        return False
    file.seek(end_offset - 20)
    return file.read(4) == _END64_LOCATOR


def _end64(file: BinaryIO, end_offset: int) -> tuple[int, int, int, int, int, int, int]:
    if end_offset < 20:
        _damaged("no ZIP64 locator")
    file.seek(end_offset - 20)
    signature, _, offset, _ = struct.unpack("<4sLQL", file.read(20))
    if signature != _END64_LOCATOR or offset + 56 > end_offset - 20:
        _damaged("no ZIP64 locator")
    file.seek(offset)
    fields = struct.unpack("<4sQ2H2L4Q", file.read(56))
    if fields[0] != _END64 or offset + 12 + fields[1] != end_offset - 20:
        _damaged("no ZIP64 end of directory")
    disk, directory_disk, here, count, length, start = fields[4:10]
    return disk, directory_disk, here, count, length, start, offset


def _directory(file: BinaryIO, count: int, start: int, length: int) -> list[_Listed]:
    file.seek(start)
    data = file.read(length)
    listed = []
    at = 0
    for _ in range(count):
        if at + _CENTRAL_STRUCT.size > len(data) or data[at : at + 4] != _CENTRAL:
            _damaged("directory cut or too short for its count")
        fields = _CENTRAL_STRUCT.unpack_from(data, at)
        name_length, extra_length, comment_length = fields[12:15]
        names_at = at + _CENTRAL_STRUCT.size
        extra_at = names_at + name_length
        at = extra_at + extra_length + comment_length
        if at > len(data):
            _damaged("directory cut")
        listed.append(
            _listed(fields, data[names_at:extra_at], data[extra_at : extra_at + extra_length])
        )
    if at != len(data):
        _damaged("directory longer than its count")
    return listed


def _listed(fields: tuple[int, ...], raw_name: bytes, extra: bytes) -> _Listed:
    flags, method = fields[5], fields[6]
    crc, packed, size = fields[9:12]
    disk, offset = fields[15], fields[18]
    mode = fields[17] >> 16
    size, packed, offset, disk = _zip64(extra, size, packed, offset, disk)
    if disk:
        _damaged("archive in parts")
    if flags & 0x2041:
        raise IngestRefused("encrypted entry", code="zip_encrypted")
    if method not in (STORED, DEFLATED):
        raise IngestRefused(f"method {method}", code="zip_unsupported_method")
    if method == STORED and packed != size:
        _damaged("stored entry of two sizes")
    return _Listed(
        _name(raw_name, bool(flags & 0x800)),
        raw_name,
        flags,
        method,
        crc,
        packed,
        size,
        offset,
        mode,
    )


def _zip64(extra: bytes, size: int, packed: int, offset: int, disk: int) -> tuple[int, ...]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = io.BytesIO(extra[at + 4 : at + 4 + length])
        at += 4 + length
        if kind != 1:
            continue
        if size == 0xFFFFFFFF:
            size = _number(body, 8)
        if packed == 0xFFFFFFFF:
            packed = _number(body, 8)
        if offset == 0xFFFFFFFF:
            offset = _number(body, 8)
        if disk == 0xFFFF:
            disk = _number(body, 4)
        break
    return size, packed, offset, disk


def _number(body: io.BytesIO, width: int) -> int:
    raw = body.read(width)
    if len(raw) != width:
        _damaged("ZIP64 field cut")
    return int.from_bytes(raw, "little")


def _name(raw: bytes, is_utf8: bool) -> str:
    for encoding in ("utf-8",) if is_utf8 else ("utf-8", "gb18030", "cp437"):
        try:
            return raw.decode(encoding).replace("\\", "/")
        except UnicodeDecodeError:
            continue
    raise IngestRefused("name is not UTF-8", code="zip_bad_name")


def _refuse_names(listed: list[_Listed]) -> None:
    seen = set()
    for one in listed:
        name = one.name
        if not name or _CONTROL.search(name):
            raise IngestRefused(repr(name), code="zip_bad_name")
        if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/"):
            raise IngestRefused(repr(name), code="zip_path_outside")
        if name in seen:
            raise IngestRefused(repr(name), code="zip_duplicate_name")
        seen.add(name)
        if stat.S_IFMT(one.mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise IngestRefused(repr(name), code="zip_symlink")
        if name.lower().endswith(_ARCHIVES):
            raise IngestRefused(repr(name), code="zip_nested_archive")


def _refuse_sizes(listed: list[_Listed], limits: Limits) -> None:
    total = sum(one.size for one in listed)
    if total > limits.max_total_bytes:
        raise IngestRefused(f"{total} bytes unpacked", code="zip_too_large")
    packed = sum(one.packed_size for one in listed)
    for name, size, small in (
        ("", total, packed),
        *((o.name, o.size, o.packed_size) for o in listed),
    ):
        if size > limits.ratio_applies_above and size > limits.max_ratio * max(small, 1):
            raise IngestRefused(repr(name), code="zip_ratio")


def _data_place(file: BinaryIO, one: _Listed, directory: int) -> tuple[int, int, int]:
    """Return where the entry's local header, its data, and what belongs to it end."""
    if one.offset + _LOCAL_STRUCT.size > directory:
        raise IngestRefused(repr(one.name), code="zip_overlapping_entries")
    file.seek(one.offset)
    header = file.read(_LOCAL_STRUCT.size)
    fields = _LOCAL_STRUCT.unpack(header)
    flags, method, crc, packed, size, name_length, extra_length = *fields[3:5], *fields[7:12]
    name = file.read(name_length)
    if fields[0] != _LOCAL or method != one.method or name != one.raw_name:
        _damaged(f"local header of {one.name!r} says otherwise")
    if flags & 0x2041:
        raise IngestRefused(repr(one.name), code="zip_encrypted")
    if (flags ^ one.flags) & 8:
        _damaged(f"local header of {one.name!r} says otherwise")
    if not flags & 8:
        size, packed, _, _ = _zip64(file.read(extra_length), size, packed, 0, 0)
        if (crc, packed, size) != (one.crc, one.packed_size, one.size):
            _damaged(f"local header of {one.name!r} says otherwise")
    data = one.offset + _LOCAL_STRUCT.size + name_length + extra_length
    return one.offset, data, data + one.packed_size


def _refuse_overlaps(entries: list[tuple[_Listed, tuple[int, int, int]]], directory: int) -> None:
    end = 0
    for start, _, finish in sorted(place for _, place in entries):
        if start < end:
            raise IngestRefused("entries share bytes", code="zip_overlapping_entries")
        end = finish
    if end > directory:
        raise IngestRefused("an entry runs into the directory", code="zip_overlapping_entries")


def _damaged(detail: str) -> NoReturn:
    raise IngestRefused(detail, code="zip_damaged")


class _EntryStream(io.RawIOBase):
    def __init__(self, file: BinaryIO, entry: Entry) -> None:
        self._file, self._entry = file, entry
        self._packed_left, self._left = entry.packed_size, entry.size
        self._crc = 0
        self._checked = False
        self._inflater = zlib.decompressobj(-15) if entry.method == DEFLATED else None

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # a writable buffer
        wanted = min(len(buffer), _CHUNK)
        data = self._stored(wanted) if self._inflater is None else self._inflated(wanted)
        if len(data) > self._left:
            raise IngestRefused(repr(self._entry.name), code="zip_lying_size")
        self._left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        if not data and wanted:
            self._refuse_if_wrong()
        buffer[: len(data)] = data
        return len(data)

    def _stored(self, wanted: int) -> bytes:
        data = self._file.read(min(wanted, self._packed_left))
        self._packed_left -= len(data)
        return data

    def _inflated(self, wanted: int) -> bytes:
        inflater = self._inflater
        if inflater is None:
            return b""
        try:
            while not inflater.eof:
                packed = inflater.unconsumed_tail or self._stored(_CHUNK)
                data = inflater.decompress(packed, wanted)
                if data or not packed:
                    return data
        except zlib.error as error:
            raise IngestRefused(repr(self._entry.name), code="zip_damaged") from error
        return b""

    def _refuse_if_wrong(self) -> None:
        if self._checked:
            return
        self._checked = True
        if self._left:
            raise IngestRefused(repr(self._entry.name), code="zip_lying_size")
        if self._crc != self._entry.crc:
            raise IngestRefused(repr(self._entry.name), code="zip_damaged")
