"""One encoding per value."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evidence.verify.offline import der


@pytest.mark.parametrize(
    "data",
    ["", "02", "0201", "020105ff", "02810105", "0282000105", "3080020105" + "0000", "1f0105",
     "0285000000000105", "02ff05", "0284ffffffff05"],
)  # fmt: skip
def test_other_encodings_of_a_value_are_refused(data):
    with pytest.raises(der.DerError):
        der.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "value"),
    [("020100", 0), ("02017f", 127), ("02020080", 128), ("0201ff", -1), ("0202ff7f", -129)],
)
def test_integers_are_read(data, value):
    assert der.parse(bytes.fromhex(data)).integer() == value


@pytest.mark.parametrize("data", ["0200", "0202007f", "0202ff80", "030100"])
def test_integers_that_are_not_minimal_are_refused(data):
    with pytest.raises(der.DerError):
        der.parse(bytes.fromhex(data)).integer()


@pytest.mark.parametrize(
    ("data", "value"),
    [("0603550403", "2.5.4.3"), ("06082a864886f70d0101", "1.2.840.113549.1.1"),
     ("0603883703", "2.999.3")],
)  # fmt: skip
def test_object_identifiers_are_read(data, value):
    assert der.parse(bytes.fromhex(data)).oid() == value


@pytest.mark.parametrize("data", ["0600", "0603558003", "06025583"])
def test_broken_object_identifiers_are_refused(data):
    with pytest.raises(der.DerError):
        der.parse(bytes.fromhex(data)).oid()


@pytest.mark.parametrize("data", ["010101", "010102", "01020000", "0100"])
def test_booleans_are_00_or_ff(data):
    with pytest.raises(der.DerError):
        der.parse(bytes.fromhex(data)).boolean()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"\x17\x0d491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (b"\x17\x0d500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (b"\x18\x0f20261123120000Z", datetime(2026, 11, 23, 12, tzinfo=UTC)),
        (b"\x18\x1220261123120000.25Z", datetime(2026, 11, 23, 12, 0, 0, 250000, tzinfo=UTC)),
    ],
)
def test_times_are_read(text, value):
    assert der.parse(text).time() == value


@pytest.mark.parametrize(
    "text",
    [b"\x17\x0b2611231200Z", b"\x17\x0d260230000000Z", b"\x18\x1320261123120000.250Z",
     b"\x18\x1320261123120000+0000", b"\x18\x0e20261123120000", b"\x18\x1120261123120000.Z"],
)  # fmt: skip
def test_other_spellings_of_a_time_are_refused(text):
    with pytest.raises(der.DerError):
        der.parse(text).time()


def test_bit_lists_are_read():
    assert der.parse(bytes.fromhex("03020186")).flags() == {0, 5, 6}
    assert der.parse(bytes.fromhex("030100")).flags() == frozenset()


@pytest.mark.parametrize("data", ["030107", "03020086", "0302018700", "03020800", "03020000"])
def test_bit_lists_must_be_minimal(data):
    with pytest.raises(der.DerError):
        der.parse(bytes.fromhex(data)).flags()


def test_deep_nesting_is_refused():
    data = b""
    for _ in range(200):
        data = der.encode(der.SEQUENCE, data)
    with pytest.raises(der.DerError, match="deep"):
        der.walk(der.parse(data))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_encoding_and_reading_agree(size):
    encoded = der.encode(der.OCTET_STRING, bytes(size))
    assert der.parse(encoded).octets() == bytes(size)
