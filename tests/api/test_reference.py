"""The reference page: readable without a script, from here alone; verification by hash."""

from __future__ import annotations

import re

import pytest
from rest_framework.test import APIClient

from evidence.api.openapi import FILE, operations


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(client):
    page = client.get("/api/v1/reference").content.decode()
    for one in operations():
        assert f'id="{one["operationId"]}"' in page
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert [one for one in sources if one.startswith(("http", "//"))] == []
    assert "style=" not in page


def test_the_page_speaks_chinese(client):
    client.cookies["django_language"] = "zh-hans"
    page = client.get("/api/v1/reference").content.decode()
    assert "固定一次选择" in page
    assert "Freeze a selection" not in page


def test_the_description_is_handed_out_as_it_is_checked_in(client, content):
    assert content(client.get("/api/v1/openapi.yaml")) == FILE.read_bytes()


def test_a_hash_is_looked_up_without_a_token(alice, issued, problem_of):
    export = issued(alice)
    asked = {"sha256": bytes(export.zip_sha256).hex().upper()}
    answer = APIClient().post("/api/v1/verifications", asked)
    assert answer.status_code == 200, answer.json()
    said = answer.json()
    assert (said["known"], said["bundle"], said["kind"]) == (True, export.public_id, "zip")
    said = APIClient().post("/api/v1/verifications", {"sha256": "0" * 64}).json()
    assert said == {"sha256": "0" * 64, "known": False}


@pytest.mark.parametrize("place", ["first", "second"])
@pytest.mark.django_db
def test_look_ups_of_one_test_do_not_count_in_the_next(place):
    answers = [APIClient().post("/api/v1/verifications", {"sha256": "0" * 64}) for _ in range(40)]
    assert {one.status_code for one in answers} == {200}


@pytest.mark.parametrize("asked", [{}, {"sha256": "xyz"}, {"sha256": None}])
@pytest.mark.django_db
def test_neither_file_nor_hash_is_refused(asked, problem_of):
    answer = APIClient().post("/api/v1/verifications", asked)
    assert problem_of(answer) == (400, "invalid_request")
