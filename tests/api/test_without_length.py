"""Bodies in chunks, sent to gunicorn itself: Django alone would take each of them for an empty one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.conftest import Deployment, answers, free_port
from tests.warm import Warm

FORM = "multipart/form-data; boundary=x"
BODY = (
    b'--x\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n' + b"0" * 64 + b"\r\n--x--\r\n"
)


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, repository: Path, migrated: Path, warm: Warm
) -> Iterator[int]:
    """Serve a deployment as in production and give its port."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "truethread.sqlite3").write_bytes(migrated.read_bytes())
    one, port = Deployment(folder, repository, "", warm), free_port()
    one.start(
        "-m", "gunicorn", "project.wsgi", f"--bind=127.0.0.1:{port}", "--threads=2",
        "--no-control-socket",
    )  # fmt: skip
    try:
        one.wait_until(lambda: answers(port))
        yield port
    finally:
        one.stop()


def asked(
    port: int, method: str, path: str, body: Any, *, chunked: bool = False, **headers: str
) -> tuple[int, str, bytes]:
    """Return status, kind and body of the answer."""
    given = {"Content-Type": FORM} | {key.replace("_", "-"): one for key, one in headers.items()}
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as link:
        link.request(method, path, body, given, encode_chunked=chunked)
        answer = link.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()


def sent(
    port: int, method: str, path: str, body: bytes = BODY, **headers: str
) -> tuple[int, str, bytes]:
    """Send ``body`` in two chunks."""
    pieces = iter([body[:5], body[5:]]) if body else iter(())
    return asked(port, method, path, pieces, chunked=True, Transfer_Encoding="chunked", **headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["verifications", "acquisitions", "matters", "push-streams/x"])
def test_the_api_asks_for_the_length_in_a_problem_document(served, method, path):
    for language, word in (("en", "Content-Length"), ("zh-hans", "正文")):
        status, kind, body = sent(served, method, f"/api/v1/{path}", Accept_Language=language)
        found = json.loads(body)
        assert (status, kind) == (411, "application/problem+json")
        assert (found["code"], found["status"]) == ("length_required", 411)
        assert word in found["title"]


@pytest.mark.parametrize("path", ["token", "revoke"])
def test_the_doors_of_oauth_ask_for_the_length_in_their_own_form(served, path):
    form = b"grant_type=client_credentials"
    kind = "application/x-www-form-urlencoded"
    status, _kind, body = sent(served, "POST", f"/api/v1/oauth/{path}", form, Content_Type=kind)
    assert (status, json.loads(body)) == (411, {"error": "invalid_request"})


@pytest.mark.parametrize("path", ["/verify/", "/upload/", "/sign-in/", "/admin/login/"])
def test_pages_ask_for_the_length_in_the_language_of_the_reader(served, path):
    for language, words in (("en", "This came without its length"), ("zh-hans", "请求未标明长度")):
        status, _kind, body = sent(served, "POST", path, Accept_Language=language)
        assert (status, words in body.decode()) == (411, True)


def test_the_same_body_with_its_length_is_read(served):
    status, _kind, body = asked(served, "POST", "/api/v1/verifications", BODY)
    assert (status, json.loads(body)["known"]) == (200, False)


def test_a_question_without_a_body_needs_no_length(served):
    assert sent(served, "GET", "/api/v1/", b"")[0] == 200


def test_a_request_hidden_behind_two_lengths_is_answered_once(served):
    """Smuggling: whoever believes the one length sees a second request in the body."""
    hidden = b"GET /api/v1/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    head = (
        b"POST /api/v1/verifications HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ) % (len(hidden) + 5)
    with socket.create_connection(("127.0.0.1", served), timeout=60) as link:
        link.sendall(head + hidden)
        link.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: link.recv(65536), b""))
    assert received.startswith(b"HTTP/1.1 4")
    assert received.count(b"HTTP/1.1 ") == 1
