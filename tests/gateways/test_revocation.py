from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from evidence.gateways.development_pki import CRL_LIFETIME, build_crl
from evidence.gateways.http import HttpTrouble, exchange
from evidence.gateways.revocation import FetchingRevocation, fetch_crl
from tests.pki.world import NOW, http_server


def certificate_pointing_to(pki, url: str) -> bytes:
    name = x509.UniformResourceIdentifier(url)
    point = x509.DistributionPoint([name], None, None, None)
    return (
        x509.CertificateBuilder()
        .subject_name(pki.tsa.certificate.subject)
        .issuer_name(pki.issuing.certificate.subject)
        .public_key(pki.tsa.key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.CRLDistributionPoints([point]), critical=False)
        .sign(pki.issuing.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def counting(body: bytes):
    calls = []

    def answer(request: bytes):
        calls.append(request)
        return 200, "application/pkix-crl", body

    return calls, answer


def test_a_list_is_fetched_once_and_kept_until_it_runs_out(pki):
    crl = build_crl(pki.issuing, now=NOW)
    calls, answer = counting(crl)
    with http_server(answer) as url:
        certificate = certificate_pointing_to(pki, url)
        source = FetchingRevocation()

        assert source.crls([certificate, pki.root.der], NOW) == (crl,)
        assert source.crls([certificate], NOW + timedelta(days=1)) == (crl,)
        assert len(calls) == 1

        source.crls([certificate], NOW + CRL_LIFETIME + timedelta(days=1))
        assert len(calls) == 2


def test_a_list_served_as_pem_is_understood(pki):
    crl = build_crl(pki.issuing, now=NOW)
    _, answer = counting(x509.load_der_x509_crl(crl).public_bytes(Encoding.PEM))
    with http_server(answer) as url:
        assert FetchingRevocation().crls([certificate_pointing_to(pki, url)], NOW) == (crl,)


def test_a_configured_list_spares_the_network(pki):
    crl = build_crl(pki.issuing, now=NOW)
    calls, answer = counting(b"never asked")
    with http_server(answer) as url:
        source = FetchingRevocation(configured=(crl,))
        assert source.crls([certificate_pointing_to(pki, url)], NOW) == (crl,)
    assert calls == []


@pytest.mark.parametrize("status", [404, 500])
def test_a_list_that_cannot_be_had_is_left_out(status, pki):
    with http_server(lambda request: (status, "text/plain", b"")) as url:
        assert FetchingRevocation().crls([certificate_pointing_to(pki, url)], NOW) == ()


def test_nonsense_is_no_list(pki):
    with http_server(lambda request: (200, "text/plain", b"hello")) as url:
        assert FetchingRevocation().crls([certificate_pointing_to(pki, url)], NOW) == ()


@pytest.mark.parametrize("url", ["ldap://127.0.0.1/x", "file:///etc/passwd"])
def test_other_schemes_are_never_followed(url, pki):
    assert FetchingRevocation().crls([certificate_pointing_to(pki, url)], NOW) == ()


def test_an_address_of_another_scheme_is_our_own_mistake():
    with pytest.raises(ValueError, match="not an http address"):
        exchange("file:///etc/passwd", max_bytes=1)


def raw_server(reply: bytes):
    """Answer one connection with exactly these bytes and close."""
    import socket
    from contextlib import contextmanager

    @contextmanager
    def run():
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            thread.join()
            listener.close()

    return run()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "unreachable"),
        (b"not http at all\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "malformed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 3000, "too_large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000, "too_large"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 30_000, "too_large"),
    ],
)
def test_a_broken_answer_is_named(raw, code):
    with raw_server(raw) as url, pytest.raises(HttpTrouble) as caught:
        exchange(url, max_bytes=1000)
    assert caught.value.code == code


def test_a_chunked_answer_is_read_whole():
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with raw_server(raw) as url:
        assert exchange(url, max_bytes=1000).body == b"abcde"


def test_an_answer_without_a_length_ends_with_the_connection():
    with raw_server(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it") as url:
        reply = exchange(url, max_bytes=1000)
    assert (reply.status, reply.content_type, reply.body) == (200, "text/plain", b"all of it")


def test_a_fetch_that_is_not_an_answer_of_200_is_trouble():
    with raw_server(b"HTTP/1.1 204 No Content\r\n\r\n") as url, pytest.raises(HttpTrouble):
        fetch_crl(url)
