"""Celery over real brokers: whatever is killed, nothing is lost and nothing issued twice."""

from __future__ import annotations

import signal

import pytest

from evidence.gateways.wake import TEND
from tests.patience import FOREVER, PATIENCE

pytestmark = pytest.mark.long

UNREACHABLE = "amqp://guest:guest@127.0.0.1:1//"


def tend(deployment) -> None:
    sent = deployment.run("-m", "celery", "-A", "project", "call", TEND)
    assert sent.returncode == 0, sent.stderr


def test_a_woken_worker_makes_the_bundle_and_tells_who_asked(on_rabbitmq):
    on_rabbitmq.start_worker()
    on_rabbitmq.request()
    assert on_rabbitmq.wait_until_ended() == "ready"
    on_rabbitmq.wait_until(lambda: len(on_rabbitmq.mails()) == 1)
    assert on_rabbitmq.issued_entries() == 1
    (mail,) = on_rabbitmq.mails()
    assert "To: ana@example.org" in mail


@pytest.mark.parametrize("phase", ["freezing", "rendering", "issuing"])
def test_a_worker_killed_in_the_middle_leaves_the_job_to_the_next(on_rabbitmq, phase):
    dying = on_rabbitmq.start("tests/tasks/dying_worker.py", phase)
    on_rabbitmq.request()
    assert dying.wait(PATIENCE) == -signal.SIGKILL
    assert on_rabbitmq.phase() == phase

    on_rabbitmq.start_worker()

    assert on_rabbitmq.wait_until_ended() == "ready"
    assert on_rabbitmq.issued_entries() == 1


COMPARISON = """
from django.utils import timezone
from evidence.actions import compare_deliveries
from evidence.models import Series
from evidence.values import Actor
compare_deliveries.AT_ONCE = 0
one, other = Series.objects.select_related("organisation").order_by("pk")
compare_deliveries.request_comparison(
    series=one, other=other, actor=Actor("operator", "test"), at=timezone.now()
)
"""


def test_a_comparison_nobody_was_woken_for_is_found_by_the_sweep(on_rabbitmq):
    stored = on_rabbitmq.run(
        "manage.py", "acquire", str(on_rabbitmq.var / "chat.txt"), "--timezone", "Asia/Shanghai"
    )
    assert stored.returncode == 0, stored.stderr
    asked = on_rabbitmq.run("manage.py", "shell", "-c", COMPARISON)
    assert asked.returncode == 0, asked.stderr
    on_rabbitmq.start_worker()

    tend(on_rabbitmq)

    def is_compared() -> bool:
        return bool(on_rabbitmq.ask("SELECT phase = 'ready' AND same = 6 FROM evidence_comparison"))

    on_rabbitmq.wait_until(is_compared)


def test_two_workers_and_a_message_that_comes_twice_issue_one_bundle(on_rabbitmq):
    job = str(on_rabbitmq.request()["job"])
    again = on_rabbitmq.run(
        "-m", "celery", "-A", "project", "call", "truethread.advance", "--args", f"[{job}]"
    )
    assert again.returncode == 0, again.stderr
    on_rabbitmq.start_worker()
    on_rabbitmq.start_worker()
    assert on_rabbitmq.wait_until_ended() == "ready"
    assert on_rabbitmq.issued_entries() == 1


def test_a_broker_that_is_down_does_not_fail_the_request_and_the_sweep_finds_the_job(on_rabbitmq):
    asked = on_rabbitmq.request(TRUETHREAD_BROKER_URL=UNREACHABLE)
    assert asked["seconds"] < FOREVER
    on_rabbitmq.start_worker()
    tend(on_rabbitmq)
    assert on_rabbitmq.wait_until_ended() == "ready"
    assert on_rabbitmq.issued_entries() == 1


def test_the_embedded_worker_does_the_job_when_the_broker_stays_down(on_rabbitmq):
    on_rabbitmq.request(TRUETHREAD_BROKER_URL=UNREACHABLE)
    worked = on_rabbitmq.run("manage.py", "work", "--once")
    assert worked.returncode == 0, worked.stderr
    assert (on_rabbitmq.phase(), on_rabbitmq.issued_entries()) == ("ready", 1)


def test_a_redis_killed_with_the_message_in_it_loses_no_job(deploy, own_redis):
    deployment = deploy(own_redis.url)
    deployment.request()
    own_redis.kill()
    own_redis.start()
    deployment.start_worker()
    tend(deployment)
    assert deployment.wait_until_ended() == "ready"
    assert deployment.issued_entries() == 1


@pytest.mark.sweep
def test_the_schedule_sweeps_by_itself_also_after_the_broker_was_killed(deploy, own_redis):
    deployment = deploy(own_redis.url)
    deployment.start_worker("--beat")
    own_redis.kill()
    assert deployment.request()["seconds"] < FOREVER
    own_redis.start()
    assert deployment.wait_until_ended() == "ready"
    assert deployment.issued_entries() == 1


def test_a_worker_without_a_broker_says_what_to_run_instead(deploy):
    refused = deploy("").run("-m", "celery", "-A", "project", "worker")
    assert refused.returncode != 0
    assert "manage.py work" in refused.stderr
