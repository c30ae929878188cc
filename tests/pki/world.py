"""A small world of certificates and authorities for tests: real parts, made in a moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

from evidence.gateways.clock import Clock
from evidence.gateways.development_pki import DevelopmentPki, ensure
from evidence.gateways.local_authority import REPLY, LocalAuthority
from evidence.gateways.revocation import FixedRevocation
from evidence.gateways.tokens import Trust
from evidence.gateways.tsa import Authority, Stampers

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
"""The moment these tests happen at."""


def trust_in(pki: DevelopmentPki) -> Trust:
    """Trust the root of ``pki`` and nobody else."""
    return Trust(roots=(pki.root.der,), revocation=FixedRevocation(pki.crls))


def stampers(pki: DevelopmentPki, clock: Clock, *authorities: Authority) -> Stampers:
    """Ask ``authorities``, or the local one, and trust ``pki``."""
    return Stampers(
        authorities or (LocalAuthority.of(pki, clock),), trust=trust_in(pki), clock=clock
    )


def another_pki(folder: Path, now: datetime) -> DevelopmentPki:
    """Make a second PKI whose names equal the first one's and whose keys do not."""
    return ensure(folder / "another", now)


def write_pdf(path: Path, *, pages: int = 2) -> Path:
    """Write a plain unsigned PDF 1.7 with a classic xref table."""
    canvas = Canvas(str(path), pageCompression=1, invariant=1, pdfVersion=(1, 7))
    for number in range(1, pages + 1):
        canvas.drawString(72, 720, f"Page {number}: I agree.")
        canvas.showPage()
    canvas.save()
    return path


Answer = Callable[[bytes], "tuple[int, str, bytes]"]


@contextmanager
def http_server(answer: Answer, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve ``answer(request body) -> status, content type, body``, on loopback unless another
    address of this machine is stated; give its URL.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(body)

        def do_GET(self) -> None:
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            status, kind, reply = answer(body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            try:
                self.wfile.write(reply)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def http_authority(
    authority: LocalAuthority, change: Callable[[bytes], bytes] = lambda reply: reply
) -> Iterator[str]:
    """Serve a time-stamp authority whose replies pass through ``change``."""
    with http_server(lambda request: (200, REPLY, change(authority.ask(request)))) as url:
        yield url
