"""Signing in, the second step, and a forgotten password in a real browser."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail

from tests.conftest import PASSWORD

pytestmark = pytest.mark.long


def sign_in(page) -> None:
    page.goto("/sign-in/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", PASSWORD)
    page.click("main form .button")


def sign_out(someone) -> None:
    if someone.width < 640:
        someone.page.click(".menu-button")
    someone.page.click("#menu form button")


@pytest.mark.parametrize(
    ("language", "width"),
    [("zh-hans", 390), pytest.param("en", 1280, marks=pytest.mark.sweep)],
)
def test_an_account_is_protected_with_a_second_step(
    person, transactional_db, alice, language, width
):
    someone = person(language, width)
    page = someone.page
    page.goto("/sign-in/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", "wrong")
    page.click("main form .button")
    someone.look("sign-in")
    sign_in(page)
    page.goto("/account/second-step/")
    page.click("main .card .button")
    page.fill("#id_password", PASSWORD)
    page.click("main form .button")
    someone.look("second-step-app")
    secret = page.locator(".steps .hash").inner_text()
    page.fill("#id_code", format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.click("main form .button")
    someone.look("recovery-codes")
    code = page.locator(".codes li").first.inner_text()
    for address in ("second-step/", "second-step/codes/new/", "second-step/app/off/"):
        page.goto(f"/account/{address}")
        someone.look(address.replace("/", "-").strip("-"))
    sign_out(someone)
    sign_in(page)
    someone.look("sign-in-second-step")
    page.fill("#id_code", code)
    page.click("main form .button")
    page.wait_for_url("**/conversations/")
    sign_out(someone)
    page.goto("/sign-in/forgotten/")
    page.fill("#id_email", "alice@example.org")
    page.click("main form .button")
    someone.look("forgotten-sent")
    page.goto(re.search(r"http://[^/\s]+(/sign-\S+)", mail.outbox[-1].body)[1])
    someone.look("new-password")
