"""A deployment with real stored data in every state a page can show."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from evidence.values import Actor

CHAT = """\
13/01/2024, 08:00 - Ana: Good morning, did the 500 euros arrive?
13/01/2024, 08:05 - 李雷: 收到了，谢谢你。
13/01/2024, 09:15 - Ana: My account is DE02 1203 0000 0000 2020 51
14/01/2024, 10:00 - Ana: <Media omitted>
14/01/2024, 10:01 - Ana: See you at noon
"""
GROUP = f"13/01/2024, 08:00 - Ana: {'水管又坏了，谁来看一下？' * 120} Who has the key?\n" + "".join(
    f"13/01/2024, 09:{n:02} - Neighbour {n}: 收到 {n}\n" for n in range(1, 60)
)
"""Of sixty people, with a text of more parts than one page has room for."""


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
    third: Any
    ready: Any
    failed: Any
    running: Any
    freezing: Any
    unfrozen: Any
    withdrawn: Any
    draft: Any
    empty_draft: Any
    bereft_draft: Any
    group: Any
    group_draft: Any
    pushed: Any
    questions: str
    invitation: str
    consent: str
    bundle: Path
    altered: Path
    filled: Path


def set_stage(folder: Path, alice: Any) -> Stage:
    """Store the samples and bring exports into every state; takes some seconds."""
    from evidence import samples
    from evidence.actions.stamp_log import stamp_log
    from evidence.management import bench_store
    from evidence.management.demonstration import demo_folder, write_altered

    now = timezone.now()
    sources = {path.name: path for path in samples.build(demo_folder() / "source")}
    telegram = acquired(alice, sources[samples.TELEGRAM])
    wechat = acquired(alice, sources[samples.WECHAT], timezone=samples.TIMEZONE)
    small = acquired(alice, _chat(folder), timezone="Europe/Madrid", owner="Ana")
    again, third = (
        acquired(alice, _chat(folder), timezone=zone, owner="Ana")
        for zone in ("Asia/Shanghai", "Europe/Berlin")
    )
    group = acquired(
        alice, _chat(folder, GROUP, "Neighbours"), timezone="Europe/Madrid", owner="Ana"
    )
    stamp_log(now)
    ready = ended(requested(alice, [telegram, wechat], "Lin Yue v. Omar Haddad"))
    _hold(alice, ready.matter, telegram, wechat)
    failed = _failed(requested(alice, [small], "Loan"))
    withdrawn = _withdrawn(alice, ended(requested(alice, [small], "Loan")), now)
    running = _running(requested(alice, [wechat], "Lin Yue v. Omar Haddad"))
    freezing, _confirmed = confirmed(alice, [telegram, small])
    unfrozen, bereft_draft = _unfrozen(alice, small, folder)
    _compared(alice, again, small)
    _comparing(alice, small, again, now)
    bundle = _saved(ready, demo_folder() / "sample-bundle.zip")
    altered = demo_folder() / "sample-bundle-altered.zip"
    write_altered(bundle, altered)
    return Stage(
        alice=alice, dora=_newcomer(), auditor=_auditor(alice, now), telegram=telegram,
        wechat=wechat, small=small, again=again, third=third, ready=ready, failed=failed, running=running,
        freezing=freezing, unfrozen=unfrozen, withdrawn=withdrawn,
        draft=_draft(alice, [telegram, small], now), empty_draft=_draft(alice, [], now),
        bereft_draft=bereft_draft, group=group, group_draft=_draft(alice, [group], now), pushed=bench_store.grown(alice.user),
        questions=_waiting(alice), invitation=_invitation(alice), consent=_consent(alice),
        bundle=bundle, altered=altered, filled=_filled(folder, now),
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


def _compared(person: Any, series: Any, other: Any) -> None:
    """Have two deliveries compared."""
    from evidence.actions.compare_deliveries import request_comparison

    request_comparison(series=series, other=other, actor=actor_of(person), at=timezone.now())


def _comparing(person: Any, series: Any, other: Any, at: Any) -> None:
    """Leave a comparison in the middle."""
    from evidence.models import Comparison

    Comparison.objects.create(
        series=series, other=other, size=series.size, other_size=other.size, done_units=4,
        total_units=series.size + other.size, created_at=at, changed_at=at,
    )  # fmt: skip


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


def confirmed(person: Any, series: Sequence[Any]) -> tuple[Any, Any]:
    """Confirm a draft of whole conversations; return the export, of which nothing is done, and it."""
    from evidence.actions.keep_draft import confirm_draft
    from evidence.actions.request_export import ExportOptions
    from evidence.front.exporting import ask_for_bundle
    from evidence.select import Choice

    draft, now = _draft(person, series, timezone.now()), timezone.now()
    export = confirm_draft(
        draft=draft, at=now,
        ask=lambda _state: ask_for_bundle(
            organisation=person.organisation, actor=actor_of(person), user=person.user,
            matter_name="Lin Yue v. Omar Haddad", choices=[(one, Choice()) for one in series],
            options=ExportOptions(requester="Lin Yue", purpose="loan"), at=now,
        ),
    )  # fmt: skip
    return export, draft


def _unfrozen(person: Any, kept: Any, folder: Path) -> tuple[Any, Any]:
    """Let a choice fail to be frozen, for one of its conversations is erased; with its draft."""
    from evidence.actions.advance import advance
    from evidence.models import Series

    file = _chat(folder, CHAT.replace("李雷", "马丽"), "马丽")
    gone = acquired(person, file, timezone="Europe/Madrid", owner="Ana")
    export, draft = confirmed(person, [kept, gone])
    Series.objects.filter(pk=gone.pk).update(erased_at=timezone.now())
    job, _waits = advance(export.job.pk, at=timezone.now())
    assert (job.phase, job.error_code) == ("failed", "conversation_erased")
    return export, draft


def _filled(folder: Path, now: datetime) -> Path:
    """Write a certified form, filled in since with a drawing that says something else."""
    from evidence.management.attacks import honest, keys, paper
    from tests.verify.pdf.test_shown import PLAIN, filled

    maker = honest.Maker(keys.make_pki(now))
    with ThreadPoolExecutor(1) as aside:  # pyHanko wants a thread without Playwright's loop
        certified = aside.submit(maker.sign, paper.form(), certify=honest.P2).result()
    path = folder / "agreement.pdf"
    path.write_bytes(filled(certified, "Kyoto", PLAIN % b"I owe 9000 euros."))
    return path


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


def _hold(person: Any, matter: Any, released: Any, standing: Any) -> None:
    """Let a matter hold two conversations, one of them no longer."""
    from evidence.actions.holds import place_hold, release_hold

    for series, reason in (
        (released, "Letter of Haddad's counsel of 2 May, asking that nothing be deleted"),
        (standing, "法院 5 月 12 日的保全裁定"),
    ):
        hold = place_hold(
            matter=matter, conversation=series.conversation, actor=actor_of(person), reason=reason,
            at=timezone.now(), user=person.user,
        )  # fmt: skip
        if series is released:
            release_hold(hold=hold, actor=actor_of(person), reason="settled", at=timezone.now())


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
    draft = begin_draft(
        organisation=person.organisation, user=person.user, state=state, at=timezone.now()
    )
    for one in series[:1]:
        _pictured(draft, one, person)
    return draft


def _pictured(draft: Any, series: Any, person: Any) -> None:
    from evidence.actions.party_pictures import add_party_picture

    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "PNG")
    add_party_picture(
        draft=draft, series=series, party="p1", data=out.getvalue(), name="profile picture.png",
        actor=actor_of(person), at=timezone.now(),
    )  # fmt: skip


def _chat(folder: Path, text: str = CHAT, name: str = "Li Lei") -> Path:
    path = folder / f"WhatsApp Chat with {name}.txt"
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
