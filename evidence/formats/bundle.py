r"""The container of a bundle: a canonical ZIP holding a BagIt 1.0 bag (RFC 8493). Version 1.

**Names** are ASCII: segments of letters, digits, ``.``, ``_``, ``-`` joined by ``/``, no segment starting
with ``.``, at most 200 characters, none equal to another when case is ignored.

**ZIP.** Given names and contents there is exactly one file:
- members ascending by the bytes of their names, each a local header, the name, the content as it is
  (method 0), nothing between members, before the first or after the end record;
- every header: version 20 (made by and needed), flags 0x0800, time 0, date 0x0021 (1 January 1980),
  no comment, disk 0, internal and external attributes 0, no extra field;
- ZIP64 only where a number does not fit: a member of 0xFFFFFFFF bytes or more has version 45, both sizes
  0xFFFFFFFF and extra field 1 of (size, size) in its local header; a central header has version 45
  and extra field 1 holding, in this order, those of size, size, offset that do not fit; with 0xFFFF
  members or a directory beyond 0xFFFFFFFE the ZIP64 end record (44 bytes of content, version 45) and locator precede
  the end record, in which then only the numbers that do not fit are all ones.
A reader re-creates every header from names, sizes and CRC-32s and compares, so no byte is free.

**BagIt files**, all derived:
- ``bagit.txt``: "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
- ``manifest-sha256.txt``: for each file under ``data/``, ascending, "<hex>  <path>\n"; with SM3 also
  ``manifest-sm3.txt``
- ``bag-info.txt``: Bag-Software-Agent, Bagging-Date (date of ``created``), External-Identifier (bundle id),
  Payload-Oxum (bytes.files under ``data/``), Source-Organization (deployment name, control characters
  as spaces), in this order, "<name>: <value>\n"
- ``tagmanifest-sha256.txt``: likewise for every file outside ``data/`` but itself

**Untouched bytes**: the original of an acquisition stands at ``data/originals/<acquisition id>.<ending>``,
attachment k (from 1) of a message at ``data/attachments/<series id>/<sequence>-<k>.<ending>``; the ending
is 1 to 8 lower-case ASCII letters or digits and means nothing to a verifier. Picture k (from 1) that
somebody supplied beside a participant (``manifest``) stands at
``data/participants/<series id>/<participant key>-<k>.<ending>``.

Worked example: one member ``a`` holding ``b`` is 101 bytes:
    504b0304 1400 0008 0000 0000 2100 f9efbe71 01000000 01000000 0100 0000 61 62
    504b0102 1400 1400 0008 0000 0000 2100 f9efbe71 01000000 01000000 0100 0000 0000 0000 0000 00000000 00000000 61
    504b0506 0000 0000 0100 0100 2f000000 20000000 0000
Broken examples: any byte of it changed or added; members in another order; ``../a``.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from .hashes import sha256
from .manifest import FileEntry, Manifest

MASTER = "data/evidence.pdf"
MANIFEST = "data/manifest.json"
MESSAGES = "data/messages.jsonl"
PROOFS = "data/proofs.json"
CUSTODY = "data/custody.jsonl"
README = "README.txt"
VERIFIER = "verify.pyz"
LOG_KEY = "data/certificates/log-key.json"
LOG_KEY_SIGNATURE = "data/certificates/log-key.sig"
CHECKPOINTS = "data/checkpoints/"
TOKENS = "data/tokens/"
CERTIFICATES = "data/certificates/"
ORIGINALS = "data/originals/"
ATTACHMENTS = "data/attachments/"
PARTICIPANTS = "data/participants/"

BAGIT = "bagit.txt"
BAGIT_TXT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
BAG_INFO = "bag-info.txt"
PAYLOAD_SHA256 = "manifest-sha256.txt"
PAYLOAD_SM3 = "manifest-sm3.txt"
TAGS_SHA256 = "tagmanifest-sha256.txt"
SOFTWARE_AGENT = "TrueThread bundle format 1"

UNLISTED = frozenset({MANIFEST, MASTER, BAG_INFO, PAYLOAD_SHA256, PAYLOAD_SM3, TAGS_SHA256})
"""Files the manifest does not list: it cannot hold its own hash or one made after it."""

CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
_ENDING = re.compile(r"[a-z0-9]{1,8}\Z")
_ORIGINAL = re.compile(r"data/originals/([0-9a-f]{32})\.[a-z0-9]{1,8}\Z")
_ATTACHMENT = re.compile(
    r"data/attachments/([0-9a-f]{32})/([1-9][0-9]{0,9})-([1-9][0-9]{0,3})\.[a-z0-9]{1,8}\Z"
)
_MAX_16 = 0xFFFF
_MAX_32 = 0xFFFFFFFF
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_END64 = struct.Struct("<IQHHIIQQQQ")
_LOCATOR = struct.Struct("<IIQI")
_FLAGS = 0x0800
_DATE = 0x0021


class NotCanonical(ValueError):
    """The bytes are not a canonical ZIP of this format; the message says where."""


class TooLarge(ValueError):
    """A number in the ZIP passes the reader's limit; nothing beyond it was read."""


