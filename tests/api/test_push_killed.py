"""Server and sender are killed in the middle, for real; each message arrives once."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path

import pytest
from django.db import connection

from evidence.management.bench_push import Rig, own_database, write_messages
from tests.patience import PATIENCE

pytestmark = pytest.mark.long

COUNT = """
import json
from evidence import custody
from evidence.archive.read import messages
from evidence.models import Message, Series
series = Series.objects.select_related("organisation").get()
ids = [one.message().platform_id for one in messages(series)]
print(json.dumps({
    "size": series.size, "rows": Message.objects.count(),
    "each_once": ids == [f"m-{number}" for number in range(1, len(ids) + 1)],
    "problems": [one.code for one in custody.recheck(messages).problems],
}))
"""


class Sending:
    """A sender that is started again whenever it ends early, as its supervisor would."""

    def __init__(self, rig: Rig, outbox: Path, batch: int) -> None:
        self._start = lambda: rig.start_sender(outbox, batch)
        self.process = self._start()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def tend(self) -> bool:
        """Return whether the outbox is empty; start again a sender that died."""
        code = self.process.poll()
        if code not in (None, 0):
            self.process = self._start()
        return code == 0


def wait_for(rig: Rig, sending: Sending, batches: int) -> None:
    until = time.monotonic() + PATIENCE
    while not sending.tend() and rig.stream()["batches"] < batches:
        assert time.monotonic() < until, "the stream does not grow"
        time.sleep(0.1)


def push_through(rig: Rig, outbox: Path, batch: int, kills: list[tuple[str, int]]) -> None:
    """Push ``outbox``; kill whoever is named once so many batches have come."""
    sending = Sending(rig, outbox, batch)
    for victim, after in kills:
        wait_for(rig, sending, after)
        assert not sending.tend(), "nothing left to kill in the middle of"
        time.sleep(random.Random(after).uniform(0, 0.2))  # noqa: S311  somewhere in a batch
        if "sender" in victim:
            sending.kill()
        if "server" in victim:
            rig.kill_server()
            rig.start_server()
    until = time.monotonic() + PATIENCE
    while not sending.tend():
        assert time.monotonic() < until, "no sender comes to an end"
        time.sleep(0.1)


def all_arrived_once(rig: Rig, messages: int) -> None:
    printed = rig.manage("shell", "--no-imports", "--verbosity", "0", "-c", COUNT)
    found = json.loads(printed.splitlines()[-1])
    assert found == {"size": messages, "rows": messages, "each_once": True, "problems": []}


@pytest.mark.django_db(transaction=True)
def test_both_ends_killed_in_the_middle_leave_one_copy_of_each_message(tmp_path, migrated):
    write_messages(tmp_path / "messages.ndjson", 3_000)
    if connection.vendor == "sqlite":
        shutil.copyfile(migrated, tmp_path / "truethread.sqlite3")
    with own_database() as variables, Rig(tmp_path, variables) as rig:
        kills = [("sender", 4), ("sender and server", 12)]
        push_through(rig, tmp_path / "messages.ndjson", 25, kills)
        all_arrived_once(rig, 3_000)


@pytest.mark.sweep
@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_messages_survive_a_series_of_kills(tmp_path):
    write_messages(tmp_path / "messages.ndjson", 100_000)
    with own_database() as variables, Rig(tmp_path, variables) as rig:
        victims = ("sender", "server", "sender and server")
        kills = [(victims[n % 3], 10 + 15 * n) for n in range(6)]
        push_through(rig, tmp_path / "messages.ndjson", 1_000, kills)
        all_arrived_once(rig, 100_000)
