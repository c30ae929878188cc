from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.errors import Corrupt
from evidence.gateways import crypt

KEY = bytes(range(32))
AAD = crypt.aad("tenant", "series/1", "message", 1)


def sealed_stream(content: bytes, key: bytes = KEY, aad: bytes = AAD) -> bytes:
    return b"".join(crypt.seal_stream(key, [content], aad))


def opened_stream(sealed: bytes, key: bytes = KEY, aad: bytes = AAD) -> bytes:
    return b"".join(crypt.open_stream(key, io.BytesIO(sealed), aad))


@given(st.binary(max_size=2000))
def test_what_was_sealed_opens(content):
    assert crypt.open_bytes(KEY, crypt.seal_bytes(KEY, content, AAD), AAD) == content


def test_the_same_value_never_seals_to_the_same_bytes():
    assert crypt.seal_bytes(KEY, b"x", AAD) != crypt.seal_bytes(KEY, b"x", AAD)


@pytest.mark.parametrize(
    "place",
    [("other", "series/1", "message", 1), ("tenant", "series/2", "message", 1),
     ("tenant", "series/1", "title", 1), ("tenant", "series/1", "message", 2)],
)  # fmt: skip
def test_a_value_moved_to_another_place_does_not_open(place):
    sealed = crypt.seal_bytes(KEY, b"value", AAD)

    with pytest.raises(Corrupt):
        crypt.open_bytes(KEY, sealed, crypt.aad(*place))


def test_no_changed_byte_opens():
    sealed = crypt.seal_bytes(KEY, b"value", AAD)
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(Corrupt):
            crypt.open_bytes(KEY, bytes(changed), AAD)


@pytest.mark.parametrize("length", [0, 1, 12, 28])
def test_cut_values_do_not_open(length):
    with pytest.raises(Corrupt):
        crypt.open_bytes(KEY, crypt.seal_bytes(KEY, b"", AAD)[:length], AAD)


def test_a_part_of_the_place_cannot_run_into_the_next():
    with pytest.raises(ValueError, match="bar"):
        crypt.aad("a|b", "c", "d", 1)


def test_a_wrapped_key_opens_only_under_its_own_key_and_place():
    wrapped = crypt.wrap_key(KEY, b"k" * 32, AAD)

    assert crypt.unwrap_key(KEY, wrapped, AAD) == b"k" * 32
    with pytest.raises(Corrupt):
        crypt.unwrap_key(b"o" * 32, wrapped, AAD)
    with pytest.raises(Corrupt):
        crypt.unwrap_key(KEY, wrapped, b"elsewhere")
    with pytest.raises(Corrupt):
        crypt.unwrap_key(KEY, crypt.seal_bytes(KEY, b"k" * 32, AAD), AAD)


def test_keys_of_another_length_are_our_own_mistake():
    with pytest.raises(ValueError, match="32 bytes"):
        crypt.seal_bytes(b"short", b"", AAD)


def test_names_tell_nothing_without_the_key():
    digest = b"d" * 32

    assert crypt.keyed_name(KEY, digest) == crypt.keyed_name(KEY, digest)
    assert crypt.keyed_name(KEY, digest) != crypt.keyed_name(b"o" * 32, digest)


EDGES = [0, 1, crypt.CHUNK - 1, crypt.CHUNK, crypt.CHUNK + 1, 2 * crypt.CHUNK, 3 * crypt.CHUNK - 1]


@pytest.mark.parametrize("size", EDGES)
def test_streams_of_every_edge_length_open(size):
    content = bytes(i % 251 for i in range(size))

    assert opened_stream(sealed_stream(content)) == content


@settings(max_examples=20)
@given(st.lists(st.integers(0, 300_000), max_size=5))
def test_the_cut_of_the_pieces_does_not_matter(sizes):
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]

    sealed = b"".join(crypt.seal_stream(KEY, pieces, AAD))

    assert opened_stream(sealed) == b"".join(pieces)


@pytest.mark.parametrize("size", [16, 17, 18, 40])
def test_a_long_stream_sealed_beside_its_reader_keeps_its_order(size):
    content = b"".join(bytes([number]) * crypt.CHUNK for number in range(size)) + b"end"

    assert opened_stream(sealed_stream(content)) == content


def test_what_a_long_stream_raises_reaches_the_caller():
    def pieces():
        yield bytes(30 * crypt.CHUNK)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(crypt.seal_stream(KEY, pieces(), AAD))


@pytest.mark.parametrize("size", [0, 10, crypt.CHUNK, 2 * crypt.CHUNK + 5])
def test_a_lost_tail_is_noticed_before_the_first_read(size):
    sealed = sealed_stream(b"x" * size)
    part = crypt.CHUNK + 16
    cuts = {len(sealed) - 1, 20, 19, 0, 20 + part, 20 + 2 * part}
    for cut in sorted(cut for cut in cuts if cut < len(sealed)):
        with pytest.raises(Corrupt):
            crypt.SealedReader(KEY, io.BytesIO(sealed[:cut]), AAD)


def test_chunks_cannot_change_places():
    sealed = sealed_stream(b"a" * crypt.CHUNK + b"b" * crypt.CHUNK + b"c")
    part = crypt.CHUNK + 16
    first, second = sealed[20 : 20 + part], sealed[20 + part : 20 + 2 * part]

    with pytest.raises(Corrupt):
        opened_stream(sealed[:20] + second + first + sealed[20 + 2 * part :])
    with pytest.raises(Corrupt):
        opened_stream(sealed[:20] + first + first + sealed[20 + 2 * part :])


@pytest.mark.parametrize("position", [0, 3, 4, 19, 20, 5000, -1])
def test_no_changed_byte_of_a_stream_opens(position):
    changed = bytearray(sealed_stream(b"y" * 10_000))
    changed[position] ^= 0x80

    with pytest.raises(Corrupt):
        opened_stream(bytes(changed))


def test_bytes_after_the_end_are_noticed():
    with pytest.raises(Corrupt):
        opened_stream(sealed_stream(b"y" * 10_000) + b"\0")


def test_a_stream_of_another_place_or_key_does_not_open():
    sealed = sealed_stream(b"y")

    with pytest.raises(Corrupt):
        opened_stream(sealed, aad=b"elsewhere")
    with pytest.raises(Corrupt):
        opened_stream(sealed, key=b"o" * 32)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 700_000), st.integers(0, 400_000)), max_size=6))
def test_a_sealed_file_reads_like_a_plain_one(reads):
    content = bytes(i * 7 % 256 for i in range(256)) * 2400
    plain = io.BytesIO(content)
    sealed = io.BytesIO(sealed_stream(content))
    with io.BufferedReader(crypt.SealedReader(KEY, sealed, AAD)) as reader:
        for position, size in reads:
            assert reader.seek(position) == plain.seek(position)
            assert reader.read(size) == plain.read(size)
        assert reader.seek(0, io.SEEK_END) == len(content)
