"""Acts, queue and log across commits, kills and two sequencers at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet

from evidence import custody
from evidence.custody.sequencer import BATCH
from evidence.models import CustodyEntry, CustodyPending, CustodySubject, LogNode
from evidence.values import Actor, Subject
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)
ALICE = Actor("person", "a" * 32)
SERIES = Subject("series", "5e" * 16)


def in_threads(*works) -> None:
    """Run each work in a thread with a connection of its own; fail if one fails."""
    errors = []

    def run(work) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert errors == []


def test_an_append_outside_a_transaction_is_refused(now):
    with pytest.raises(RuntimeError, match="inside the transaction of its act"):
        custody.append(
            event_id="act", event="matter.opened", actor=ALICE, subjects=[], details={}, at=now
        )


def test_sequencing_inside_a_transaction_is_refused(log_event):
    log_event()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        custody.sequence_pending()


def test_an_authority_is_never_asked_inside_a_transaction(log_event, now, stamper):
    log_event()
    checkpoint = custody.cut_checkpoint(now)
    with pytest.raises(RuntimeError, match="asked inside a transaction"), transaction.atomic():
        custody.stamp_checkpoint(checkpoint, stamper, now)


def test_a_rolled_back_act_leaves_no_entry_and_no_gap(log_event):
    log_event()
    with transaction.atomic():
        log_event(event_id="undone", subjects=[SERIES])
        transaction.set_rollback(True)
    log_event()
    custody.sequence_pending()
    assert [one.entry.subjects[0].number for one in custody.entries_of("series", SERIES.id)] == [
        1,
        2,
    ]
    assert custody.recheck().problems == []


def test_a_first_act_that_is_rolled_back_takes_the_epoch_with_it(log_event):
    with transaction.atomic():
        log_event()
        transaction.set_rollback(True)
    assert custody.current_epoch() is None
    log_event()
    assert custody.sequence_pending() == 2


@pytest.mark.parametrize("model", [CustodyEntry, CustodySubject, LogNode, CustodyPending])
def test_a_sequencer_that_dies_midway_leaves_queue_and_log_as_they_were(
    log_event, monkeypatch, model
):
    """Killed between the log and the queue: everything or nothing has moved, never twice."""
    for _ in range(4):
        log_event()
    custody.sequence_pending(2)

    verb = "delete" if model is CustodyPending else "bulk_create"
    queryset = type(model.objects.all())
    work = getattr(queryset, verb)

    def die(self: QuerySet, *args: object, **kwargs: object) -> object:
        if self.model is model:
            raise SystemExit("killed")
        return work(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(queryset, verb, die)
        with pytest.raises(SystemExit):
            custody.sequence_pending()
    assert (CustodyEntry.objects.count(), CustodyPending.objects.count()) == (2, 3)

    assert custody.sequence_pending() == 3
    assert custody.recheck().problems == []


def test_an_event_queued_again_while_it_is_sequenced_gets_one_place(log_event):
    log_event(event_id="act")
    twin = CustodyPending.objects.get(event_id="act")
    custody.sequence_pending()
    twin.pk = None
    twin.save(force_insert=True)

    assert custody.sequence_pending() == 0
    assert CustodyEntry.objects.filter(event_id="act").count() == 1
    assert not CustodyPending.objects.exists()


def test_an_act_that_commits_late_is_not_passed_over(postgresql, log_event, now):
    """Its number in the queue is smaller than one that was sequenced before it committed."""
    queued, others_done = threading.Event(), threading.Event()
    log_event()
    custody.sequence_pending()

    def slow() -> None:
        with transaction.atomic():
            log_event(event_id="slow")
            queued.set()
            others_done.wait(PATIENCE)

    def quick() -> None:
        queued.wait(PATIENCE)
        log_event(event_id="quick")
        custody.sequence_pending()
        others_done.set()

    in_threads(slow, quick)
    custody.sequence_pending()
    assert custody.entry_of_event("slow").place == custody.entry_of_event("quick").place + 1


def test_two_sequencers_and_six_clients_make_one_gap_free_log(postgresql, log_event):
    each, clients = 100, 6
    finished = threading.Semaphore(0)

    def client(name: int):
        def work() -> None:
            for number in range(each):
                log_event(event_id=f"{name}-{number}")
            finished.release()

        return work

    def sequencer() -> None:
        while CustodyEntry.objects.count() < each * clients + 1:
            custody.sequence_pending(37)

    in_threads(sequencer, sequencer, *(client(name) for name in range(clients)))

    report = custody.recheck()
    assert (report.problems, report.entries) == ([], each * clients + 1)
    events = Counter(CustodyEntry.objects.values_list("event_id", flat=True))
    assert set(events.values()) == {1}


def test_a_second_sequencer_that_does_not_wait_leaves_the_work(postgresql, log_event):
    log_event()
    holding, checked = threading.Event(), threading.Event()

    def first() -> None:
        from evidence.custody.sequencer import _the_only_sequencer

        with _the_only_sequencer(wait=True) as is_mine:
            assert is_mine
            holding.set()
            checked.wait(PATIENCE)

    def second() -> None:
        holding.wait(PATIENCE)
        try:
            assert custody.sequence_pending(wait=False) == 0
        finally:
            checked.set()

    in_threads(first, second)
    assert custody.sequence_pending() == 2


def test_two_first_acts_at_once_open_one_epoch(postgresql, log_event):
    gate = threading.Barrier(4)

    def act() -> None:
        gate.wait(PATIENCE)
        log_event()

    in_threads(act, act, act, act)
    custody.sequence_pending()
    assert custody.recheck().problems == []
    assert CustodyEntry.objects.filter(event="epoch.opened").count() == 1


def test_one_event_appended_by_many_at_once_is_logged_once(postgresql, log_event):
    log_event()
    gate = threading.Barrier(4)

    def act() -> None:
        gate.wait(PATIENCE)
        log_event(event_id="act")

    in_threads(act, act, act, act)
    custody.sequence_pending()
    assert CustodyEntry.objects.filter(event_id="act").count() == 1


def test_a_queue_longer_than_a_batch_is_emptied(log_event):
    with transaction.atomic():
        for _ in range(BATCH + 20):
            log_event()
    assert custody.sequence_pending() == BATCH + 21
    assert custody.recheck().problems == []


ONE_ACT = """
import os, signal, sys
import django
django.setup()
from django.db import transaction
from django.utils import timezone
from evidence import custody
from evidence.models import CustodyPending
from evidence.values import Actor, Subject
kill = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
with transaction.atomic():
    custody.append(event_id="act", event="matter.opened", actor=Actor("system", "s"),
                   subjects=[Subject("matter", "3a" * 16)], details={}, at=timezone.now())
    if sys.argv[1] == "before the commit":
        kill()
