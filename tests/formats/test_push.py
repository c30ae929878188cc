"""A batch is one exact sequence of bytes; anything else is refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import merkle, push
from evidence.ingest.push import PushedPeople, rows
from evidence.sign import jws
from tests.pushing import OTHER_KEY, PROVIDER_KEY, Provider, line, lines

VECTOR = json.loads(
    (Path(__file__).parents[1] / "vectors" / "push" / "v1.json").read_text(encoding="utf-8")
)


def test_the_worked_example_has_its_hash_its_signature_and_its_rows():
    batch = push.read_batch(VECTOR["batch"].encode())
    assert batch.hash.hex() == VECTOR["hash"]
    assert jws.key_id(batch.signature) == "2026-1"
    assert jws.is_signed(batch.line, batch.signature, VECTOR["key"])
    found = rows(batch, PushedPeople("u-ana"), VECTOR["rows_before"])
    assert [asdict(row) for row in found] == VECTOR["rows"]


def test_the_source_of_a_row_is_the_very_slice_of_the_batch():
    data = VECTOR["batch"].encode()
    for row in VECTOR["rows"]:
        start, length = row["source"]["offset"], row["source"]["length"]
        assert data[start : start + length].decode() == row["source_text"]


def test_what_is_written_is_read_back():
    provider = Provider("5" * 32)
    data = provider.batch(lines(1, 3))
    batch = push.read_batch(data)
    assert batch.envelope == provider.last
    assert push.write_batch(batch.envelope, batch.signature, batch.lines) == data


@pytest.mark.parametrize("change", [
    {"count": 3}, {"previous": bytes(32)}, {"cursor": push.Positions(0, 1)},
    {"gap": push.Gap(0, 5, "lost"), "cursor": push.Positions(4, 9)},
    {"fills": push.Positions(9, 12)}, {"messages": bytes(32)}, {"time": "2026-03-14 09:00:00"},
    {"number": 2}, {"gap": push.Gap(0, 5, ""), "cursor": push.Positions(5, 9)},
])  # fmt: skip
def test_an_envelope_that_contradicts_itself_or_its_lines_is_refused(change):
    provider = Provider("5" * 32)
    messages = lines(1, 2)
    envelope = replace(provider.envelope(messages), **change)
    with pytest.raises(ValueError, match=r"."):
        push.read_batch(provider.signed(envelope, messages))


@pytest.mark.parametrize("spoil", [
    lambda data: data[:-1],
    lambda data: data + b"\n",
    lambda data: data.replace(b'{"account"', b'{ "account"', 1),
    lambda data: data.replace(b"\n", b"\r\n", 1),
    lambda data: data.split(b"\n", 1)[0] + b"\n",
    lambda data: b"",
])  # fmt: skip
def test_bytes_that_differ_from_the_one_spelling_are_refused(spoil):
    data = Provider("5" * 32).batch(lines(1, 2))
    with pytest.raises(ValueError, match=r"."):
        push.read_batch(spoil(data))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_batch_or_a_value_error(data):
    with pytest.raises(ValueError, match=r"."):
        push.read_batch(data)


@pytest.mark.parametrize("key", [PROVIDER_KEY, OTHER_KEY], ids=["EdDSA", "ES256"])
def test_both_algorithms_sign_and_neither_accepts_another_payload_or_key(key):
    signature = jws.sign(b"payload. with dot", key, "k")
    other = OTHER_KEY if key is PROVIDER_KEY else PROVIDER_KEY
    assert jws.is_signed(b"payload. with dot", signature, jws.public_key(key))
    assert not jws.is_signed(b"payload. with do", signature, jws.public_key(key))
    assert not jws.is_signed(b"payload. with dot", signature, jws.public_key(other))


@pytest.mark.parametrize("header", [
    {"alg": "EdDSA", "b64": False, "kid": "k"},
    {"alg": "EdDSA", "b64": True, "crit": ["b64"], "kid": "k"},
    {"alg": "none", "b64": False, "crit": ["b64"], "kid": "k"},
    {"alg": "HS256", "b64": False, "crit": ["b64"], "kid": "k"},
    {"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": "k", "jwk": PROVIDER_KEY},
])  # fmt: skip
def test_a_header_other_than_the_documented_one_signs_nothing(header):
    import base64

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = base64.urlsafe_b64decode(PROVIDER_KEY["d"] + "=")
    named = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    mark = Ed25519PrivateKey.from_private_bytes(seed).sign(named + b".payload")
    text = (named + b".." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()
    assert not jws.is_signed(b"payload", text, jws.public_key(PROVIDER_KEY))


@pytest.mark.parametrize("key", [
    None, {}, {"kty": "RSA"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
    {"kty": "OKP", "crv": "X25519", "x": PROVIDER_KEY["x"]},
    {"kty": "EC", "crv": "P-256", "x": OTHER_KEY["x"], "y": OTHER_KEY["x"]},
    {"kty": "oct", "k": "AAAA"},
])  # fmt: skip
def test_only_usable_keys_of_the_two_kinds_can_be_registered(key):
    with pytest.raises(ValueError, match=r"."):
        jws.public_key(key)


def test_a_private_key_sent_by_mistake_is_not_kept():
    assert "d" not in jws.public_key(PROVIDER_KEY)


def test_a_growing_tree_proves_its_growth_without_its_old_leaves():
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(40)]
    tree = merkle.Tree(leaves)
    for size in range(41):
        for old in range(size + 1):
            builder = merkle.TreeBuilder()
            for leaf in leaves[:old]:
                builder.append(leaf)
            proof = merkle.growth_proof(old, builder.frontier, leaves[old:size])
            assert proof == tree.consistency_proof(old, size)


def test_a_message_may_hold_text_that_is_not_valid_unicode():
    value = push.read_message(line(1, body="a\ud800b"))
    assert value["body"] == "a\ud800b"
