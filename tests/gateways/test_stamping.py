"""A lying, slow or dead authority gives a named failure, and the next one on the list is asked."""

from __future__ import annotations

import io
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from asn1crypto import tsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence.errors import StampUnavailable
from evidence.gateways.development_pki import Pair, build_crl, build_pair
from evidence.gateways.local_authority import REPLY, LocalAuthority, application, server
from evidence.gateways.revocation import FixedRevocation
from evidence.gateways.tokens import Reply, Trust
from evidence.gateways.tsa import HttpAuthority, NoStamp, Stampers, query
from tests.patience import PATIENCE
from tests.pki.world import http_authority, http_server, stampers, trust_in

DIGEST = bytes(range(32))


def failure(stamper) -> str:
    """Stamp, expect nothing, and return the code of the only authority."""
    with pytest.raises(NoStamp) as caught:
        stamper.stamp(DIGEST)
    (only,) = caught.value.failures
    return only.code


def asked(pki, clock, pair: Pair) -> str:
    """Ask an authority whose certificate is ``pair``'s and return what was wrong with it."""
    authority = LocalAuthority(pair, (pki.issuing.der,), clock)
    return failure(stampers(pki, clock, authority))


def test_a_good_authority_over_http_is_believed(pki, clock):
    with http_authority(LocalAuthority.of(pki, clock)) as url:
        stamp = stampers(pki, clock, HttpAuthority(url)).stamp(DIGEST)

    assert (stamp.authority, stamp.time) == (url, clock.now())
    assert stamp.certificates == (pki.tsa.der, *pki.chain)
    assert set(stamp.crls) == set(pki.crls)
    assert stamp.verifiable_until == pki.tsa.certificate.not_valid_after_utc


def test_the_token_is_kept_exactly_as_it_was_received(pki, clock):
    received = []

    def remember(reply: bytes) -> bytes:
        received.append(reply)
        return reply

    with http_authority(LocalAuthority.of(pki, clock), remember) as url:
        stamp = stampers(pki, clock, HttpAuthority(url)).stamp(DIGEST)

    assert received[0].endswith(stamp.token)


# Authorities that do not answer


def test_a_dead_authority_is_unreachable(pki, clock):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    assert (
        failure(stampers(pki, clock, HttpAuthority(f"http://127.0.0.1:{port}/"))) == "unreachable"
    )


def test_a_slow_authority_is_given_up(pki, clock):
    released = threading.Event()

    def answer(request):
        released.wait(PATIENCE)
        return 200, REPLY, b""

    with http_server(answer) as url:
        code = failure(stampers(pki, clock, HttpAuthority(url, seconds=0.2)))
        released.set()

    assert code == "timeout"


def test_an_authority_that_sends_a_byte_now_and_then_is_given_up_as_a_whole(pki, clock):
    with dripping() as url:
        code = failure(stampers(pki, clock, HttpAuthority(url, seconds=0.3)))

    assert code == "timeout"


@contextmanager
def dripping():
    """Serve headers one byte every 50 ms, as good as for ever."""
    stop = threading.Event()
    drops = int(PATIENCE / 0.05)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection:
            for _ in range(drops):
                if stop.wait(0.05):
                    return
                try:
                    connection.sendall(b"H")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        stop.set()
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((500, REPLY, b""), "http_500"),
        ((301, REPLY, b""), "http_301"),
        ((200, "text/html", b"<h1>Welcome</h1>"), "wrong_content_type"),
        ((200, REPLY, b"garbage"), "malformed"),
        ((200, REPLY, b""), "malformed"),
        ((200, REPLY, b"\x30" * 5000), "malformed"),
        ((200, REPLY, b"\x30\x80" * 5000), "malformed"),
        ((200, REPLY, b"x" * 200_000), "too_large"),
    ],
)
def test_an_answer_that_is_no_token_is_named(answer, code, pki, clock):
    with http_server(lambda request: answer) as url:
        assert failure(stampers(pki, clock, HttpAuthority(url))) == code


# Authorities that lie


def with_request_changed(pki, clock, **fields):
    """Make an authority that answers another question than it was asked."""
    honest = LocalAuthority.of(pki, clock)

    class Other:
        name = "liar"

        def ask(self, request: bytes) -> bytes:
            parsed = tsp.TimeStampReq.load(request)
            nonce = fields.get("nonce", parsed["nonce"].native)
            digest = fields.get("digest", parsed["message_imprint"]["hashed_message"].native)
            return honest.ask(query(digest, nonce))

    return stampers(pki, clock, Other())


def test_a_wrong_nonce_is_refused(pki, clock):
    assert failure(with_request_changed(pki, clock, nonce=1)) == "wrong_nonce"


def test_a_missing_nonce_is_refused(pki, clock):
    assert failure(with_request_changed(pki, clock, nonce=None)) == "wrong_nonce"


