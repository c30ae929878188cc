"""Whole bundles: good ones of a deployment of their own, and every way of tampering with them.

The attacker knows all formats and may recompute whatever needs no key: lists, manifest, BagIt files,
checksums of the ZIP. ``ATTACKS`` names what is done; each gives a bundle that is not what was issued.
"""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from evidence.formats import bundle, canonical, custody, manifest, ranges
from evidence.formats.manifest import FileEntry, Manifest

MESSAGES, CUSTODY = bundle.MESSAGES, bundle.CUSTODY
MASTER, PROOFS = bundle.MASTER, bundle.PROOFS
TOKEN = manifest.PREPARED_TOKEN


@dataclass(frozen=True)
class Deployment:
    """A deployment in a folder of its own, with two bundles of the sample conversations.

    bundle: everything; excerpt: some messages, one of them withheld. root: PEM of its authority.
    """

    folder: Path
    bundle: Path
    excerpt: Path
    root: Path

    @property
    def receipt(self) -> bytes:
        return self.bundle.with_name(f"{self.bundle.name}.receipt.json").read_bytes()

    def manage(self, *arguments: str) -> str:
        """Return what a command of the deployment prints; RuntimeError when it fails."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
        own = {"DJANGO_SETTINGS_MODULE": "project.settings", "TRUETHREAD_VAR_DIR": str(self.folder)}
        done = subprocess.run(  # noqa: S603 - our own command in a folder of our own
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=kept | own,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout


def deploy(folder: Path) -> Deployment:
    """Return a fresh deployment in ``folder``; takes some seconds."""
    fonts = settings.BASE_DIR / "var" / "fonts"
    if fonts.is_dir():
        (folder / "fonts").symlink_to(fonts)
    good, root = folder / "demo" / "sample-bundle.zip", folder / "pki" / "root.pem"
    made = Deployment(folder, good, folder, root)
    made.manage("migrate", "--verbosity", "0")
    made.manage("demo")
    chat = folder / "demo" / "source" / "sample-wechat.csv"
    stored = json.loads(made.manage("acquire", str(chat), "--timezone", "Asia/Shanghai", "--json"))
    answer = json.loads(
        made.manage(
            "export", "--conversation", stored["conversations"][0]["id"], "--messages", "2-4,6",
            "--redact", "3", "--out", str(folder / "excerpt"), "--json",
        )
    )  # fmt: skip
    return replace(made, excerpt=Path(answer["zip"]))


class Bag:
    """The files of a bundle in memory, to be changed and packed again."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.files = {
                member.name: b"".join(bundle.content(file, member))
                for member in bundle.read_zip(file, path.stat().st_size)
            }

    def replace(self, name: str, old: bytes, new: bytes) -> None:
        if old not in self.files[name]:
            raise ValueError(f"{old!r} is not in {name}")
        self.files[name] = self.files[name].replace(old, new, 1)

    def flip(self, name: str, offset: int) -> None:
        data = bytearray(self.files[name])
        data[offset] ^= 0x01
        self.files[name] = bytes(data)

    def lines(self, name: str) -> list[bytes]:
        return self.files[name].splitlines(keepends=True)

    def first(self, ending: str) -> str:
        return next(name for name in self.files if name.endswith(ending))

    @property
    def manifest(self) -> Manifest:
        return manifest.loads(self.files[bundle.MANIFEST])

    def restate(self, stated: Manifest | None = None) -> None:
        """Make manifest and BagIt files fit the other files again, as far as that needs no key."""
        found = stated or self.manifest
        entries = self._entries()
        listed = tuple(entries[name] for name in sorted(entries) if name not in bundle.UNLISTED)
        self.rebag(canonical.dumps(replace(found, files=listed).value()))

    def rebag(self, stated: bytes) -> None:
        """Take ``stated`` as the manifest and make the BagIt files fit it."""
        found = self.manifest
        self.files[bundle.MANIFEST] = stated
        entries = self._entries()
        entries.pop(bundle.BAGIT, None)
        self.files |= bundle.bag_files(found, entries)

    def _entries(self) -> dict[str, FileEntry]:
        derived = {bundle.BAG_INFO, bundle.PAYLOAD_SHA256, bundle.TAGS_SHA256}
        return {
            name: FileEntry(name, len(data), sha256(data).digest())
            for name, data in self.files.items()
            if name not in derived
        }

    def write(self, path: Path) -> Path:
        with path.open("wb") as out:
            out.write(self.packed())
        return path

    def packed(self) -> bytes:
        out = io.BytesIO()
        bundle.write_zip(
            out, {name: (len(data), partial(_once, data)) for name, data in self.files.items()}
        )
        return out.getvalue()


