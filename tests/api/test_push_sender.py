"""The reference sender as its supervisor sees it: what it ends with, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.actions.create_api_token import create_api_token
from tests.pki.world import http_server
from tests.pushing import OTHER_KEY, PROVIDER_KEY, lines
from tests.tasks.conftest import free_port

TRY_AGAIN = 75


@pytest.fixture
def send(tmp_path: Path, repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the sender over an outbox of four messages."""
    (tmp_path / "outbox.ndjson").write_bytes(b"".join(one + b"\n" for one in lines(1, 4)))

    def run(
        address: str, stream: str = "0" * 32, *options: str, bearer: str = "t",
        key: dict[str, str] = PROVIDER_KEY,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        (tmp_path / "private.jwk").write_text(json.dumps(key))
        return subprocess.run(
            [sys.executable, "-m", "evidence.push_sender", "--address", address, "--stream", stream,
             "--key", str(tmp_path / "private.jwk"), "--kid", "k1", "--patience", "0.1", *options,
             str(tmp_path / "outbox.ndjson")],
            cwd=repository, env=os.environ | {"TRUETHREAD_TOKEN": bearer}, capture_output=True,
            text=True, check=False, timeout=100,
        )  # fmt: skip

    return run


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on standard error: a reason, not a traceback."""
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.isprintable()
    return line


def test_a_dead_server_means_try_again_later(send):
    ended = send(f"http://127.0.0.1:{free_port()}")
    assert ended.returncode == TRY_AGAIN
    assert "no answer from" in said(ended)


@pytest.mark.parametrize(
    "words", [b"", b"SSH-2.0-\x1b[2Jother\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>Log in"]
)
def test_somebody_else_at_the_address_means_try_again_later(send, speaking, words):
    with speaking(words) as address:
        ended = send(address)
    assert ended.returncode == TRY_AGAIN
    assert "no answer from" in said(ended)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("code", ["", "client_rate_limited"])
def test_a_service_that_says_to_wait_for_ever_means_try_again_later(send, status, code):
    body = json.dumps({"code": code, "title": "later"}).encode() if code else b"<h1>later</h1>"
    with http_server(lambda _body: (status, "text/html", body)) as address:
        ended = send(address)
    assert ended.returncode == TRY_AGAIN
    assert said(ended).startswith(f"{status} {code or 'unknown'}")


@pytest.mark.parametrize("status", [400, 403, 404, 411, 413, 422, 500])
def test_a_refusal_is_told_and_not_tried_again(send, status):
    body = json.dumps({"code": "not_today", "title": "Not today"}).encode()
    with http_server(lambda _body: (status, "application/problem+json", body)) as address:
        ended = send(address)
    assert (ended.returncode, said(ended)) == (1, f"{status} not_today: Not today")


@pytest.mark.django_db(transaction=True)
def test_what_is_missing_is_pushed_once(send, live_server, alice, pushed, now):
    stream, _provider = pushed(alice, 1)
    _token, secret = create_api_token(
        user=alice.user, organisation=alice.organisation, label="Cloud", at=now
    )
    ends = [
        send(live_server.url, stream.public_id, "--batch", "2", bearer=secret) for _ in range(2)
    ]
    assert [(one.returncode, one.stdout, one.stderr) for one in ends] == [
        (0, "3\n", ""), (0, "0\n", ""),
    ]  # fmt: skip
    stream.refresh_from_db()
    assert stream.series.size == 4


@pytest.mark.django_db(transaction=True)
def test_the_service_refuses_in_its_own_words(send, live_server, alice, pushed, now):
    stream, _provider = pushed(alice, 1)
    _token, secret = create_api_token(
        user=alice.user, organisation=alice.organisation, label="Cloud", at=now
    )
    forged = send(live_server.url, stream.public_id, bearer=secret, key=OTHER_KEY)
    nowhere = send(live_server.url, "0" * 32, bearer=secret)
    nobody = send(live_server.url, stream.public_id, bearer="other")
    assert [one.returncode for one in (forged, nowhere, nobody)] == [1, 1, 1]
    assert said(forged).startswith("403 batch_forged: ")
    assert said(nowhere).startswith("404 not_found: ")
    assert said(nobody).startswith("401 not_authenticated: ")
    stream.refresh_from_db()
    assert stream.series.size == 1
