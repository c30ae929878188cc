"""A deployment of its own with workers of its own, over a real broker."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from tests.patience import PATIENCE
from tests.surfaces import CHAT
from tests.warm import Started, Warm

RABBITMQ = "amqp://guest:guest@127.0.0.1:5672//"
FLAGS = ("--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=INFO")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Deployment:
    """One deployment: its var folder, its queue, its processes."""

    def __init__(self, var: Path, repository: Path, broker: str, warm: Warm) -> None:
        self.var, self.repository, self.broker, self._warm = var, repository, broker, warm
        self.origin = f"test-{uuid.uuid4().hex}.localhost/custody"
        self.processes: list[Started] = []
        self.variables: dict[str, str] = {}

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
        own = {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "TRUETHREAD_VAR_DIR": str(self.var),
            "TRUETHREAD_BROKER_URL": self.broker,
            "TRUETHREAD_LOG_ORIGIN": self.origin,
            "PYTHONPATH": str(self.repository),
        }
        return kept | own | self.variables | variables

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        said = {name: self.var / f".{name}" for name in ("stdout", "stderr")}
        started = self._warm.start(*arguments, environment=self.environment(**variables), **said)
        status = started.wait(PATIENCE)
        output = {name: file.read_text(encoding="utf-8") for name, file in said.items()}
        for file in said.values():
            file.unlink()
        return subprocess.CompletedProcess(arguments, status, **output)

    def request(self, **variables: str) -> dict[str, Any]:
        """Ask for a bundle; return the job's number and how long the asking took."""
        asked = self.run("tests/tasks/request_bundle.py", **variables)
        assert asked.returncode == 0, asked.stderr
        return dict(json.loads(asked.stdout))

    def start(self, *arguments: str) -> Started:
        """Start a process in a group of its own, its output in the var folder."""
        log = self.var / f"process-{len(self.processes)}.log"
        process = self._warm.start(
            *arguments, environment=self.environment(), stdout=log, stderr=log, own_group=True
        )
        self.processes.append(process)
        return process

    def start_worker(self, *flags: str) -> Started:
        return self.start("-m", "celery", "-A", "project", "worker", *FLAGS, *flags)

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def ask(self, query: str, *values: object) -> Any:
        connection = sqlite3.connect(self.var / "truethread.sqlite3", timeout=30)
        try:
            return connection.execute(query, values).fetchone()[0]
        finally:
            connection.close()

    def phase(self) -> str:
        return str(self.ask("SELECT phase FROM evidence_job"))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, self.trouble()
            assert all(one.poll() in (None, -signal.SIGKILL) for one in self.processes), (
                self.trouble()
            )
            time.sleep(0.05)

    def wait_until_ended(self) -> str:
        self.wait_until(lambda: self.phase() in {"ready", "failed", "cancelled"})
        return self.phase()

    def issued_entries(self) -> int:
        """Return how often the log, read whole and found whole, says that a bundle was issued."""
        checked = self.run("manage.py", "recheck_custody", "--json")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        return int(self.ask("SELECT count(*) FROM custody_entry WHERE event = 'export.issued'"))

    def mails(self) -> list[str]:
        files = sorted((self.var / "mail").glob("*.log"))
        return [file.read_text(encoding="utf-8") for file in files]

    def trouble(self) -> str:
        logs = sorted(self.var.glob("process-*.log"))
        tail = [log.read_text(encoding="utf-8", errors="replace")[-3000:] for log in logs]
        return "\n".join([f"the job is {self.phase()}", *tail])


@pytest.fixture
def deploy(
    tmp_path: Path, repository: Path, migrated: Path, warm: Warm
) -> Iterator[Callable[[str], Deployment]]:
    """Make a deployment with one stored conversation on the broker of the address given."""
    made: list[Deployment] = []

    def make(broker: str) -> Deployment:
        (tmp_path / "fonts").symlink_to(repository / "var" / "fonts")
        one = Deployment(tmp_path, repository, broker, warm)
        made.append(one)
        shutil.copyfile(migrated, tmp_path / "truethread.sqlite3")
        chat = tmp_path / "chat.txt"
        chat.write_text(CHAT, encoding="utf-8")
        stored = one.run("manage.py", "acquire", str(chat), "--timezone", "Europe/Madrid")
        assert stored.returncode == 0, stored.stderr
        return one

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def on_rabbitmq(deploy: Callable[[str], Deployment]) -> Iterator[Deployment]:
    """A deployment on the RabbitMQ of the standard local port."""
    if not answers(5672):
        pytest.skip("foreign service missing: rabbitmq")
    one = deploy(RABBITMQ)
    yield one
    one.stop()
    queue = f"truethread:{one.origin}"
    with Celery(broker=RABBITMQ).connection_for_write() as connection:
        channel = connection.channel()
        channel.queue_delete(queue)
        channel.exchange_delete(queue)


class OwnRedis:
    """A Redis server of the test's own, which keeps nothing when it is killed."""

    def __init__(self, command: str, folder: Path) -> None:
        self.command, self.folder, self.port = command, folder, free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.command, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not answers(self.port):
            assert time.monotonic() < end
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def own_redis(foreign_tool: Callable[[str], str], tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(foreign_tool("redis-server"), tmp_path)
    server.start()
    yield server
    server.kill()
