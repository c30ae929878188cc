"""Exports against an authority over HTTP: a good one, and every way one can fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.gateways.clock import SystemClock
from evidence.gateways.development_pki import ensure
from evidence.gateways.local_authority import REPLY, LocalAuthority
from tests.patience import PATIENCE
from tests.pki.world import another_pki, http_server

pytestmark = pytest.mark.long

Answer = Callable[[bytes], "tuple[int, str, bytes]"]


@pytest.fixture
def good(tmp_path: Path) -> Answer:
    authority = LocalAuthority.of(ensure(tmp_path / "pki", SystemClock().now()), SystemClock())
    return lambda query: (200, REPLY, authority.ask(query))


def export(
    run_manage, stored_chat: str, out: Path, *urls: str, seconds: int = 120
) -> tuple[int, dict]:
    done = run_manage(
        "export", "--conversation", stored_chat, "--out", str(out), "--json",
        TRUETHREAD_TSA_URLS=",".join(urls), TRUETHREAD_TSA_TIMEOUT=str(seconds),
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_an_authority_over_http_stamps_the_bundle(run_manage, stored_chat, good, tmp_path):
    with http_server(good) as url:
        status, answer = export(run_manage, stored_chat, tmp_path / "out", url)

    assert status == 0
    verified = run_manage("verify", answer["zip"], "--json")
    assert json.loads(verified.stdout)["indication"] == "TOTAL_PASSED"


def test_a_dead_authority_is_passed_over_for_the_next_one(run_manage, stored_chat, good, tmp_path):
    with http_server(good) as url:
        status, _ = export(run_manage, stored_chat, tmp_path / "out", "http://127.0.0.1:9/", url)

    assert status == 0


def broken(_query: bytes) -> tuple[int, str, bytes]:
    return 500, "text/plain", b"out of order"


def garbage(_query: bytes) -> tuple[int, str, bytes]:
    return 200, REPLY, b"\x30\x03\x02\x01\x00"


def test_an_authority_that_does_not_answer_in_time_is_given_up(run_manage, stored_chat, tmp_path):
    out, given_up = tmp_path / "out", threading.Event()

    def slow(_query: bytes) -> tuple[int, str, bytes]:
        given_up.wait(PATIENCE)
        return 200, REPLY, b""

    with http_server(slow) as url:
        status, answer = export(run_manage, stored_chat, out, url, seconds=1)
        given_up.set()

    assert (status, answer["error"]) == (2, "stamp_unavailable")
    assert not list(out.glob("*"))


@pytest.mark.parametrize("fault", [broken, garbage], ids=["broken", "garbage"])
def test_an_authority_that_fails_is_named_and_nothing_is_issued(
    run_manage, stored_chat, tmp_path, fault
):
    out = tmp_path / "out"
    with http_server(fault) as url:
        status, answer = export(run_manage, stored_chat, out, url)

    assert (status, answer["error"]) == (2, "stamp_unavailable")
    assert not list(out.glob("*"))


def test_an_authority_of_another_chain_is_refused(run_manage, stored_chat, tmp_path):
    stranger = LocalAuthority.of(another_pki(tmp_path, SystemClock().now()), SystemClock())
    with http_server(lambda query: (200, REPLY, stranger.ask(query))) as url:
        status, answer = export(run_manage, stored_chat, tmp_path / "out", url)

    assert (status, answer["error"]) == (2, "stamp_unavailable")


def test_an_answer_given_to_somebody_else_is_refused(run_manage, stored_chat, good, tmp_path):
    from evidence.gateways.tsa import query

    replayed = good(query(b"\x00" * 32, 7))
    with http_server(lambda _query: replayed) as url:
        status, answer = export(run_manage, stored_chat, tmp_path / "out", url)

    assert (status, answer["error"]) == (2, "stamp_unavailable")


def test_after_a_failure_the_same_command_succeeds(run_manage, stored_chat, good, tmp_path):
    out = tmp_path / "out"
    assert export(run_manage, stored_chat, out, "http://127.0.0.1:9/")[0] == 2

    with http_server(good) as url:
        status, answer = export(run_manage, stored_chat, out, url)

    assert status == 0
    assert Path(answer["zip"]).is_file()
