"""Tokens of the local authority, judged by openssl; its questions, answered by us."""

from __future__ import annotations

import subprocess
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from evidence.gateways.clock import SystemClock
from evidence.gateways.development_pki import build_pair, ensure
from evidence.gateways.http import exchange
from evidence.gateways.local_authority import REPLY, LocalAuthority
from evidence.gateways.tsa import HttpAuthority
from tests.pki.world import http_authority, http_server, stampers

pytestmark = pytest.mark.foreign_tool("openssl")


def openssl(*arguments, **options):
    return subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, **options
    )


def test_openssl_verifies_a_token(pki, clock, tmp_path):
    (tmp_path / "content").write_bytes(b"checkpoint")
    stamp = stampers(pki, clock).stamp(sha256(b"checkpoint").digest())
    (tmp_path / "token").write_bytes(stamp.token)

    run = openssl(
        "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "content",
        "-CAfile", pki.root_pem, "-attime", int(clock.now().timestamp()),
    )  # fmt: skip

    assert "Verification: OK" in run.stdout, run.stderr


def test_openssl_refuses_the_token_for_other_content(pki, clock, tmp_path):
    (tmp_path / "content").write_bytes(b"other")
    stamp = stampers(pki, clock).stamp(sha256(b"checkpoint").digest())
    (tmp_path / "token").write_bytes(stamp.token)

    run = openssl(
        "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "content",
        "-CAfile", pki.root_pem, "-attime", int(clock.now().timestamp()),
    )  # fmt: skip

    assert "Verification: FAILED" in run.stdout + run.stderr


@pytest.mark.parametrize("algorithm", ["-sha256", "-sha384", "-sha512"])
def test_openssl_asks_and_is_answered(algorithm, pki, clock, tmp_path):
    (tmp_path / "content").write_bytes(b"anything")
    openssl("ts", "-query", "-data", tmp_path / "content", algorithm, "-cert",
            "-out", tmp_path / "query")  # fmt: skip
    reply = LocalAuthority.of(pki, clock).ask((tmp_path / "query").read_bytes())
    (tmp_path / "reply").write_bytes(reply)

    run = openssl(
        "ts", "-verify", "-in", tmp_path / "reply", "-queryfile", tmp_path / "query",
        "-CAfile", pki.root_pem, "-attime", int(clock.now().timestamp()),
    )  # fmt: skip

    assert "Verification: OK" in run.stdout, run.stderr
    text = openssl("ts", "-reply", "-in", tmp_path / "reply", "-text").stdout
    assert "Policy OID: 1.3.6.1.4.1.61999.1.1" in text
    assert "Accuracy: 0x01 seconds" in text
    assert "Development" in text


def test_openssl_reads_our_certificates_and_lists(pki, clock):
    at = int(clock.now().timestamp())

    run = openssl(
        "verify", "-CAfile", pki.root_pem, "-untrusted", pki.folder / "issuing.pem",
        "-crl_check_all", "-CRLfile", pki.folder / "issuing.crl", "-CRLfile",
        pki.folder / "root.crl", "-x509_strict", "-attime", at,
        "-purpose", "timestampsign", pki.folder / "tsa.pem",
    )  # fmt: skip

    assert run.returncode == 0, run.stderr


KEYS = {
    "P-256": None,
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=3072),
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_an_openssl_authority_is_believed_by_us(kind, digest, tmp_path):
    """The other way round: a foreign implementation answers over HTTP and passes our checks."""
    clock = SystemClock()
    pki = ensure(tmp_path / "pki", clock.now())
    pair = build_pair("tsa", issuer=pki.issuing, now=clock.now(), key=KEYS[kind])
    (tmp_path / "tsa.pem").write_bytes(pair.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "tsa.key").write_bytes(
        pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (tmp_path / "serial").write_text("01\n")
    (tmp_path / "ts.cnf").write_text(
        "[tsa]\ndefault_tsa=one\n[one]\n"
        f"serial={tmp_path}/serial\nsigner_cert={tmp_path}/tsa.pem\n"
        f"signer_key={tmp_path}/tsa.key\ncerts={pki.folder}/issuing.pem\n"
        f"signer_digest={digest}\ndefault_policy=1.2.3.4.1\ndigests=sha256\n"
        "ess_cert_id_chain=no\ness_cert_id_alg=sha256\n"
    )

    def answer(request: bytes) -> tuple[int, str, bytes]:
        (tmp_path / "query").write_bytes(request)
        openssl("ts", "-reply", "-config", tmp_path / "ts.cnf", "-queryfile", tmp_path / "query",
                "-out", tmp_path / "reply")  # fmt: skip
        return 200, REPLY, (tmp_path / "reply").read_bytes()

    with http_server(answer) as url:
        stamp = stampers(pki, clock, HttpAuthority(url, seconds=20)).stamp(b"\1" * 32)

    assert stamp.certificates[0] == pair.der
    assert abs((stamp.time - clock.now()).total_seconds()) < 60


def test_our_authority_over_http_satisfies_openssl(pki, clock, tmp_path):
    (tmp_path / "content").write_bytes(b"over http")
    openssl("ts", "-query", "-data", tmp_path / "content", "-sha256", "-cert",
            "-out", tmp_path / "query")  # fmt: skip
    with http_authority(LocalAuthority.of(pki, clock)) as url:
        reply = exchange(url, body=(tmp_path / "query").read_bytes(), max_bytes=65536)
    (tmp_path / "reply").write_bytes(reply.body)

    run = openssl(
        "ts", "-verify", "-in", tmp_path / "reply", "-data", tmp_path / "content",
        "-CAfile", pki.root_pem, "-attime", int(clock.now().timestamp()),
    )  # fmt: skip

    assert "Verification: OK" in run.stdout, run.stderr
