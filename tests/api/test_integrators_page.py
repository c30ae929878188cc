"""The page for integrators: its commands, run as they stand against a live server."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from evidence import tasks
from evidence.access.webhooks import may_know
from evidence.actions import tell_webhooks
from evidence.actions.advance import run_to_end
from evidence.actions.create_api_client import create_api_client
from evidence.client import Client, read_webhook
from evidence.models import Job
from evidence.values import API_SCOPES
from tests.patience import PATIENCE

pytestmark = pytest.mark.long

PAGE = Path(__file__).resolve().parents[2] / "evidence" / "api" / "README.md"
BACK = "https://firm.example/back"


def examples(name: str) -> str:
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"{name}:begin -->\n```\w+\n(.*?)```", page, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def worker():
    """Do what workers do, beside the test, until it ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            for job in Job.objects.filter(phase=Job.Phase.PREPARING):
                run_to_end(job.pk)
            tasks.make_conversions()
            at = timezone.now()
            tell_webhooks.spread(at, may_know)
            for one in tell_webhooks.due(at, (), 100):
                tell_webhooks.attempt(one.pk, clock=timezone.now)
            time.sleep(0.05)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(PATIENCE)


@pytest.fixture
def receiver(settings):
    """Take webhooks on this machine; give the address and what came."""
    settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK = True
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
        server.shutdown()


@pytest.mark.foreign_tool("curl", "bash")
@pytest.mark.django_db(transaction=True)
def test_the_commands_of_the_page_reach_a_first_bundle_and_every_other_resource(
    live_server, alice, now, worker, receiver, tmp_path, chat_text
):
    client, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=API_SCOPES, at=now
    )
    chat = tmp_path / "WhatsApp Chat with Li Lei.txt"
    chat.write_text(chat_text, encoding="utf-8")
    address, got = receiver
    given = {
        "HOST": live_server.url, "CLIENT_ID": client.client_id, "CLIENT_SECRET": secret,
        "CHAT": str(chat), "RECEIVER": address,
    }  # fmt: skip
    commands = examples("first-bundle") + "echo ---\n" + examples("resources")
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path, env={**os.environ, **given}, capture_output=True, text=True,
        check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    first, _, rest = run.stdout.partition("---\n")
    assert first.strip() in {"TOTAL_PASSED", "INDETERMINATE"}
    assert (tmp_path / "bundle.zip").stat().st_size > 10_000
    said = rest.splitlines()
    assert said[:2] == ["alice", "rsmf"]
    assert said[3:6] == ["204", "waiting", "False"]
    assert said[-1] == "True"
    assert [one.suffix for one in tmp_path.glob("truethread-*.rsmf.*")] == [".zip"]
    headers, body = got[0]
    webhook = (tmp_path / "webhook.json").read_text()
    shown = re.search(r'"secret": ?"(whsec_[^"]+)"', webhook)
    assert shown is not None
    assert read_webhook(headers, body, shown[1])["type"] == "webhook.ping"
    with pytest.raises(ValueError, match="not signed"):
        read_webhook(headers, body + b" ", shown[1])
    with pytest.raises(ValueError, match="too old"):
        read_webhook(headers, body, shown[1], seconds=-1)


@pytest.mark.django_db(transaction=True)
def test_a_person_lets_a_program_in_as_the_page_says(live_server, alice, charlie, now, capsys):
    client, secret = create_api_client(
        user=charlie.user, organisation=charlie.organisation, label="Firm", scopes=API_SCOPES,
        at=now, redirect_uris=[BACK],
    )  # fmt: skip
    seen: list[str] = []

    def lead(url: str) -> str:
        address = urlsplit(url)
        asked = f"{address.path}?{address.query}"
        answer = alice.client.post(asked, {"allow": "yes", "reach": "all"})
        back = parse_qs(urlsplit(answer["Location"]).query)
        assert back["state"] == parse_qs(address.query)["state"]
        seen.append(back["code"][0])
        return seen[0]

    given = {
        "HOST": live_server.url, "CLIENT_ID": client.client_id, "CLIENT_SECRET": secret,
        "REDIRECT_URI": BACK, "lead": lead,
    }  # fmt: skip
    exec(compile(examples("person"), PAGE.name, "exec"), given)  # noqa: S102  our own page
    assert capsys.readouterr().out == "alice lets us in\n"
    credentials = {"client_id": client.client_id, "client_secret": secret}
    again = Client(live_server.url, refresh_token=given["keep"], **credentials)
    assert again.me()["person"]["name"] == "alice"
    assert again.refresh_token not in {"", given["keep"]}
    again.revoke()