if sys.argv[1] == "between queue and log":
    kill()
if sys.argv[1] == "inside the sequencer":
    type(CustodyPending.objects.all()).delete = kill
custody.sequence_pending()
"""


@pytest.mark.parametrize("moment", [
    "before the commit", "between queue and log", "inside the sequencer", "never",
])  # fmt: skip
def test_kill_9_then_run_again_ends_in_one_entry(run_python, run_manage, moment):
    """A process of its own on SQLite, killed for real, then the same act again."""
    first, again = (run_python("-c", ONE_ACT, until) for until in (moment, "never"))
    assert first.returncode == (0 if moment == "never" else -9), first.stderr
    assert again.returncode == 0, again.stderr
    report = json.loads(run_manage("recheck_custody", "--json", "--log-only").stdout)
    assert (report["holds"], report["entries"], report["pending"]) == (True, 2, 0)


MANY_ACTS = """
import sys
import django
django.setup()
from django.db import transaction
from django.utils import timezone
from evidence import custody
from evidence.values import Actor, Subject
for number in range(30):
    with transaction.atomic():
        custody.append(event_id=f"{sys.argv[1]}-{number}", event="matter.changed",
                       actor=Actor("system", "s"), subjects=[Subject("matter", "3a" * 16)],
                       details={}, at=timezone.now())
    custody.sequence_pending(7)
custody.sequence_pending()
"""


def test_processes_that_act_and_sequence_at_once_make_one_log_on_sqlite(
    run_manage, tmp_path, repository
):
    variables = {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "TRUETHREAD_VAR_DIR": str(tmp_path),
        "PYTHONPATH": str(repository),
    }
    running = [
        subprocess.Popen([sys.executable, "-c", MANY_ACTS, str(name)], env=variables)
        for name in range(3)
    ]
    assert [process.wait(PATIENCE) for process in running] == [0, 0, 0]

    report = json.loads(run_manage("recheck_custody", "--json", "--log-only").stdout)
    assert (report["holds"], report["entries"], report["pending"]) == (True, 91, 0)
