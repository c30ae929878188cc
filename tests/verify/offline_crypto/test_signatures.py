"""Published vectors first, then the inputs that have broken other verifiers."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric import ed25519 as reference_ed25519
from cryptography.hazmat.primitives.asymmetric import rsa as reference_rsa

from evidence.verify.offline import der, ecdsa, ed25519, rsa

# RFC 8032 section 7.1: public key, message, signature.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
        "f9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
        "f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
        "4dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# RFC 6979 appendix A.2.5 and A.2.6: curve, x, y, hash, message, r, s.
RFC_6979 = [
    (
        ecdsa.P256,
        "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
        "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        "sha256",
        b"sample",
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    ),
    (
        ecdsa.P256,
        "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
        "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
        "sha256",
        b"test",
        "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367",
        "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083",
    ),
    (
        ecdsa.P384,
        "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A25451"
        "5480BC13",
        "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1288B231C3AE0D4FE7344FD25"
        "33264720",
        "sha384",
        b"sample",
        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E"
        "80FABE46",
        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A"
        "38628AC8",
    ),
]


VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("ascii"))


def integer(value):
    return der.encode(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def pair(r, s):
    return der.encode(der.SEQUENCE, integer(r) + integer(s))


# Ed25519.


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_ed25519_agrees_with_rfc_8032(public, message, signature):
    public, message, signature = map(bytes.fromhex, (public, message, signature))

    assert ed25519.verify(public, signature, message)
    assert not ed25519.verify(public, signature, message + b"x")


def test_ed25519_refuses_every_flipped_bit_of_a_signature():
    public, message, signature = map(bytes.fromhex, RFC_8032[2])
    for bit in range(512):
        flipped = bytearray(signature)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not ed25519.verify(public, bytes(flipped), message)


def test_ed25519_refuses_s_beyond_the_group_order():
    public, message, signature = map(bytes.fromhex, RFC_8032[1])
    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(signature[32:], "little") + order
    assert not ed25519.verify(public, signature[:32] + s.to_bytes(32, "little"), message)


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_ed25519_refuses_keys_and_commitments_of_small_order(point):
    """With such a key one signature (S = 0) would fit every message."""
    public = bytes.fromhex(point)
    assert not any(
        ed25519.verify(public, bytes.fromhex(commitment) + bytes(32), b"%d" % index)
        for index in range(8)
        for commitment in SMALL_ORDER
    )


@pytest.mark.parametrize(
    "point",
    [
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ],
)
def test_ed25519_refuses_encodings_that_are_not_canonical(point):
    assert not ed25519.verify(bytes.fromhex(point), bytes(64), b"")


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_ed25519_refuses_wrong_lengths(key, signature):
    assert not ed25519.verify(bytes(key), bytes(signature), b"")


def test_ed25519_agrees_with_another_implementation():
    for length in range(12):
        key = reference_ed25519.Ed25519PrivateKey.generate()
        message = os.urandom(length * 7)
        public = key.public_key().public_bytes_raw()
        assert ed25519.verify(public, key.sign(message), message)


# NIST and others, see ``vectors.json``; the notes there say what was changed in a bad one.


def test_ecdsa_agrees_with_nist():
    for case in VECTORS["ecdsa"]:
        curve = ecdsa.P256 if case["curve"] == "P-256" else ecdsa.P384
        public = b"\x04" + bytes.fromhex(case["x"] + case["y"])
        signature = pair(int(case["r"], 16), int(case["s"], 16))
        message = bytes.fromhex(case["message"])
        assert ecdsa.verify(curve, public, signature, message, case["hash"]) is case["valid"]


@pytest.mark.parametrize("kind", ["rsa", "pss"])
def test_rsa_agrees_with_nist(kind):
    for case in VECTORS[kind]:
        key = rsa.PublicKey(int(case["n"], 16), int(case["e"], 16))
        signature, message = bytes.fromhex(case["signature"]), bytes.fromhex(case["message"])
        if kind == "rsa":
            found = rsa.verify(key, signature, message, case["hash"])
        else:
            found = rsa.verify_pss(key, signature, message, case["hash"], case["salt"])
        assert found is case["valid"], case["note"]


def test_ed25519_agrees_with_its_authors():
    for case in VECTORS["ed25519"]:
        public, message, signature = (
            bytes.fromhex(case[name]) for name in ("public", "message", "signature")
        )
        assert ed25519.verify(public, signature, message)


# ECDSA.


@pytest.mark.parametrize(("curve", "x", "y", "name", "message", "r", "s"), RFC_6979)
def test_ecdsa_agrees_with_rfc_6979(curve, x, y, name, message, r, s):
    public = b"\x04" + bytes.fromhex(x + y)
    signature = pair(int(r, 16), int(s, 16))

    assert ecdsa.verify(curve, public, signature, message, name)
    assert not ecdsa.verify(curve, public, signature, message + b"x", name)
    assert not ecdsa.verify(curve, public, pair(int(s, 16), int(r, 16)), message, name)


@pytest.fixture
def signed():
    curve, x, y, name, message, r, s = RFC_6979[0]
    return curve, b"\x04" + bytes.fromhex(x + y), message, name, int(r, 16), int(s, 16)


def test_ecdsa_refuses_values_outside_the_group(signed):
    curve, public, message, name, r, s = signed
    n, p = curve.order, curve.p
    odd = [0, 1, -1, n, n - 1, n + 1, -n, p, p + 1, 2**256]
    for a in [*odd, r]:
        for b in [*odd, s]:
            if (a, b) == (r, s):
                continue
            if a < 0 or b < 0:
                continue
            assert not ecdsa.verify(curve, public, pair(a, b), message, name)
    for a, b in ((r + n, s), (r, s + n), (r - n, s), (r, s - n)):
        first, second = (
            der.encode(der.INTEGER, one.to_bytes(40, "big", signed=True).lstrip(b"\0") or b"\0")
            for one in (a, b)
        )
        assert not ecdsa.verify(
            curve, public, der.encode(der.SEQUENCE, first + second), message, name
        )


def test_ecdsa_refuses_every_other_encoding_of_a_signature(signed):
    curve, public, message, name, r, s = signed
    good = pair(r, s)
    body = good[2:]
    others = [
        b"\x30\x81" + good[1:2] + body,
        b"\x30\x80" + body + b"\0\0",
        good + b"\0",
        b"\x31" + good[1:],
        der.encode(der.SEQUENCE, body + b"\x05\x00"),
        der.encode(der.SEQUENCE, integer(r)),
        der.encode(der.SEQUENCE, b"\x02\x22\x00" + integer(r)[2:] + integer(s)),
        der.encode(der.SEQUENCE, der.encode(der.INTEGER, integer(r)[3:]) + integer(s)),
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        b"",
        b"\x30\x00",
    ]
    assert ecdsa.verify(curve, public, good, message, name)
    for other in others:
        assert not ecdsa.verify(curve, public, other, message, name)


def test_ecdsa_refuses_keys_that_are_no_points_of_the_curve(signed):
    curve, public, message, name, r, s = signed
    x, y = public[1:33], public[33:]
    p = curve.p.to_bytes(32, "big")
    others = [
        b"\x04" + x + x,
        b"\x04" + bytes(64),
        b"\x04" + p + y,
        b"\x02" + x,
        b"\x03" + x,
        b"\x06" + x + y,
        public[1:],
        public + b"\0",
        b"\x00",
        b"",
    ]
    for other in others:
        assert not ecdsa.verify(curve, other, pair(r, s), message, name)


def test_ecdsa_handles_the_points_where_addition_degenerates():
    """Key G, −G, 2G and digest 0: the sum passes through equal and opposite points."""
    curve = ecdsa.P256
    for scalar in (1, 2, 3, curve.order - 1, curve.order - 2, 15, 17):
        key = ec.derive_private_key(scalar, ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        for message in (b"", b"a", b"b", b"c"):
            signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
            assert ecdsa.verify(curve, public, signature, message, "sha256")
    public = b"\x04" + b"".join(one.to_bytes(32, "big") for one in curve.generator)
    assert not ecdsa.verify_digest(curve, public, pair(1, 1), bytes(32))


@pytest.mark.parametrize(
    ("curve", "group"), [(ecdsa.P256, ec.SECP256R1()), (ecdsa.P384, ec.SECP384R1())]
)
@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_ecdsa_agrees_with_another_implementation(curve, group, name):
    for index in range(10):
        key = ec.generate_private_key(group)
        public = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        message = b"%d" % index
        signature = key.sign(message, ec.ECDSA(getattr(hashes, name.upper())()))
        assert ecdsa.verify(curve, public, signature, message, name)
        assert not ecdsa.verify(curve, public, signature, message + b"!", name)


# RSA.


@pytest.fixture(scope="module")
def rsa_key():
    return reference_rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def rsa_public(rsa_key):
    return rsa.decode_key(
        rsa_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
    )


def raw_rsa(key, encoded):
    numbers = key.private_numbers()
    value = pow(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n)
    return value.to_bytes(256, "big")


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_rsa_agrees_with_another_implementation(rsa_key, rsa_public, name):
    signature = rsa_key.sign(b"m", padding.PKCS1v15(), getattr(hashes, name.upper())())

    assert rsa.verify(rsa_public, signature, b"m", name)
    assert not rsa.verify(rsa_public, signature, b"n", name)
    assert not rsa.verify(rsa_public, b"\0" + signature, b"m", name)
    assert not rsa.verify(rsa_public, signature[1:], b"m", name)


def test_rsa_refuses_every_padding_but_the_one(rsa_key, rsa_public):
    """Bleichenbacher 2006 and relatives, made with the real private key."""
    digest = hashlib.sha256(b"m").digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    without_null = bytes.fromhex("302f300b0609608648016503040201" + "0420") + digest
    wrong_hash = bytes.fromhex("3031300d060960864801650304020205000420") + digest

    def padded(tail, fill=b"\xff", head=b"\x00\x01"):
        return head + fill * (256 - len(head) - 1 - len(tail)) + b"\x00" + tail

    good = padded(info)
    assert rsa.verify(rsa_public, raw_rsa(rsa_key, good), b"m", "sha256")
    forged = [
        b"\x00\x01" + b"\xff" * 8 + b"\x00" + info + bytes(256 - 11 - len(info)),
        b"\x00\x01" + b"\x00" + info + b"\xff" * (256 - 3 - len(info)),
        padded(without_null),
        padded(wrong_hash),
        padded(info, b"\x00"),
        padded(info, head=b"\x00\x02"),
        padded(info, head=b"\x01\x01"),
        padded(digest),
        good[:5] + b"\xfe" + good[6:],
    ]
    numbers = rsa_key.private_numbers().public_numbers
    for encoded in forged:
        if int.from_bytes(encoded, "big") >= numbers.n:
            continue
        assert not rsa.verify(rsa_public, raw_rsa(rsa_key, encoded), b"m", "sha256")


def test_rsa_refuses_a_signature_not_below_the_modulus(rsa_key, rsa_public):
    signature = rsa_key.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
    value = int.from_bytes(signature, "big") + rsa_public.modulus
    if value.bit_length() <= 2048:
        assert not rsa.verify(rsa_public, value.to_bytes(256, "big"), b"m", "sha256")
    assert not rsa.verify(rsa_public, b"\xff" * 256, b"m", "sha256")
    assert not rsa.verify(rsa_public, bytes(256), b"m", "sha256")
    assert not rsa.verify(rsa_public, bytes(255) + b"\x01", b"m", "sha256")


@pytest.mark.parametrize("bits", [2048, 2049, 2055])
@pytest.mark.parametrize("salt", [0, 20, 32])
def test_pss_agrees_with_another_implementation(bits, salt):
    key = reference_rsa.generate_private_key(65537, bits)
    public = rsa.decode_key(
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    )
    signature = key.sign(b"m", padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())
    assert rsa.verify_pss(public, signature, b"m", "sha256", salt)
    assert not rsa.verify_pss(public, signature, b"m", "sha256", salt + 1)
    assert not rsa.verify_pss(public, signature, b"n", "sha256", salt)
    assert not rsa.verify_pss(public, bytes(len(signature)), b"m", "sha256", salt)


@pytest.mark.parametrize(
    ("bits", "even", "exponent"),
    [(2048, False, 1), (2048, False, 2), (2048, True, 3), (1000, False, 3), (20000, False, 3)],
)
def test_absurd_rsa_keys_are_refused(bits, even, exponent):
    modulus = 1 << (bits - 1) | (not even)
    with pytest.raises(der.DerError):
        rsa.decode_key(der.encode(der.SEQUENCE, integer(modulus) + integer(exponent)))
