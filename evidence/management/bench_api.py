"""The part of ``manage.py bench`` about the API: requests per second of eight clients at once.

A deployment of its own is filled and served by gunicorn, as in production, with two workers; clients
are threads of this process with connections kept open. Each request is a whole one: token, rate limit,
access, custody entry where reading is logged, JSON. A client may ask a hundred times at once, so each
thread changes its token before that.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from evidence.actions.create_account import create_account
from evidence.actions.create_api_token import create_api_token
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
from evidence.management import benchmark
from evidence.management.operator import operator
from evidence.models import Membership, Series
from evidence.select import Choice

CLIENTS = 8
REQUESTS = 160
"""Of each kind, by all clients together."""
START_SECONDS = 60
_PER_TOKEN = 80
_CHOSEN = 100

Ask = Callable[[HTTPConnection, dict[str, str], int], int]


def lines(size: int) -> Iterator[str]:
    """Yield one printed line per kind of request, at ``size`` stored messages."""
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "bench-api"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        facts = _filled(folder, size)
        with _served(folder) as port:
            yield f"{size:,} messages, {CLIENTS} clients, {REQUESTS} requests of each kind:"
            for name, ask in _kinds(facts, size).items():
                yield _line(name, *_measured(port, facts["tokens"], ask))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepared(series_id: str, tokens: int) -> dict[str, Any]:
    """Make a person with ``tokens`` tokens who reaches the stored series, and an export to ask about;
    one child of the bench."""
    series = Series.objects.select_related("organisation").get(public_id=series_id)
    now, actor = timezone.now(), operator()
    user, _own = create_account(
        username="bench", password=os.urandom(16).hex(), email="bench@example.org", at=now
    )
    Membership.objects.create(
        organisation=series.organisation, user=user, role=Membership.Role.OWNER, created_at=now
    )
    matter = open_matter(
        organisation=series.organisation, actor=actor, name="Bench", at=now, user=user
    )
    selection = freeze_selection(
        organisation=series.organisation, actor=actor, matter=matter,
        choices=[(series, Choice())], at=now, user=user,
    )  # fmt: skip
    export = request_export(
        selection=selection, actor=actor, options=ExportOptions(), at=now, user=user
    )
    made = [
        create_api_token(user=user, organisation=series.organisation, label="Bench", at=now)[1]
        for _ in range(tokens)
    ]
    return {
        "series": series_id,
        "matter": matter.public_id,
        "export": export.public_id,
        "tokens": made,
    }


def _filled(folder: Path, size: int) -> dict[str, Any]:
    (folder / "fonts").symlink_to(Path(settings.TRUETHREAD_VAR_DIR) / "fonts")
    benchmark.run(["migrate", "--verbosity", "0"], folder)
    chat = folder / "chat.txt"
    benchmark.write_chat(chat, size)
    stored = benchmark.run(
        ["acquire", str(chat), "--timezone", "Europe/Berlin", "--date-order", "dmy", "--json"],
        folder,
    )
    series = stored.answer["conversations"][0]["id"]
    tokens = 3 * (REQUESTS // _PER_TOKEN + CLIENTS)
    return benchmark.run(["bench", "--api", series, "--tokens", str(tokens)], folder).answer


@contextmanager
def _served(folder: Path) -> Iterator[int]:
    """Serve the deployment with gunicorn and yield its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "4",
        "--bind", f"127.0.0.1:{port}", "--log-level", "error", "project.wsgi",
    ]  # fmt: skip
    server = subprocess.Popen(  # noqa: S603 - our own command, no shell
        command, cwd=settings.BASE_DIR, env=os.environ | {"TRUETHREAD_VAR_DIR": str(folder)}
    )
    try:
        _wait(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    """Return once a worker has loaded the service and answers. RuntimeError when none does."""
    end = time.monotonic() + START_SECONDS
    said = "nothing"
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode} before it answered")
        link = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            status = _asked(link, "GET", "/openapi.yaml", {})
            if status == 200:
                return
            said = f"status {status}"
        except (OSError, HTTPException) as error:
            said = type(error).__name__
        finally:
            link.close()
        time.sleep(0.1)
    raise RuntimeError(f"the server did not answer as expected in {START_SECONDS} s: {said}")


def _kinds(facts: dict[str, Any], size: int) -> dict[str, Ask]:
    """Return what is asked: a page of messages somewhere, a selection, the state of an export."""
    series, matter, export = facts["series"], facts["matter"], facts["export"]

    def page(link: HTTPConnection, headers: dict[str, str], number: int) -> int:
        after = random.Random(number).randrange(max(size - 100, 1))  # noqa: S311 - the same each time
        return _asked(
            link, "GET", f"/conversations/{series}/messages?limit=100&after={after}", headers
        )

    def selection(link: HTTPConnection, headers: dict[str, str], number: int) -> int:
        first = 1 + number % max(size - _CHOSEN, 1)
        chosen = f"{first}-{min(first + _CHOSEN - 1, size)}"
        body = {"matter": matter, "parts": [{"conversation": series, "messages": chosen}]}
        keyed = {**headers, "Idempotency-Key": f"bench-{number}"}
        return _asked(link, "POST", "/selections", keyed, json.dumps(body))

    def status(link: HTTPConnection, headers: dict[str, str], number: int) -> int:
        return _asked(link, "GET", f"/exports/{export}", headers)

    return {
        "list: 100 messages": page,
        f"selection of {min(_CHOSEN, size):,}": selection,
        "status of an export": status,
    }


def _asked(
    link: HTTPConnection, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> int:
    if body is not None:
        headers = {**headers, "Content-Type": "application/json"}
    link.request(method, f"/api/v1{path}", body=body, headers=headers)
    answer = link.getresponse()
    answer.read()
    return answer.status


def _measured(port: int, tokens: list[str], ask: Ask) -> tuple[float, list[float]]:
    """Return the seconds it took and the seconds of each request. Tokens are used up."""
    taken: list[float] = []
    troubles: list[int] = []

    def client(place: int) -> None:
        link = HTTPConnection("127.0.0.1", port, timeout=60)
        mine: list[str] = []
        for count, number in enumerate(range(place, REQUESTS, CLIENTS)):
            if count % _PER_TOKEN == 0:
                mine = [tokens.pop()]
            started = time.perf_counter()
            status = ask(link, {"Authorization": f"Bearer {mine[0]}"}, number)
            taken.append(time.perf_counter() - started)
            if status >= 300:
                troubles.append(status)
        link.close()

    threads = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if troubles or len(taken) != REQUESTS:
        raise RuntimeError(f"requests were refused: {troubles[:3]}, {len(taken)} answered")
    return time.perf_counter() - started, taken


def _line(name: str, seconds: float, taken: list[float]) -> str:
    cuts = statistics.quantiles(taken, n=20)
    return (
        f"{name:<34} {len(taken) / seconds:8.1f} /s   "
        f"p50 {cuts[9] * 1000:6.0f} ms   p95 {cuts[18] * 1000:6.0f} ms"
    )
