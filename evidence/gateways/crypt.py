"""Encryption at rest: AES-256-GCM everywhere, keys wrapped by keys, every ciphertext tied to
its place.

::

    key-encryption key  (file, environment, later a token)
     └─ tenant key      wrapped, in the organisation's row
         └─ series key, blob key    wrapped, beside what they encrypt

**Small values** (``seal_bytes``): one version byte 0x01, 12 random bytes of nonce, ciphertext
with its 16-byte tag. The associated data names tenant, object, field and version of the format,
so a value copied to another row or column does not open. Random nonces are safe far beyond the
number of messages one series holds (2**32 values per key).

**Large values** (``seal_stream``): the STREAM construction (Hoang, Reyhanitabar, Rogaway and
Vizár 2015) over chunks of 256 KiB, so that files of any size are read and written in flat
memory, opened in the middle, and any cut, swap, repeat or lost tail is noticed::

    b"TTS\\x01"  16 random bytes of salt  chunk 0  chunk 1 …  last chunk
    key of the stream = HKDF-SHA-256(key, salt, info = b"truethread/stream/v1\\0" + aad)
    nonce of chunk i  = i as 11 bytes big endian, then 0x01 for the last chunk and 0x00 before
    every chunk but the last holds 262,144 bytes of plaintext; an empty file is one empty chunk

What does not open raises Corrupt: wrong key, moved, or changed look alike on purpose.
"""

from __future__ import annotations

import hmac
import io
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from evidence.errors import Corrupt
from evidence.gateways.seekable import Seekable

KEY_BYTES = 32
CHUNK = 256 * 1024
_VERSION = b"\x01"
_NONCE = 12
_TAG = 16
_STREAM = b"TTS\x01"
_ALONE = 16
"""So many chunks are not worth a thread."""
_AHEAD = 4
_SALT = 16
_HEADER = len(_STREAM) + _SALT


def new_key() -> bytes:
    """Return 32 random bytes."""
    return secrets.token_bytes(KEY_BYTES)


def aad(tenant: str, thing: str, field: str, version: int) -> bytes:
    """Return the associated data that ties a ciphertext to one field of one object.

    None of the parts may hold ``|``: the four must stay apart.
    """
    parts = (tenant, thing, field, str(version))
    if any("|" in part for part in parts):
        raise ValueError(f"a part of the associated data holds a bar: {parts}")
    return "|".join(parts).encode()


