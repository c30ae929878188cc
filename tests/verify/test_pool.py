"""Strangers' files are judged in confined processes: warm, alone, and without a way out."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.management.attacks import doubtful, keys, paper
from evidence.management.attacks.honest import Maker
from evidence.verify import bench, engine, limited, offline, pool
from evidence.verify.limited import Bounds, verify_limited

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def maker():
    return Maker(keys.make_pki(NOW))


@pytest.fixture(scope="module")
def signed(maker, tmp_path_factory):
    path = tmp_path_factory.mktemp("signed") / "signed.pdf"
    path.write_bytes(maker.archived(paper.plain()))
    return path


@pytest.fixture
def workers():
    made = pool.Pool(2)
    yield made
    made.close()


def simplified(report):
    return [
        (one.check, one.outcome, one.required, one.detail, one.where) for one in report.findings
    ]


def test_pool_single_shot_and_engine_say_the_same(workers, maker, signed):
    roots = [maker.pki.root.der]
    expected = engine.verify(signed, trust=offline.trust_of(roots))
    pooled = workers.judge(signed, "a.pdf", roots=roots)
    single = verify_limited(signed, "a.pdf", roots=roots)

    assert expected.indication == pooled.indication == single.indication == "TOTAL_PASSED"
    assert simplified(pooled) == simplified(single) == simplified(expected)
    assert pooled.file == "a.pdf"


def test_a_second_file_does_not_wait_for_python_to_start(workers, maker, signed):
    workers.judge(signed, "a.pdf", roots=[])
    (first,) = filter(None, workers._places.queue)
    workers.judge(signed, "a.pdf", roots=[])
    (second,) = filter(None, workers._places.queue)

    assert second._process.pid == first._process.pid
    assert second.served == 2


def test_threads_share_the_workers(workers, signed):
    answers = []

    def ask():
        answers.append(workers.judge(signed, "a.pdf", roots=[]).reason)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["signer_not_trusted"] * 6


@pytest.mark.parametrize(
    "bounds", [Bounds(wall_seconds=0), Bounds(memory_bytes=1 << 20), Bounds(file_bytes=10)]
)
def test_a_file_that_costs_too_much_is_too_large_and_the_next_one_is_judged(
    bounds, workers, signed
):
    refused = workers.judge(signed, "a.pdf", roots=[], bounds=bounds)
    after = workers.judge(signed, "a.pdf", roots=[])

    assert (refused.indication, refused.reason) == ("INDETERMINATE", "limits_exceeded")
    assert after.reason == "signer_not_trusted"


def test_a_killed_worker_is_replaced(workers, signed):
    workers.judge(signed, "a.pdf", roots=[])
    for worker in filter(None, workers._places.queue):
        worker._process.kill()

    assert workers.judge(signed, "a.pdf", roots=[]).reason == "signer_not_trusted"


def test_a_worker_is_replaced_after_enough_files(workers, signed, monkeypatch):
    monkeypatch.setattr(pool, "FILES_PER_WORKER", 1)
    workers.judge(signed, "a.pdf", roots=[])

    assert workers._places.queue == [None, None]
    assert workers.judge(signed, "a.pdf", roots=[]).reason == "signer_not_trusted"


def test_without_a_worker_the_file_is_judged_by_a_process_of_its_own(workers, signed, monkeypatch):
    monkeypatch.setattr(pool, "_started", lambda: None)

    assert workers.judge(signed, "a.pdf", roots=[]).reason == "signer_not_trusted"


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b"{}", b'{"died": "x"}', b"null", b"\xff"])
def test_any_answer_of_a_worker_becomes_a_report(answer):
    report = limited.report_of(answer, "a.pdf", Bounds())

    assert report.indication == "INDETERMINATE"
    assert report.reason == "unreadable"


ESCAPE = """
import importlib.util, socket, subprocess, sys
spec = importlib.util.spec_from_file_location("worker", sys.argv[1])
worker = importlib.util.module_from_spec(spec)
spec.loader.exec_module(worker)
worker.confine({"memory_bytes": 1 << 30, "cpu_seconds": 20})
def is_refused(act):
    try:
        act()
    except OSError:
        return True
    return False
ways = (
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.socket(),
    lambda: socket.getaddrinfo("localhost", 80),
    lambda: subprocess.run(["true"]),
    lambda: __import__("os").fork(),
    lambda: __import__("os").system("true"),
)
print([is_refused(way) for way in ways])
"""


def test_a_confined_process_reaches_neither_network_nor_other_programs():
    done = subprocess.run(
        [sys.executable, "-c", ESCAPE, str(limited.WORKER)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str([True] * 6)


def test_a_confined_process_writes_nothing(tmp_path):
    code = ESCAPE.partition("def is_refused")[0] + "open(sys.argv[2], 'wb').write(b'x')"
    subprocess.run(
        [sys.executable, "-c", code, str(limited.WORKER), str(tmp_path / "x")],
        capture_output=True,
        check=False,
    )
    assert (tmp_path / "x").stat().st_size == 0


def test_the_bench_names_the_costliest_file_and_what_it_cost(tmp_path):
    small, heavy = tmp_path / "small.pdf", tmp_path / "heavy.pdf"
    small.write_bytes(b"%PDF-1.7\n")
    heavy.write_bytes(doubtful.bombs()["flate bomb"][0])

    slow, large = bench.worst(bench.costs([small, heavy], []))

    assert {slow.name, large.name} <= {"small.pdf", "heavy.pdf"}
    assert slow.cpu_seconds > 0
    assert 10 < large.peak_mb < 1200
    assert slow.reason == {"small.pdf": "unreadable", "heavy.pdf": "no_signature"}[slow.name]


def test_a_large_process_measures_what_a_small_one_does(tmp_path):
    """What this process has in its memory is no part of what a file may need."""
    (tmp_path / "small.pdf").write_bytes(b"%PDF-1.7\n")
    ballast = bytearray(Bounds().memory_bytes)

    (slow,) = bench.costs([tmp_path / "small.pdf"], [])

    assert (len(ballast), slow.reason) == (Bounds().memory_bytes, "unreadable")
