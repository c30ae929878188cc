"""Plug-in: stored conversations and issued bundles of a person, for tests through the surfaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.values import Actor

CHAT = """\
13/01/2024, 08:00 - Ana: Good morning, did the 500 euros arrive?
13/01/2024, 08:05 - 李雷: 收到了，谢谢你。
13/01/2024, 08:06 - Ana: <script>alert(1)</script> {{ 7|add:7 }} & "quoted"
13/01/2024, 09:15 - 李雷: evil\u202etxt.exe and =HYPERLINK("x")
14/01/2024, 10:00 - Ana: <Media omitted>
14/01/2024, 10:01 - Ana: See you at noon
"""


def flipped(data: bytes) -> bytes:
    """Return ``data`` with its last bit the other way round: surely something else, unlike with a
    byte of one's choice in its place."""
    return bytes(data)[:-1] + bytes([bytes(data)[-1] ^ 1])


def _person(actor: Any) -> Actor:
    return Actor("person", actor.user.public_id, actor.user.get_username())


@pytest.fixture
def chat_text() -> str:
    """An exported chat with hostile text in it; its dates are clear, its time zone is not."""
    return CHAT


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Any]:
    """Store a chat for a person and return its series; partner: what tells conversations apart."""
    from evidence.actions.acquire_file import acquire_file
    from evidence.ingest import Answers
    from evidence.models import Series

    def store(actor: Any, text: str = CHAT, partner: str = "") -> Series:
        path = tmp_path / f"WhatsApp Chat with {partner or 'Li Lei'}.txt"
        text = text.replace("李雷", partner) if partner else text
        path.write_text(text, encoding="utf-8")
        result = acquire_file(
            organisation=actor.organisation,
            actor=_person(actor),
            path=path,
            name=path.name,
            answers=Answers(timezone="Europe/Madrid", owner="Ana"),
            at=timezone.now(),
            user=actor.user,
        )
        return Series.objects.get(acquisition=result.acquisition)

    return store


@pytest.fixture
def requested(stored: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for a bundle of a person's chat and return the export, with nothing done for it yet."""
    from evidence.actions.request_export import ExportOptions
    from evidence.front.exporting import ask_for_export
    from evidence.models import Export
    from evidence.select import Choice

    def request(actor: Any) -> Export:
        return ask_for_export(
            organisation=actor.organisation,
            actor=_person(actor),
            user=actor.user,
            matter_name="Loan",
            choices=[(stored(actor), Choice())],
            options=ExportOptions(requester="Ana"),
            at=timezone.now(),
        )

    return request


@pytest.fixture
def issued(requested: Callable[..., Any]) -> Callable[..., Any]:
    """Have the bundle of a person's chat made and return the issued export."""
    from evidence.actions.advance import run_to_end
    from evidence.models import Export, Job

    def make(actor: Any) -> Export:
        export = requested(actor)
        job = run_to_end(export.job.pk)
        assert (job.phase, job.error_code) == (Job.Phase.READY, "")
        return Export.objects.get(pk=export.pk)

    return make


@pytest.fixture
def content() -> Callable[[Any], bytes]:
    """Give the bytes of an answer, streamed or not; reading to the end closes it."""

    def read(answer: Any) -> bytes:
        return b"".join(answer.streaming_content) if answer.streaming else answer.content

    return read
