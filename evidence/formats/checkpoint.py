"""Checkpoints of the custody log: C2SP signed-note and tlog-checkpoint with Ed25519. Version 1.

Text (ends in a line feed, exactly three lines, no extension lines):
    <origin>
    <number of entries, decimal, no leading zero>
    <base64 of the 32-byte tree root>
Note = text + blank line + signature lines, each
    "— " + key name + " " + base64(4-byte key id + signature) + line feed
The log signs with a key whose name is the origin: key id = SHA-256(name + 0x0A + 0x01 + 32-byte public
key)[:4], signature = Ed25519 over the text. A verifier key ("vkey") is written
    <name>+<key id as 8 hex>+<base64(0x01 + public key)>
A witness adds a cosignature/v1 line: type byte 0x04 in key id and vkey; after the key id stand 8
bytes big endian POSIX seconds and Ed25519 over "cosignature/v1" LF "time <seconds>" LF + text.
A time-stamp's imprint is SHA-256 over the whole note as it is stored, signature lines included.

The log key counts only when the key that signs the PDF vouches for it:
``data/certificates/log-key.json`` is canonical
    {"format":"truethread/log-key/v1","not_before":time,"origin":text,"vkey":text}
and ``data/certificates/log-key.sig`` that key's signature over exactly those bytes (ECDSA P-256 in
DER or RSA PKCS#1 v1.5, both with SHA-256).

Ed25519 itself is passed in: ``sign(text) -> 64 bytes``, ``verify(public_key, signature, message) -> bool``.

Worked example (C2SP tlog-checkpoint):
    example.com/behind-the-sofa
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
Broken examples: size ``007``; a fourth text line; no line feed at the end; base64 without padding;
a hyphen for the em dash.

Sources: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..values import Json
from . import canonical, shape
from .hashes import sha256

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_SIGNATURES = 16
MAX_NOTE_BYTES = 64 * 1024
LOG_KEY_FORMAT = "truethread/log-key/v1"

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes, bytes], bool]

_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z")
_VKEY = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})\Z")


@dataclass(frozen=True)
class VerifierKey:
    """A public key of a log (type 0x01) or a witness (type 0x04)."""

    name: str
    public_key: bytes
    type: int = ED25519

    @property
    def key_id(self) -> bytes:
        """Return the 4-byte key id."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public_key)[:4]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.type]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True)
class Signature:
    """One signature line: blob is what follows the key id."""

    name: str
    key_id: bytes
    blob: bytes

    def line(self) -> bytes:
        return f"— {self.name} {base64.b64encode(self.key_id + self.blob).decode()}\n".encode()


@dataclass(frozen=True)
class Checkpoint:
    """A parsed note: signatures are parsed, **not** verified."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[Signature, ...]


def read_vkey(text: Json) -> VerifierKey:
    """Return the verifier key in ``text``; ValueError unless its key id is right."""
    match = _VKEY.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("not a verifier key")
    material = shape.unbase64(match[3])
    if len(material) != 33 or material[0] not in (ED25519, COSIGNATURE):
        raise ValueError("not an Ed25519 verifier key")
    key = VerifierKey(match[1], material[1:], material[0])
    if str(key) != text:
        raise ValueError("the verifier key does not carry its own key id")
    return key


def checkpoint_text(origin: str, size: int, root: bytes) -> bytes:
    """Return the text a log signs. root: 32 raw bytes."""
    if not _is_name(origin) or size < 0 or len(root) != 32:
        raise ValueError("not a checkpoint")
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def sign_note(text: bytes, key: VerifierKey, sign: Sign) -> bytes:
    """Return the note: ``text`` with one signature by ``key``, whose private half is in ``sign``."""
    return join_note(text, [Signature(key.name, key.key_id, sign(text))])


def join_note(text: bytes, signatures: Sequence[Signature]) -> bytes:
    """Return the note of ``text`` and signature lines in the given order."""
    return text + b"\n" + b"".join(signature.line() for signature in signatures)


def cosign(checkpoint: Checkpoint, key: VerifierKey, seconds: int, sign: Sign) -> Signature:
    """Return a witness's cosignature/v1 line over ``checkpoint`` at POSIX ``seconds``."""
    blob = seconds.to_bytes(8, "big") + sign(_cosigned(checkpoint, seconds))
    return Signature(key.name, key.key_id, blob)


