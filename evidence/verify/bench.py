"""What judging costs: seconds per file, warm, and how many answers the pool gives in a second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from evidence.verify import engine, offline
from evidence.verify.pool import Pool

RUNS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """One measured line. seconds: the median of several runs after one to warm up."""

    name: str
    seconds: float
    indication: str


def measure(name: str, path: Path, roots: Sequence[bytes], *, runs: int = RUNS) -> Cost:
    """Return what judging the file at ``path`` costs in this process, warm."""
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


def worst(paths: Sequence[Path], roots: Sequence[bytes]) -> Cost:
    """Return the costliest of some hostile files, each judged once by a pool."""
    pool = Pool(1)
    try:
        costs = []
        for path in paths:
            started = time.perf_counter()
            report = pool.judge(path, path.name, roots=roots)
            costs.append(Cost(path.name, time.perf_counter() - started, report.reason))
        return max(costs, key=lambda cost: cost.seconds)
    finally:
        pool.close()