def _once(data: bytes) -> Iterator[bytes]:
    yield data


@dataclass(frozen=True)
class Prey:
    """What an attacker starts from: two good bundles, opened."""

    bag: Bag
    excerpt: Bag


Attack = Callable[[Prey], "Bag | bytes"]
ATTACKS: dict[str, Attack] = {}


def _attack(name: str) -> Callable[[Attack], Attack]:
    def keep(attack: Attack) -> Attack:
        ATTACKS[name] = attack
        return attack

    return keep


def tampered(deployment: Deployment) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the bytes of each tampered bundle."""
    for name, attack in ATTACKS.items():
        made = attack(Prey(Bag(deployment.bundle), Bag(deployment.excerpt)))
        yield name, made.packed() if isinstance(made, Bag) else made


# Bytes of files.


def _flips() -> None:
    places: dict[str, Callable[[Bag], tuple[str, int]]] = {
        "a byte in a page": lambda bag: (MASTER, bag.files[MASTER].index(b"stream") + 40),
        "a byte in the security store": lambda bag: (
            MASTER,
            bag.files[MASTER].rindex(b"stream\n") - 60,
        ),
        "a byte in a token": lambda bag: (TOKEN, len(bag.files[TOKEN]) - 10),
        "a byte in an attachment": lambda bag: (bag.first(".jpg"), 5_000),
        "a byte in the verifier": lambda bag: ("verify.pyz", 100),
        "a byte in the log's key": lambda bag: (bundle.LOG_KEY, len(bag.files[bundle.LOG_KEY]) - 3),
        "a byte in the signature over the log's key": lambda bag: (bundle.LOG_KEY_SIGNATURE, 20),
    }
    for name, place in places.items():
        for is_fitted in (False, True):

            def attack(
                prey: Prey,
                place: Callable[[Bag], tuple[str, int]] = place,
                is_fitted: bool = is_fitted,
            ) -> Bag:
                prey.bag.flip(*place(prey.bag))
                if is_fitted:
                    prey.bag.restate()
                return prey.bag

            ATTACKS[f"{name}, lists made to fit" if is_fitted else name] = attack


_flips()


@_attack("a message edited, lists made to fit")
def edited(prey: Prey) -> Bag:
    prey.bag.replace(MESSAGES, b"48,000", b"84,000")
    prey.bag.restate()
    return prey.bag


@_attack("bytes behind the master")
def behind_master(prey: Prey) -> Bag:
    prey.bag.files[MASTER] += b"\n% appended\n"
    return prey.bag


@_attack("the master of another bundle")
def other_master(prey: Prey) -> Bag:
    prey.bag.files[MASTER] = prey.excerpt.files[MASTER]
    return prey.bag


@_attack("the master of another bundle, lists made to fit")
def other_master_listed(prey: Prey) -> Bag:
    prey.bag.files[MASTER] = prey.excerpt.files[MASTER]
    prey.bag.restate()
    return prey.bag


@_attack("a file removed")
def removed(prey: Prey) -> Bag:
    del prey.bag.files[prey.bag.first(".ogg")]
    return prey.bag


@_attack("a file added")
def added(prey: Prey) -> Bag:
    prey.bag.files["data/evidence-draft.txt"] = b"read me too"
    return prey.bag


@_attack("a file added, lists made to fit")
def added_listed(prey: Prey) -> Bag:
    prey.bag.files["data/evidence-draft.txt"] = b"read me too"
    prey.bag.restate()
    return prey.bag


@_attack("two attachments exchanged, lists made to fit")
def exchanged(prey: Prey) -> Bag:
    one, other = prey.bag.first(".jpg"), prey.bag.first(".ogg")
    files = prey.bag.files
    files[one], files[other] = files[other], files[one]
    prey.bag.restate()
    return prey.bag


@_attack("the README says otherwise, lists made to fit")
def readme(prey: Prey) -> Bag:
    prey.bag.files["README.txt"] = b"Just trust us.\n"
    prey.bag.restate()
    return prey.bag


# Manifest: what JSON lets one hide.


def _restated(change: Callable[[bytes], bytes]) -> Attack:
    def attack(prey: Prey) -> Bag:
        stated = change(prey.bag.files[bundle.MANIFEST])
        if stated == prey.bag.files[bundle.MANIFEST]:
            raise ValueError("nothing was changed")
        prey.bag.rebag(stated)
        return prey.bag

    return attack


def _sub(pattern: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(pattern, new, data, count=1)


ATTACKS |= {
    "manifest: a key twice": _restated(lambda data: b'{"bundle":"' + b"0" * 32 + b'",' + data[1:]),
    "manifest: an unknown key": _restated(lambda data: b'{"a":1,' + data[1:]),
    "manifest: blanks": _restated(lambda data: data + b" "),
    "manifest: a byte order mark": _restated(lambda data: b"\xef\xbb\xbf" + data),
    "manifest: a number as a float": _restated(_sub(rb'"pages":(\d+)', rb'"pages":\1.0')),
    "manifest: a number of a thousand digits": _restated(
        _sub(rb'"pages":\d+', b'"pages":' + b"9" * 1000)
    ),
    "manifest: a number of ten thousand digits": _restated(
        _sub(rb'"pages":\d+', b'"pages":' + b"9" * 10_000)
    ),
    "manifest: a negative size": _restated(_sub(rb'"size":\d+', b'"size":-1')),
    "manifest: deeply nested": _restated(lambda data: b"[" * 100_000 + b"]" * 100_000),
    "manifest: NaN": _restated(_sub(rb'"pages":\d+', b'"pages":NaN')),
    "manifest: a lone surrogate": _restated(_sub(rb'"bundle":"', rb'"bundle":"\\ud800')),
    "manifest: fewer pages": _restated(_sub(rb'"pages":\d+', b'"pages":1')),
}


# Custody and log.


def _with_custody(change: Callable[[list[bytes]], list[bytes]]) -> Attack:
    def attack(prey: Prey) -> Bag:
        prey.bag.files[CUSTODY] = b"".join(change(prey.bag.lines(CUSTODY)))
        prey.bag.restate()
        return prey.bag

    return attack


def _renamed_actor(lines: list[bytes]) -> list[bytes]:
    value = json.loads(lines[-1])
    value["entry"]["actor"]["name"] = "somebody else"
    return [*lines[:-1], canonical.dumps(value) + b"\n"]


def _hidden_seal(lines: list[bytes]) -> list[bytes]:
    at = next(i for i, line in enumerate(lines) if b'"series.sealed"' in line)
    line = custody.read_line(lines[at].rstrip(b"\n"))
    hidden = custody.undisclosed_line(line.index, line.digest, line.subjects, line.inclusion)
    return [*lines[:at], hidden + b"\n", *lines[at + 1 :]]


def _renumbered(lines: list[bytes]) -> list[bytes]:
    value = json.loads(lines[-1])
    value["entry"]["subjects"][0]["number"] += 1
    return [*lines[:-1], canonical.dumps(value) + b"\n"]


def _twice_keyed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], b'{"digest":"' + b"0" * 64 + b'",' + lines[-1][1:]]


ATTACKS |= {
    "custody: an entry dropped": _with_custody(lambda lines: lines[:2] + lines[3:]),
    "custody: the last entry dropped": _with_custody(lambda lines: lines[:-1]),
    "custody: two entries exchanged": _with_custody(lambda lines: [lines[1], lines[0], *lines[2:]]),
    "custody: an entry twice": _with_custody(lambda lines: [*lines, lines[-1]]),
    "custody: another actor": _with_custody(_renamed_actor),
    "custody: the seal hidden": _with_custody(_hidden_seal),
    "custody: a number of a chain skipped": _with_custody(_renumbered),
    "custody: a key twice": _with_custody(_twice_keyed),
    "custody: no line end": _with_custody(lambda lines: [*lines[:-1], lines[-1].rstrip(b"\n")]),
    "custody: nothing": _with_custody(lambda lines: []),
}


@_attack("log: a checkpoint of another size")
def other_size(prey: Prey) -> Bag:
    name = manifest.PREPARED_CHECKPOINT
    size = prey.bag.files[name].split(b"\n")[1]
    prey.bag.replace(name, b"\n" + size + b"\n", b"\n%d\n" % (int(size) + 1))
    prey.bag.restate()
    return prey.bag


def _take_over(*names: str) -> Attack:
    """Return an attack that takes files of the other, later bundle of the same deployment."""

    def attack(prey: Prey) -> Bag:
        for name in names:
            prey.bag.files[name] = prey.excerpt.files[name]
        prey.bag.restate()
        return prey.bag

    return attack


def _rolled_back(prey: Prey) -> Bag:
    """Put the earlier, smaller head of the log where the excerpt's own stood."""
    for name in (manifest.PREPARED_CHECKPOINT, TOKEN):
        prey.excerpt.files[name] = prey.bag.files[name]
    prey.excerpt.restate()
    return prey.excerpt


