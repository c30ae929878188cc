"""The backup and the restore that the README tells of, done word for word."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.surfaces import CHAT

pytestmark = pytest.mark.long


def steps(repository: Path, name: str) -> str:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- {name}:begin -->\n```sh\n(.*?)```", readme, re.DOTALL)[1]


@pytest.fixture
def machine(repository: Path, tmp_path: Path):
    """A copy of the project with a var folder of its own, and how to run commands in it."""

    class Machine:
        def __init__(self, name: str) -> None:
            self.folder = tmp_path / name
            self.folder.mkdir()
            for part in ("manage.py", "project", "evidence", "templates"):
                (self.folder / part).symlink_to(repository / part)
            (self.folder / "var").mkdir()
            (self.folder / "var" / "fonts").symlink_to(repository / "var" / "fonts")

        def sh(self, script: str) -> str:
            kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
            own = {
                "DJANGO_SETTINGS_MODULE": "project.settings",
                "TRUETHREAD_VAR_DIR": str(self.folder / "var"),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            }
            done = subprocess.run(
                ["sh", "-euc", script], cwd=self.folder, env=kept | own,
                capture_output=True, text=True, check=False, timeout=PATIENCE,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

    return Machine


def test_what_was_backed_up_lives_on_elsewhere_with_the_same_key(
    machine, repository, tmp_path, migrated
):
    first = machine("first")
    shutil.copyfile(migrated, first.folder / "var" / "truethread.sqlite3")
    (first.folder / "chat.txt").write_text(CHAT, encoding="utf-8")
    stored = first.sh("python manage.py acquire chat.txt --timezone Europe/Madrid --json")
    conversation = json.loads(stored)["conversations"][0]["id"]
    first.sh(f"python manage.py export --conversation {conversation} --purpose debt --out out")
    first.sh(steps(repository, "backup"))
    shutil.move(first.folder / "var/keys", tmp_path / "offline")

    second = machine("second")
    shutil.move(first.folder / "backup", second.folder / "backup")
    shutil.rmtree(first.folder)
    shutil.move(tmp_path / "offline", second.folder / "var/keys")
    second.sh(steps(repository, "restore"))
    second.sh(f"python manage.py export --conversation {conversation} --purpose debt --out out")
    (bundle,) = (second.folder / "out").glob("*.zip")
    verdict = second.sh(f"python manage.py verify {bundle} --json")
    assert json.loads(verdict)["indication"] == "TOTAL_PASSED"
