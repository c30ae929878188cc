"""Health, readiness and metrics, as monitoring systems ask for them."""

from __future__ import annotations

import shutil
from collections import namedtuple
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from evidence import custody
from evidence.custody.head import head_path
from evidence.models import Job
from evidence.operations import exposition, readiness

TOKEN = "a token for this test only"


def ready(client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.json()["checks"]


def test_a_process_that_is_up_says_so_without_the_database(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_a_service_that_can_work_is_ready(client):
    status, checks = ready(client)
    assert status == 200
    assert checks == dict.fromkeys(
        ("database", "migrations", "log", "fonts", "disk", "backlog"), "ok"
    )


def test_a_database_that_does_not_answer_is_named(client, db, monkeypatch):
    from django.db import OperationalError

    def refuse() -> None:
        raise OperationalError("down")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", refuse)
        status, checks = ready(client)
    assert (status, checks["database"]) == (503, "failed")


def test_a_missing_migration_is_named(client, db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'evidence'")
    assert ready(client)[1]["migrations"] == "failed"


def test_a_log_that_does_not_continue_what_was_published_is_named(alice, issued, client):
    head_path().write_text("not a head")
    status, checks = ready(client)
    assert (status, checks["log"]) == (503, "failed")


def test_fonts_that_are_gone_are_named(client, db, settings, tmp_path):
    settings.TRUETHREAD_VAR_DIR = tmp_path
    assert ready(client)[1]["fonts"] == "failed"


def test_a_full_disk_is_named(client, db, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    assert ready(client)[1]["disk"] == "failed"


def test_a_backlog_is_named_and_leaves_the_service_ready(alice, requested, client):
    job = requested(alice).job
    old = timezone.now() - readiness.LATE - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(changed_at=old)
    assert ready(client) == (200, ready(client)[1] | {"backlog": "late"})


def test_there_are_no_metrics_without_a_token_setting(client, db, settings):
    settings.TRUETHREAD_METRICS_TOKEN = None
    assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}"])
def test_metrics_need_the_token(client, settings, shown):
    settings.TRUETHREAD_METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": shown})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')


def test_a_foreign_reader_understands_the_metrics(alice, issued, client, settings):
    issued(alice)
    settings.TRUETHREAD_METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer["Content-Type"] == exposition.CONTENT_TYPE
    families = text_string_to_metric_families(answer.content.decode())
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }
    assert values["truethread_jobs", "ready"] == 1
    assert values["truethread_jobs", "failed"] == 0
    assert values["truethread_bundles_issued",] == 1
    assert values["truethread_messages",] == 6
    assert values["truethread_custody_entries",] == custody.log_size(custody.current_epoch())
    assert values["truethread_disk_free_bytes",] > 0


def test_the_text_format_escapes_what_would_break_it():
    measure = exposition.Measure("x", "a\nb", {(("l", 'q"\\\n'),): 2**53 - 1})
    (family,) = text_string_to_metric_families(exposition.text([measure]))
    assert family.samples[0].labels == {"l": 'q"\\\n'}
    assert family.samples[0].value == 2**53 - 1
