"""Signed notes, checked against other people's and against their own strictness."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import checkpoint
from evidence.formats.checkpoint import COSIGNATURE, Signature, VerifierKey
from evidence.verify.offline import ed25519

GO, C2SP, KEYS = json.loads(
    (Path(__file__).parents[1] / "vectors/checkpoint/published.json").read_text()
)
ROOT = bytes(range(32))
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
KEY = VerifierKey("log.example/1", PRIVATE.public_key().public_bytes_raw())
WITNESS = VerifierKey("witness.example", KEY.public_key, COSIGNATURE)
TEXT = checkpoint.checkpoint_text("log.example/1", 5, ROOT)
NOTE = checkpoint.sign_note(TEXT, KEY, PRIVATE.sign)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("check", [verify, ed25519.verify])
def test_the_note_of_the_go_package_verifies(check: checkpoint.Verify) -> None:
    key = checkpoint.read_vkey(GO["vkey"])
    line = f"— {key.name} {GO['signature']}"
    signature = checkpoint._read_signature(line.encode())
    assert signature.key_id == key.key_id
    assert check(key.public_key, signature.blob, GO["text"].encode())


def test_the_checkpoint_of_the_c2sp_page_is_read_and_written_back() -> None:
    note = C2SP["note"].encode()
    found = checkpoint.read(note)
    assert (found.origin, found.size) == (C2SP["origin"], C2SP["size"])
    assert checkpoint.join_note(found.text, found.signatures) == note
    assert int.from_bytes(found.signatures[1].blob[:8], "big") == C2SP["witness_seconds"]


@pytest.mark.parametrize("text", KEYS["vkeys"])
def test_other_projects_verifier_keys_are_written_back(text: str) -> None:
    assert str(checkpoint.read_vkey(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "a+b+c", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", 5, None],
)
def test_a_verifier_key_without_its_own_id_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="key"):
        checkpoint.read_vkey(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("check", [verify, ed25519.verify])
def test_our_own_note_verifies_and_another_key_does_not(check: checkpoint.Verify) -> None:
    found = checkpoint.read(NOTE)
    other = VerifierKey(KEY.name, b"\x02" * 32)
    assert checkpoint.verify_log(found, KEY, check)
    assert not checkpoint.verify_log(found, other, check)
    assert not checkpoint.verify_log(found, VerifierKey("elsewhere", KEY.public_key), check)


def test_a_good_and_a_bad_line_of_one_key_do_not_pass_together() -> None:
    found = checkpoint.read(NOTE)
    bad = Signature(KEY.name, KEY.key_id, b"\0" * 64)
    joined = checkpoint.read(checkpoint.join_note(found.text, [*found.signatures, bad]))
    assert not checkpoint.verify_log(joined, KEY, verify)


def test_a_cosignature_states_its_time() -> None:
    found = checkpoint.read(NOTE)
    line = checkpoint.cosign(found, WITNESS, 1_700_000_000, PRIVATE.sign)
    cosigned = checkpoint.read(checkpoint.join_note(found.text, [*found.signatures, line]))
    assert checkpoint.verify_witness(cosigned, WITNESS, verify) == 1_700_000_000
    assert checkpoint.verify_log(cosigned, KEY, verify)
    assert checkpoint.verify_witness(found, WITNESS, verify) is None
    assert checkpoint.verify_witness(cosigned, KEY, verify) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\n5\n", b"\n05\n"),
        (b"\n5\n", b"\n5\nextension\n"),
        (b"\n5\n", b"\n-5\n"),
        (b"\n5\n", b"\n\n"),
        ("— ".encode(), b"- "),
        (b"Hh8=", b"Hh8"),
        (b"log.example/1\n5", b"log example/1\n5"),
        (b"log.example/1\n5", b"log.example/1\r\n5"),
        (b"Hh8=", b"Hh9="),
    ],
)
def test_a_note_in_another_spelling_is_refused(before: bytes, after: bytes) -> None:
    assert before in NOTE
    with pytest.raises(ValueError, match=r".+"):
        checkpoint.read(NOTE.replace(before, after, 1))


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_note_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match=r".+"):
        checkpoint.read(NOTE[:-cut])


@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_no_mutated_note_verifies(place: int, flip: int) -> None:
    mutant = bytearray(NOTE)
    mutant[place] ^= flip
    try:
        found = checkpoint.read(bytes(mutant))
    except ValueError:
        return
    assert not checkpoint.verify_log(found, KEY, verify)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_note_or_a_value_error(data: bytes) -> None:
    try:
        checkpoint.read(data)
    except ValueError:
        return


def test_more_signatures_than_the_limit_are_refused() -> None:
    found = checkpoint.read(NOTE)
    with pytest.raises(ValueError, match="too many"):
        checkpoint.read(checkpoint.join_note(found.text, found.signatures * 17))


def test_a_log_key_certificate_comes_back() -> None:
    data = checkpoint.log_key_bytes(KEY, "2026-01-01T00:00:00Z")
    assert checkpoint.read_log_key(data) == (KEY, "2026-01-01T00:00:00Z")
    with pytest.raises(ValueError, match=r".+"):
        checkpoint.read_log_key(data.replace(b"log.example/1", b"log.example/2", 1))
