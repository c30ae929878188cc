"""Nothing starts on a log that does not continue what was published."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

CHAT = """\
13/01/2024, 08:00 - Ana: Good morning
13/01/2024, 08:05 - 李雷: 收到了
"""


@pytest.fixture
def acquire(run_manage, tmp_path):
    """Take a chat of its own words in, as an operator does."""

    def take(words: str) -> None:
        chat = tmp_path / "chat.txt"
        chat.write_text(CHAT + f"13/01/2024, 08:06 - Ana: {words}\n", encoding="utf-8")
        done = run_manage("acquire", str(chat), "--timezone", "Europe/Madrid")
        assert done.returncode == 0, done.stderr

    return take


@pytest.fixture
def restored(run_manage, acquire, tmp_path: Path) -> Path:
    """A deployment whose database was put back to an older copy; the rest stayed."""
    database = tmp_path / "truethread.sqlite3"
    acquire("one")
    shutil.copy(database, tmp_path / "backup")
    acquire("two")
    shutil.copy(tmp_path / "backup", database)
    return tmp_path


@pytest.fixture
def served(repository, tmp_path):
    """Import the entry point of an application server in a process of its own."""

    def load(module: str, *, in_loop: bool = False) -> subprocess.CompletedProcess[str]:
        code = f"import {module}"
        if in_loop:
            code = f"import asyncio\nasync def main():\n    {code}\nasyncio.run(main())"
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=repository, capture_output=True,
            text=True, check=False, env={"TRUETHREAD_VAR_DIR": str(tmp_path)},
        )  # fmt: skip

    return load


@pytest.fixture
def _empty(run_manage, tmp_path) -> None:
    (tmp_path / "truethread.sqlite3").unlink()


@pytest.mark.usefixtures("_empty")
def test_an_empty_database_is_migrated_and_worked_on(run_manage, served):
    assert run_manage("migrate", "--verbosity", "0").returncode == 0
    assert run_manage("work", "--once").returncode == 0
    assert served("project.wsgi").returncode == 0
    assert served("project.asgi", in_loop=True).returncode == 0


@pytest.mark.usefixtures("_empty")
def test_a_database_that_is_not_migrated_is_left_to_migrate(run_manage, served):
    assert served("project.wsgi").returncode == 0
    assert run_manage("migrate", "evidence", "0001", "--verbosity", "0").returncode == 0
    assert run_manage("migrate", "--verbosity", "0").returncode == 0


@pytest.mark.parametrize("command", [("work", "--once"), ("serve",)])
def test_no_command_adds_to_a_restored_log(run_manage, restored, command):
    done = run_manage(*command)

    assert done.returncode == 1
    assert "evidence.E101" in done.stderr


@pytest.mark.parametrize(("module", "in_loop"), [("project.wsgi", False), ("project.asgi", True)])
def test_no_application_server_starts_on_a_restored_log(served, restored, module, in_loop):
    done = served(module, in_loop=in_loop)

    assert done.returncode != 0
    assert "evidence.E101" in done.stderr
