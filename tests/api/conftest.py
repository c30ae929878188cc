"""Clients of the API, and what they send."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import pytest
from rest_framework.test import APIClient

ROOT = "/api/v1"
_keys = count(1)


class Program(APIClient):
    """A client that gives every POST an Idempotency-Key of its own, unless told otherwise."""

    def post(self, path: str, *args: Any, **more: Any) -> Any:
        more.setdefault("HTTP_IDEMPOTENCY_KEY", f"key-{next(_keys)}")
        return super().post(path, *args, **more)


@pytest.fixture
def api(now) -> Callable[..., Program]:
    """Give a client that speaks with a fresh token of a person."""
    from evidence.actions.create_api_token import create_api_token

    def client(actor) -> Program:
        _token, secret = create_api_token(
            user=actor.user, organisation=actor.organisation, label="Firm", at=now
        )
        made = Program()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return made

    return client


@pytest.fixture
def problem_of() -> Callable[[Any], tuple[int, str]]:
    """Give status and code of a problem document, checked for its form."""

    def read(answer: Any) -> tuple[int, str]:
        assert answer["Content-Type"] == "application/problem+json"
        body = answer.json()
        assert body["status"] == answer.status_code
        assert body["type"] == f"urn:truethread:problem:{body['code']}"
        return answer.status_code, body["code"]

    return read


@pytest.fixture
def program() -> type[Program]:
    """Give the class of clients that send a key with every POST."""
    return Program


@pytest.fixture
def speaking() -> Callable[[bytes], AbstractContextManager[str]]:
    """Serve the same words to everybody, whether they are HTTP or not, and give the address."""

    @contextmanager
    def serve(words: bytes) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as door:

            def answer() -> None:
                try:
                    while True:
                        link, _address = door.accept()
                        with link:
                            link.recv(65536)
                            link.sendall(words)
                except OSError:
                    return

            thread = threading.Thread(target=answer)
            thread.start()
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
            door.shutdown(socket.SHUT_RDWR)
            thread.join()

    return serve