@dataclass(frozen=True)
class Member:
    """One file of the ZIP. offset: of its first content byte."""

    name: str
    size: int
    crc: int
    offset: int


def check_name(name: str) -> None:
    """Raise ValueError unless ``name`` may stand in a bundle."""
    if len(name) > 200 or not _NAME.match(name):
        raise ValueError(f"not a name for a bundle: {name[:60]!r}")


def check_names(names: Iterable[str]) -> None:
    """Raise ValueError unless all ``names`` may stand in one bundle together."""
    seen: dict[str, str] = {}
    for name in names:
        check_name(name)
        if name.lower() in seen:
            raise ValueError(f"two names differ by case alone, or not at all: {name[:60]!r}")
        seen[name.lower()] = name
    for name in seen:
        parents = name.split("/")[:-1]
        if any("/".join(parents[: depth + 1]) in seen for depth in range(len(parents))):
            raise ValueError(f"a file and a folder share a name: {name[:60]!r}")


# --- writing ------------------------------------------------------------------------------------


def write_zip(
    out: BinaryIO, members: Mapping[str, tuple[int, Callable[[], Iterator[bytes]]]]
) -> int:
    """Write the canonical ZIP of ``members`` to ``out``, which is empty and can seek; return its size.

    members: name → (size in bytes, function returning the content in pieces). Streams: memory does
    not grow with the contents. Raises ValueError for a bad name or a content of another size.
    """
    check_names(members)
    written: list[Member] = []
    offset = 0
    for name in sorted(members):
        size, pieces = members[name]
        header = _local_header(name, size, 0)
        out.write(header)
        crc = _copy(out, name, size, pieces())
        end = out.tell()
        out.seek(offset)
        out.write(_local_header(name, size, crc))
        out.seek(end)
        written.append(Member(name, size, crc, offset + len(header)))
        offset = end
    tail = _tail(written, offset)
    out.write(tail)
    return offset + len(tail)


def _copy(out: BinaryIO, name: str, size: int, pieces: Iterator[bytes]) -> int:
    crc = left = 0
    for piece in pieces:
        out.write(piece)
        crc = zlib.crc32(piece, crc)
        left += len(piece)
    if left != size:
        raise ValueError(f"{name} has {left} bytes, not {size}")
    return crc


def _local_header(name: str, size: int, crc: int) -> bytes:
    big = size >= _MAX_32
    extra = struct.pack("<HHQQ", 1, 16, size, size) if big else b""
    shown = _MAX_32 if big else size
    return (
        _LOCAL.pack(
            0x04034B50, 45 if big else 20, _FLAGS, 0, 0, _DATE, crc, shown, shown,
            len(name), len(extra),
        )
        + name.encode("ascii")
        + extra
    )  # fmt: skip


