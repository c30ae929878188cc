"""RSA signature verification: PKCS #1 v1.5 and PSS (RFC 8017), pure Python.

PKCS #1 v1.5 is compared with the one exact re-encoding, never parsed, so no padding trick
(Bleichenbacher 2006 and its heirs) has anything to hold on to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from . import der

_DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    modulus: int
    exponent: int

    @property
    def bits(self) -> int:
        return self.modulus.bit_length()

    @property
    def size(self) -> int:
        return (self.bits + 7) // 8


def decode_key(data: bytes) -> PublicKey:
    """Return the key of a DER ``RSAPublicKey`` (RFC 8017 A.1.1).

    Raises DerError for anything but a positive odd modulus of 1024 to 16384 bits and an odd
    exponent from 3 to 2**33.
    """
    modulus, exponent = (node.integer() for node in der.parse(data).children(der.SEQUENCE))
    if not 1024 <= modulus.bit_length() <= 16384 or modulus < 0 or not modulus & 1:
        raise der.DerError("RSA modulus out of range")
    if not 3 <= exponent <= 2**33 or not exponent & 1:
        raise der.DerError("RSA exponent out of range")
    return PublicKey(modulus, exponent)


def verify(key: PublicKey, signature: bytes, message: bytes, hash_name: str) -> bool:
    """Tell whether ``signature`` is the PKCS #1 v1.5 signature over ``message``."""
    encoded = _recover(key, signature)
    if encoded is None or hash_name not in _DIGEST_INFO:
        return False
    tail = b"\x00" + _DIGEST_INFO[hash_name] + hashlib.new(hash_name, message).digest()
    padding = key.size - 2 - len(tail)
    return padding >= 8 and encoded == b"\x00\x01" + b"\xff" * padding + tail


def verify_pss(
    key: PublicKey, signature: bytes, message: bytes, hash_name: str, salt_length: int
) -> bool:
    """Tell whether ``signature`` is the PSS signature (MGF1 with the same hash; RFC 8017 9.1.2)."""
    encoded = _recover(key, signature)
    digest = hashlib.new(hash_name, message).digest()
    size = (key.bits - 1 + 7) // 8
    if encoded is None or any(encoded[: key.size - size]):
        return False
    encoded = encoded[key.size - size :]
    database_size = size - len(digest) - 1
    if database_size < salt_length + 1 or salt_length < 0 or encoded[-1] != 0xBC:
        return False
    masked, seed = encoded[:database_size], encoded[database_size:-1]
    free_bits = 8 * size - (key.bits - 1)
    if masked[0] >> (8 - free_bits):
        return False
    block = bytearray(a ^ b for a, b in zip(masked, _mgf1(seed, database_size, hash_name)))  # noqa: B905  # same length
    block[0] &= 0xFF >> free_bits
    padding = database_size - salt_length - 1
    if any(block[:padding]) or block[padding] != 1:
        return False
    salt = bytes(block[padding + 1 :])
    return hashlib.new(hash_name, bytes(8) + digest + salt).digest() == seed


def _recover(key: PublicKey, signature: bytes) -> bytes | None:
    number = int.from_bytes(signature, "big")
    if len(signature) != key.size or number >= key.modulus:
        return None
    return pow(number, key.exponent, key.modulus).to_bytes(key.size, "big")


def _mgf1(seed: bytes, size: int, hash_name: str) -> bytes:
    blocks, counter = b"", 0
    while len(blocks) < size:
        blocks += hashlib.new(hash_name, seed + counter.to_bytes(4, "big")).digest()
        counter += 1
    return blocks[:size]