def read(note: bytes) -> Checkpoint:
    """Return the checkpoint in ``note``; ValueError for any byte out of place.

    Signatures of any key are kept. Join them again and the same bytes come out.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise ValueError("the note is too long")
    text, blank, lines = note.rpartition(b"\n\n")
    if not blank or not lines.endswith(b"\n"):
        raise ValueError("not a signed note")
    signatures = tuple(_read_signature(line) for line in lines[:-1].split(b"\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise ValueError("the note has too many signatures")
    found = _read_text(text + b"\n", signatures)
    if join_note(found.text, signatures) != note:
        raise ValueError("the note is not in its one spelling")
    return found


def verify_log(checkpoint: Checkpoint, key: VerifierKey, verify: Verify) -> bool:
    """Return whether the log with ``key`` signed; all its lines must be good, at least one present."""
    mine = _lines_of(checkpoint, key)
    return (
        key.type == ED25519
        and key.name == checkpoint.origin
        and bool(mine)
        and all(verify(key.public_key, line.blob, checkpoint.text) for line in mine)
    )


def verify_witness(checkpoint: Checkpoint, key: VerifierKey, verify: Verify) -> int | None:
    """Return the POSIX seconds at which the witness cosigned, or None when it did not."""
    if key.type != COSIGNATURE:
        return None
    for line in _lines_of(checkpoint, key):
        seconds = int.from_bytes(line.blob[:8], "big")
        if len(line.blob) == 72 and verify(
            key.public_key, line.blob[8:], _cosigned(checkpoint, seconds)
        ):
            return seconds
    return None


def imprint(note: bytes) -> bytes:
    """Return what a time-stamp of this note covers: SHA-256 over all its bytes."""
    return sha256(note)


def log_key_bytes(key: VerifierKey, not_before: str) -> bytes:
    """Return ``data/certificates/log-key.json``: what the seal key signs to vouch for ``key``."""
    shape.utc(not_before)
    return canonical.dumps(
        {
            "format": LOG_KEY_FORMAT,
            "origin": key.name,
            "vkey": str(key),
            "not_before": not_before,
        }
    )


def read_log_key(data: bytes) -> tuple[VerifierKey, str]:
    """Return the key of a log-key certificate and its ``not_before``; its signature is not checked."""
    value = shape.mapping(canonical.loads(data), ("format", "origin", "vkey", "not_before"))
    key = read_vkey(value["vkey"])
    if value["format"] != LOG_KEY_FORMAT or value["origin"] != key.name:
        raise ValueError("not a log-key certificate of version 1")
    shape.utc(value["not_before"])
    return key, shape.text(value["not_before"])


def _lines_of(checkpoint: Checkpoint, key: VerifierKey) -> list[Signature]:
    return [
        line
        for line in checkpoint.signatures
        if line.name == key.name and line.key_id == key.key_id
    ]


def _cosigned(checkpoint: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n".encode() + checkpoint.text


def _read_text(text: bytes, signatures: tuple[Signature, ...]) -> Checkpoint:
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[3] or not _is_name(lines[0]) or not _SIZE.match(lines[1]):
        raise ValueError("not a checkpoint of three lines")
    root = shape.unbase64(lines[2])
    if len(root) != 32:
        raise ValueError("a root has 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root, text, signatures)


def _read_signature(line: bytes) -> Signature:
    parts = line.decode().split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _is_name(parts[1]):
        raise ValueError("not a signature line")
    blob = shape.unbase64(parts[2])
    if len(blob) < 5:
        raise ValueError("a signature is missing")
    return Signature(parts[1], blob[:4], blob[4:])


def _is_name(name: str) -> bool:
    """Return whether ``name`` can be an origin or key name: no space, plus or control character."""
    return bool(name) and not any(
        char == "+" or char.isspace() or ord(char) < 32 or ord(char) == 127 for char in name
    )
