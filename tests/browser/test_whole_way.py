"""From sign-up to a verified download in a real browser: two languages, two widths."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "foreign tool missing: chromium"
QUIET = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
CHAT = """\
13/01/2024, 08:00 - Ana: Good morning, did the 500 euros arrive?
13/01/2024, 08:05 - 李雷: 收到了，谢谢你。
13/01/2024, 09:15 - Ana: My account is DE02 1203 0000 0000 2020 51
14/01/2024, 10:01 - Ana: See you at noon
"""
PASSWORD = "four quiet blue doors"
GO_ON = {"en": "Save and go on", "zh-hans": "保存并继续"}


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium as Debian packages it; Playwright's own is never downloaded."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        # Playwright runs an event loop in this thread, which Django takes for asynchronous code.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        yield launched
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
        launched.close()


class Walk:
    """A person at a screen of some width, reading in one language."""

    def __init__(self, page, language: str, width: int) -> None:
        self.page, self.language, self.width = page, language, width
        self.troubles: list[str] = []
        page.on("console", lambda said: self.troubles.append(said.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def look(self, name: str) -> None:
        """Have axe look at the page; nothing serious, nothing wider than the screen."""
        import axe_core_python

        shots = os.environ.get("SCREENSHOTS")
        if shots:
            file = Path(shots) / f"{name}-{self.language}-{self.width}.png"
            self.page.screenshot(path=file, full_page=True)
        source = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
        self.page.evaluate(source + "; 0")
        found = self.page.evaluate("axe.run()")["violations"]
        told = [
            (one["id"], [node["html"][:160] for node in one["nodes"]][:3])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert told == [], name
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        assert self.troubles == [], name

    def go_on(self) -> None:
        self.page.get_by_role("button", name=GO_ON[self.language]).click()


@pytest.fixture
def walk(browser, live_server):
    contexts = []

    def begin(language: str, width: int) -> Walk:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, base_url=live_server.url
        )
        context.set_default_timeout(20_000)
        context.add_cookies(
            [{"name": "django_language", "value": language, "url": live_server.url}]
        )
        contexts.append(context)
        return Walk(context.new_page(), language, width)

    yield begin
    for context in contexts:
        context.close()


def link_in(message) -> str:
    """Return the path of the link in a mail."""
    return re.search(r"http://[^/\s]+(/sign-\S+)", message.body)[1]


def sign_up_and_upload(walk: Walk, folder: Path) -> None:
    """Sign up, deliver a chat, answer the questions, and stand before the conversation."""
    page = walk.page
    page.goto("/sign-up/")
    walk.look("sign-up")
    page.fill("#id_email", "dora@example.org")
    page.fill("#id_password1", PASSWORD)
    page.click("main form .button")
    walk.look("sign-up-sent")
    page.goto(link_in(mail.outbox[-1]))
    walk.look("sign-up-confirm")
    page.click("main form .button")
    chat = folder / "WhatsApp Chat with Li Lei.txt"
    chat.write_text(CHAT, encoding="utf-8")
    page.set_input_files("#file", str(chat))
    walk.look("upload")
    page.click("main form .button")
    page.select_option("#timezone", "Europe/Madrid")
    page.check("#owner-1")
    walk.look("questions")
    page.click("main form .button")
    walk.look("acquisition")
    page.click("main table a")


@pytest.mark.parametrize(
    ("language", "width"), [("en", 1280), ("zh-hans", 1280), ("en", 390), ("zh-hans", 390)]
)
def test_the_whole_way_from_sign_up_to_a_verified_download(
    walk, transactional_db, tmp_path, language, width
):
    from evidence.actions.advance import run_to_end
    from evidence.models import Job

    person = walk(language, width)
    page = person.page
    sign_up_and_upload(person, tmp_path)
    person.look("conversation")
    page.click('form[action="/drafts/"] .button')
    page.fill("#id_matter", "Loan")
    page.select_option("#id_jurisdiction", "cn" if language == "zh-hans" else "eu")
    person.look("purpose")
    person.go_on()
    page.fill("#id_requester", "Ana")
    page.fill("#id_authority", "own records")
    person.look("authority")
    person.go_on()
    person.look("conversations")
    person.go_on()
    page.uncheck("#tick-4")
    page.locator("#count strong").get_by_text("3", exact=True).wait_for()
    person.look("messages")
    person.go_on()
    page.click('a[href*="message=3#edit"]')
    page.locator(".piece", has_text="1203").click()
    page.fill("#reason", "privacy")
    person.look("withhold")
    page.click('button[value="withhold"]')
    assert "1203" not in page.locator("ol.messages").inner_text()
    person.look("redaction")
    person.go_on()
    page.fill('input[name^="name-"] >> nth=0', "Ana Díaz")
    person.look("parties")
    person.go_on()
    person.look("review")
    person.go_on()
    person.look("confirm")
    page.click('button[value="next"]')
    person.look("step-up")
    page.fill("#id_password", PASSWORD)
    page.click("main form .button")
    page.wait_for_selector("progress")
    person.look("progress")

    assert run_to_end(Job.objects.get().pk).phase == Job.Phase.READY

    page.reload()
    person.look("result")
    with page.expect_download() as coming:
        page.click('main a[href$=".zip"]')
    bundle = tmp_path / "bundle.zip"
    coming.value.save_as(bundle)
    page.goto("/verify/")
    page.locator("input[type=file]").first.set_input_files(str(bundle))
    page.locator("main form button.button").first.click()
    page.wait_for_selector(".verdict", timeout=60_000)


@pytest.mark.parametrize(("language", "width"), [("en", 1280), ("zh-hans", 390)])
def test_an_account_is_protected_with_a_second_step(walk, transactional_db, alice, language, width):
    person = walk(language, width)
    page = person.page
    page.goto("/sign-in/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", "wrong")
    page.click("main form .button")
    person.look("sign-in")
    page.fill("#id_password", "correct horse battery")
    page.click("main form .button")
    page.goto("/account/")
    person.look("account")
    page.goto("/account/second-step/")
    person.look("second-step-off")
    page.click("main .card .button")
    page.fill("#id_password", "correct horse battery")
    page.click("main form .button")
    person.look("second-step-app")
    secret = page.locator(".steps .hash").inner_text()
    page.fill("#id_code", format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    page.click("main form .button")
    person.look("recovery-codes")
    code = page.locator(".codes li").first.inner_text()
    for address in ("second-step/", "second-step/codes/new/", "second-step/app/off/", "sessions/",
                    "email/", "password/"):  # fmt: skip
        page.goto(f"/account/{address}")
        person.look(address.replace("/", "-").strip("-"))
    page.locator(".tools form").last.locator("button").click()
    page.goto("/sign-in/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", "correct horse battery")
    page.click("main form .button")
    person.look("sign-in-second-step")
    page.fill("#id_code", code)
    page.click("main form .button")
    page.wait_for_url("**/conversations/")
    page.locator(".tools form").last.locator("button").click()
    page.goto("/sign-in/forgotten/")
    person.look("forgotten")
    page.fill("#id_email", "alice@example.org")
    page.click("main form .button")
    person.look("forgotten-sent")
    page.goto(link_in(mail.outbox[-1]))
    person.look("new-password")
