"""deploy/ walked through: TLS by nginx, gunicorn in production mode, PostgreSQL under two roles, a
worker woken by RabbitMQ, secrets in files, an independent authority for time, and a mail server.
"""

from __future__ import annotations

import email
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from django.db import connection

from evidence.client import Client
from evidence.gateways.clock import SystemClock
from evidence.gateways.local_authority import REPLY, LocalAuthority
from tests.browser import test_whole_way as whole_way
from tests.browser.conftest import CHROMIUM, MISSING, QUIET
from tests.browser.people import Person
from tests.operations.production import (
    HOST,
    Mailbox,
    Production,
    address_of_this_machine,
    stopped_at_the_end,
)
from tests.patience import PATIENCE
from tests.pki.public import public_pki
from tests.pki.world import http_server
from tests.surfaces import CHAT
from tests.tasks.conftest import RABBITMQ, answers

ADDRESS = f"https://{HOST}"
SEAL_PASSWORD = "only for this test"
CRL = "application/pkix-crl"

pytestmark = [
    pytest.mark.long,
    pytest.mark.foreign_tool("nginx", "openssl", "psql"),
    pytest.mark.usefixtures("postgresql"),
]


@pytest.fixture(scope="module")
def outside() -> Iterator[Any]:
    """What is not ours: a public PKI with its lists, an authority for time, a mail server."""
    with ExitStack() as stack:
        lists: dict[str, bytes] = {}
        at = {
            name: stack.enter_context(http_server(lambda _, name=name: (200, CRL, lists[name])))
            for name in ("root", "issuing")
        }
        pki = public_pki(datetime.now(UTC), at)
        lists.update(pki.crls)
        authority = LocalAuthority(pki.tsa, (pki.issuing.der,), SystemClock())
        tsa = stack.enter_context(
            http_server(lambda query: (200, REPLY, authority.ask(query)), address_of_this_machine())
        )
        mailbox = Mailbox()
        threading.Thread(target=mailbox.server.serve_forever, daemon=True).start()
        stack.callback(mailbox.server.server_close)
        stack.callback(mailbox.server.shutdown)
        yield SimpleNamespace(pki=pki, tsa=tsa, mailbox=mailbox)


@pytest.fixture(scope="module")
def production(
    outside: Any, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Production]:
    """The whole service, as deploy/README.md sets up a machine with a broker."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: set TRUETHREAD_DATABASE_URL=postgres://…")
    if not answers(5672):
        pytest.skip("foreign service missing: rabbitmq")
    one = Production(tmp_path_factory.mktemp("machine"), repository, connection.settings_dict)
    with stopped_at_the_end(one):
        one.write_secrets(seal_password=SEAL_PASSWORD)
        outside.pki.write_seal(one.etc / "seal.p12", SEAL_PASSWORD)
        outside.pki.write_root(one.etc / "roots.pem")
        origin = f"{one.name}.{HOST}/custody"
        one.write_environment(
            TRUETHREAD_LOG_ORIGIN=origin,
            TRUETHREAD_TSA_URLS=outside.tsa,
            TRUETHREAD_SMTP_URL=f"smtp+plain://127.0.0.1:{outside.mailbox.port}",
            TRUETHREAD_BROKER_URL=RABBITMQ,
        )
        one.write_certificate()
        one.make_roles()
        one.set_up()
        one.start("web")
        one.start("celery")
        one.start("webhooks")
        one.start_nginx()
        yield one
        one.stop()
        with Celery(broker=RABBITMQ).connection_for_write() as broker:
            channel = broker.channel()
            channel.queue_delete(f"truethread:{origin}")
            channel.exchange_delete(f"truethread:{origin}")


Ask = Callable[..., tuple[int, http.client.HTTPMessage, bytes]]


@pytest.fixture
def found(production: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead the public name to this machine, as a name server would, and trust its certificate."""
    real = socket.create_connection
    doors = {(HOST, 443): production.tls, (HOST, 80): production.plain}

    def create(address: tuple[str, int], *rest: Any, **named: Any) -> socket.socket:
        door = ("127.0.0.1", doors[address]) if address in doors else address
        return real(door, *rest, **named)

    monkeypatch.setattr(socket, "create_connection", create)
    monkeypatch.setenv("SSL_CERT_FILE", str(production.etc / "fullchain.pem"))


