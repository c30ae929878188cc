"""A deployment with real stored data in every state a page can show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from evidence.values import Actor

CHAT = """\
13/01/2024, 08:00 - Ana: Good morning, did the 500 euros arrive?
13/01/2024, 08:05 - 李雷: 收到了，谢谢你。
13/01/2024, 09:15 - Ana: My account is DE02 1203 0000 0000 2020 51
14/01/2024, 10:00 - Ana: <Media omitted>
14/01/2024, 10:01 - Ana: See you at noon
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """Who and what there is. alice: has everything; dora: came today and has nothing."""

    alice: Any
    dora: Any
    auditor: Any
    telegram: Any
    wechat: Any
    small: Any
    again: Any
    ready: Any
    failed: Any
    running: Any
    withdrawn: Any
    draft: Any
    empty_draft: Any
    questions: str
    invitation: str
    consent: str
    bundle: Path
    altered: Path


def set_stage(folder: Path, alice: Any) -> Stage:
    """Store the samples and bring exports into every state; takes some seconds."""
    from evidence import samples
    from evidence.actions.stamp_log import stamp_log
    from evidence.management.demonstration import demo_folder, write_altered

    now = timezone.now()
    sources = {path.name: path for path in samples.build(demo_folder() / "source")}
    telegram = acquired(alice, sources[samples.TELEGRAM])
    wechat = acquired(alice, sources[samples.WECHAT], timezone=samples.TIMEZONE)
    small = acquired(alice, _chat(folder), timezone="Europe/Madrid", owner="Ana")
    again = acquired(alice, _chat(folder), timezone="Asia/Shanghai", owner="Ana")
    stamp_log(now)
    ready = ended(requested(alice, [telegram, wechat], "Lin Yue v. Omar Haddad"))
    failed = _failed(requested(alice, [small], "Loan"))
    withdrawn = _withdrawn(alice, ended(requested(alice, [small], "Loan")), now)
    running = _running(requested(alice, [wechat], "Lin Yue v. Omar Haddad"))
    bundle = _saved(ready, demo_folder() / "sample-bundle.zip")
    altered = demo_folder() / "sample-bundle-altered.zip"
    write_altered(bundle, altered)
    return Stage(
        alice, _newcomer(), _auditor(alice, now), telegram, wechat, small, again, ready, failed, running,
        withdrawn, _draft(alice, [telegram, small], now), _draft(alice, [], now), _waiting(alice), _invitation(alice), _consent(alice),
        bundle, altered,
    )  # fmt: skip


def actor_of(person: Any) -> Actor:
    return Actor("person", person.user.public_id, person.user.get_username())


def acquired(person: Any, path: Path, **answers: str) -> Any:
    """Store a chat for a person and return its series."""
    from evidence.actions.acquire_file import acquire_file
    from evidence.ingest import Answers
    from evidence.models import Series
    from evidence.samples import OWNER

    result = acquire_file(
        organisation=person.organisation, actor=actor_of(person), path=path, name=path.name,
        answers=Answers(**{"owner": OWNER} | answers), at=timezone.now(), user=person.user,
    )  # fmt: skip
    return Series.objects.get(acquisition=result.acquisition)


def requested(person: Any, series: Sequence[Any], matter: str) -> Any:
    """Ask for a bundle of whole conversations and return the export."""
    from evidence.actions.request_export import ExportOptions
    from evidence.front.exporting import ask_for_export
    from evidence.select import Choice

    return ask_for_export(
        organisation=person.organisation, actor=actor_of(person), user=person.user,
        matter_name=matter, choices=[(one, Choice()) for one in series],
        options=ExportOptions(requester="Lin Yue", jurisdiction="eu", purpose="loan"),
        at=timezone.now(),
    )  # fmt: skip


def ended(export: Any) -> Any:
    from evidence.actions.advance import run_to_end
    from evidence.models import Job

    job = run_to_end(export.job.pk)
    assert (job.phase, job.error_code) == (Job.Phase.READY, "")
    export.refresh_from_db()
    return export


