"""The two hash algorithms of the formats, and the bytes of a text.

SHA-256 is always there. SM3 (GB/T 32905, ISO/IEC 10118-3) comes from the OpenSSL behind
``hashlib`` and may be absent; whoever needs it asks ``sm3_available`` first and says
"not checked" when it is not.

Domain tags: ``truethread/<what>/v1`` for SHA-256 and ``truethread/<what>-sm3/v1`` for SM3, each
closed by one zero byte. No tag is a prefix of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol


class Hash(Protocol):
    """What ``hashlib`` constructors return."""

    def digest(self) -> bytes: ...


def sha256(data: bytes) -> bytes:
    """Return the 32 raw bytes of SHA-256."""
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """Return the 32 raw bytes of SM3.

    Raises ValueError when this Python's OpenSSL has none.
    """
    return hashlib.new("sm3", data).digest()


def sm3_available() -> bool:
    """Return whether ``sm3`` works here."""
    try:
        hashlib.new("sm3")
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Algorithm:
    """A hash function with the suffix its domain tags carry.

    new: the ``hashlib`` constructor, for loops in which a further call per hash would show.
    """

    name: str
    new: Callable[[bytes], Hash]
    suffix: str

    def digest(self, data: bytes) -> bytes:
        """Return the 32 raw bytes of the hash of ``data``."""
        return self.new(data).digest()

    def tag(self, what: str) -> bytes:
        """Return the domain tag of ``what``, zero byte included."""
        return f"truethread/{what}{self.suffix}/v1\0".encode()


SHA256 = Algorithm("sha256", hashlib.sha256, "")
SM3 = Algorithm("sm3", partial(hashlib.new, "sm3"), "-sm3")


def wtf8(text: str) -> bytes:
    """Return UTF-8, in which a lone surrogate stands as its own three bytes.

    Total and injective over Python strings: two different texts never share their bytes.
    """
    return text.encode("utf-8", "surrogatepass")
