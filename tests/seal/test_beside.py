"""Sealing in a second process: the same leaves, and no message lost with the process."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from evidence.seal import LeafMaker, beside, seal_message
from tests.seal.test_seal import SM3_HERE, row, seed

BODIES = ["plain", "", "合同 2026 👍🏽", "lone \ud800 surrogate", "\x00\u202e", None]
MANY = [
    (replace(row(number), body=BODIES[number % len(BODIES)]), seed(number))
    for number in range(1, beside.WORTH_A_PROCESS + 1)
]


@pytest.mark.parametrize("sm3", [False, pytest.param(True, marks=SM3_HERE)])
def test_the_second_process_makes_the_same_leaves_in_the_same_order(sm3):
    here = [seal_message(one, secret, sm3=sm3) for one, secret in MANY]
    with LeafMaker(sm3=sm3) as leaves:
        answers = [leaves.ask(MANY), leaves.ask(MANY[::-1]), leaves.ask(MANY[:1])]
        assert leaves._thread.submit(lambda: leaves._process).result() is not None
        found = [answer.result() for answer in answers]
    assert found == [here, here[::-1], here[:1]]


def test_a_small_delivery_starts_no_process(monkeypatch):
    monkeypatch.setattr(beside.subprocess, "Popen", None)
    with LeafMaker() as leaves:
        assert leaves.ask(MANY[:2]).result() == [seal_message(*one) for one in MANY[:2]]


def test_sealing_goes_on_and_says_so_when_the_process_dies(caplog):
    with caplog.at_level(logging.WARNING), LeafMaker() as leaves:
        leaves.ask(MANY).result()
        leaves._process.kill()
        leaves._process.wait()
        assert leaves.ask(MANY).result() == [seal_message(*one) for one in MANY]
        assert leaves.ask(MANY).result() == [seal_message(*one) for one in MANY]
    assert [record.message[:25] for record in caplog.records] == ["sealing goes on without a"]


def test_the_process_ends_with_the_delivery():
    with LeafMaker() as leaves:
        leaves.ask(MANY).result()
        process = leaves._process
    assert process.returncode is not None


def test_a_value_without_a_canonical_form_is_refused_also_beside():
    bad = [*MANY, (row(1, details={"duration": 1.5}), seed(1))]
    with LeafMaker() as leaves, pytest.raises(ValueError, match="float"):
        leaves.ask(bad).result()