def _failed(export: Any) -> Any:
    """Let the job of an export fail as jobs do: no time-stamp authority answers."""
    from django.test import override_settings

    from evidence.actions.advance import run_to_end

    dead = {"TRUETHREAD_TSA_URLS": ["http://127.0.0.1:9/"], "TRUETHREAD_TSA_TIMEOUT": 1}
    with override_settings(**dead):
        assert run_to_end(export.job.pk).phase == "failed"
    export.refresh_from_db()
    return export


def _running(export: Any) -> Any:
    from evidence.actions.advance import advance

    for _ in range(2):
        advance(export.job.pk, at=timezone.now())
    return export


def _withdrawn(person: Any, export: Any, now: datetime) -> Any:
    from evidence.actions.withdraw_bundle import withdraw_bundle

    withdraw_bundle(export=export, actor=actor_of(person), reason="Wrong period", at=now)
    export.refresh_from_db()
    return export


def _saved(export: Any, place: Path) -> Path:
    from evidence.actions.deliver import download, released

    (one,) = [artifact for artifact in released(export) if artifact.name.endswith(".zip")]
    with download(artifact=one, actor=Actor("system", "test"), at=timezone.now()) as file:
        place.write_bytes(file.read())
    return place


def _newcomer() -> Any:
    from tests.conftest import _person, _signed_in

    return _signed_in(*_person("dora", timezone.now()))


def _auditor(alice: Any, now: datetime) -> Any:
    from evidence.models import Membership
    from tests.conftest import _person, _signed_in

    user, _own = _person("erik", timezone.now())
    Membership.objects.filter(user=user).delete()
    Membership.objects.create(
        organisation=alice.organisation, user=user, role=Membership.Role.AUDITOR, created_at=now
    )
    return _signed_in(user, alice.organisation)


def _draft(person: Any, series: Sequence[Any], now: datetime) -> Any:
    from evidence.actions.keep_draft import begin_draft

    state: dict[str, Any] = {"conversations": [one.public_id for one in series]}
    if series:
        state["purpose"] = {
            "matter": "Lin Yue v. Omar Haddad", "purpose": "loan", "jurisdiction": "eu",
            "language": "en", "paper": "A4", "style": "record",
        }  # fmt: skip
        state["authority"] = {"requester": "Lin Yue", "authority": "own records"}
        hidden = {"5": {"targets": ["body"], "reason": "Private"}}
        state["redaction"] = {series[0].public_id: hidden}
    return begin_draft(
        organisation=person.organisation, user=person.user, state=state, at=timezone.now()
    )


def _chat(folder: Path, text: str = CHAT) -> Path:
    path = folder / "WhatsApp Chat with Li Lei.txt"
    path.write_text(text, encoding="utf-8")
    return path


def _waiting(person: Any) -> str:
    """Deliver a file that leaves questions and return the address of the questions."""
    file = SimpleUploadedFile("WhatsApp Chat with 王芳.txt", CHAT.replace("李雷", "王芳").encode())
    return str(person.client.post("/upload/", {"file": file})["Location"])


def _invitation(person: Any) -> str:
    """Invite the newcomer and return the way that the mail names."""
    from django.core import mail
    from django.urls import reverse

    address = reverse("invite", args=[person.organisation.public_id])
    person.client.post(address, {"email": "dora@example.org", "role": "member"})
    return re.search(r"http://[^/\s]+(/invitations/\S+)", mail.outbox[-1].body)[1]


def _consent(person: Any) -> str:
    """Register a program and return where it leads people to be let in."""
    from evidence.actions.create_api_client import create_api_client

    made, _secret = create_api_client(
        user=person.user, organisation=person.organisation, label="Review platform",
        scopes=["conversations:read", "matters:read"], at=timezone.now(),
        redirect_uris=["https://firm.example/back"],
    )  # fmt: skip
    asked = {
        "response_type": "code", "client_id": made.client_id, "state": "s1",
        "redirect_uri": "https://firm.example/back", "scope": "conversations:read matters:read",
        "code_challenge": "x" * 43, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"/oauth/authorize?{urlencode(asked)}"
