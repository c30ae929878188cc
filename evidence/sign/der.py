"""Just enough DER to write a CMS container: each value is encoded once, to bytes, and joined.

asn1crypto reads well, but encodes values it did not read itself anew at every level of nesting;
with a token inside a signature that grew to half a minute. Source: ITU-T X.690 section 10.
"""

from __future__ import annotations

from functools import lru_cache


def tagged(tag: int, *parts: bytes) -> bytes:
    """Return the value with this identifier octet; ``parts`` are joined as its content."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """Return a SEQUENCE."""
    return tagged(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """Return a SET OF, its members in DER order."""
    return tagged(0x31, *sorted(parts))


def octets(content: bytes) -> bytes:
    """Return an OCTET STRING."""
    return tagged(0x04, content)


def integer(value: int) -> bytes:
    """Return an INTEGER."""
    return tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def explicit(number: int, *parts: bytes) -> bytes:
    """Return ``parts`` under the context tag [number], constructed."""
    return tagged(0xA0 | number, *parts)


def retag(number: int, encoded: bytes) -> bytes:
    """Return a constructed value with its identifier replaced by [number] IMPLICIT."""
    return bytes((0xA0 | number,)) + encoded[1:]


@lru_cache(maxsize=64)
def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return tagged(0x06, *(_base128(arc) for arc in (first * 40 + second, *rest)))


def _base128(value: int) -> bytes:
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(value & 0x7F | 0x80)
    return bytes(reversed(septets))


NULL = b"\x05\x00"
SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"))
"""AlgorithmIdentifier without parameters (RFC 5754 section 2)."""
SIGNED_DATA = oid("1.2.840.113549.1.7.2")
DATA = oid("1.2.840.113549.1.7.1")
ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"))
RSA_SHA256 = sequence(oid("1.2.840.113549.1.1.11"), NULL)
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
SIGNATURE_TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105  # an identifier, no secret


def attribute(dotted: str, value: bytes) -> bytes:
    """Return a CMS Attribute with one value."""
    return sequence(oid(dotted), set_of(value))
