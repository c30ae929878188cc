"""How many pages the verification page answers: a real server, real uploads, eight people at once."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings

CLIENTS = 8
EACH = 12
"""Uploads of one client; the page lets one address send twenty a minute."""
START_SECONDS = 120
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def answers_per_second(folder: Path, file: Path) -> float:
    """Return the result pages a second that ``CLIENTS`` people get for uploading ``file``.

    The server is gunicorn as in production (three processes, four threads), with a database of its
    own in ``folder`` and its usual limits; every client comes from a loopback address of its own.
    RuntimeError when an answer is not a verdict.
    """
    folder.mkdir()
    data = file.read_bytes()
    with _server(folder) as port:
        people = [_Client(port, f"127.0.1.{number + 1}") for number in range(CLIENTS)]
        for one in people[:2]:
            one.upload(data)  # so that workers are warm
        threads = [threading.Thread(target=one.upload_all, args=(data,)) for one in people]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = time.perf_counter() - started
    if trouble := [one.trouble for one in people if one.trouble]:
        raise RuntimeError(trouble[0])
    return CLIENTS * EACH / taken


class _Client:
    """One person: fetches the form once, then sends the file again and again."""

    def __init__(self, port: int, address: str) -> None:
        self._port, self._address = port, address
        self.trouble = ""
        _, page, cookies = self._ask("GET", None, {})
        found = _TOKEN.search(page.decode())
        self._cookie, self._token = cookies.partition(";")[0], found[1] if found else ""

    def _ask(
        self, method: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes, str]:
        """Return status, body and cookie of one request on a connection of its own."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=60, source_address=(self._address, 0)
        )
        try:
            connection.request(method, "/verify/", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Set-Cookie") or ""
        finally:
            connection.close()

    def upload_all(self, data: bytes) -> None:
        try:
            for _ in range(EACH):
                self.upload(data)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            self.trouble = f"{type(error).__name__}: {error}"

    def upload(self, data: bytes) -> None:
        edge = "truethread-bench-edge"
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n'
            f'{self._token}\r\n--{edge}\r\nContent-Disposition: form-data; name="file"; '
            f'filename="file.pdf"\r\nContent-Type: application/pdf\r\n\r\n'
        ).encode() + data + f"\r\n--{edge}--\r\n".encode()  # fmt: skip
        headers = {"Content-Type": f"multipart/form-data; boundary={edge}", "Cookie": self._cookie}
        status, page, _ = self._ask("POST", body, headers)
        if status != 200 or b'class="verdict' not in page:
            raise RuntimeError(f"no verdict but status {status}")


@contextmanager
def _server(folder: Path) -> Iterator[int]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
    own = {"DJANGO_SETTINGS_MODULE": "project.settings", "TRUETHREAD_VAR_DIR": str(folder)}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=settings.BASE_DIR, env=kept | own, check=True,
    )  # fmt: skip
    server = subprocess.Popen(  # noqa: S603 - the server of production
        [sys.executable, "-m", "gunicorn", "project.wsgi", f"--bind=127.0.0.1:{port}",
         "--workers=3", "--threads=4", "--log-level=error"],
        cwd=settings.BASE_DIR, env=kept | own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")
