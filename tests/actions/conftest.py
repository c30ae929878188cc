"""Stored conversations and bundles to act on, through the real actions."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.actions.acquire_file import AcquireResult, acquire_file
from evidence.actions.create_account import create_organisation
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
from evidence.ingest import Answers
from evidence.models import Export, Organisation, Series
from evidence.select import Choice
from evidence.values import Actor

CHAT = """\
13/01/2024, 08:00 - Ana: Good morning, did the 500 euros arrive?
13/01/2024, 08:05 - 李雷: 收到了，谢谢你。
13/01/2024, 08:06 - Ana: You deleted this message
13/01/2024, 09:15 - 李雷: My number is 13800138000
14/01/2024, 10:00 - Ana: <Media omitted>
14/01/2024, 10:01 - Ana: See you at noon
"""

OPERATOR = Actor("operator", "tester", "tester")


@pytest.fixture
def organisation(db: None) -> Organisation:
    return create_organisation(name="Ana", is_personal=True, at=timezone.now())


@pytest.fixture(scope="session")
def with_a_chat(made_once: Any, migrated: Path, run_in: Any) -> Path:
    """A var folder in which a command has stored ``CHAT``, to be copied, and its answer."""

    def fill(folder: Path) -> None:
        shutil.copyfile(migrated, folder / "truethread.sqlite3")
        (folder / "chat.txt").write_text(CHAT, encoding="utf-8")
        done = run_in(folder)(
            "manage.py",
            "acquire",
            str(folder / "chat.txt"),
            "--timezone",
            "Europe/Madrid",
            "--json",
        )
        assert done.returncode == 0, done.stderr
        (folder / "answer.json").write_text(done.stdout, encoding="utf-8")

    return made_once("with-a-chat", fill)


@pytest.fixture
def stored_chat(with_a_chat: Path, run_python: Any, tmp_path: Path) -> str:
    """Let the deployment of ``run_manage`` have a stored conversation; give its id."""
    shutil.copytree(with_a_chat, tmp_path, dirs_exist_ok=True)
    answer = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    return str(answer["conversations"][0]["id"])


Acquire = Callable[..., AcquireResult]


@pytest.fixture
def acquire(organisation: Organisation, tmp_path: Path) -> Acquire:
    """Take a chat text in; keywords: name, timezone, date_order, owner, organisation."""

    def take(text: str | bytes = CHAT, **stated: Any) -> AcquireResult:
        path = tmp_path / stated.pop("name", "WhatsApp Chat with Li Lei.txt")
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        owner = stated.pop("organisation", organisation)
        answers = Answers(
            timezone=stated.get("timezone", "Europe/Madrid"),
            date_order=stated.get("date_order"),
            owner=stated.get("owner", "Ana"),
        )
        return acquire_file(
            organisation=owner,
            actor=OPERATOR,
            path=path,
            name=path.name,
            answers=answers,
            at=timezone.now(),
        )

    return take


@pytest.fixture
def series(acquire: Acquire) -> Series:
    """The stored conversation of ``CHAT``."""
    return Series.objects.get(acquisition=acquire().acquisition)


Ask = Callable[..., Export]


@pytest.fixture
def ask(series: Series) -> Ask:
    """Ask for a bundle of the stored conversation; keywords are those of Choice and options."""

    def request(choice: Choice | None = None, at: datetime | None = None, **options: Any) -> Export:
        now = at or timezone.now()
        matter = open_matter(
            organisation=series.organisation, actor=OPERATOR, name="Loan", purpose="debt", at=now
        )
        selection = freeze_selection(
            organisation=series.organisation,
            actor=OPERATOR,
            matter=matter,
            choices=[(series, choice or Choice())],
            at=now,
        )
        return request_export(
            selection=selection, actor=OPERATOR, options=ExportOptions(**options), at=now
        )

    return request