ATTACKS |= {
    "log: the token of another checkpoint": _take_over(TOKEN),
    "log: the checkpoint of a later bundle": _take_over(manifest.PREPARED_CHECKPOINT),
    "log: checkpoint and token of a later bundle": _take_over(manifest.PREPARED_CHECKPOINT, TOKEN),
    "log: record, checkpoint and token of a later bundle": _take_over(
        CUSTODY, manifest.PREPARED_CHECKPOINT, TOKEN
    ),
    "log: rolled back to an earlier head": _rolled_back,
}


# Messages and selection.


def _with_messages(change: Callable[[list[bytes]], list[bytes]]) -> Attack:
    def attack(prey: Prey) -> Bag:
        prey.bag.files[MESSAGES] = b"".join(change(prey.bag.lines(MESSAGES)))
        prey.bag.restate()
        return prey.bag

    return attack


ATTACKS |= {
    "messages: a row dropped": _with_messages(lambda lines: lines[1:]),
    "messages: two rows exchanged": _with_messages(lambda lines: [lines[1], lines[0], *lines[2:]]),
    "messages: a row twice": _with_messages(lambda lines: [lines[0], *lines]),
    "messages: a key twice": _with_messages(
        lambda lines: [b'{"series":"x",' + lines[0][1:], *lines[1:]]
    ),
    "messages: blanks in a row": _with_messages(
        lambda lines: [lines[0].replace(b'":"', b'": "', 1), *lines[1:]]
    ),
}


