"""Worker and pages killed with -9 in the middle, while somebody looks at the progress page."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence.gateways.clock import SystemClock
from evidence.gateways.development_pki import ensure
from evidence.gateways.local_authority import REPLY, LocalAuthority
from tests.browser.people import Person, logged_on
from tests.browser.test_whole_way import GO_ON, PASSWORD, choose, deliver
from tests.patience import PATIENCE
from tests.pki.world import http_server
from tests.tasks.conftest import Deployment, free_port
from tests.warm import Started, Warm

pytestmark = pytest.mark.long

CUT = ("ERR_", "htmx:sendError")
"""What the browser reports while nobody answers."""
ACCOUNT = (
    "from django.utils import timezone;"
    "from evidence.actions.create_account import create_account;"
    f"create_account(username='dora', password='{PASSWORD}', email='dora@example.org',"
    " at=timezone.now(), is_confirmed=True)"
)


class Gate:
    """A time-stamp authority that keeps whoever asks during some phases waiting."""

    def __init__(self, deployment: Deployment, *phases: str) -> None:
        pki = ensure(deployment.var / "pki", SystemClock().now())
        self._authority = LocalAuthority.of(pki, SystemClock())
        self._deployment = deployment
        self.shut = {phase: threading.Event() for phase in phases}
        self.asked = {phase: threading.Event() for phase in phases}

    def answer(self, query: bytes) -> tuple[int, str, bytes]:
        phase = self._phase()
        if phase in self.shut:
            self.asked[phase].set()
            self.shut[phase].wait(PATIENCE)
        return 200, REPLY, self._authority.ask(query)

    def _phase(self) -> str:
        try:
            return self._deployment.phase()
        except (TypeError, sqlite3.Error):  # nothing was asked for yet
            return ""


@pytest.fixture
def deployment(
    tmp_path: Path, repository: Path, migrated: Path, warm: Warm
) -> Iterator[Deployment]:
    """A deployment of its own, on SQLite and without a broker; nothing of it runs yet."""
    (tmp_path / "fonts").symlink_to(repository / "var" / "fonts")
    (tmp_path / "truethread.sqlite3").write_bytes(migrated.read_bytes())
    one = Deployment(tmp_path, repository, "", warm)
    made = one.run("manage.py", "shell", "--command", ACCOUNT)
    assert made.returncode == 0, made.stderr
    yield one
    one.stop()


def start_pages(deployment: Deployment, port: int) -> Started:
    started = deployment.start(
        "-m", "gunicorn", "project.wsgi", f"--bind=127.0.0.1:{port}", "--threads=4",
        "--no-control-socket",
    )  # fmt: skip

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    deployment.wait_until(answers)
    return started


def kill(process: Started) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL


def sign_in(page: Any) -> None:
    page.goto("/sign-in/")
    page.fill("#id_login", "dora")
    page.fill("input[type=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/")


def test_whatever_is_killed_the_same_page_goes_on_to_one_bundle(browser, deployment, tmp_path):
    gate, port = Gate(deployment, "stamping", "signing"), free_port()
    (tmp_path / "outside").mkdir()
    with http_server(gate.answer) as authority:
        deployment.variables = {
            "TRUETHREAD_TSA_URLS": authority,
            "TRUETHREAD_TSA_TIMEOUT": "120",
            "TRUETHREAD_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        pages = start_pages(deployment, port)
        worker = deployment.start("manage.py", "work")
        context = browser.new_context(base_url=f"http://127.0.0.1:{port}", reduced_motion="reduce")
        context.set_default_timeout(PATIENCE * 1000)
        someone = Person(context.new_page(), "en", 1280)
        someone.forgiven = CUT
        page = someone.page
        sign_in(page)
        page.goto("/upload/")
        deliver(someone, tmp_path / "outside")
        choose(someone)
        page.click(GO_ON)
        page.fill("#id_password", PASSWORD)
        page.click("main form .button")
        page.wait_for_selector("progress")
        watched = page.url

        for phase, done in (("stamping", 2), ("signing", 4)):
            assert gate.asked[phase].wait(PATIENCE), deployment.trouble()
            kill(worker)
            assert deployment.phase() == phase
            page.locator(".steps .done").nth(done - 1).wait_for()
            assert page.locator(".steps .done").count() == done
            if phase == "signing":
                kill(pages)
                pages = start_pages(deployment, port)
            gate.shut[phase].set()
            worker = deployment.start("manage.py", "work")

        assert deployment.wait_until_ended() == "ready", deployment.trouble()
        page.locator('main a[href$=".zip"]').wait_for()
        assert page.url == watched
        events = logged_on(page)
        assert sorted(events) == ["Bundle issued", "Bundle prepared", "Bundle requested"]
        assert someone.wrong() == []
        with page.expect_download() as coming:
            page.click('main a[href$=".zip"]')
        coming.value.save_as(tmp_path / "bundle.zip")
        context.close()
        kill(worker)
    assert deployment.issued_entries() == 1
    assert deployment.ask("SELECT count(*) FROM evidence_export WHERE issued_at IS NOT NULL") == 1
    root = str(deployment.var / "pki" / "root.pem")
    verified = deployment.run("manage.py", "verify", str(tmp_path / "bundle.zip"), "--trust", root)
    assert verified.returncode == 0, verified.stdout
