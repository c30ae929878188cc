"""Behind our own proxy, limits and the log see who asked, and nobody can claim to be another."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from project.proxy import address_of_the_asker


@pytest.mark.parametrize(("stated", "seen"), [
    ("203.0.113.7", "203.0.113.7"),
    ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
    ("2001:db8::1", "2001:db8::1"),
    ("", "127.0.0.1"),
    ("unknown", "127.0.0.1"),
])  # fmt: skip
def test_the_address_is_the_one_the_proxy_adds(rf, stated, seen):
    request = rf.get("/", headers={"X-Forwarded-For": stated})
    address_of_the_asker(lambda _: HttpResponse())(request)
    assert request.META["REMOTE_ADDR"] == seen


def test_without_a_proxy_nobody_states_an_address(settings):
    assert "project.proxy.address_of_the_asker" not in settings.MIDDLEWARE


def test_with_a_proxy_it_comes_before_everything_else(run_manage):
    shown = run_manage(
        "shell", "--command", "from django.conf import settings; print(settings.MIDDLEWARE[0])",
        TRUETHREAD_BEHIND_TLS_PROXY="1",
    )  # fmt: skip
    assert shown.stdout.strip().endswith("project.proxy.address_of_the_asker")
