"""Random bytes of a good bundle changed, thousands of times: none is TOTAL_PASSED, none raises."""

from __future__ import annotations

import random

import pytest

SEED = 20260314


def mutant(data: bytes, chance: random.Random) -> bytes:
    """Return ``data`` with one to four bytes changed, cut out, doubled or put in."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(changed))
        kind = chance.random()
        if kind < 0.85:
            changed[at] ^= chance.randrange(1, 256)
        elif kind < 0.9:
            del changed[at]
        elif kind < 0.95:
            changed.insert(at, chance.randrange(256))
        else:
            changed[at:at] = changed[at : at + chance.randrange(1, 64)]
    return bytes(changed)


def none_passes(service, judge, count: int, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same mutants every time
    for path in (service.bundle, service.excerpt):
        good = path.read_bytes()
        for number in range(count // 2):
            bad = mutant(good, chance)
            if bad == good:
                continue
            report = judge(bad)
            assert report.indication != "TOTAL_PASSED", (path.name, seed, number, report.to_json())


def test_two_hundred_mutants_of_a_bundle_never_pass(service, judge):
    none_passes(service, judge, 200, SEED)


@pytest.mark.sweep
def test_five_thousand_mutants_of_a_bundle_never_pass(service, judge):
    none_passes(service, judge, 5_000, SEED + 1)
