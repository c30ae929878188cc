"""What is judged in a process of its own gets the report it gets here."""

from __future__ import annotations

import os
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest

from evidence.management.attacks import own
from evidence.verify import beside, engine, offline


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    signed, authorities = own.sealed(
        tmp_path_factory.mktemp("sealed"), datetime.now(UTC) - timedelta(minutes=1)
    )
    return signed, [authorities.root.der]


@pytest.fixture
def second_thread():
    """Another thread of this process, without which nothing is judged elsewhere."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    yield
    done.set()
    thread.join()


@pytest.fixture
def started(monkeypatch):
    """Count the processes that are started; everything is large enough for one."""
    monkeypatch.setattr(beside, "WORTH_A_PROCESS", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    seen = []
    run = subprocess.run

    def counted(command, **options):
        seen.append(command)
        return run(command, **options)

    monkeypatch.setattr(subprocess, "run", counted)
    return seen


def told(report):
    """What a reader gets of a report."""
    value = report.to_dict()
    del value["seconds"]
    return value, report.marks


def test_a_file_judged_beside_gets_the_report_it_gets_here(sealed, second_thread, started):
    path, roots = sealed
    found = beside.verify(path, roots=roots)
    assert len(started) == 1
    assert found.passed
    assert told(found) == told(engine.verify(path, trust=offline.trust_of(roots)))


def test_an_altered_file_is_altered_beside_too(sealed, second_thread, started, tmp_path):
    path, roots = sealed
    altered = tmp_path / "altered.pdf"
    data = bytearray(path.read_bytes())
    data[data.index(b"stream") + 10] ^= 1
    altered.write_bytes(data)
    found = beside.verify(altered, roots=roots)
    assert len(started) == 1
    assert found.reason == "altered"
    assert told(found) == told(engine.verify(altered, trust=offline.trust_of(roots)))


def test_without_threads_or_for_a_small_file_no_process_is_started(sealed, started, monkeypatch):
    path, roots = sealed
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    assert beside.verify(path, roots=roots).passed
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    monkeypatch.setattr(beside, "WORTH_A_PROCESS", path.stat().st_size + 1)
    assert beside.verify(path, roots=roots).passed
    assert started == []


def test_a_process_that_cannot_be_started_is_said_in_the_log_and_done_without(
    sealed, second_thread, started, monkeypatch, tmp_path, caplog
):
    path, roots = sealed
    monkeypatch.setattr(beside, "WORKER", tmp_path / "absent.py")
    assert beside.verify(path, roots=roots).passed
    assert len(started) == 1
    assert "without a second process" in caplog.text