def _selected(prey: Prey, chosen: list[int], *, is_dropped: bool) -> Bag:
    excerpt = prey.excerpt
    if is_dropped:
        kept = [
            line
            for line in excerpt.lines(MESSAGES)
            if json.loads(line)["fields"] != {"sequence": 3}
        ]
        excerpt.files[MESSAGES] = b"".join(kept)
    found = excerpt.manifest
    part = replace(found.parts[0], disclosed=ranges.of(chosen), withheld={}, reasons={})
    excerpt.restate(replace(found, parts=(part,)))
    return excerpt


@_attack("selection: withheld passed off as absent")
def absent(prey: Prey) -> Bag:
    return _selected(prey, [2, 4, 6], is_dropped=True)


@_attack("selection: the range shifted")
def shifted(prey: Prey) -> Bag:
    return _selected(prey, [1, 2, 3, 5], is_dropped=False)


@_attack("seal: a proof exchanged")
def proof(prey: Prey) -> Bag:
    prey.excerpt.replace(PROOFS, b'"hashes":["', b'"hashes":["' + b"00" * 32 + b'","')
    prey.excerpt.restate()
    return prey.excerpt


# The container.


def _zipped(make: Callable[[Bag], bytes]) -> Attack:
    return lambda prey: make(prey.bag)


def _repacked(compression: int = zipfile.ZIP_STORED, **more: bytes) -> Callable[[Bag], bytes]:
    def make(bag: Bag) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as archive:
            for name, data in bag.files.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, compression)
            archive.comment = more.get("comment", b"")
        return out.getvalue()

    return make


def _local_name(bag: Bag) -> bytes:
    """Give one member another name in its local header: some programs unpack by that one."""
    return bag.packed().replace(b"README.txt", b"README.exe", 1)


def _second_directory(bag: Bag) -> bytes:
    """Put a second archive behind the first: some programs read the one, some the other."""
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("data/evidence.pdf", b"%PDF-1.4 forged")
    return bag.packed() + other.getvalue()


def _overlapping(bag: Bag) -> bytes:
    """Let the directory call one member's bytes by another's name as well."""
    packed = bytearray(bag.packed())
    first = packed.index(b"PK\x01\x02")
    second = packed.index(b"PK\x01\x02", first + 4)
    packed[second + 42 : second + 46] = packed[first + 42 : first + 46]
    return bytes(packed)


