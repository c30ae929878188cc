"""The client against a live server, from the export file to the verified bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from evidence import tasks
from evidence.actions.advance import run_to_end
from evidence.actions.create_api_client import create_api_client
from evidence.client import ApiError, Client, NotReached
from evidence.models import Job
from evidence.values import API_SCOPES
from tests.patience import PATIENCE
from tests.pki.world import http_server
from tests.pushing import OTHER_KEY

PUBLIC_KEY = {name: value for name, value in OTHER_KEY.items() if name != "d"}
SCRIPT = Path(__file__).with_name("from_export_to_bundle.py")


@pytest.fixture
def worker():
    """Advance what is asked for, beside the test, until it ends."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            for job in Job.objects.filter(phase=Job.Phase.PREPARING):
                run_to_end(job.pk)
            time.sleep(0.05)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(PATIENCE)


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
        check=False, timeout=PATIENCE,
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


@pytest.mark.django_db(transaction=True)
def test_every_resource_has_its_calls(live_server, credentials, alice, issued, pushed, tmp_path):
    stream, _provider = pushed(alice, 2, 1)
    export = issued(alice)
    client_id, secret = credentials
    client = Client(live_server.url, client_id=client_id, client_secret=secret)
    bundle, matter = export.public_id, export.matter.public_id
    (series,) = export.selection.series.all()

    assert client.make_format(bundle, "csv")["state"] == "waiting"
    tasks.make_conversions()
    (made,) = client.wait_for_formats(bundle)
    (table,) = client.download(bundle, tmp_path, kinds=["csv"])
    assert (made["name"], made["size"]) == (table.name, table.stat().st_size)
    assert [one["id"] for one in client.exports()] == [bundle]
    assert next(client.custody(bundle))["event"] == "export.requested"

    hold = client.place_hold(matter, series.public_id, "claim announced")
    assert [one["id"] for one in client.holds()] == [hold["id"]]
    assert client.release_hold(hold["id"], "settled")["released"] is not None

    one = client.create_webhook("https://firm.example/hook", ["export.ready"])
    hook = one["id"]
    assert [each["id"] for each in client.webhooks()] == [hook]
    sent = client.ping(hook)
    assert [each["id"] for each in client.deliveries(hook)] == [sent["id"]]
    assert "webhook.ping" in client.delivery(hook, sent["id"])["body"]
    assert client.replay(hook, sent["id"])["state"] == "waiting"
    client.retire_secret(hook, client.rotate_secret(hook)["secrets"][1]["id"])
    assert client.change_webhook(hook, enabled=False)["enabled"] is False
    assert len(client.webhook(hook)["secrets"]) == 1
    client.delete_webhook(hook)
    assert list(client.webhooks()) == []

    assert client.look_up(bytes(export.zip_sha256).hex())["bundle"] == bundle
    size = client.checkpoint()["size"]
    assert client.inclusion(0, size)["index"] == 0
    assert client.consistency(1, size)["new"] == size

    assert [each["id"] for each in client.push_streams()] == [stream.public_id]
    assert [each["last"] for each in client.push_batches(stream.public_id)] == [2, 3]
    assert client.push_consistency(stream.public_id, 1, 2)["new"]["size"] == 3
    added = client.add_push_key(stream.public_id, PUBLIC_KEY, "k2", retire="k1")
    assert [each["kid"] for each in added["keys"]] == ["k1", "k2"]

    assert client.withdraw(bundle, "a name was left in")["withdrawn"] is not None
    with pytest.raises(ApiError) as caught:
        client.retry(bundle)
    assert caught.value.code == "not_retryable"
    assert client.cancel(bundle)["state"] == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_token_that_has_ended_is_renewed(live_server, credentials, alice):
    client_id, secret = credentials
    client = Client(live_server.url, client_id=client_id, client_secret=secret)
    get_access_token_model().objects.update(expires=timezone.now())
    assert client.me()["client"]["label"] == "Firm"
    client.revoke()
    alone = Client(live_server.url, token="not one")
    with pytest.raises(ApiError) as caught:
        alone.me()
    assert caught.value.status == 401


def test_nobody_who_answers_is_asked_again_until_the_patience_is_over(monkeypatch):
    moments: list[float] = []
    clock = [0.0]

    def refused(*args: object, **more: object) -> None:
        moments.append(clock[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refused)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    with pytest.raises(NotReached):
        Client("https://evidence.example", token="t", patience=600).me()
    pauses = [later - sooner for sooner, later in pairwise(moments)]
    assert 500 < moments[-1] <= 600
    assert pauses[0] < 1
    assert 15 <= pauses[-1] <= 30
    assert len(set(pauses)) == len(pauses)


def test_a_redirect_does_not_take_the_token_to_somebody_else(speaking):
    asked: list[bytes] = []

    def thief(body: bytes) -> tuple[int, str, bytes]:
        asked.append(body)
        return 200, "application/json", b"{}"

    with http_server(thief) as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        with speaking(moved.encode()) as address, pytest.raises(ApiError) as caught:
            Client(address, token="t").me()
    assert (caught.value.status, asked) == (302, [])


LARGE = 96 << 20
IN_LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from evidence.client import Client
client = Client(sys.argv[1], token="t")
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (48 << 20), -1))
if sys.argv[2] == "up":
    client.acquire(Path(sys.argv[3]))
else:
    print(client.download("x", Path(sys.argv[3]))[0])
"""


@pytest.fixture
def in_little_room(repository):
    """Run the client in a process that may not hold what it sends or saves."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", IN_LITTLE_ROOM, *arguments], cwd=repository, text=True,
            capture_output=True, check=False, timeout=200,
        )  # fmt: skip

    return run


def test_an_export_is_delivered_without_being_held_in_memory(in_little_room, tmp_path):
    large = tmp_path / "chat.zip"
    large.write_bytes(b"x" * LARGE)
    bodies: list[bytes] = []

    def take(body: bytes) -> tuple[int, str, bytes]:
        bodies.append(body)
        return 200, "application/json", b"{}"

    with http_server(take) as address:
        ended = in_little_room(address, "up", str(large))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert bodies[0].count(b"x" * 1_000_000) == LARGE // 1_000_000
    assert b'name="file"; filename="chat.zip"' in bodies[0]


@pytest.mark.parametrize("is_genuine", [True, False])
def test_a_bundle_is_saved_without_being_held_in_memory_and_only_when_it_is_whole(
    in_little_room, tmp_path, is_genuine
):
    data = b"y" * LARGE
    digest = sha256(data if is_genuine else b"another").hexdigest()
    file = {"name": "b.zip", "kind": "zip", "size": LARGE, "sha256": digest}
    answers = iter([json.dumps({"items": [file], "next": None}).encode(), data])
    with http_server(lambda _body: (200, "application/json", next(answers))) as address:
        ended = in_little_room(address, "down", str(tmp_path))
    assert (ended.returncode == 0) is is_genuine, ended.stderr
    assert [one.name for one in tmp_path.iterdir()] == (["b.zip"] if is_genuine else [])
    assert not is_genuine or (tmp_path / "b.zip").read_bytes() == data
    assert is_genuine or "did not arrive as it was sent" in ended.stderr


def test_a_download_that_breaks_off_is_asked_for_again(speaking, tmp_path):
    with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc") as address:
        client = Client(address, token="t", patience=0.1)
        with (tmp_path / "part").open("w+b") as part, pytest.raises(NotReached, match="Incomplete"):
            client._send("GET", "/x", into=part)


def test_a_secret_is_not_sent_over_plain_http():
    with pytest.raises(ValueError, match="https"):
        Client("http://evidence.example", token="t")
