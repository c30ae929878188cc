"""One bound for all processes of a machine: places, visits of one address, visits of everyone."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from django.conf import settings

from evidence.errors import BusyNow
from evidence.front.limits import Turnstile
from tests.patience import PATIENCE

CONTEXT = multiprocessing.get_context("fork")


def gate(**more) -> Turnstile:
    return Turnstile("test", **({"at_once": 1, "patience": 0.01, "per_minute": 3} | more))


def in_another_process(work) -> int:
    child = CONTEXT.Process(target=work)
    child.start()
    child.join(PATIENCE)
    return child.exitcode


def pass_once(address: str, **more) -> None:
    try:
        with gate(**more).passed(address):
            pass
    except BusyNow as error:
        os._exit(3 if error.code == "rate_limited" else 4)


def test_a_place_taken_by_one_process_is_taken_for_all():
    with gate().passed("a"):
        assert in_another_process(lambda: pass_once("b")) == 4
    assert in_another_process(lambda: pass_once("b")) == 0


def test_visits_of_all_processes_count_together():
    for _ in range(3):
        assert in_another_process(lambda: pass_once("a")) == 0
    assert in_another_process(lambda: pass_once("a")) == 3
    assert in_another_process(lambda: pass_once("b", together=3)) == 4
    assert in_another_process(lambda: pass_once("b")) == 0


def test_a_process_that_dies_inside_gives_its_place_back():
    def die() -> None:
        with gate().passed("a"):
            os._exit(9)

    assert in_another_process(die) == 9
    with gate().passed("b"):
        pass


def test_no_address_is_written_down():
    with gate().passed("203.0.113.77"):
        pass
    (counts,) = (Path(settings.TRUETHREAD_VAR_DIR) / "turnstiles").glob("test.seen")
    assert b"203.0.113" not in counts.read_bytes()


def test_a_damaged_count_starts_again_instead_of_shutting_everyone_out():
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "turnstiles"
    folder.mkdir(exist_ok=True)
    (folder / "test.seen").write_bytes(b"\xff" * 37)
    with gate().passed("a"):
        pass


@pytest.mark.parametrize("when", [-120.0, 120.0])
def test_visits_of_another_time_do_not_count(when, monkeypatch):
    one = gate(per_minute=1)
    with one.passed("a"):
        pass
    import time

    now = time.time()
    monkeypatch.setattr("evidence.front.limits.time.time", lambda: now + when)
    with one.passed("a"):
        pass
