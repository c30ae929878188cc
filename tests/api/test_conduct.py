"""Limits, tags and times: how every answer of the API behaves."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from evidence.actions.take_turn import take_turn
from evidence.models import ApiBucket

ROOT = "/api/v1"


def test_a_client_that_asks_too_often_is_told_when_to_come_again(alice, api, problem_of):
    client = api(alice)
    first = client.get(f"{ROOT}/me")
    assert first["RateLimit-Policy"] == '"client";q=100;w=5'
    assert first["RateLimit"] == '"client";r=99;t=1'
    ApiBucket.objects.update(full_at=timezone.now() + timedelta(seconds=60))
    refused = client.get(f"{ROOT}/me")
    assert problem_of(refused) == (429, "client_rate_limited")
    assert refused["Retry-After"] == "1"
    assert refused["RateLimit"] == '"client";r=0;t=5'
    assert api(alice).get(f"{ROOT}/me").status_code == 200


def test_a_hundred_may_come_at_once_and_twenty_more_each_second(alice, now):
    def granted(at) -> int:
        turns = [take_turn("x", per_second=20, burst=100, at=at) for _ in range(130)]
        return sum(turn.is_granted for turn in turns)

    assert granted(now) == 100
    assert granted(now + timedelta(seconds=1)) == 20
    assert granted(now + timedelta(seconds=60)) == 100


@pytest.mark.django_db(transaction=True)
def test_turns_taken_at_the_same_moment_are_counted_each(now):
    granted: list[bool] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait(60)
        turns = [take_turn("x", per_second=20, burst=100, at=now) for _ in range(20)]
        granted.extend(turn.is_granted for turn in turns)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert (granted.count(True), granted.count(False)) == (100, 60)


def test_an_answer_the_client_has_is_not_sent_again(alice, api, stored):
    client, series = api(alice), stored(alice)
    address = f"{ROOT}/conversations/{series.public_id}"
    tag = client.get(address)["ETag"]
    again = client.get(address, HTTP_IF_NONE_MATCH=tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    other = client.get(f"{ROOT}/conversations", HTTP_IF_NONE_MATCH=tag)
    assert other.status_code == 200


def test_every_time_is_written_as_rfc_3339(alice, api, issued):
    export, client = issued(alice), api(alice)
    series = export.selection.series.get()
    written = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    found = [
        client.get(f"{ROOT}/exports/{export.public_id}").json()["issued"],
        client.get(f"{ROOT}/matters").json()["items"][0]["opened"],
        client.get(f"{ROOT}/conversations/{series.public_id}").json()["sealed"],
        client.get(f"{ROOT}/selections").json()["items"][0]["created"],
        client.get(f"{ROOT}/exports/{export.public_id}/custody").json()["items"][0]["time"],
    ]
    assert [time for time in found if not written.fullmatch(time)] == []


@pytest.mark.parametrize(
    "address", ["a%0Ab", "exports/%0A", "conversations/x%0A/messages", "%E2%80%A8"]
)
def test_no_address_under_the_api_is_answered_by_the_pages(alice, api, problem_of, address):
    assert problem_of(api(alice).get(f"{ROOT}/{address}")) == (404, "not_found")
