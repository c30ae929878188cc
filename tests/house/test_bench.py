"""The bench measures the parts asked for, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from evidence.management import bench_api, bench_renderer, benchmark
from evidence.management.commands import bench


def test_each_part_can_be_measured_alone(monkeypatch):
    asked = []

    def part(name):
        def lines(what):
            asked.append((name, what.sizes, what.photos))
            yield f"line of {name}"

        return lines

    parts = {name: (what, part(name)) for name, (what, _) in bench.PARTS.items()}
    monkeypatch.setattr(bench, "PARTS", parts)
    out = StringIO()
    call_command("bench", "--only", "pipeline", "verdicts", "--sizes", "10", stdout=out)
    assert asked == [("pipeline", [10], 0), ("verdicts", [10], 0)]
    assert "line of pipeline" in out.getvalue()
    asked.clear()
    call_command("bench", "--full", stdout=out)
    assert [name for name, _, _ in asked] == list(parts)
    assert asked[0][1:] == ([*bench.SIZES, bench.FULL_SIZE], bench.PHOTOS)
    asked.clear()
    call_command("bench", "--full", "--divide", "1000", stdout=out)
    assert asked[0][1:] == ([1, 10, 100, 1_000], 1)


def test_the_renderer_is_set_beside_its_peers(monkeypatch):
    def compare(count, _fonts, engines):
        rate = {"ours": 18_000, "platypus": 3_000, "typst": 6_000}.get(engines[0])
        if rate is None:
            yield {"engine": engines[0], "error": ["not installed"]}
            return
        yield {
            "engine": engines[0], "messages": count, "seconds": 1.0, "cpu_seconds": 0.9,
            "messages_per_second": rate, "peak_mb": 90, "pages": 10, "bytes": 5_000_000,
        }  # fmt: skip

    monkeypatch.setattr(bench_renderer.bench, "compare", compare)
    printed = "\n".join(bench_renderer.lines(10_000, full=True, divide=1000))

    assert "6.0 times platypus, 3.0 times typst" in printed
    assert "not measured: ['not installed']" in printed
    assert printed.count("TrueThread  ") == 4


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="foreign tool missing: Linux's /proc"
)
def test_memory_counts_a_process_that_a_thread_started():
    command = [sys.executable, "-c", "input()"]
    with ThreadPoolExecutor(1) as threads:
        child = threads.submit(subprocess.Popen, command, stdin=subprocess.PIPE).result()
        assert child.pid in benchmark._children(os.getpid())
        child.communicate(b"\n")


def test_a_process_that_ends_while_it_is_looked_at_does_not_end_the_looking(monkeypatch):
    def gone(*_: object):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "glob", gone)
    assert benchmark._children(1) == []


@pytest.mark.parametrize("command", ["raise SystemExit(3)", "input()"])
def test_a_server_that_never_answers_is_not_waited_for_for_ever(monkeypatch, command):
    monkeypatch.setattr(bench_api, "START_SECONDS", 1)
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE) as server:
        with pytest.raises(RuntimeError, match="the server"):
            bench_api._wait(server, 9)  # nobody listens there
        server.kill()
