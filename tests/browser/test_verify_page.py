"""The verification page in a real browser: hash first, axe, narrow screens, keyboard alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from django.utils import timezone

from evidence.management.attacks import forged, keys, paper
from evidence.management.attacks.honest import Maker

pytestmark = pytest.mark.long

VIEWS = [
    (1280, "en"),
    (390, "zh-hans"),
    pytest.param(390, "en", marks=pytest.mark.sweep),
    pytest.param(1280, "zh-hans", marks=pytest.mark.sweep),
]


@pytest.fixture
def opened(person):
    """Open a page of the running service at a width and in a language; notes what goes wrong."""

    def open_page(width: int = 1280, language: str = "en"):
        someone = person(language, width)
        page = someone.page
        page.person, page.troubles, page.sent = someone, someone.troubles, []
        page.on("request", lambda request: page.sent.append((request.method, request.url)))
        return page

    return open_page


@pytest.fixture
def files(transactional_db, tmp_path):
    """A good bundle and the same with one amount changed, made by this very deployment."""
    from evidence.management.demonstration import demonstrate

    made = demonstrate(tmp_path / "demo")
    forgery = tmp_path / "forged.pdf"
    with ThreadPoolExecutor(1) as elsewhere:  # the browser has an event loop running in this thread
        forgery.write_bytes(elsewhere.submit(_forged).result())
    return {"good": made.good, "altered": made.altered, "forged": forgery}


def _forged() -> bytes:
    maker = Maker(keys.make_pki(timezone.now().replace(microsecond=0)))
    return forged.isa(maker.archived(paper.plain(1)), maker)


def _assert_accessible(page) -> None:
    """Everything unfolded: axe is clean, nothing is wider than the screen, nothing was reported."""
    assert page.person.wrong(strict=True) == []


def _check(page, file: Path) -> None:
    page.goto("/verify/")
    page.set_input_files("#file", file)
    page.wait_for_selector("#first .hash")
    page.click("#check .button")
    page.wait_for_selector(".lines")


@pytest.mark.parametrize(("width", "language"), VIEWS)
def test_the_pages_are_accessible_at_every_width_in_every_language(opened, files, width, language):
    page = opened(width, language)
    page.goto("/verify/")
    _assert_accessible(page)
    for address in ("/verify/trust/", f"/verify/hash/{'0' * 64}/", "/verify/?known=x"):
        page.goto(address)
        page.troubles[:] = [one for one in page.troubles if "400 (Bad Request)" not in one]
        _assert_accessible(page)
    for kind, shade in (("good", "doubt"), ("altered", "bad"), ("forged", "bad")):
        _check(page, files[kind])
        assert page.locator(f".verdict.{shade}").count() == 1
        _assert_accessible(page)
    assert page.locator(".before-after img").count() == 2
    page.goto("/verify/")
    page.set_input_files("#file", files["good"])
    page.click("#first a")
    page.wait_for_selector("table")
    _assert_accessible(page)


def test_the_hash_is_asked_before_anything_is_uploaded(opened, files):
    page = opened()
    page.goto("/verify/")
    page.set_input_files("#file", files["good"])
    page.wait_for_selector("#first a")
    digest = sha256(files["good"].read_bytes()).hexdigest()
    assert digest in page.inner_text("#first")
    assert "has not been uploaded" in page.inner_text("#first")
    assert {method for method, _ in page.sent} == {"GET"}
    assert [url for _, url in page.sent if f"/verify/hash/{digest}/" in url]
    page.click("#check .button")
    page.wait_for_selector(".verdict")
    assert [method for method, _ in page.sent].count("POST") == 1
    hosts = {url.split("/")[2] for _, url in page.sent}
    assert len(hosts) == 1


def test_the_worker_computes_sha256(opened, transactional_db, tmp_path):
    page = opened()
    page.goto("/verify/")
    for length in (0, 1, 55, 56, 63, 64, 65, 119, 120, 4 * 1024 * 1024 + 3):
        file = tmp_path / f"{length}.bin"
        file.write_bytes((bytes(range(251)) * (length // 251 + 1))[:length])
        page.set_input_files("#file", file)
        digest = sha256(file.read_bytes()).hexdigest()
        page.locator("#first .hash", has_text=digest).wait_for()


def test_a_file_can_be_checked_with_the_keyboard_alone(opened, files):
    page = opened()
    page.goto("/verify/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.locator("#content:focus").wait_for()
    page.keyboard.press("Tab")
    page.locator("#file:focus").wait_for()
    page.person.choose_file(files["altered"])
    page.wait_for_selector("#first .hash")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#check button')"):
            break
    assert page.evaluate("document.activeElement.matches('#check button')")
    page.keyboard.press("Enter")
    page.wait_for_selector(".verdict.bad")
    assert "Altered" in page.inner_text("h1")


def test_the_report_is_handed_out_twice_from_one_page(opened, files):
    page = opened()
    _check(page, files["good"])
    for form, start in (("pdf", b"%PDF-1.7"), ("json", b"{")):
        with page.expect_download() as download:
            page.click(f"button[value={form}]")
        assert Path(download.value.path()).read_bytes().startswith(start)
