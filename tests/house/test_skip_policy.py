"""Skips are named, or failures where everything is required; the network is out of reach."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

pytestmark = pytest.mark.long

LEFT_OUT = {"REQUIRE_ALL", "SWEEPS", "TRUETHREAD_DATABASE_URL"}
SAMPLE = """
import pytest

@pytest.mark.foreign_tool("no-such-tool")
def test_with_a_tool():
    pass

def test_with_shared_fixtures():
    pytest.skip("shared fixtures are absent")

@pytest.mark.sweep
def test_that_takes_minutes():
    pass

def test_of_a_race(postgresql):
    pass

def test_that_passes():
    pass
"""


@pytest.fixture
def run_sample(repository: Path, tmp_path: Path):
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "test_sample.py").write_text(SAMPLE)
        clean = {k: v for k, v in os.environ.items() if k not in LEFT_OUT}
        return subprocess.run(
            [
                sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "tests.conftest",
                "-p", "no:randomly", "-p", "no:schemathesis", *arguments, str(tmp_path),
            ],
            cwd=repository, env=clean | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_a_missing_tool_is_named_and_a_sweep_left_out(run_sample):
    run = run_sample()
    assert run.returncode == 0, run.stdout
    assert "1 tests: foreign tool missing: no-such-tool" in run.stdout
    assert "1 passed, 3 skipped, 1 deselected" in run.stdout


def test_a_skip_fails_where_all_is_required_but_for_absent_fixtures(run_sample):
    run = run_sample(REQUIRE_ALL="1", SWEEPS="1")
    assert run.returncode == 1
    assert "Skipped although REQUIRE_ALL is set: foreign tool missing: no-such-tool" in run.stdout
    assert "2 passed, 1 skipped, 1 deselected, 1 error" in run.stdout


def test_side_by_side_the_same_is_left_out_named_and_refused(run_sample):
    run = run_sample("-n2", REQUIRE_ALL="1")
    assert run.returncode == 1
    assert "Skipped although REQUIRE_ALL is set: foreign tool missing: no-such-tool" in run.stdout
    assert "1 tests: shared fixtures are absent" in run.stdout
    assert "2 tests: left to another run" in run.stdout
    assert "1 passed, 1 skipped, 1 error" in run.stdout


def test_no_test_reaches_beyond_loopback():
    with pytest.raises((SocketConnectBlockedError, UserWarning), match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 9), timeout=1)
