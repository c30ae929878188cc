"""What judging costs: seconds per file, in this process and through the pool, and the worst file."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from evidence.verify import engine, offline, pdf, worker
from evidence.verify.limited import Bounds
from evidence.verify.pool import Pool

RUNS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """One measured line. seconds: the median of several runs after one to warm up."""

    name: str
    seconds: float
    indication: str


def measure(name: str, path: Path, roots: Sequence[bytes], *, runs: int = RUNS) -> Cost:
    """Return what judging the file at ``path`` costs in this process, warm.

    Certificates met before are remembered in this process (``x509``); ``pooled`` has no such help.
    """
    trust = offline.trust_of(roots)
    report = engine.verify(path, trust=trust)
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        engine.verify(path, trust=trust)
        taken.append(time.perf_counter() - started)
    return Cost(name, median(taken), report.indication)


def answers_per_second(
    path: Path, roots: Sequence[bytes], *, clients: int = 8, answers: int = 80
) -> float:
    """Return how many verdicts a pool of two workers gives ``clients`` threads in a second."""
    pool = Pool(2)
    try:
        for _ in range(2):
            pool.judge(path, path.name, roots=roots)
        started = time.perf_counter()
        with ThreadPoolExecutor(clients) as threads:
            list(
                threads.map(
                    lambda _: pool.judge(path, path.name, roots=roots).reason, range(answers)
                )
            )
        return answers / (time.perf_counter() - started)
    finally:
        pool.close()


def pooled(path: Path, roots: Sequence[bytes], pool: Pool, *, runs: int = RUNS) -> float:
    """Return the median seconds a verdict takes through a warm pool.

    Each file is judged by a fresh child there, so nothing that was remembered about it helps:
    this is what a page or the API waits for.
    """
    taken = []
    pool.judge(path, path.name, roots=roots)
    for _ in range(runs):
        started = time.perf_counter()
        pool.judge(path, path.name, roots=roots)
        taken.append(time.perf_counter() - started)
    return median(taken)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one file cost the process that judged it: CPU seconds and peak memory."""

    name: str
    reason: str
    cpu_seconds: float
    peak_mb: float


def costs(paths: Sequence[Path], roots: Sequence[bytes]) -> list[Spent]:
    """Return what each hostile file costs, judged by a child under the limits of a page.

    The children are forked from a small process of their own, as a worker's are: the limit of memory
    counts what a child inherits.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=pdf.load) as small:
        return list(small.map(_cost, paths, repeat(roots)))


def worst(spent: Sequence[Spent]) -> tuple[Spent, Spent]:
    """Return the files that cost most time and most memory."""
    return max(spent, key=lambda one: one.cpu_seconds), max(spent, key=lambda one: one.peak_mb)


def _cost(path: Path, roots: Sequence[bytes]) -> Spent:
    """Judge one file in a child under the limits of a page, and return what the system counted."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            bounds = Bounds()
            worker.confine({"memory_bytes": bounds.memory_bytes, "cpu_seconds": bounds.cpu_seconds})
            report = engine.verify(path, trust=offline.trust_of(roots), processes=1)
            os.write(theirs, report.reason.encode())
        finally:
            os._exit(0)
    os.close(theirs)
    said = os.read(ours, 100).decode() or "ended by a limit"
    os.close(ours)
    _, _, used = os.wait4(child, 0)
    return Spent(path.name, said, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
