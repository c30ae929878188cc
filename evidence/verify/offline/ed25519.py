"""Ed25519 verification (RFC 8032 section 5.1.7), pure Python and strict.

Stricter than the RFC asks, so that one signature has one encoding and one verdict everywhere:
S must be below the group order; A and R must be canonical encodings and not of small order;
the equation is checked without the cofactor, [S]B = R + [k]A.
"""

from __future__ import annotations

import hashlib

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

Extended = tuple[int, int, int, int]
_NEUTRAL: Extended = (0, 1, 1, 0)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether ``signature`` (64 bytes) is that of ``public`` (32 bytes) over ``message``.

    Total: malformed input of any length is False.
    """
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _decode(public), _decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or s >= _ORDER:
        return False
    if _is_small(key) or _is_small(commitment):
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(digest, "little") % _ORDER
    x, y, z, t = key
    total = _multiply_both(s, _BASE, k, (-x % _P, y, z, -t % _P))
    return _same(total, commitment)


def _decode(data: bytes) -> Extended | None:
    """Return the point of a canonical encoding (RFC 8032 section 5.1.3), None otherwise."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * _SQRT_MINUS_ONE % _P
    if (v * x * x - u) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _add(a: Extended, b: Extended) -> Extended:
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    left = (y1 - x1) * (y2 - x2) % _P
    right = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = right - left, d - c, d + c, right + left
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(a: Extended) -> Extended:
    x, y, z, _ = a
    xx, yy = x * x % _P, y * y % _P
    h = xx + yy
    e = h - (x + y) * (x + y)
    g = xx - yy
    f = 2 * z * z + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply_both(s: int, a: Extended, k: int, b: Extended) -> Extended:
    both = _add(a, b)
    total = _NEUTRAL
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        total = _double(total)
        choice = (s >> bit & 1) | (k >> bit & 1) << 1
        if choice:
            total = _add(total, (a, b, both)[choice - 1])
    return total


def _is_small(point: Extended) -> bool:
    return _same(_double(_double(_double(point))), _NEUTRAL)


def _same(a: Extended, b: Extended) -> bool:
    return (a[0] * b[2] - b[0] * a[2]) % _P == 0 and (a[1] * b[2] - b[1] * a[2]) % _P == 0


def _base() -> Extended:
    point = _decode((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    if point is None:
        raise RuntimeError("the base point of Ed25519 does not decode")
    return point


_BASE = _base()
