"""Real receivers on this machine: one that answers, hangs, drips, redirects or refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.patience import PATIENCE


@dataclass
class Receiver:
    """An HTTP server that keeps what it got. status: what it answers; None hangs until released."""

    status: int | None = 204
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _body in self.got]


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    """Start receivers; they end with the test."""
    made: list[tuple[Receiver, ThreadingHTTPServer]] = []

    def start(**given: object) -> Receiver:
        one = Receiver(**given)  # type: ignore[arg-type]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                one.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                if one.status is None:
                    one.released.wait(PATIENCE)
                    return
                self.send_response(one.status)
                for name, value in {"Content-Length": "0", **one.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        one.url = f"http://127.0.0.1:{server.server_address[1]}/hook?key=1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append((one, server))
        return one

    yield start
    for one, server in made:
        one.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _to_this_machine(settings) -> None:
    settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK = True
