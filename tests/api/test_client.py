"""The client against a live server, from the export file to the verified bundle."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from evidence.actions.advance import run_to_end
from evidence.actions.create_api_client import create_api_client
from evidence.client import ApiError, Client
from evidence.models import Job
from evidence.values import API_SCOPES

SCRIPT = Path(__file__).with_name("from_export_to_bundle.py")


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


@pytest.fixture
def credentials(alice, now):
    client, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=API_SCOPES, at=now
    )
    return client.client_id, secret


def test_the_example_is_short():
    assert len(SCRIPT.read_text(encoding="utf-8").splitlines()) <= 40


@pytest.mark.django_db(transaction=True)
def test_a_script_takes_an_export_file_to_a_verified_bundle(
    live_server, credentials, worker, tmp_path, chat_text, repository
):
    file = tmp_path / "WhatsApp Chat with Li Lei.txt"
    file.write_text(chat_text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, str(SCRIPT), live_server.url, *credentials, str(file), str(tmp_path)],
        cwd=repository, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True,
        check=False, timeout=100,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert lines[:2] == ["3 of 6, 1 withheld", "ready"]
    assert lines[2] in {"TOTAL_PASSED", "INDETERMINATE"}


@pytest.mark.django_db(transaction=True)
def test_the_client_reads_pages_and_names_problems(live_server, credentials, alice, stored):
    series = stored(alice)
    client_id, secret = credentials
    client = Client(live_server.url, client_id=client_id, client_secret=secret)
    assert client.me()["client"]["label"] == "Firm"
    read = list(client.messages(series.public_id, limit=4))
    assert [one["sequence"] for one in read] == [1, 2, 3, 4, 5, 6]
    assert [one["id"] for one in client.conversations()] == [series.public_id]
    with pytest.raises(ApiError) as caught:
        client.select("0" * 32, [{"conversation": series.public_id}])
    assert (caught.value.status, caught.value.code) == (404, "not_found")
    with pytest.raises(ApiError) as caught:
        Client(live_server.url, client_id=client_id, client_secret="wrong")
    assert caught.value.code == "invalid_client"


def test_a_secret_is_not_sent_over_plain_http():
    with pytest.raises(ValueError, match="https"):
        Client("http://evidence.example", token="t")