def test_a_wrong_imprint_is_refused(pki, clock):
    assert failure(with_request_changed(pki, clock, digest=b"\0" * 32)) == "wrong_imprint"


def test_an_expired_certificate_is_refused(pki, clock):
    past = clock.now() - timedelta(days=30)
    pair = build_pair("tsa", issuer=pki.issuing, now=past, lifetime=timedelta(days=1))

    assert asked(pki, clock, pair) == "expired_certificate"


@pytest.mark.parametrize(
    "usages",
    [
        (ExtendedKeyUsageOID.SERVER_AUTH,),
        (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING),
        (),
    ],
)
def test_a_certificate_for_another_purpose_is_refused(usages, pki, clock):
    pair = build_pair("tsa", issuer=pki.issuing, now=clock.now(), usages=usages)

    assert asked(pki, clock, pair) == "wrong_eku"


def test_an_authority_of_the_same_name_under_another_root_is_refused(pki, stranger, clock):
    authority = LocalAuthority.of(stranger, clock)

    assert failure(stampers(pki, clock, authority)) == "untrusted_chain"


def test_a_revoked_authority_is_refused(pki, clock):
    crl = build_crl(pki.issuing, now=clock.now(), revoked=(pki.tsa.certificate,))
    trust = Trust(roots=(pki.root.der,), revocation=FixedRevocation((crl, pki.crls[1])))
    stamper = Stampers([LocalAuthority.of(pki, clock)], trust=trust, clock=clock)

    assert failure(stamper) == "revoked"


def test_without_revocation_lists_nothing_is_believed(pki, clock):
    trust = Trust(roots=(pki.root.der,), revocation=FixedRevocation(()))
    stamper = Stampers([LocalAuthority.of(pki, clock)], trust=trust, clock=clock)

    assert failure(stamper) == "no_revocation_data"


@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_time_far_from_our_clock_is_refused(off, pki, clock):
    theirs = type(clock)(clock.now() + off)
    stamper = stampers(pki, clock, LocalAuthority.of(pki, theirs))

    assert failure(stamper) == "gen_time_off"


def test_a_signature_by_another_key_is_refused(pki, clock):
    other = build_pair("tsa", issuer=pki.issuing, now=clock.now())
    mixed = Pair(pki.tsa.certificate, other.key)

    assert asked(pki, clock, mixed) == "bad_signature"


def test_no_changed_byte_of_a_reply_is_believed_to_say_something_else(pki, clock):
    """Every byte in turn; a reply may survive only if the token still says exactly the same."""
    honest = LocalAuthority.of(pki, clock)
    trust = trust_in(pki)
    for position in range(0, 1900, 7):

        class Bent:
            name = "bent"

            def ask(self, request: bytes, at: int = position) -> bytes:
                reply = bytearray(honest.ask(request))
                reply[min(at, len(reply) - 1)] ^= 0x04
                return bytes(reply)

        try:
            stamp = Stampers([Bent()], trust=trust, clock=clock).stamp(DIGEST)
        except NoStamp:
            continue
        assert stamp.time == clock.now()
        assert stamp.certificates == (pki.tsa.der, *pki.chain)


# The list


def test_the_second_authority_is_asked_when_the_first_fails(pki, clock):
    with (
        http_server(lambda request: (500, REPLY, b"")) as dead,
        http_authority(LocalAuthority.of(pki, clock)) as good,
    ):
        stamp = stampers(pki, clock, HttpAuthority(dead), HttpAuthority(good)).stamp(DIGEST)

    assert stamp.authority == good


def test_all_failures_are_told_in_order(pki, stranger, clock):
    with http_server(lambda request: (503, REPLY, b"")) as dead:
        foreign = LocalAuthority.of(stranger, clock)
        with pytest.raises(StampUnavailable) as caught:
            stampers(pki, clock, HttpAuthority(dead), foreign).stamp(DIGEST)

    assert caught.value.code == "stamp_unavailable"
    assert [failed.code for failed in caught.value.failures] == ["http_503", "untrusted_chain"]


class Counting:
    """An authority that counts its questions and answers when it is told to."""

    def __init__(self, inner: LocalAuthority) -> None:
        self.name, self.inner, self.questions, self.broken = "counting", inner, 0, True

    def ask(self, request: bytes) -> bytes:
        self.questions += 1
        return b"broken" if self.broken else self.inner.ask(request)


def listed(pki, clock, authority, **limits):
    seconds = [1000.0]
    stamper = Stampers(
        [authority], trust=trust_in(pki), clock=clock, monotonic=lambda: seconds[0], **limits
    )
    return stamper, seconds


def test_an_authority_rests_after_three_failures_and_is_tried_again_later(pki, clock):
    authority = Counting(LocalAuthority.of(pki, clock))
    stamper, seconds = listed(pki, clock, authority)

    assert [failure(stamper) for _ in range(4)] == ["malformed"] * 3 + ["resting"]
    assert authority.questions == 3

    seconds[0] += 31
    authority.broken = False
    stamper.stamp(DIGEST)
    assert authority.questions == 4