@pytest.fixture
def ask(found: None) -> Ask:
    """Ask the service over TLS, or as stated; return status, headers and body."""

    def send(
        path: str, *, method: str = "GET", tls: bool = True, body: bytes | None = None,
        **headers: str,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:  # fmt: skip
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        line = kind(HOST, timeout=PATIENCE)
        try:
            line.request(method, path, body, headers)
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            line.close()

    return send


@pytest.fixture
def people(production: Production) -> Iterator[Callable[[], Person]]:
    """Seat someone in Chromium, for whom the public name leads to this machine."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    rule = f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{production.tls}"
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, rule], timeout=PATIENCE * 1000
        )

        def seat() -> Person:
            context = browser.new_context(base_url=ADDRESS, ignore_https_errors=True)
            context.set_default_timeout(PATIENCE * 1000)
            return Person(context.new_page(), "en", 1280)

        yield seat
        browser.close()


def last_mail(mailbox: Mailbox, earlier: int = 0) -> Any:
    """Wait for a mail after the first ``earlier`` ones; return it as ``link_in`` reads it."""
    end = time.monotonic() + PATIENCE
    while len(mailbox.mails) <= earlier:
        assert time.monotonic() < end, "no mail"
        time.sleep(0.1)
    message = email.message_from_string(mailbox.mails[-1])
    return SimpleNamespace(body=message.get_payload(decode=True).decode())


def test_someone_walks_from_sign_up_to_a_verified_download(people, outside, production, tmp_path):
    someone = people()
    page = someone.page
    page.goto("/sign-up/")
    page.fill("#id_email", "dora@example.org")
    page.fill("#id_password1", whole_way.PASSWORD)
    page.click("main form .button")
    page.wait_for_url("**/sent/")
    mail = last_mail(outside.mailbox)
    assert f"{ADDRESS}/sign-up/confirm/" in mail.body
    page.goto(whole_way.link_in(mail))
    page.click("main form .button")
    page.wait_for_selector("input[type=file]")
    for cookie in page.context.cookies():
        assert cookie["secure"], cookie["name"]
    whole_way.deliver(someone, tmp_path)
    whole_way.choose(someone)
    page.click(whole_way.GO_ON)
    page.fill("#id_password", whole_way.PASSWORD)
    page.click("main form .button")
    page.wait_for_selector("progress, main a[href$='.zip']")
    page.locator(
        'main a[href$=".zip"]'
    ).wait_for()  # Celery made it; the page asked again and again
    with page.expect_download() as coming:
        page.click('main a[href$=".zip"]')
    bundle = tmp_path / "bundle.zip"
    coming.value.save_as(bundle)
    page.goto("/verify/")
    page.set_input_files("#file", str(bundle))
    page.click("#check .button")
    page.wait_for_selector(".verdict.ok")
    assert someone.troubles == []
    report = production.manage(
        "verify", str(bundle), "--trust", str(production.etc / "roots.pem"), "--json"
    )
    assert json.loads(report)["indication"] == "TOTAL_PASSED"


def test_a_program_delivers_a_large_file_and_fetches_its_bundle(production, found, tmp_path):
    email_of = f"{production.name}@example.org"
    production.manage(
        "shell", "--command",
        "from django.utils import timezone;"
        "from evidence.actions.create_account import create_account;"
        f"create_account(username='firm', password='{whole_way.PASSWORD}', email='{email_of}',"
        " at=timezone.now(), is_confirmed=True)",
    )  # fmt: skip
    made = json.loads(production.manage("create_api_client", "--user", "firm", "--json"))
    program = Client(ADDRESS, client_id=made["client_id"], client_secret=made["client_secret"])
    large = tmp_path / "WhatsApp Chat with Li Lei.zip"
    with zipfile.ZipFile(large, "w") as packed:
        packed.writestr("_chat.txt", CHAT)
        packed.writestr("film.mp4", os.urandom(60_000_000))
    delivered = program.acquire(large, timezone="Europe/Madrid", owner="Ana")
    matter = program.open_matter("Loan")
    part = {"conversation": delivered["conversations"][0]["id"], "messages": "1-3"}
    export = program.wait(
        program.export(program.select(matter["id"], [part])["id"])["id"], seconds=PATIENCE
    )
    assert export["state"] == "ready", production.said("celery")
    saved = program.download(export["id"], tmp_path)
    bundle = next(path for path in saved if path.suffix == ".zip")
    receipt = next(path for path in saved if path.name.endswith(".receipt.json"))
    assert program.verify(bundle, receipt)["indication"] == "TOTAL_PASSED"


def test_without_tls_everyone_is_led_to_tls(ask):
    status, headers, _ = ask("/sign-in/?next=/exports/", tls=False)
    assert (status, headers["Location"]) == (301, f"{ADDRESS}/sign-in/?next=/exports/")


def test_every_page_carries_the_strict_headers(ask):
    status, headers, _ = ask("/sign-in/")
    assert status == 200
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Server"] == "nginx"
    (cookie,) = [one for one in headers.get_all("Set-Cookie") if one.startswith("csrftoken=")]
    assert {"Secure", "SameSite=Lax"} <= set(cookie.split("; "))


def test_the_files_of_pages_are_served(ask):
    for path, kind in {
        "/static/evidence/house.css": "text/css",
        "/static/evidence/upload.js": "text/javascript",
    }.items():
        status, headers, body = ask(path)
        assert (status, headers.get_content_type()) == (200, kind)
        assert body


def test_a_foreign_host_name_gets_a_page_that_says_no(ask):
    status, headers, body = ask("/", Host="evil.example.net")
    assert (status, headers.get_content_type()) == (400, "text/html")
    assert b"This request was not understood" in body
    assert b"evil.example.net" not in body


def test_nobody_states_a_scheme_or_an_address_of_his_own(ask, production):
    """Over the plain door too, what the asker writes into the proxy's headers is thrown away."""
    line = http.client.HTTPConnection("127.0.0.1", production.port, timeout=PATIENCE)
    line.request("GET", "/sign-in/", headers={"Host": HOST})
    direct = line.getresponse()
    assert (direct.status, direct.headers["Location"]) == (301, f"{ADDRESS}/sign-in/")
    line.close()
    forged = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}
    assert ask("/sign-in/", **forged)[0] == 200


