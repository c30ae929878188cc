"""Every answer carries the strict headers, and no log line a search word."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpRequest, HttpResponse

from project.headers import WithoutQueries, content_security_policy

pytestmark = pytest.mark.django_db


def test_a_page_may_load_only_our_own_files_and_be_framed_by_nobody(client):
    headers = client.get("/sign-in/").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")


def test_a_page_with_a_policy_of_its_own_keeps_it():
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    answer = content_security_policy(view)(HttpRequest())
    assert answer.headers["Content-Security-Policy"] == "sandbox"


def test_a_strange_host_name_is_refused(client):
    assert client.get("/sign-in/", headers={"host": "evil.example"}).status_code == 400


def test_the_language_can_be_chosen(client):
    answer = client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/sign-in/"})
    assert "登录" in client.get(answer.headers["Location"]).content.decode()


def test_a_log_line_loses_its_query():
    line = '"GET /search?q=Dr.+M%C3%BCller&page=2 HTTP/1.1" 200'
    record = logging.LogRecord("django.server", logging.INFO, "", 0, "%s 12", (line,), None)
    assert WithoutQueries().filter(record)
    assert record.getMessage() == '"GET /search?… HTTP/1.1" 200 12'
