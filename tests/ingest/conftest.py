"""Files to read: other people's real exports beside the repository, and our own made-up ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from evidence.ingest import (
    Answers,
    Event,
    Examination,
    SeriesEnd,
    SeriesStart,
    chat_file,
    examine,
    gaps,
    questions,
    read,
)
from evidence.values import Message
from tests.conftest import SHARED_FIXTURES_ABSENT

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY.parent / "shared" / "fixtures" / "chats"
VECTORS = REPOSITORY / "tests" / "vectors" / "chats"


@dataclass
class Reading:
    """Everything one file gave under one set of answers."""

    examination: Examination
    events: list[Event]
    starts: list[SeriesStart] = field(default_factory=list)
    ends: list[SeriesEnd] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def kinds(self) -> list[str]:
        return [message.kind for message in self.messages]

    def senders(self) -> list[str | None]:
        return [str(m.sender["name"]) if m.sender else None for m in self.messages]

    def bodies(self) -> list[str | None]:
        return [message.body for message in self.messages]

    def utc(self) -> list[str | None]:
        return [str(m.time["utc"]) if m.time else None for m in self.messages]

    def codes(self) -> set[str]:
        return {warning.code for end in self.ends for warning in end.warnings}


def read_all(path: Path, name: str = "", **answers: str) -> Reading:
    """Read a file with these answers, the likeliest where none is given, and account for it."""
    examination = examine(path, name or path.name)
    for question in questions(path, examination, Answers(**answers)):
        first = "Europe/Berlin" if question.code == "timezone" else question.choices[0]
        answers.setdefault(question.code, first)
    events = list(read(path, examination, Answers(**answers)))
    assert gaps(chat_file(path, examination), events) == []
    reading = Reading(examination, events)
    for event in events:
        kept = {SeriesStart: reading.starts, SeriesEnd: reading.ends, Message: reading.messages}
        kept[type(event)].append(event)
    return reading


@pytest.fixture
def reading_of() -> Callable[..., Reading]:
    return read_all


@pytest.fixture
def fixture_named() -> Callable[[str], Path]:
    """Find a real export by the beginning of its name; skip where they are absent."""

    def find(prefix: str) -> Path:
        found = sorted(FIXTURES.glob(f"{prefix}*"))
        if not found:
            pytest.skip(SHARED_FIXTURES_ABSENT)
        return found[0]

    return find


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write bytes or text under a name and return the path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