def test_machines_inside_read_health_and_metrics(ask, production, repository):
    assert ask("/healthz")[::2] == (200, b"ok\n")
    status, _, body = ask("/readyz")
    assert (status, json.loads(body)["checks"]) == (
        200, dict.fromkeys(("database", "migrations", "log", "fonts", "disk", "backlog"), "ok"),
    )  # fmt: skip
    assert ask("/metrics")[0] == 401
    status, _, body = ask("/metrics", Authorization=f"Bearer {production.secret('metrics_token')}")
    assert (status, b"truethread_jobs{" in body) == (200, True)
    checked = subprocess.run(
        [sys.executable, "deploy/healthcheck.py", f"http://127.0.0.1:{production.port}/readyz"],
        cwd=repository, env=os.environ | {"TRUETHREAD_PUBLIC_URL": ADDRESS}, check=False,
    )  # fmt: skip
    assert checked.returncode == 0


def test_a_page_takes_no_more_than_it_needs(ask):
    status, headers, body = ask("/sign-in/", method="POST", body=b"x" * 3_000_000)
    assert (status, headers.get_content_type()) == (413, "text/html")
    assert b"2 MB" in body
    stated = {"Content-Length": "5000000000"}
    assert ask("/upload/", method="POST", **stated)[0] == 413


def test_a_program_without_a_token_is_told_in_its_own_form(ask):
    status, headers, body = ask("/api/v1/matters")
    assert (status, headers.get_content_type()) == (401, "application/problem+json")
    assert headers["WWW-Authenticate"].startswith("Bearer")
    assert json.loads(body)["status"] == 401


def test_the_units_that_run_by_the_clock_end_well(production):
    for name in ("sweep", "recheck"):
        unit = production.unit(name)
        (command,) = unit.commands()
        done = subprocess.run(
            command, cwd=production.repository, capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"]} | unit.environment(),
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_service_can_neither_change_its_log_nor_become_the_owner(production):
    owned = production.statement(
        production.name,
        f"SELECT count(*) FROM pg_tables WHERE tableowner = '{production.name}_app'",
    )
    assert owned == "0"
    may = production.statement(
        production.name,
        f"SELECT has_table_privilege('{production.name}_app', 'custody_entry', 'UPDATE')",
    )
    assert may == "f"


def test_what_runs_still_runs_and_said_nothing_wrong(production, ask):
    assert ask("/sign-in/?next=/exports/")[0] == 200
    for name, process in production.processes:
        assert process.poll() is None, production.said(name)
        assert "Traceback" not in production.said(name), production.said(name)
    log, end = production.folder / "truethread.log", time.monotonic() + PATIENCE
    while '"GET /sign-in/" 200' not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < end, "nginx writes its line when the answer has gone"
        time.sleep(0.05)
    assert "next=" not in log.read_text(encoding="utf-8")