def sealer(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """Return a function (plaintext, aad) → sealed bytes, for many values under one key."""
    encrypt = AESGCM(_checked(key)).encrypt

    def seal(plaintext: bytes, associated: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + encrypt(nonce, plaintext, associated)

    return seal


def opener(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """Return a function (sealed bytes, aad) → plaintext, which raises Corrupt."""
    decrypt = AESGCM(_checked(key)).decrypt

    def unseal(sealed: bytes, associated: bytes) -> bytes:
        if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE + _TAG:
            raise Corrupt("sealed bytes of unknown form")
        try:
            return decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], associated)
        except InvalidTag as error:
            raise Corrupt("sealed bytes do not open") from error

    return unseal


def seal_bytes(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Return ``plaintext`` sealed under ``key`` (32 bytes) and tied to ``associated``."""
    return sealer(key)(plaintext, associated)


def open_bytes(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Return what ``seal_bytes`` sealed; Corrupt when it does not open."""
    return opener(key)(sealed, associated)


def wrap_key(wrapping: bytes, key: bytes, associated: bytes) -> bytes:
    """Return ``key`` (32 bytes) sealed under ``wrapping``: 61 bytes, for the database."""
    return seal_bytes(wrapping, _checked(key), b"key|" + associated)


def unwrap_key(wrapping: bytes, wrapped: bytes, associated: bytes) -> bytes:
    """Return what ``wrap_key`` wrapped; Corrupt when it does not open."""
    return _checked(open_bytes(wrapping, wrapped, b"key|" + associated))


def keyed_name(key: bytes, digest: bytes) -> str:
    """Return the hex HMAC-SHA256 of ``digest`` under ``key``: a name that tells nothing.

    digest: SHA-256 of the plain bytes, raw. The same bytes get the same name under the same
    key, and without the key nobody can test a guess.
    """
    return hmac.digest(_checked(key), b"truethread/name/v1\0" + digest, sha256).hex()


def seal_stream(key: bytes, pieces: Iterable[bytes], associated: bytes) -> Iterator[bytes]:
    """Yield the sealed stream of ``pieces`` (of any size, joined), chunk by chunk.

    The chunks of a long stream are encrypted beside the caller, who reads and writes meanwhile.
    """
    salt = secrets.token_bytes(_SALT)
    cipher = _stream_cipher(key, salt, associated)
    yield _STREAM + salt
    numbered = _numbered(_rechunked(pieces))
    for nonce, chunk in islice(numbered, _ALONE):
        yield cipher.encrypt(nonce, chunk, None)
    under_way: deque[Future[bytes]] = deque()
    pool: ThreadPoolExecutor | None = None
    try:
        for nonce, chunk in numbered:
            pool = pool or ThreadPoolExecutor(1, "sealing")
            under_way.append(pool.submit(cipher.encrypt, nonce, chunk, None))
            if len(under_way) > _AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def open_stream(key: bytes, file: BinaryIO, associated: bytes) -> Iterator[bytes]:
    """Yield the plaintext of a sealed stream from the start of a seekable ``file``.

    Raises Corrupt at the first chunk that does not open; what came before it is genuine, but a
    caller that needs the whole must read to the end before using any of it.
    """
    reader = SealedReader(key, file, associated)
    while piece := reader.read(CHUNK):
        yield piece


class SealedReader(Seekable):
    """The plaintext of a sealed stream as a seekable, read-only file; closes what it reads.

    Checks the last chunk when it opens, so that a lost tail is noticed before the first read.
    """

    def __init__(self, key: bytes, file: BinaryIO, associated: bytes) -> None:
        """Raises Corrupt when head or tail of the stream do not open."""
        super().__init__(size=0)
        self._file = file
        sealed = file.seek(0, io.SEEK_END) - _HEADER
        file.seek(0)
        head = file.read(_HEADER)
        if head[: len(_STREAM)] != _STREAM or sealed < _TAG:
            raise Corrupt("a sealed stream of unknown form")
        self._cipher = _stream_cipher(key, head[len(_STREAM) :], associated)
        self._last = (sealed - 1) // (CHUNK + _TAG)
        self.size = sealed - (self._last + 1) * _TAG
        if self.size < 0:
            raise Corrupt("a sealed stream of impossible length")
        self._held: tuple[int, bytes] = (-1, b"")
        self._chunk(self._last)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # io's own stub names a private type
        """Fill ``buffer`` up to the end of the current chunk; raises Corrupt."""
        if self.position >= self.size:
            return 0
        index, start = divmod(self.position, CHUNK)
        piece = self._chunk(index)[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)

    def close(self) -> None:
        """Close the sealed file too."""
        self._file.close()
        super().close()

    def _chunk(self, index: int) -> bytes:
        if self._held[0] != index:
            self._file.seek(_HEADER + index * (CHUNK + _TAG))
            sealed = self._file.read(CHUNK + _TAG)
            try:
                plain = self._cipher.decrypt(_nonce(index, last=index == self._last), sealed, None)
            except InvalidTag as error:
                raise Corrupt(f"chunk {index} of a sealed stream does not open") from error
            self._held = (index, plain)
        return self._held[1]


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return key


def _stream_cipher(key: bytes, salt: bytes, associated: bytes) -> AESGCM:
    info = b"truethread/stream/v1\0" + associated
    return AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, salt, info).derive(_checked(key)))


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(_NONCE - 1, "big") + (b"\x01" if last else b"\x00")


def _numbered(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield every chunk with its nonce; of nothing, one empty last chunk."""
    index, held = 0, next(chunks, b"")
    for chunk in chunks:
        yield _nonce(index, last=False), held
        index, held = index + 1, chunk
    yield _nonce(index, last=True), held


def _rechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the joined pieces cut into chunks; only the last may be short, none is empty."""
    held = b""
    for piece in pieces:
        start = CHUNK - len(held) if held else 0
        if held and len(piece) < start:
            held += piece
            continue
        if held:
            yield held + piece[:start]
        while start + CHUNK <= len(piece):
            yield piece[start : start + CHUNK]
            start += CHUNK
        held = piece[start:]
    if held:
        yield held
