"""The page for integrators: its commands, run as they stand against a live server."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time

import pytest
from django.db import connection

from evidence.actions.advance import run_to_end
from evidence.actions.create_api_client import create_api_client
from evidence.models import Job
from evidence.values import API_SCOPES


def commands(repository) -> str:
    page = (repository / "evidence" / "api" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"first-bundle:begin -->\n```sh\n(.*?)```", page, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def worker():
    """Advance what is asked for, beside the test, until it ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            for job in Job.objects.filter(phase=Job.Phase.PREPARING):
                run_to_end(job.pk)
            time.sleep(0.1)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(60)


@pytest.mark.foreign_tool("curl", "bash")
@pytest.mark.django_db(transaction=True)
def test_the_commands_of_the_page_reach_a_first_bundle(
    live_server, alice, now, worker, tmp_path, chat_text, repository
):
    client, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=API_SCOPES, at=now
    )
    chat = tmp_path / "WhatsApp Chat with Li Lei.txt"
    chat.write_text(chat_text, encoding="utf-8")
    given = {
        "HOST": live_server.url, "CLIENT_ID": client.client_id, "CLIENT_SECRET": secret,
        "CHAT": str(chat),
    }  # fmt: skip
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(repository)],
        cwd=tmp_path, env={**os.environ, **given}, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.strip() in {"TOTAL_PASSED", "INDETERMINATE"}
    assert (tmp_path / "bundle.zip").stat().st_size > 10_000
