"""What people see when something is refused or breaks: the house's pages, in both languages."""

from __future__ import annotations

import re

import pytest
from django.test import Client, RequestFactory
from django.utils import translation
from django.views.defaults import permission_denied, server_error

from evidence.front.limits import Turnstile

WORDS = {
    403: ("Not allowed", "无权操作"),
    404: ("There is nothing here", "这里没有内容"),
    411: ("This came without its length", "请求未标明长度"),
    413: ("This file is too large", "文件过大"),
    429: ("no queue to hold your place", "没有可供等候的队列"),
    500: ("Something went wrong on our side", "系统出现问题"),
}


def _page(client: Client, status: int, monkeypatch: pytest.MonkeyPatch):
    request = RequestFactory().get("/verify/")
    if status == 403:
        return permission_denied(request, PermissionError())
    if status == 500:
        return server_error(request)
    if status == 404:
        return client.get("/verify/nothing/")
    if status == 411:
        return client.post("/verify/", {}, HTTP_TRANSFER_ENCODING="chunked")
    if status == 413:
        return client.post("/verify/", {}, CONTENT_LENGTH=str(60_000_000))
    gate = Turnstile("test", at_once=1, patience=0.01, per_minute=0)
    monkeypatch.setattr("evidence.public.lookup.LOOKUP_TURNSTILE", gate)
    return client.get("/verify/?bundle=0")


@pytest.mark.django_db
@pytest.mark.parametrize("status", WORDS)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_refusal_has_a_page_in_the_language_of_the_reader(
    client, monkeypatch, status, language
):
    client.cookies["django_language"] = language
    with translation.override(language):
        answer = _page(client, status, monkeypatch)
    page = answer.content.decode()
    assert answer.status_code == status
    assert WORDS[status][language != "en"] in page
    assert re.search(r'<html lang="(en|zh-Hans)">', page)
    assert "Traceback" not in page


def test_everyone_together_is_bounded_too():
    from evidence.errors import BusyNow

    gate = Turnstile("test", at_once=9, patience=0.01, per_minute=9, together=2)
    for address in ("a", "b"):
        with gate.passed(address):
            pass
    with pytest.raises(BusyNow) as refused, gate.passed("c"):
        pass
    assert refused.value.code == "too_many_requests"