def _declared(offset: int, form: str, value: int) -> Callable[[Bag], bytes]:
    def make(bag: Bag) -> bytes:
        packed = bytearray(bag.packed())
        at = packed.index(b"PK\x01\x02") + offset
        packed[at : at + struct.calcsize(form)] = struct.pack(form, value)
        return bytes(packed)

    return make


def _extra_name(name: str) -> Callable[[Bag], bytes]:
    """Add one file under a name that looks like, or leads to, another; everything else fits."""

    def make(bag: Bag) -> bytes:
        raw, data = name.encode("utf-8", "surrogatepass"), b"read me too"
        packed = bag.packed()
        start = packed.index(b"PK\x01\x02")
        end = packed.rindex(b"PK\x05\x06")
        local = struct.pack(
            "<4s5H3I2H", b"PK\x03\x04", 20, 0x800, 0, 0, 0x21, zlib.crc32(data), len(data),
            len(data), len(raw), 0,
        ) + raw + data  # fmt: skip
        central = struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0x800, 0, 0, 0x21, zlib.crc32(data), len(data),
            len(data), len(raw), 0, 0, 0, 0, 0, start,
        ) + raw  # fmt: skip
        directory = packed[start:end] + central
        count = struct.unpack_from("<H", packed, end + 10)[0] + 1
        tail = struct.pack(
            "<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), start + len(local), 0
        )
        return packed[:start] + local + directory + tail

    return make


def _unicode_path(*, in_local: bool, in_directory: bool) -> Callable[[Bag], bytes]:
    """Give README.txt another name by extra field 0x7075, which some programs put before the name."""

    def make(bag: Bag) -> bytes:
        name, other = b"README.txt", b"README.exe"
        extra = struct.pack("<HHBI", 0x7075, 5 + len(other), 1, zlib.crc32(name)) + other
        return _extended(
            bag.packed(), name, extra if in_local else b"", extra if in_directory else b""
        )

    return make


def _extended(packed: bytes, name: bytes, local: bytes, central: bytes) -> bytes:
    """Return a ZIP with extra fields for one member, every offset and length made to fit."""
    start, end = packed.index(b"PK\x01\x02"), packed.rindex(b"PK\x05\x06")
    at = packed.index(name) - 30
    head = packed[at : at + 28] + struct.pack("<H", len(local)) + name + local
    body = packed[:at] + head + packed[at + 30 + len(name) : start]
    directory = bytearray()
    position = start
    while position < end:
        entry = bytearray(packed[position : position + 46])
        length = struct.unpack_from("<H", entry, 28)[0]
        own = packed[position + 46 : position + 46 + length]
        place = struct.unpack_from("<I", entry, 42)[0]
        struct.pack_into("<I", entry, 42, place + len(local) * (place > at))
        if own == name:
            struct.pack_into("<H", entry, 30, len(central))
        directory += entry + own + (central if own == name else b"")
        position += 46 + length
    tail = bytearray(packed[end:])
    struct.pack_into("<II", tail, 12, len(directory), len(body))
    return body + directory + tail


def _described(bag: Bag) -> bytes:
    """Put sizes and checksum of the first member behind it, as programs do that write to a pipe."""
    packed = bytearray(bag.packed())
    start = packed.index(b"PK\x01\x02")
    flags, crc, size = (
        struct.unpack_from("<H", packed, 6)[0],
        *struct.unpack_from("<II", packed, 14),
    )
    struct.pack_into("<H", packed, 6, flags | 8)
    struct.pack_into("<H", packed, start + 8, flags | 8)
    struct.pack_into("<III", packed, 14, 0, 0, 0)
    behind = 30 + struct.unpack_from("<H", packed, 26)[0] + size
    return _with_gap(bytes(packed), behind, struct.pack("<4sIII", b"PK\x07\x08", crc, size, size))


def _with_gap(packed: bytes, at: int, gap: bytes) -> bytes:
    """Return a ZIP with ``gap`` between two members, every offset made to fit."""
    start, end = packed.index(b"PK\x01\x02"), packed.rindex(b"PK\x05\x06")
    directory = bytearray(packed[start:end])
    position = 0
    while position < len(directory):
        place = struct.unpack_from("<I", directory, position + 42)[0]
        struct.pack_into("<I", directory, position + 42, place + len(gap) * (place >= at))
        position += 46 + struct.unpack_from("<H", directory, position + 28)[0]
    tail = bytearray(packed[end:])
    struct.pack_into("<I", tail, 16, start + len(gap))
    return packed[:at] + gap + packed[at:start] + directory + tail


