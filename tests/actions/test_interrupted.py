"""``kill -9`` at each phase, then the same command again: one whole bundle, one issued entry."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.conftest import CHAT

pytestmark = pytest.mark.long

PHASES = (
    "preparing", "stamping", "rendering", "signing", "packing", "self_verifying", "issuing",
)  # fmt: skip
Run = Callable[..., subprocess.CompletedProcess[str]]


def one_whole_bundle(
    stored_chat: str, phase: str, when: str, run_python: Run, run_manage: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["--conversation", stored_chat, "--purpose", "debt", "--out", str(out), "--json"]
    killed = run_python("tests/actions/killed_export.py", phase, when, *arguments)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
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
    stored_chat, phase, run_python, run_manage, tmp_path
):
    one_whole_bundle(stored_chat, phase, "after", run_python, run_manage, tmp_path)


@pytest.mark.sweep
@pytest.mark.parametrize("phase", PHASES)
def test_killed_before_the_work_is_done(stored_chat, phase, run_python, run_manage, tmp_path):
    one_whole_bundle(stored_chat, phase, "before", run_python, run_manage, tmp_path)


def test_a_file_whose_storing_is_killed_again_and_again_is_stored_once(run_python, tmp_path):
    """At three places, in a real process each time; what the dead left is gone in the end."""
    chat = tmp_path / "chat.txt"
    chat.write_text(CHAT, encoding="utf-8")
    for point in ("rows", "seal", "after", "never"):
        sent = run_python("tests/actions/killed_upload.py", str(chat), point)
        assert sent.returncode == (0 if point == "never" else -signal.SIGKILL), sent.stderr
    assert counted(tmp_path) == {"upload": "stored", "acquisitions": 1, "series": 1, "received": 1}
    assert not list((tmp_path / "incoming").iterdir())


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
