"""A witness to test against: C2SP tlog-witness over HTTP, with a memory of one tree per log."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence.formats.checkpoint import COSIGNATURE, VerifierKey
from evidence.formats.merkle import verify_consistency

Reply = tuple[str, str, bytes]


@dataclass
class ReferenceWitness:
    """Cosigns what continues what it saw. log_key: 32 bytes, the log it believes."""

    log_key: Callable[[], bytes]
    now: Callable[[], float]
    name: str = "witness.example/w1"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    seen: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    """The old size of every question."""

    @property
    def key(self) -> VerifierKey:
        public = self.private.public_key().public_bytes_raw()
        return VerifierKey(self.name, public, COSIGNATURE)

    def add_checkpoint(self, body: bytes) -> Reply:
        head, _, note = body.partition(b"\n\n")
        first, *proof = head.decode().split("\n")
        text, _, signatures = note.rpartition(b"\n\n")
        text += b"\n"
        origin, size, root = text.decode().split("\n")[:3]
        old, new = int(first.removeprefix("old ")), (int(size), base64.b64decode(root))
        self.asked.append(old)
        if not self._signed(text, signatures):
            return "403 Forbidden", "text/plain", b""
        seen = self.seen.get(origin, (0, b""))
        if old != seen[0] or (old == new[0] and seen[1] != new[1]):
            return "409 Conflict", "text/x.tlog.size", f"{seen[0]}\n".encode()
        hashes = [base64.b64decode(one) for one in proof]
        if old and not verify_consistency(old, new[0], seen[1], new[1], hashes):
            return "422 Unprocessable Entity", "text/plain", b""
        self.seen[origin] = new
        return "200 OK", "text/plain; charset=utf-8", self.cosign(text)

    def cosign(self, text: bytes) -> bytes:
        seconds = int(self.now())
        message = f"cosignature/v1\ntime {seconds}\n".encode() + text
        blob = self.key.key_id + seconds.to_bytes(8, "big") + self.private.sign(message)
        return f"— {self.name} {base64.b64encode(blob).decode()}\n".encode()

    def _signed(self, text: bytes, signatures: bytes) -> bool:
        public = Ed25519PublicKey.from_public_bytes(self.log_key())
        for line in signatures.decode().splitlines():
            blob = base64.b64decode(line.split(" ")[2])
            try:
                public.verify(blob[4:], text)
            except InvalidSignature:
                continue
            return True
        return False

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = "404 Not Found", "text/plain", b""
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) == ("POST", "/w/add-checkpoint"):
            data = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            status, kind, body = self.add_checkpoint(data)
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(witness: Callable[..., Iterable[bytes]]) -> Iterator[str]:
    """Serve ``witness`` on loopback; give the prefix it is asked under."""
    with make_server("127.0.0.1", 0, witness, _Server, _Silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/w"
        finally:
            server.shutdown()
            thread.join()
