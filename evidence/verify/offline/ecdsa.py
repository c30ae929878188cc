"""ECDSA verification over NIST P-256 and P-384 (FIPS 186-5 section 6.4.2), pure Python.

Verification only: nothing here is secret, so nothing here needs constant time. The key is
checked to lie on the curve; both curves have cofactor 1, so such a point has full order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from . import der

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]

_INFINITY: Jacobian = (0, 1, 0)
_WINDOW = 5


@dataclass(frozen=True)
class Curve:
    """A short Weierstrass curve with a = -3 and prime order; ``size`` in bytes."""

    name: str
    p: int
    b: int
    order: int
    generator: Affine
    size: int
    odd_multiples: list[Affine] = field(default_factory=list, compare=False, repr=False)


P256 = Curve(
    "P-256",
    0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    32,
)
P384 = Curve(
    "P-384",
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFFFF0000000000000000FFFFFFFF,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    (
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
    48,
)


def verify(curve: Curve, public: bytes, signature: bytes, message: bytes, hash_name: str) -> bool:
    """Tell whether ``signature`` (DER ``Ecdsa-Sig-Value``) is ``public``'s over ``message``.

    public: uncompressed point, ``04 ‖ x ‖ y``. Any malformed key or signature is simply False.
    """
    return verify_digest(curve, public, signature, hashlib.new(hash_name, message).digest())


def verify_digest(curve: Curve, public: bytes, signature: bytes, digest: bytes) -> bool:
    point = decode_point(curve, public)
    pair = _decode_signature(signature)
    if point is None or pair is None:
        return False
    r, s = pair
    if not (0 < r < curve.order and 0 < s < curve.order):
        return False
    inverse = pow(s, -1, curve.order)
    u1 = _truncate(digest, curve) * inverse % curve.order
    u2 = r * inverse % curve.order
    x, _, z = _multiply_both(curve, u1, u2, point)
    if z == 0:
        return False
    return x * pow(z, -2, curve.p) % curve.p % curve.order == r


def decode_point(curve: Curve, public: bytes) -> Affine | None:
    """Return the affine point of an uncompressed encoding, None unless it lies on the curve."""
    if len(public) != 1 + 2 * curve.size or public[0] != 4:
        return None
    x = int.from_bytes(public[1 : 1 + curve.size], "big")
    y = int.from_bytes(public[1 + curve.size :], "big")
    if x >= curve.p or y >= curve.p or (y * y - (x * x - 3) * x - curve.b) % curve.p:
        return None
    return x, y


def _decode_signature(signature: bytes) -> tuple[int, int] | None:
    try:
        r, s = der.parse(signature).children(der.SEQUENCE)
        return r.integer(), s.integer()
    except (der.DerError, ValueError):
        return None


def _truncate(digest: bytes, curve: Curve) -> int:
    return int.from_bytes(digest[: curve.size], "big")


def _multiply_both(curve: Curve, u1: int, u2: int, point: Affine) -> Jacobian:
    """Return u1·G + u2·point (Shamir's trick over width-5 non-adjacent forms)."""
    if not curve.odd_multiples:
        curve.odd_multiples.extend(_odd_multiples(curve, curve.generator))
    p = curve.p
    tables = (curve.odd_multiples, _odd_multiples(curve, point))
    digits = (_non_adjacent_form(u1), _non_adjacent_form(u2))
    total = _INFINITY
    for index in range(max(map(len, digits)) - 1, -1, -1):
        total = _double(total, p)
        for table, form in zip(tables, digits):  # noqa: B905  # two of each
            digit = form[index] if index < len(form) else 0
            if digit > 0:
                total = _add_affine(total, table[digit >> 1], p)
            elif digit < 0:
                x, y = table[-digit >> 1]
                total = _add_affine(total, (x, p - y), p)
    return total


def _non_adjacent_form(scalar: int) -> list[int]:
    """Return odd digits below 2**(width-1) in absolute value, or 0, least significant first."""
    digits: list[int] = []
    half, full = 1 << (_WINDOW - 1), 1 << _WINDOW
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & (full - 1)
            digit -= full if digit >= half else 0
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


def _odd_multiples(curve: Curve, point: Affine) -> list[Affine]:
    """Return 1·P, 3·P, 5·P … 15·P as affine points."""
    twice = _to_affine(_double((*point, 1), curve.p), curve.p)
    multiples: list[Jacobian] = [(*point, 1)]
    for _ in range((1 << (_WINDOW - 2)) - 1):
        multiples.append(_add_affine(multiples[-1], twice, curve.p))
    return [_to_affine(multiple, curve.p) for multiple in multiples]


def _to_affine(point: Jacobian, p: int) -> Affine:
    x, y, z = point
    inverse = pow(z, -1, p)
    square = inverse * inverse % p
    return x * square % p, y * square * inverse % p


def _double(point: Jacobian, p: int) -> Jacobian:
    x, y, z = point
    if not z or not y:
        return _INFINITY
    delta = z * z % p
    gamma = y * y % p
    beta = x * gamma % p
    alpha = 3 * (x - delta) * (x + delta) % p
    doubled_x = (alpha * alpha - 8 * beta) % p
    doubled_y = (alpha * (4 * beta - doubled_x) - 8 * gamma * gamma) % p
    return doubled_x, doubled_y, 2 * y * z % p


def _add_affine(point: Jacobian, other: Affine, p: int) -> Jacobian:
    x1, y1, z1 = point
    x2, y2 = other
    if not z1:
        return x2, y2, 1
    square = z1 * z1 % p
    h = (x2 * square - x1) % p
    slope = (y2 * square * z1 - y1) % p
    if not h:
        return _double(point, p) if not slope else _INFINITY
    h2 = h * h % p
    h3 = h2 * h % p
    v = x1 * h2 % p
    x3 = (slope * slope - h3 - 2 * v) % p
    return x3, (slope * (v - x3) - y1 * h3) % p, z1 * h % p