def _tail(members: Sequence[Member], start: int) -> bytes:
    """Return the central directory, which begins at offset ``start``, and the end records."""
    directory = b"".join(_central_header(member) for member in members)
    count, size = len(members), len(directory)
    end64 = b""
    if count >= _MAX_16 or size >= _MAX_32 or start >= _MAX_32:
        end64 = _END64.pack(0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
        end64 += _LOCATOR.pack(0x07064B50, 0, start + size, 1)
    shown = min(count, _MAX_16)
    end = _END.pack(0x06054B50, 0, 0, shown, shown, min(size, _MAX_32), min(start, _MAX_32), 0)
    return directory + end64 + end


def _central_header(member: Member) -> bytes:
    header = member.offset - _local_length(member.name, member.size)
    numbers = [number for number in (member.size, member.size, header) if number >= _MAX_32]
    extra = struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
    version = 45 if numbers else 20
    size = min(member.size, _MAX_32)
    return (
        _CENTRAL.pack(
            0x02014B50, version, version, _FLAGS, 0, 0, _DATE, member.crc, size, size,
            len(member.name), len(extra), 0, 0, 0, 0, min(header, _MAX_32),
        )
        + member.name.encode("ascii")
        + extra
    )  # fmt: skip


def _local_length(name: str, size: int) -> int:
    return _LOCAL.size + len(name) + (20 if size >= _MAX_32 else 0)


# --- reading ------------------------------------------------------------------------------------


def read_zip(file: BinaryIO, size: int, *, max_members: int = 200_000) -> list[Member]:
    """Return the members of the canonical ZIP ``file`` of ``size`` bytes, ascending by name.

    Every header is re-created and compared. Contents and their CRC-32s are **not** read: see
    ``content``. Raises NotCanonical for any other bytes, TooLarge beyond ``max_members``.
    """
    start, length, count = _read_end(file, size)
    if count > max_members or length > max_members * (_CENTRAL.size + 200 + 28):
        raise TooLarge(f"the ZIP has more than {max_members} members")
    directory = _read_at(file, start, length)
    members = list(_parse_directory(directory, count))
    names = [member.name for member in members]
    if names != sorted(names):
        raise NotCanonical("the members are not in order")
    try:
        check_names(names)
    except ValueError as error:
        raise NotCanonical(str(error)) from error
    end = _check_local_headers(file, members)
    if end != start or _read_at(file, start, size - start) != _tail(members, start):
        raise NotCanonical("the directory at the end is not the one these members have")
    return members


def content(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yield the content of ``member`` in pieces; NotCanonical at the end when its CRC-32 is wrong."""
    crc, at, end = 0, member.offset, member.offset + member.size
    while at < end:
        piece = _read_at(file, at, min(CHUNK_BYTES, end - at))
        crc, at = zlib.crc32(piece, crc), at + len(piece)
        yield piece
    if crc != member.crc:
        raise NotCanonical(f"{member.name}: the checksum of the content is wrong")


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    data = file.read(length)
    if len(data) != length:
        raise NotCanonical("the file ends too early")
    return data


def _read_end(file: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return start and length of the central directory and the number of members."""
    if size < _END.size:
        raise NotCanonical("too short for a ZIP")
    end = _END.unpack(_read_at(file, size - _END.size, _END.size))
    if end[0] != 0x06054B50:
        raise NotCanonical("a ZIP's end record is not at the end of the file")
    count, length, start = end[4], end[5], end[6]
    tail = _END.size
    if count == _MAX_16 or length == _MAX_32 or start == _MAX_32:
        tail += _END64.size + _LOCATOR.size
        if size < tail:
            raise NotCanonical("the ZIP64 end record is missing")
        end64 = _END64.unpack(_read_at(file, size - tail, _END64.size))
        count, length, start = end64[7], end64[8], end64[9]
    if start + length + tail != size:
        raise NotCanonical("the end record does not point to the directory before it")
    return start, length, count


def _parse_directory(directory: bytes, count: int) -> Iterator[Member]:
    at = offset = 0
    for _ in range(count):
        if at + _CENTRAL.size > len(directory):
            raise NotCanonical("the directory ends too early")
        fields = _CENTRAL.unpack_from(directory, at)
        name_length, extra_length = fields[10], fields[11]
        at += _CENTRAL.size
        raw = directory[at : at + name_length]
        extra = directory[at + name_length : at + name_length + extra_length]
        at += name_length + extra_length
        size = fields[9]
        if size == _MAX_32:
            if len(extra) < 12:
                raise NotCanonical("a ZIP64 size is missing")
            size = int.from_bytes(extra[4:12], "little")
        try:
            name = raw.decode("ascii")
        except UnicodeDecodeError as error:
            raise NotCanonical("a member's name is not ASCII") from error
        offset += _local_length(name, size)
        yield Member(name, size, fields[7], offset)
        offset += size
    if at != len(directory):
        raise NotCanonical("the directory holds more than its members")


def _check_local_headers(file: BinaryIO, members: Sequence[Member]) -> int:
    end = 0
    for member in members:
        expected = _local_header(member.name, member.size, member.crc)
        if _read_at(file, end, len(expected)) != expected:
            raise NotCanonical(f"{member.name}: the header before the content is not canonical")
        end = member.offset + member.size
    return end


# --- places -------------------------------------------------------------------------------------


def original_path(acquisition: str, name: str) -> str:
    """Return where the original delivered as ``name`` stands."""
    return f"{ORIGINALS}{acquisition}.{_ending(name)}"


def attachment_path(series: str, sequence: int, number: int, name: str) -> str:
    """Return where attachment ``number`` (from 1) of a message stands."""
    return f"{ATTACHMENTS}{series}/{sequence}-{number}.{_ending(name)}"


def picture_path(series: str, participant: str, number: int, name: str) -> str:
    """Return where picture ``number`` (from 1) beside a participant stands."""
    return f"{PARTICIPANTS}{series}/{participant}-{number}.{_ending(name)}"


def read_original_path(path: str) -> str:
    """Return the acquisition whose original stands at ``path``; ValueError for other paths."""
    match = _ORIGINAL.match(path)
    if match is None:
        raise ValueError("not the path of an original")
    return match[1]


def read_attachment_path(path: str) -> tuple[str, int, int]:
    """Return series, sequence and number of the attachment at ``path``; ValueError for others."""
    match = _ATTACHMENT.match(path)
    if match is None:
        raise ValueError("not the path of an attachment")
    return match[1], int(match[2]), int(match[3])


def _ending(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return ending if _ENDING.match(ending) else "bin"


# --- BagIt --------------------------------------------------------------------------------------


def bag_files(manifest: Manifest, files: Mapping[str, FileEntry]) -> dict[str, bytes]:
    """Return the derived BagIt files of a bundle, ``bagit.txt`` included.

    files: every other file of the bundle by path, ``data/manifest.json`` and all PDFs included.
    """
    payload = sorted(path for path in files if path.startswith("data/"))
    made = {
        BAGIT: BAGIT_TXT,
        BAG_INFO: _bag_info(manifest, [files[path] for path in payload]),
        PAYLOAD_SHA256: _hash_lines((path, files[path].sha256) for path in payload),
    }
    if manifest.uses_sm3:
        made[PAYLOAD_SM3] = _hash_lines((path, _sm3_of(files[path])) for path in payload)
    tags = {path: entry.sha256 for path, entry in files.items() if not path.startswith("data/")}
    tags |= {path: sha256(data) for path, data in made.items()}
    made[TAGS_SHA256] = _hash_lines(sorted(tags.items()))
    return made


def _sm3_of(entry: FileEntry) -> bytes:
    if entry.sm3 is None:
        raise ValueError(f"{entry.path} has no SM3 hash")
    return entry.sm3


def _hash_lines(hashes: Iterable[tuple[str, bytes]]) -> bytes:
    return "".join(f"{digest.hex()}  {path}\n" for path, digest in hashes).encode()


def _bag_info(manifest: Manifest, payload: Sequence[FileEntry]) -> bytes:
    organisation = "".join(
        char if char.isprintable() else " " for char in manifest.deployment_name
    ).strip()
    lines = {
        "Bag-Software-Agent": SOFTWARE_AGENT,
        "Bagging-Date": manifest.created[:10],
        "External-Identifier": manifest.bundle,
        "Payload-Oxum": f"{sum(entry.size for entry in payload)}.{len(payload)}",
        "Source-Organization": organisation or "unnamed",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()
