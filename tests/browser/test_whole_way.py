"""From sign-up to a verified download in a real browser: by mouse, by keyboard, on a phone."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.utils import timezone

from tests.browser.people import logged_on
from tests.browser.stage import CHAT, acquired

pytestmark = pytest.mark.long

PASSWORD = "four quiet blue doors"
GO_ON = "button[name=go][value=next]:not([aria-hidden])"


def sign_up(person) -> None:
    """Make an account, confirm the address, and stand before the page where a chat is delivered."""
    page = person.page
    page.goto("/sign-up/")
    page.fill("#id_email", "dora@example.org")
    page.fill("#id_password1", PASSWORD)
    page.click("main form .button")
    page.wait_for_url("**/sent/")
    page.goto(link_in(mail.outbox[-1]))
    page.click("main form .button")
    page.wait_for_selector("input[type=file]")


def link_in(message) -> str:
    """Return the path of the link in a mail."""
    return re.search(r"https?://[^/\s]+(/sign-\S+)", message.body)[1]


def deliver(person, folder: Path) -> None:
    """Deliver a chat, answer the questions, and stand before the conversation."""
    page = person.page
    page.set_input_files("#file", str(chat_file(folder)))
    page.click("main form .button")
    page.select_option("#timezone", "Europe/Madrid")
    page.check("#owner-1")
    person.look("questions")
    page.click("main form .button")
    page.wait_for_selector("main table a")
    person.look("acquisition")
    page.click("main table a")


def chat_file(folder: Path) -> Path:
    chat = folder / "WhatsApp Chat with Li Lei.txt"
    chat.write_text(CHAT, encoding="utf-8")
    return chat


def choose(person) -> None:
    """Go through the steps up to the last word."""
    page = person.page
    page.click('form[action="/drafts/"] .button')
    page.fill("#id_matter", "Loan")
    page.select_option("#id_jurisdiction", "cn" if person.language == "zh-hans" else "eu")
    page.click(GO_ON)
    page.fill("#id_requester", "Ana")
    page.fill("#id_authority", "own records")
    page.click(GO_ON)
    page.wait_for_url("**/conversations/")
    page.click(GO_ON)
    page.uncheck("#tick-4")
    page.locator("#count strong").get_by_text("4", exact=True).wait_for()
    page.click(GO_ON)
    page.click('a[href*="message=3#edit"]')
    page.locator(".piece", has_text="1203").click()
    page.fill("#reason", "privacy")
    page.click('button[value="withhold"]')
    assert "1203" not in page.locator("ol.messages").inner_text()
    page.click(GO_ON)
    page.fill('input[name^="name-"] >> nth=0', "Ana Díaz")
    page.click(GO_ON)
    page.wait_for_url("**/review/")
    page.click(GO_ON)
    page.wait_for_url("**/confirm/")


def finish_the_job() -> None:
    from evidence.actions.advance import run_to_end
    from evidence.models import Job

    assert run_to_end(Job.objects.get().pk).phase == Job.Phase.READY


def verify(person, bundle: Path) -> None:
    page = person.page
    page.goto("/verify/")
    page.set_input_files("#file", str(bundle))
    page.click("#check .button")
    page.wait_for_selector(".verdict")
    # The keys are the development's own: intact, and told so.
    assert page.locator(".verdict.doubt").count() == 1


@pytest.mark.parametrize(
    ("language", "width"),
    [
        ("en", 1280),
        ("zh-hans", 390),
        pytest.param("zh-hans", 1280, marks=pytest.mark.sweep),
        pytest.param("en", 390, marks=pytest.mark.sweep),
    ],
)
def test_the_whole_way_from_sign_up_to_a_verified_download(
    person, transactional_db, tmp_path, language, width
):
    someone = person(language, width)
    page = someone.page
    sign_up(someone)
    deliver(someone, tmp_path)
    choose(someone)
    page.click(GO_ON)
    someone.look("step-up")
    page.fill("#id_password", PASSWORD)
    page.click("main form .button")
    page.wait_for_selector("progress")

    finish_the_job()

    page.locator('main a[href$=".zip"]').wait_for()  # by itself: the page asks again and again
    someone.look("result")
    with page.expect_download() as coming:
        page.click('main a[href$=".zip"]')
    bundle = tmp_path / "bundle.zip"
    coming.value.save_as(bundle)
    verify(someone, bundle)


def test_the_whole_way_by_keyboard_alone(person, transactional_db, tmp_path):
    someone = person("en", 1280)
    page, keys = someone.page, someone.page.keyboard
    page.goto("/")
    someone.press('a[href="/sign-up/"]')
    for field, words in (("#id_email", "dora@example.org"), ("#id_password1", PASSWORD)):
        page.wait_for_selector(field)
        someone.tab_to(field)
        keys.type(words)
    keys.press("Enter")
    page.wait_for_url("**/sent/")
    page.goto(link_in(mail.outbox[-1]))
    someone.press("main form .button")
    page.wait_for_selector("#file")
    someone.tab_to("#file")
    someone.choose_file(chat_file(tmp_path))
    someone.press("main form .button")
    page.wait_for_selector("#timezone")
    someone.tab_to("#timezone")
    keys.type("Europe/Madrid")
    someone.tab_to("input[name=owner]")
    someone.arrow_to("#owner-1")
    someone.press("main form .button")
    page.wait_for_selector("main table a")
    someone.press("main table a")
    page.wait_for_selector("ol.messages")
    someone.press('form[action="/drafts/"] .button')
    page.wait_for_selector("#id_matter")
    someone.tab_to("#id_matter")
    keys.type("Loan")
    someone.press(GO_ON)
    page.wait_for_selector("#id_requester")
    someone.tab_to("#id_requester")
    keys.type("Ana")
    someone.tab_to("#id_authority")
    keys.type("own records")
    someone.press(GO_ON)
    page.wait_for_url("**/conversations/")
    someone.press(GO_ON)
    page.wait_for_selector("#tick-4")
    someone.press("#tick-4", "Space")
    page.locator("#count strong").get_by_text("4", exact=True).wait_for()
    someone.press(GO_ON)
    page.wait_for_url("**/redaction/**")
    someone.press('a[href*="message=3#edit"]')
    page.wait_for_selector(".piece")
    someone.press('.piece input[aria-label$=" 1203"]', "Space")
    someone.tab_to("#reason")
    keys.type("privacy")
    someone.press('button[value="withhold"]')
    page.locator(".black").first.wait_for()
    assert "1203" not in page.locator("ol.messages").inner_text()
    for step in ("parties", "review", "confirm"):
        someone.press(GO_ON)
        page.wait_for_url(f"**/{step}/")
    someone.press(GO_ON)
    page.wait_for_selector("#id_password")
    someone.tab_to("#id_password")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_selector("progress")

    finish_the_job()

    page.locator('main a[href$=".zip"]').wait_for()
    someone.tab_to('main a[href$=".zip"]')
    with page.expect_download() as coming:
        keys.press("Enter")
    bundle = tmp_path / "bundle.zip"
    coming.value.save_as(bundle)
    page.goto("/verify/")
    someone.tab_to("#file")
    someone.choose_file(bundle)
    page.wait_for_selector("#first .hash")
    someone.press("#check .button")
    page.wait_for_selector(".verdict.doubt")
    assert someone.troubles == []


def test_the_menu_of_a_phone_opens_and_closes_by_keyboard(person, transactional_db):
    someone = person("zh-hans", 390)
    page = someone.page
    page.goto("/")
    assert not page.locator("#menu").is_visible()
    someone.press(".menu-button")
    assert page.locator("#menu").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#menu").is_visible()
    assert page.evaluate("document.activeElement.matches('.menu-button')")


def test_a_broken_upload_loses_nothing_and_is_explained(person, alice, transactional_db, tmp_path):
    from evidence.models import Acquisition

    someone = person("en", 390, actor=alice)
    page = someone.page
    page.goto("/upload/")
    page.set_input_files("#file", str(chat_file(tmp_path)))
    # The line is cut in the middle of sending; the page tries again until it is back.
    page.context.set_offline(True)
    page.click("main form .button")
    page.locator("#sending [data-state]").get_by_text("lost").wait_for()
    assert not Acquisition.objects.exists()
    page.context.set_offline(False)
    page.wait_for_url("**/upload/*/")
    page.wait_for_selector("#timezone")
    page.goto("/upload/")
    damaged = tmp_path / "half.zip"
    damaged.write_bytes(b"PK\x03\x04" + b"\0" * 200)
    page.set_input_files("#file", str(damaged))
    page.click("main form .button")
    page.wait_for_url("**/upload/*/")
    page.locator(".note.error").wait_for()
    someone.troubles.clear()  # the browser reports the cut line
    assert someone.wrong() == []
    assert not Acquisition.objects.exists()


def test_a_session_that_ended_in_the_middle_leads_back_to_the_same_step(
    person, alice, stored, transactional_db
):
    from tests.conftest import PASSWORD as OF_ALICE

    someone = person("en", 1280, actor=alice)
    page = someone.page
    page.goto(f"/conversations/{stored(alice).public_id}/")
    page.click('form[action="/drafts/"] .button')
    page.fill("#id_matter", "Loan")
    page.click(GO_ON)
    page.wait_for_url("**/authority/")
    step = page.url
    page.fill("#id_requester", "Ana")
    page.context.clear_cookies(name="sessionid")
    page.click(GO_ON)
    page.wait_for_selector("input[type=password]")
    page.fill("#id_login", "alice")
    page.fill("input[type=password]", OF_ALICE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_requester")
    assert page.url.split("?")[0] == step
    page.locator(".trail a").first.click()
    assert page.input_value("#id_matter") == "Loan"


def test_two_tabs_on_one_draft_overwrite_nothing_unseen(person, alice, stored, transactional_db):
    someone = person("en", 1280, actor=alice)
    first = someone.page
    first.goto(f"/conversations/{stored(alice).public_id}/")
    first.click('form[action="/drafts/"] .button')
    second = first.context.new_page()
    second.goto(first.url)
    first.fill("#id_matter", "Loan of the first tab")
    first.click(GO_ON)
    first.wait_for_url("**/authority/")
    second.fill("#id_matter", "Loan of the second tab")
    second.click(GO_ON)
    second.locator(".note.warn").wait_for()
    assert second.input_value("#id_matter") == "Loan of the second tab"
    first.go_back()
    first.reload()
    assert first.input_value("#id_matter") == "Loan of the first tab"


def test_a_job_whose_worker_was_killed_goes_on_and_the_page_follows(
    person, alice, requested, transactional_db
):
    import socket

    from evidence.actions.advance import advance
    from evidence.models import Job

    export = requested(alice)
    for _ in range(3):
        advance(export.job.pk, at=timezone.now())
    # What a worker leaves behind that was killed in the middle of a phase: its lease.
    dead = f"{socket.gethostname()}:{2**22 + 1}:1"
    until = timezone.now() + timedelta(seconds=90)
    Job.objects.filter(pk=export.job.pk).update(lease_holder=dead, lease_until=until)
    someone = person("zh-hans", 390, actor=alice)
    page = someone.page
    page.goto(f"/exports/{export.public_id}/")
    page.wait_for_selector("progress")
    assert page.locator(".steps .done").count() == 4

    finish_the_job()

    page.locator('main a[href$=".zip"]').wait_for()
    events = logged_on(page)
    assert "Bundle issued" in events or "证据包已出具" in events
    assert len(events) == len(set(events))
    assert someone.wrong() == []


def test_messages_are_found_by_words_and_chosen_on_a_phone(
    person, alice, transactional_db, tmp_path
):
    series = acquired(alice, chat_file(tmp_path), timezone="Europe/Madrid", owner="Ana")
    draft = alice.client.post("/drafts/", {"series": series.public_id})["Location"]
    someone = person("en", 390, actor=alice)
    page = someone.page
    page.goto(draft.replace("purpose", "messages"))
    page.fill("#q", "NOON")
    page.keyboard.press("Enter")
    page.wait_for_selector("mark")
    assert page.locator(".hit input:checked").count() == 1
    someone.look("wizard-search")
    page.keyboard.press("Tab")  # on the way to the content: a click is not lost by it
    page.click("button[value=only]")
    page.wait_for_selector("#count .counter")
    assert "1 of 5 messages" in page.inner_text("#count")
    assert someone.wrong() == []