def _between_members(bag: Bag) -> bytes:
    packed = bag.packed()
    return _with_gap(packed, packed.index(b"PK\x03\x04", 4), b"read me too")


def _end_in_the_comment(bag: Bag) -> bytes:
    """Hide the end record of a second, whole archive in the comment of the first."""
    packed, other = bag.packed(), io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("data/evidence.pdf", b"%PDF-1.4 forged")
    comment = other.getvalue()
    return packed[:-2] + struct.pack("<H", len(comment)) + comment


def _larger_end(change: int) -> Callable[[Bag], bytes]:
    """Add ZIP64 end records, needed or not, in which the directory lies ``change`` bytes elsewhere."""

    def make(bag: Bag) -> bytes:
        packed = bag.packed()
        end = packed.rindex(b"PK\x05\x06")
        count, size, start = struct.unpack_from("<HII", packed, end + 10)
        large = struct.pack(
            "<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start + change
        )
        locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        return packed[:end] + large + locator + packed[end:]

    return make


ATTACKS |= {
    "ZIP: a byte behind": _zipped(lambda bag: bag.packed() + b"\0"),
    "ZIP: a script in front": _zipped(lambda bag: b"#!/bin/sh\n" + bag.packed()),
    "ZIP: packed by another program": _zipped(_repacked()),
    "ZIP: compressed": _zipped(_repacked(zipfile.ZIP_DEFLATED)),
    "ZIP: a comment": _zipped(_repacked(comment=b"read me")),
    "ZIP: another name in front of the file": _zipped(_local_name),
    "ZIP: a second archive behind": _zipped(_second_directory),
    "ZIP: members overlap": _zipped(_overlapping),
    "ZIP: a member larger than the file": _zipped(_declared(24, "<I", 0x7FFFFFFF)),
    "ZIP: a 64-bit size without its field": _zipped(_declared(24, "<I", 0xFFFFFFFF)),
    "ZIP: encrypted by its flag": _zipped(_declared(8, "<H", 0x801)),
    "ZIP: a link by its attributes": _zipped(_declared(38, "<I", 0o120777 << 16)),
    "ZIP: cut in half": _zipped(lambda bag: bag.packed()[: len(bag.packed()) // 2]),
    "ZIP: a name that leads out": _zipped(_extra_name("data/../../evidence.pdf")),
    "ZIP: an absolute name": _zipped(_extra_name("/etc/evidence.pdf")),
    "ZIP: a name in other capitals": _zipped(_extra_name("data/Evidence.pdf")),
    "ZIP: a name twice": _zipped(_extra_name("data/evidence.pdf")),
    "ZIP: a name read from right to left": _zipped(_extra_name("data/evidence\u202efdp.exe")),
    "ZIP: a full-width name": _zipped(_extra_name("data/\uff45vidence.pdf")),
    "ZIP: a name composed otherwise": _zipped(_extra_name("data/e\u0301vidence.pdf")),
    "ZIP: a backslash in a name": _zipped(_extra_name("data\\evidence.pdf")),
    "ZIP: another name by a Unicode path": _zipped(_unicode_path(in_local=True, in_directory=True)),
    "ZIP: a Unicode path in the directory": _zipped(_unicode_path(in_local=False, in_directory=True)),
    "ZIP: a Unicode path in front of the file": _zipped(_unicode_path(in_local=True, in_directory=False)),
    "ZIP: sizes behind the file": _zipped(_described),
    "ZIP: bytes between two files": _zipped(_between_members),
    "ZIP: another size in front of the file": _zipped(
        lambda bag: (packed := bag.packed())[:22] + b"\0\0\0\0" + packed[26:]
    ),
    "ZIP: an archive in the comment": _zipped(_end_in_the_comment),
    "ZIP: a 64-bit end nobody needs": _zipped(_larger_end(0)),
    "ZIP: a 64-bit end that says otherwise": _zipped(_larger_end(-46)),
    "ZIP: an empty name": _zipped(_extra_name("")),
    "ZIP: a name with a zero byte": _zipped(_extra_name("data/evidence.pdf\0.txt")),
}  # fmt: skip
