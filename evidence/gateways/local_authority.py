"""LOUD STAND-IN: an RFC 3161 authority inside this process, for machines without a real one.

Its tokens are formally perfect and worth nothing as evidence of time: the same operator holds
key and clock. Policy OID, certificate names and every report say Development. The same answers
are given over HTTP by ``application``, so that foreign tools can ask too.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from asn1crypto import tsp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from evidence.gateways.clock import Clock
from evidence.gateways.development_pki import DEVELOPMENT_POLICY_OID, DevelopmentPki, Pair
from evidence.sign import cms, der

TST_INFO = der.oid("1.2.840.113549.1.9.16.1.4")
GRANTED, REJECTION = 0, 2
BAD_ALGORITHM, BAD_DATA_FORMAT, UNACCEPTED_POLICY, UNACCEPTED_EXTENSION = 0, 5, 15, 16
ACCURACY_SECONDS = 1
ACCEPTED = {"sha256": 32, "sha384": 48, "sha512": 64}
MAX_REQUEST_BYTES = 8 * 1024
QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"


class LocalAuthority:
    """Signs whatever time ``clock`` says. Never for production."""

    name = "development authority inside this process (NOT INDEPENDENT)"

    def __init__(self, pair: Pair, chain: tuple[bytes, ...], clock: Clock) -> None:
        """chain: DER certificates to send along."""
        if not isinstance(pair.key, ec.EllipticCurvePrivateKey):
            raise ValueError("the local authority signs with an EC key")
        self._key = pair.key
        self._certificate = pair.der
        self._chain = chain
        self._clock = clock
        self._named = der.explicit(0, der.explicit(4, pair.certificate.subject.public_bytes()))

    @classmethod
    def of(cls, pki: DevelopmentPki, clock: Clock) -> LocalAuthority:
        """Return the authority of a development PKI; tokens carry the issuing CA, not the root."""
        return cls(pki.tsa, (pki.issuing.der,), clock)

    def ask(self, request: bytes) -> bytes:
        """Return the DER TimeStampResp to a DER TimeStampReq; nonsense gets a rejection."""
        try:
            parsed = tsp.TimeStampReq.load(request, strict=True)
            imprint = parsed["message_imprint"].dump()
            wanted = parsed.native
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return _rejection(BAD_DATA_FORMAT)
        algorithm = wanted["message_imprint"]["hash_algorithm"]["algorithm"]
        if ACCEPTED.get(algorithm) != len(wanted["message_imprint"]["hashed_message"]):
            return _rejection(BAD_ALGORITHM)
        if wanted["req_policy"] not in (None, DEVELOPMENT_POLICY_OID):
            return _rejection(UNACCEPTED_POLICY)
        if wanted["extensions"]:
            return _rejection(UNACCEPTED_EXTENSION)
        token = self._token(self._content(imprint, wanted["nonce"]), bool(wanted["cert_req"]))
        return der.sequence(der.sequence(der.integer(GRANTED)), token)

    def _content(self, imprint: bytes, nonce: int | None) -> bytes:
        """Return the DER TSTInfo (RFC 3161 section 2.4.2)."""
        return der.sequence(
            der.integer(1),
            der.oid(DEVELOPMENT_POLICY_OID),
            imprint,
            der.integer(int.from_bytes(secrets.token_bytes(16), "big")),
            _generalized_time(self._clock.now()),
            der.sequence(der.integer(ACCURACY_SECONDS)),
            *((der.integer(nonce),) if nonce is not None else ()),
            self._named,
        )

    def _token(self, content: bytes, with_certificates: bool) -> bytes:
        signature = cms.sign(
            certificate=self._certificate,
            content_type=TST_INFO,
            digest=hashlib.sha256(content).digest(),
            sign_raw=lambda data: self._key.sign(data, ec.ECDSA(hashes.SHA256())),
        )
        return cms.container(
            signature,
            version=3,
            content_type=TST_INFO,
            content=content,
            certificates=(self._certificate, *self._chain) if with_certificates else (),
        )


def _generalized_time(time: datetime) -> bytes:
    """Return a DER GeneralizedTime in UTC with milliseconds, no zeros at the end (X.690 11.7)."""
    whole = time.astimezone(UTC)
    fraction = f".{whole.microsecond // 1000:03}".rstrip("0").rstrip(".")
    return der.tagged(0x18, f"{whole:%Y%m%d%H%M%S}{fraction}Z".encode())


def _rejection(failure: int) -> bytes:
    """Return a reply without a token. failure: the bit of PKIFailureInfo that is set."""
    padded = (1 << (31 - failure)).to_bytes(4, "big").rstrip(b"\0")
    unused = (padded[-1] & -padded[-1]).bit_length() - 1
    return der.sequence(
        der.sequence(der.integer(REJECTION), der.tagged(0x03, bytes((unused,)), padded))
    )


def application(
    authority: LocalAuthority,
) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """Return a WSGI application that answers RFC 3161 section 3.4 requests."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, kind, body = _answer(authority, environ)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: every token is in the custody log anyway."""


def server(authority: LocalAuthority, host: str, port: int) -> WSGIServer:
    """Return an HTTP server that answers for ``authority``; port 0 takes a free one.

    The caller runs ``serve_forever`` and ``server_close``.
    """
    return make_server(host, port, application(authority), _Server, _Quiet)


def _answer(authority: LocalAuthority, environ: WSGIEnvironment) -> tuple[str, str, bytes]:
    if environ["REQUEST_METHOD"] != "POST":
        return "405 Method Not Allowed", "text/plain", b"POST a time-stamp query\n"
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != QUERY:
        return "415 Unsupported Media Type", "text/plain", b"send " + QUERY.encode() + b"\n"
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
        return "413 Content Too Large", "text/plain", b"query too large\n"
    return "200 OK", REPLY, authority.ask(environ["wsgi.input"].read(int(length)))
