"""The same request under the same key is answered once, however often it is sent."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import tasks
from evidence.actions import answer_once
from evidence.models import Acquisition, ApiAnswer, Export, Matter, Selection
from tests.patience import PATIENCE

ROOT = "/api/v1"


def send(client, name="Loan", key="k"):
    return client.post(f"{ROOT}/matters", {"name": name}, HTTP_IDEMPOTENCY_KEY=key)


def test_a_repeat_gets_the_same_answer_and_changes_nothing(alice, api):
    client = api(alice)
    first, again = send(client), send(client)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first["Location"] == again["Location"]
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert Matter.objects.count() == 1


def test_another_request_under_the_same_key_is_refused(alice, api, problem_of):
    client = api(alice)
    send(client)
    assert problem_of(send(client, name="Other")) == (422, "idempotency_key_reused")
    answer = client.post(f"{ROOT}/selections", {"name": "Loan"}, HTTP_IDEMPOTENCY_KEY="k")
    assert problem_of(answer) == (422, "idempotency_key_reused")
    assert Matter.objects.count() == 1


def test_a_key_is_of_one_client_alone(alice, api):
    assert send(api(alice)).status_code == 201
    assert send(api(alice)).status_code == 200


@pytest.mark.parametrize("key", ["", " ", "x" * 201, "ключ", "a\x07"])
def test_a_key_that_is_none_is_refused(alice, api, problem_of, key):
    expected = (400, "idempotency_key_invalid")
    assert problem_of(send(api(alice), key=key)) == expected


@pytest.mark.parametrize("address", ["matters", "acquisitions", "selections", "exports"])
def test_whatever_creates_needs_a_key(alice, api, problem_of, address):
    client = APIClient()
    client.credentials(**api(alice)._credentials)
    kind = "multipart" if address == "acquisitions" else "json"
    answer = client.post(f"{ROOT}/{address}", {}, format=kind)
    assert problem_of(answer) == (400, "idempotency_key_missing")


def test_a_refusal_leaves_the_key_free(alice, api, problem_of):
    client = api(alice)
    refused = client.post(f"{ROOT}/matters", {}, HTTP_IDEMPOTENCY_KEY="k")
    assert problem_of(refused) == (400, "invalid_request")
    assert send(client).status_code == 201


def test_what_is_still_worked_on_is_told_apart(alice, api, problem_of, monkeypatch):
    monkeypatch.setattr(answer_once, "PATIENCE", 0.0)
    client = api(alice)
    send(client)
    ApiAnswer.objects.update(payload=b"")
    answer = send(client)
    assert problem_of(answer) == (409, "idempotency_in_progress")
    assert answer["Retry-After"] == "1"
    past = timezone.now() - answer_once.ABANDONED_AFTER - timedelta(seconds=1)
    ApiAnswer.objects.update(created_at=past)
    assert send(client).status_code == 200


def test_an_answer_is_kept_for_a_day_and_then_forgotten(alice, api):
    client = api(alice)
    send(client)
    ApiAnswer.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert "Idempotent-Replayed" in send(client)
    ApiAnswer.objects.update(created_at=timezone.now() - answer_once.KEPT)
    assert "Idempotent-Replayed" not in send(client)
    assert ApiAnswer.objects.count() == 1


def test_old_answers_are_swept_and_newer_ones_kept(alice, api):
    client = api(alice)
    send(client)
    send(client, key="old")
    past = timezone.now() - answer_once.KEPT - timedelta(seconds=1)
    ApiAnswer.objects.filter(key="old").update(created_at=past)
    tasks.tend()
    assert [one.key for one in ApiAnswer.objects.all()] == ["k"]


def test_remembering_costs_two_writes(alice, api):
    """Each write of its own waits for all others on SQLite, and for the disk everywhere."""
    client = api(alice)
    with CaptureQueriesContext(connection) as queries:
        assert send(client).status_code == 201
    about = [one["sql"] for one in queries if "evidence_apianswer" in one["sql"]]
    assert [sql.split(" ")[0] for sql in about] == ["INSERT", "UPDATE"]


def test_work_that_breaks_off_leaves_the_key_free(alice, api, monkeypatch):
    client = api(alice)
    with monkeypatch.context() as patched:
        patched.setattr("evidence.api.matters.open_matter", lambda **_named: 1 / 0)
        assert send(client).status_code == 500
    assert ApiAnswer.objects.count() == 0
    assert send(client).status_code == 201


def test_what_is_remembered_is_encrypted(alice, api):
    send(api(alice), name="Secret case")
    assert b"Secret" not in bytes(ApiAnswer.objects.get().payload)


def test_a_file_is_known_by_its_bytes(alice, api, chat_text, problem_of):
    client = api(alice)

    def deliver(text):
        file = SimpleUploadedFile("WhatsApp Chat with Li Lei.txt", text.encode())
        body = {"file": file, "timezone": "Europe/Madrid", "owner": "Ana"}
        address = f"{ROOT}/acquisitions"
        return client.post(address, body, format="multipart", HTTP_IDEMPOTENCY_KEY="k")

    first, again = deliver(chat_text), deliver(chat_text)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert problem_of(deliver(chat_text + "x")) == (422, "idempotency_key_reused")
    assert Acquisition.objects.count() == 1


def test_repeats_of_an_export_make_one(alice, api, stored):
    client, series = api(alice), stored(alice)
    body = {"matter": "Loan", "selection": [{"conversation": series.public_id}]}
    answers = [client.post(f"{ROOT}/exports", body, HTTP_IDEMPOTENCY_KEY="k") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (Export.objects.count(), Selection.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one(postgresql, alice, api, stored, monkeypatch):
    monkeypatch.setattr(answer_once, "PATIENCE", PATIENCE)
    series = stored(alice)
    credentials = api(alice)._credentials
    body = {"matter": "Loan", "selection": [{"conversation": series.public_id}]}
    gate, found = threading.Barrier(20), []

    def ask() -> None:
        client = APIClient()
        client.credentials(**credentials)
        gate.wait(PATIENCE)
        try:
            answer = client.post(f"{ROOT}/exports", body, HTTP_IDEMPOTENCY_KEY="k")
            found.append((answer.status_code, answer.json()["id"]))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(found) == 20
    assert len(set(found)) == 1
    assert (Export.objects.count(), Selection.objects.count()) == (1, 1)
