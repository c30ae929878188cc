"""One small HTTP exchange with hard limits: total time, size, no redirects, no proxies.

``http.client`` limits the time of each read, not of the whole; a peer that sends a byte now and
then could hold a job for hours. Here one deadline covers connecting, sending and reading.
Looking up the host's name is governed by the system's resolver.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import cast
from urllib.parse import SplitResult, urlsplit

HEADER_ROOM = 16 * 1024


class HttpTrouble(Exception):
    """The exchange came to nothing. code: timeout, unreachable, too_large or malformed."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole."""

    status: int
    content_type: str
    body: bytes


def exchange(
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 5.0,
    max_bytes: int,
    connect_to: str | None = None,
) -> Reply:
    """Return the reply to a POST of ``body``, or to a GET when there is none.

    url: http or https, from our own settings or from a certificate we already trust; from anybody
    else only with connect_to, an IP address that was looked at: the host's name is then not looked
    up again, and still is the name its certificate must have.
    seconds: for everything together. max_bytes: of the reply's body.
    Raises HttpTrouble; never returns a part of a reply.
    """
    deadline = time.monotonic() + seconds
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"not an http address: {url}")
    try:
        with closing(_connect(parts, deadline, connect_to)) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(_request(parts, body, headers or {}))
            raw = _read(connection, deadline, max_bytes + HEADER_ROOM)
        return _parse(raw, max_bytes)
    except TimeoutError as error:
        raise HttpTrouble("timeout", url) from error
    except OSError as error:
        raise HttpTrouble("unreachable", f"{url}: {error}") from error
    except HTTPException as error:
        raise HttpTrouble("malformed", f"{url}: {error!r}") from error


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connect(parts: SplitResult, deadline: float, connect_to: str | None) -> socket.socket:
    host = cast("str", parts.hostname)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    plain = socket.create_connection((connect_to or host, port), timeout=_left(deadline))
    if not secure:
        return plain
    try:
        plain.settimeout(_left(deadline))
        return _tls().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Return the TLS settings; building them anew costs about 18 ms."""
    return ssl.create_default_context()


def _request(parts: SplitResult, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    fields = {"Host": host, "Connection": "close", "User-Agent": "TrueThread", **headers}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    method = "GET" if body is None else "POST"
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def _read(connection: socket.socket, deadline: float, cap: int) -> bytes:
    """Return all bytes until the reply is complete or the peer closes."""
    received = bytearray()
    while not _complete(received):
        connection.settimeout(_left(deadline))
        piece = connection.recv(65536)
        if not piece:
            break
        received += piece
        if len(received) > cap:
            raise HttpTrouble("too_large", f"more than {cap} bytes")
    return bytes(received)


def _complete(received: bytearray) -> bool:
    """Tell whether the length announced in the headers has arrived; chunks end with their mark."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    for line in bytes(received[:end]).lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length" and value.strip().isdigit():
            return len(received) - end - 4 >= int(value)
        if name == b"transfer-encoding":
            return received.endswith(b"0\r\n\r\n")
    return False


class _Received:
    """What HTTPResponse needs of a socket: bytes already here."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)


def _parse(raw: bytes, max_bytes: int) -> Reply:
    with closing(HTTPResponse(cast("socket.socket", _Received(raw)))) as response:
        response.begin()
        body = response.read(max_bytes + 1)
        if len(body) > max_bytes:
            raise HttpTrouble("too_large", f"more than {max_bytes} bytes")
        if response.length:
            raise HttpTrouble("malformed", "the reply was cut short")
        return Reply(response.status, response.headers.get_content_type(), body)
