"""The part of ``manage.py bench`` about pushed batches: a real server, a real sender, their rate.

On the database the bench itself is set to: PostgreSQL gets a database of its own for the run.
"""

from __future__ import annotations

import json
import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.utils import timezone
from jwcrypto import jwk

from evidence.actions.create_account import create_account
from evidence.actions.create_api_client import create_api_client
from evidence.client import Client
from evidence.management.benchmark import made_up_body
from evidence.push_sender import canonical

MESSAGES = 20_000
PATIENCE = 600.0
_PEOPLE = (("u-ana", "Ana Silva"), ("u-li", "李雷"), ("u-bob", "Bob Müller"))
_NAMES = {"provider": "chatcloud", "account": "u-ana", "conversation": "c-1", "type": "group"}
_START = datetime(2026, 1, 13, 8, 0, tzinfo=UTC)


def lines(messages: int = MESSAGES) -> Iterator[str]:
    """Yield one printed line: how fast one sender's messages are stored, sealed and logged."""
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outbox = folder / "messages.ndjson"
    write_messages(outbox, messages)
    with own_database() as variables, Rig(folder, variables) as rig:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        sender = rig.start_sender(outbox)
        if sender.wait() != 0:
            raise RuntimeError("the sender failed")
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        stored = rig.stream()["messages"]
        if stored != messages:
            raise RuntimeError(f"{stored} of {messages} messages arrived")
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        kind = connection.vendor
    shutil.rmtree(folder, ignore_errors=True)
    yield (
        f"{messages:>9,} {'pushed, ' + kind:<22} {seconds:8.2f} {messages / seconds:9,.0f} /s "
        f"(the sender itself: {cpu:.2f} s)"
    )


def write_messages(path: Path, messages: int) -> None:
    """Write made-up messages as a provider would push them, one per line."""
    with path.open("wb") as file:
        for number in range(1, messages + 1):
            who = _PEOPLE[number % 3]
            message = {
                "body": made_up_body(number),
                "direction": "out" if who[0] == "u-ana" else "in",
                "kind": "text",
                "platform_id": f"m-{number}",
                "sender": {"id": who[0], "name": who[1]},
                "time_raw": (_START + timedelta(seconds=37 * number)).isoformat(),
            }
            file.write(canonical(message) + b"\n")


def account() -> dict[str, str]:
    """Create a person and a client for them, and return its credentials: one stage of the bench."""
    name = f"push-{secrets.token_hex(4)}"
    user, organisation = create_account(
        username=name,
        password=secrets.token_urlsafe(),
        email=f"{name}@example.org",
        at=timezone.now(),
    )
    client, secret = create_api_client(
        user=user,
        organisation=organisation,
        label="Chat cloud",
        scopes=["push:read", "push:write"],
        at=timezone.now(),
    )
    return {"client_id": client.client_id, "client_secret": secret}


@contextmanager
def own_database() -> Iterator[dict[str, str]]:
    """Give the variables of a database of one's own: SQLite in the folder, or on the same server."""
    if connection.vendor != "postgresql":
        yield {"TRUETHREAD_DATABASE_URL": ""}
        return
    name = f"tt_push_{secrets.token_hex(4)}"
    quoted = connection.ops.quote_name(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted}")
    try:
        yield {"TRUETHREAD_DATABASE_URL": _address(name)}
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")


def _address(name: str) -> str:
    found = connection.settings_dict
    secret = f":{quote(found['PASSWORD'], safe='')}" if found["PASSWORD"] else ""
    who = f"{quote(found['USER'], safe='')}{secret}@" if found["USER"] else ""
    return f"postgres://{who}{found['HOST'] or '127.0.0.1'}:{found['PORT'] or 5432}/{name}"


class Rig:
    """A deployment in a folder of its own with one stream, a server, and senders to it."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = os.environ | {
            "TRUETHREAD_VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": str(settings.BASE_DIR),
            **variables,
        }
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        self._server: subprocess.Popen[bytes] | None = None
        self._senders: list[subprocess.Popen[bytes]] = []
        self.address = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Rig:
        if not (self.folder / "truethread.sqlite3").exists():
            self.manage("migrate", "--verbosity", "0")
        found = json.loads(self.manage("bench", "--push-account"))
        self._credentials = {name: str(value) for name, value in found.items()}
        self.start_server()
        key = jwk.JWK.generate(kty="OKP", crv="Ed25519")
        self._key = self.folder / "provider.jwk"
        self._key.write_text(key.export_private())
        self._stream = self.client().open_push_stream(
            **_NAMES, key=json.loads(key.export_public())
        )["id"]
        return self

    def __exit__(self, *error: object) -> None:
        for sender in self._senders:
            if sender.poll() is None:
                sender.kill()
            sender.wait()
        self.kill_server()

    def manage(self, *arguments: str) -> str:
        """Return what a command of this deployment prints."""
        done = subprocess.run(  # noqa: S603 - our own commands, no shell
            [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
            env=self._environment, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def start_server(self) -> None:
        """Start the server and wait until it answers."""
        self._server = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "gunicorn", "project.wsgi", f"--bind=127.0.0.1:{self._port}",
             "--workers=1", "--threads=4", "--log-level=warning"],
            cwd=settings.BASE_DIR, env=self._environment, start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > until or self._server.poll() is not None:
                raise RuntimeError("the server does not answer")
            time.sleep(0.1)

    def kill_server(self) -> None:
        """Kill the server and its workers at once, as the machine would by losing power."""
        if self._server is not None:
            if self._server.poll() is None:
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()
            self._server = None

    def start_sender(self, outbox: Path, batch: int = 2_000) -> subprocess.Popen[bytes]:
        """Start a sender of ``outbox``, batch by batch."""
        sender = subprocess.Popen(  # noqa: S603 - our own command, no shell
            [sys.executable, "-m", "evidence.push_sender", "--address", self.address,
             "--stream", self._stream, "--key", str(self._key), "--batch", str(batch),
             str(outbox)],
            env=self._environment | {
                "TRUETHREAD_CLIENT_ID": self._credentials["client_id"],
                "TRUETHREAD_CLIENT_SECRET": self._credentials["client_secret"],
            },
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._senders.append(sender)
        return sender

    def client(self) -> Client:
        """Return a client of this deployment."""
        return Client(self.address, **self._credentials)  # type: ignore[arg-type]  # names of ids

    def stream(self) -> dict[str, Any]:
        """Return where the stream stands."""
        return self.client().push_stream(self._stream)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2):  # noqa: S310
                return True
        except (urllib.error.URLError, OSError):
            return False
