"""``kill -9`` at each phase, then the same command again: one whole bundle, one issued entry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.conftest import CHAT

PHASES = (
    "preparing", "stamping", "rendering", "signing", "packing", "self_verifying", "issuing",
)  # fmt: skip
Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stored(run_manage: Manage, tmp_path: Path) -> str:
    """A deployment of its own with one stored conversation; gives the conversation's id."""
    chat = tmp_path / "chat.txt"
    chat.write_text(CHAT, encoding="utf-8")
    done = run_manage("acquire", str(chat), "--timezone", "Europe/Madrid", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["conversations"][0]["id"])


def killed(phase: str, when: str, arguments: list[str], repository: Path, var: Path) -> int:
    script = repository / "tests" / "actions" / "killed_export.py"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
    own = {"DJANGO_SETTINGS_MODULE": "project.settings", "TRUETHREAD_VAR_DIR": str(var)}
    return subprocess.run(
        [sys.executable, str(script), phase, when, *arguments],
        cwd=repository,
        env=kept | own,
        capture_output=True,
        check=False,
    ).returncode


def one_whole_bundle(stored: str, phase: str, when: str, run_manage: Manage, repository: Path,
                     tmp_path: Path) -> None:  # fmt: skip
    out = tmp_path / "out"
    arguments = ["--conversation", stored, "--purpose", "debt", "--out", str(out), "--json"]
    assert killed(phase, when, arguments, repository, tmp_path) == -signal.SIGKILL
    assert not list(out.glob("*.zip"))

    again = run_manage("export", *arguments)

    assert again.returncode == 0, again.stderr
    answer = json.loads(again.stdout)
    (bundle,) = out.glob("*.zip")
    assert str(bundle) == answer["zip"]
    verified = run_manage("verify", str(bundle), "--json")
    assert json.loads(verified.stdout)["indication"] == "TOTAL_PASSED"
    checked = run_manage("recheck_custody", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert issued(tmp_path) == (1, 1, 1)
    assert not list((tmp_path / "work").iterdir())


def issued(var: Path) -> tuple[int, int, int]:
    """Return how many exports and entries "prepared" and "issued" the deployment has."""
    import sqlite3

    connection = sqlite3.connect(var / "truethread.sqlite3")
    try:
        count = "SELECT count(*) FROM custody_entry WHERE event = ?"
        (exports,) = connection.execute("SELECT count(*) FROM evidence_export").fetchone()
        (prepared,) = connection.execute(count, ("export.prepared",)).fetchone()
        (done,) = connection.execute(count, ("export.issued",)).fetchone()
    finally:
        connection.close()
    return exports, prepared, done


@pytest.mark.parametrize("phase", PHASES)
def test_killed_when_the_work_is_done_but_not_recorded(
    stored, phase, run_manage, repository, tmp_path
):
    one_whole_bundle(stored, phase, "after", run_manage, repository, tmp_path)


@pytest.mark.sweep
@pytest.mark.parametrize("phase", PHASES)
def test_killed_before_the_work_is_done(stored, phase, run_manage, repository, tmp_path):
    one_whole_bundle(stored, phase, "before", run_manage, repository, tmp_path)


def test_a_file_whose_storing_is_killed_again_and_again_is_stored_once(
    run_manage, repository, tmp_path
):
    """At three places, in a real process each time; what the dead left is gone in the end."""
    assert run_manage("migrate").returncode == 0
    chat = tmp_path / "chat.txt"
    chat.write_text(CHAT, encoding="utf-8")
    for point in ("rows", "seal", "after"):
        assert sent_in(chat, point, repository, tmp_path) == -signal.SIGKILL, point
    assert sent_in(chat, "never", repository, tmp_path) == 0
    assert counted(tmp_path) == {"upload": "stored", "acquisitions": 1, "series": 1, "received": 1}
    assert not list((tmp_path / "incoming").iterdir())


def sent_in(chat: Path, point: str, repository: Path, var: Path) -> int:
    script = repository / "tests" / "actions" / "killed_upload.py"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
    own = {"DJANGO_SETTINGS_MODULE": "project.settings", "TRUETHREAD_VAR_DIR": str(var)}
    return subprocess.run(
        [sys.executable, str(script), str(chat), point], cwd=repository, env=kept | own, check=False
    ).returncode


def counted(var: Path) -> dict[str, object]:
    import sqlite3

    connection = sqlite3.connect(var / "truethread.sqlite3")

    def one(query: str) -> object:
        return connection.execute(query).fetchone()[0]

    try:
        return {
            "upload": one("SELECT phase FROM evidence_upload"),
            "acquisitions": one("SELECT count(*) FROM evidence_acquisition"),
            "series": one("SELECT count(*) FROM evidence_series"),
            "received": one(
                "SELECT count(*) FROM custody_entry WHERE event = 'acquisition.received'"
            ),
        }
    finally:
        connection.close()
