"""The log loses entries, or changes its key: exports go on, and every bundle still verifies."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.actions.conftest import CHAT

pytestmark = pytest.mark.long


class Deployment:
    """A service with a database of its own, used through its commands as an operator does."""

    def __init__(self, run_manage, folder: Path) -> None:
        self._manage, self.folder, self._count = run_manage, folder, 0

    def run(self, *arguments: str, status: int = 0) -> str:
        done = self._manage(*arguments)
        assert done.returncode == status, done.stdout + done.stderr
        return str(done.stdout)

    def acquire(self, words: str = "") -> str:
        chat = self.folder / f"chat{words}.txt"
        more = f"14/01/2024, 10:02 - Ana: {words}\n" if words else ""
        chat.write_text(CHAT + more, encoding="utf-8")
        answer = self.run("acquire", str(chat), "--timezone", "Europe/Madrid", "--json")
        return str(json.loads(answer)["conversations"][0]["id"])

    def export(self, conversation: str) -> Path:
        self._count += 1
        out = self.folder / f"out-{self._count}"
        answer = self.run("export", "--conversation", conversation, "--out", str(out), "--json")
        return Path(json.loads(answer)["zip"])

    def refusal(self, conversation: str) -> str:
        """Return the code with which an export is refused."""
        out = str(self.folder / "refused")
        answer = self.run(
            "export", "--conversation", conversation, "--out", out, "--json", status=2
        )
        return str(json.loads(answer)["error"])

    def verified(self, path: Path) -> dict:
        return json.loads(self.run("verify", str(path), "--json"))

    def back_up(self) -> None:
        shutil.copy(self.folder / "truethread.sqlite3", self.folder / "backup")

    def restore(self) -> None:
        shutil.copy(self.folder / "backup", self.folder / "truethread.sqlite3")


@pytest.fixture
def deployment(run_manage, tmp_path) -> Deployment:
    return Deployment(run_manage, tmp_path)


def detail(report: dict, check: str) -> str:
    return " ".join(one["detail"] for one in report["findings"] if one["check"] == check)


def test_after_a_loss_a_new_epoch_opens_and_every_bundle_verifies(deployment):
    kept = deployment.acquire()
    before = deployment.export(kept)
    deployment.back_up()
    lost = deployment.export(deployment.acquire("lost"))
    deployment.restore()
    assert deployment.refusal(kept) == "log_inconsistent"
    deployment.run("work", "--once", status=1)

    deployment.run("open_log_epoch", "--loss", "The disk failed.")

    deployment.run("work", "--once")
    after = deployment.export(kept)
    new = deployment.export(deployment.acquire("new"))
    for path in (before, lost, after, new):
        assert deployment.verified(path)["indication"] == "TOTAL_PASSED"
    recheck = json.loads(deployment.run("recheck_custody", "--json"))
    assert (recheck["holds"], recheck["problems"]) == (True, [])


def test_a_rotated_key_signs_on_and_every_bundle_verifies(deployment):
    conversation = deployment.acquire()
    before = deployment.export(conversation)
    old = (deployment.folder / "keys" / "log.pem").read_bytes()

    deployment.run("rotate_log_key", status=1)
    deployment.run("rotate_log_key", "--yes")

    after = deployment.export(conversation)
    assert (deployment.folder / "keys" / "log.pem").read_bytes() != old
    assert not (deployment.folder / "keys" / "log-next.pem").exists()
    for path in (before, after):
        assert deployment.verified(path)["indication"] == "TOTAL_PASSED"
    assert "not the log's any more" in detail(deployment.verified(after), "log")
    since = [detail(deployment.verified(path), "stored_by") for path in (before, after)]
    assert since[0] == since[1]
    recheck = json.loads(deployment.run("recheck_custody", "--json"))
    assert (recheck["holds"], recheck["problems"]) == (True, [])


def test_a_rotation_that_was_interrupted_goes_on(deployment):
    conversation = deployment.acquire()
    keys = deployment.folder / "keys"
    shutil.copy(keys / "log.pem", deployment.folder / "old.pem")
    deployment.run("rotate_log_key", "--yes")
    (keys / "log.pem").replace(keys / "log-next.pem")
    shutil.copy(deployment.folder / "old.pem", keys / "log.pem")
    assert deployment.refusal(conversation) == "log_inconsistent"

    deployment.run("rotate_log_key", "--yes")

    assert deployment.verified(deployment.export(conversation))["indication"] == "TOTAL_PASSED"
    assert json.loads(deployment.run("recheck_custody", "--json"))["entries"] > 0