def test_rest_grows_with_every_further_failure(pki, clock):
    authority = Counting(LocalAuthority.of(pki, clock))
    stamper, seconds = listed(pki, clock, authority)
    for _ in range(3):
        failure(stamper)
    seconds[0] += 31
    failure(stamper)

    seconds[0] += 31

    assert failure(stamper) == "resting"


def test_an_authority_is_not_asked_more_than_its_share(pki, clock):
    authority = Counting(LocalAuthority.of(pki, clock))
    authority.broken = False
    stamper, seconds = listed(pki, clock, authority, per_hour=2)

    stamper.stamp(DIGEST)
    stamper.stamp(DIGEST)
    assert failure(stamper) == "quota_spent"

    seconds[0] += 3601
    stamper.stamp(DIGEST)


def test_an_empty_list_is_our_own_mistake(pki, clock):
    with pytest.raises(ValueError, match="no time-stamp authority"):
        Stampers([], trust=trust_in(pki), clock=clock)


def test_a_rejection_is_told_from_nonsense(pki, clock):
    refusing = LocalAuthority.of(pki, clock).ask(b"nonsense")
    with http_server(lambda request: (200, REPLY, refusing)) as url:
        assert failure(stampers(pki, clock, HttpAuthority(url))) == "rejected"


# The local authority


def call(app, body: bytes, **environ):
    answer = {}

    def start_response(status, headers):
        answer.update(status=status, **dict(headers))

    content = b"".join(
        app(
            {
                "REQUEST_METHOD": "POST",
                "CONTENT_TYPE": "application/timestamp-query",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": io.BytesIO(body),
                **environ,
            },
            start_response,
        )
    )
    return answer, content


def test_the_local_authority_answers_over_http(pki, clock):
    answer, content = call(application(LocalAuthority.of(pki, clock)), query(DIGEST, 5))

    assert answer["status"] == "200 OK"
    assert answer["Content-Type"] == REPLY
    assert tsp.TimeStampResp.load(content)["status"]["status"].native == "granted"


def test_the_local_authority_can_be_started_as_a_server(pki, clock):
    with server(LocalAuthority.of(pki, clock), "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        url = f"http://127.0.0.1:{running.server_port}/"
        stamp = stampers(pki, clock, HttpAuthority(url)).stamp(DIGEST)
        running.shutdown()
        thread.join()

    assert stamp.authority == url


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"REQUEST_METHOD": "GET"}, "405"),
        ({"CONTENT_TYPE": "text/plain"}, "415"),
        ({"CONTENT_LENGTH": "1000000"}, "413"),
        ({"CONTENT_LENGTH": ""}, "413"),
    ],
)
def test_other_requests_are_turned_away(environ, status, pki, clock):
    answer, _ = call(application(LocalAuthority.of(pki, clock)), query(DIGEST, 5), **environ)

    assert answer["status"].startswith(status)


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (b"", "bad_data_format"),
        (b"\x30\x80", "bad_data_format"),
        (query(b"short", 1), "bad_alg"),
        (
            tsp.TimeStampReq(
                {
                    "version": "v1",
                    "message_imprint": {
                        "hash_algorithm": {"algorithm": "sha256"},
                        "hashed_message": DIGEST,
                    },
                    "req_policy": "1.2.3.4",
                }
            ).dump(),
            "unaccepted_policy",
        ),
    ],
)
def test_nonsense_is_rejected_with_a_reason(request_bytes, reason, pki, clock):
    reply = Reply.load(LocalAuthority.of(pki, clock).ask(request_bytes), strict=True)

    assert reply["status"]["status"].native == "rejection"
    assert reply["status"]["fail_info"].native == {reason}


def test_tokens_name_the_development_policy_and_have_their_own_numbers(pki, clock):
    authority = LocalAuthority.of(pki, clock)

    replies = [tsp.TimeStampResp.load(authority.ask(query(DIGEST, None))) for _ in range(20)]

    contents = [
        reply["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed.native
        for reply in replies
    ]
    assert {content["policy"] for content in contents} == {"1.3.6.1.4.1.61999.1.1"}
    assert len({content["serial_number"] for content in contents}) == 20
    assert all(content["nonce"] is None for content in contents)


def test_certificates_are_left_out_when_nobody_asked_for_them(pki, clock):
    request = tsp.TimeStampReq(
        {
            "version": "v1",
            "message_imprint": {
                "hash_algorithm": {"algorithm": "sha256"},
                "hashed_message": DIGEST,
            },
        }
    )

    reply = LocalAuthority.of(pki, clock).ask(request.dump())

    assert pki.tsa.der not in reply
