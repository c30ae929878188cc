from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from evidence.errors import SigningFailed, StorageFailed
from evidence.gateways.development_pki import build_pair
from evidence.gateways.keys import (
    development_seal_key,
    ensure_kek,
    ensure_log_key,
    load_pkcs12,
    parse_kek,
)
from evidence.gateways.revocation import FixedRevocation
from evidence.sign.pdf import sign_pdf
from tests.pki.world import NOW, stampers, write_pdf


@pytest.fixture
def pack(pki, tmp_path):
    """Write a PKCS #12 file and return its path."""

    def write(pair, issuers, password=b"secret"):
        path = tmp_path / "seal.p12"
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"seal",
                pair.key,
                pair.certificate,
                [one.certificate for one in issuers],
                BestAvailableEncryption(password),
            )
        )
        return path

    return write


def test_a_pkcs12_file_signs_a_pdf(pack, pki, clock, tmp_path):
    path = pack(pki.seal, (pki.root, pki.issuing))

    key = load_pkcs12(path, "secret", revocation=FixedRevocation(pki.crls))

    assert (key.certificate, key.chain) == (pki.seal.der, pki.chain)
    facts = sign_pdf(
        write_pdf(tmp_path / "a.pdf"), tmp_path / "b.pdf",
        signer=key, stamper=stampers(pki, clock), reason="test", at=clock.now(),
    )  # fmt: skip
    assert facts.size == (tmp_path / "b.pdf").stat().st_size


def test_issuers_missing_in_the_file_may_come_from_the_settings(pack, pki):
    path = pack(pki.seal, ())

    key = load_pkcs12(
        path, "secret", revocation=FixedRevocation(()), more_certificates=tuple(pki.chain)
    )

    assert key.chain == pki.chain


def test_a_wrong_password_is_a_named_failure(pack, pki):
    path = pack(pki.seal, (pki.issuing, pki.root))

    with pytest.raises(SigningFailed, match="cannot be opened"):
        load_pkcs12(path, "wrong", revocation=FixedRevocation(()))


def test_a_missing_file_is_a_named_failure(tmp_path):
    with pytest.raises(SigningFailed, match="cannot be opened"):
        load_pkcs12(tmp_path / "none.p12", "", revocation=FixedRevocation(()))


def test_a_chain_without_its_root_is_refused(pack, pki):
    path = pack(pki.seal, (pki.issuing,))

    with pytest.raises(SigningFailed, match="no issuer found"):
        load_pkcs12(path, "secret", revocation=FixedRevocation(()))


def test_a_self_signed_seal_is_refused(pack, pki):
    path = pack(pki.root, ())

    with pytest.raises(SigningFailed, match="self-signed"):
        load_pkcs12(path, "secret", revocation=FixedRevocation(()))


def test_a_weak_key_is_refused(pack, pki):
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pair = build_pair("seal", issuer=pki.issuing, now=NOW, key=weak)

    with pytest.raises(SigningFailed, match="P-256 or RSA"):
        load_pkcs12(pack(pair, (pki.issuing, pki.root)), "secret", revocation=FixedRevocation(()))


def test_raw_signatures_verify_under_the_certificate(pki):
    signature = development_seal_key(pki).sign_raw(b"log key")

    pki.seal.certificate.public_key().verify(signature, b"log key", ec.ECDSA(hashes.SHA256()))


def test_raw_rsa_signatures_are_pkcs1(pki):
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pair = build_pair("seal", issuer=pki.issuing, now=NOW, key=key)
    seal = type(development_seal_key(pki))(pair.der, pki.chain, key, FixedRevocation(()))

    signature = seal.sign_raw(b"log key")

    key.public_key().verify(signature, b"log key", padding.PKCS1v15(), hashes.SHA256())


def test_the_log_key_is_made_once_and_kept_private(tmp_path):
    path = tmp_path / "keys" / "log.pem"

    with ThreadPoolExecutor(8) as pool:
        publics = set(pool.map(lambda _: ensure_log_key(path).public, range(8)))

    assert len(publics) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["log.pem"]


def test_the_log_key_signs_ed25519(tmp_path):
    key = ensure_log_key(tmp_path / "log.pem")

    signature = key.sign(b"checkpoint")

    ed25519.Ed25519PublicKey.from_public_bytes(key.public).verify(signature, b"checkpoint")


def test_a_log_key_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "log.pem").write_text("hello")

    with pytest.raises(StorageFailed):
        ensure_log_key(tmp_path / "log.pem")


def test_the_key_of_keys_is_made_once(tmp_path):
    first, second = ensure_kek(tmp_path / "kek"), ensure_kek(tmp_path / "kek")

    assert first == second
    assert len(first) == 32


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 31, "00" * 33])
def test_nonsense_is_no_key_of_keys(text):
    with pytest.raises(ValueError):  # noqa: PT011  # the text of bytes.fromhex varies
        parse_kek(text)


def test_a_seal_certificate_knows_its_lists(pki):
    crls = development_seal_key(pki).crls(NOW + timedelta(days=1))

    assert set(crls) == set(pki.crls)
