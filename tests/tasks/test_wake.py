"""Asking for a bundle wakes workers after the commit, and never fails because of the broker."""

from __future__ import annotations

import pytest

from evidence.actions import compare_deliveries, request_export
from evidence.gateways.wake import wake
from evidence.models import Comparison, Job
from evidence.tasks import advance_job, waiting_jobs
from tests.surfaces import CHAT


@pytest.fixture
def woken(monkeypatch) -> list[int]:
    numbers: list[int] = []
    monkeypatch.setattr(request_export, "wake", numbers.append)
    return numbers


def test_workers_are_woken_after_the_commit(
    alice, requested, woken, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        export = requested(alice)
        assert woken == []
    assert woken == [export.job.pk]


def test_workers_are_woken_for_a_comparison_that_is_too_long_for_a_request(
    alice, stored, monkeypatch
):
    numbers: list[int] = []
    monkeypatch.setattr("evidence.web.stored.wake_for_comparison", numbers.append)
    one, other = stored(alice), stored(alice, CHAT.replace("500", "600"))
    address = f"/conversations/{one.public_id}/compare/{other.public_id}/"
    alice.client.post(address)
    assert numbers == []
    Comparison.objects.all().delete()
    monkeypatch.setattr(compare_deliveries, "AT_ONCE", 0)
    alice.client.post(address)
    assert numbers == [Comparison.objects.get().pk]


def test_without_a_broker_nothing_is_sent(settings):
    settings.TRUETHREAD_BROKER_URL = ""
    assert wake(1) is False


@pytest.mark.parametrize("url", ["amqp://127.0.0.1:1//", "redis://127.0.0.1:1/0"])
def test_a_broker_that_is_not_there_is_given_up_on_quietly(settings, url):
    settings.TRUETHREAD_BROKER_URL = url
    assert wake(1) is False


def test_a_message_about_a_job_that_is_gone_or_ended_does_nothing(alice, requested):
    job = requested(alice).job
    Job.objects.filter(pk=job.pk).update(phase=Job.Phase.CANCELLED)
    advance_job(job.pk)
    advance_job(job.pk + 1000)
    assert Job.objects.get(pk=job.pk).phase == Job.Phase.CANCELLED


def test_the_sweep_wakes_for_jobs_that_nobody_holds(alice, requested, now):
    job = requested(alice).job
    assert waiting_jobs(now) == [job.pk]
    Job.objects.filter(pk=job.pk).update(lease_holder="elsewhere:1:1", lease_until=now)
    assert waiting_jobs(now) == []
    Job.objects.filter(pk=job.pk).update(phase=Job.Phase.READY, lease_until=None)
    assert waiting_jobs(now) == []
