"""Who asked for a bundle is told once how it ended, in their language, and nothing of the chat."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.utils import timezone

from evidence.actions.advance import run_to_end
from evidence.actions.tell_requester import tell_requesters
from evidence.models import Job


@pytest.fixture
def ended(alice, requested):
    """Alice's export as if it had ended in one phase or the other."""
    export = requested(alice)

    def end(phase: str = Job.Phase.READY, code: str = "") -> Job:
        Job.objects.filter(export=export).update(
            phase=phase, error_code=code, changed_at=timezone.now()
        )
        return Job.objects.get(export=export)

    return end


def tell() -> int:
    return tell_requesters(timezone.now())


def test_a_bundle_that_is_ready_is_told_of_once(ended):
    job = ended()
    assert (tell(), tell()) == (1, 0)
    (sent,) = mail.outbox
    assert sent.to == ["alice@example.org"]
    assert sent.subject == "Your evidence bundle is ready"
    assert f"http://127.0.0.1:8000/exports/{job.export.public_id}/" in sent.body


def test_a_bundle_that_failed_is_told_of_too(ended):
    ended(Job.Phase.FAILED, "stamp_unavailable")
    assert tell() == 1
    assert mail.outbox[0].subject == "Your evidence bundle could not be made"


def test_the_mail_is_in_the_language_of_the_person(alice, ended):
    alice.user.language = "zh-hans"
    alice.user.save(update_fields=["language"])
    ended()
    tell()
    assert mail.outbox[0].subject == "您的证据包已完成"
    assert "请登录后下载" in mail.outbox[0].body


@pytest.mark.parametrize("phase", [Job.Phase.READY, Job.Phase.FAILED])
def test_nothing_of_the_chat_or_the_matter_is_in_a_mail(ended, phase):
    ended(phase)
    tell()
    text = str(mail.outbox[0].message())
    for word in ("Li Lei", "李雷", "Ana", "Loan", "500 euros"):
        assert word not in text


@pytest.mark.parametrize("phase", [Job.Phase.CANCELLED, Job.Phase.RENDERING])
def test_nobody_is_told_of_what_they_cancelled_or_what_goes_on(ended, phase):
    ended(phase)
    assert (tell(), mail.outbox) == (0, [])


def test_old_bundles_and_people_without_an_address_get_no_mail(alice, ended):
    job = ended()
    Job.objects.filter(pk=job.pk).update(changed_at=timezone.now() - timedelta(days=3))
    assert tell() == 0
    Job.objects.filter(pk=job.pk).update(changed_at=timezone.now())
    alice.user.email = ""
    alice.user.save(update_fields=["email"])
    assert (tell(), mail.outbox) == (0, [])


def test_a_mail_server_that_refuses_is_asked_again_and_stops_nothing(ended, monkeypatch):
    ended()

    def refuse(*args: object, **kwargs: object) -> None:
        raise SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", refuse)
        assert tell() == 0
    assert tell() == 1


def test_a_job_that_runs_to_its_end_can_be_told_of(alice, requested):
    job = run_to_end(requested(alice).job.pk)
    assert (job.phase, tell()) == (Job.Phase.READY, 1)
