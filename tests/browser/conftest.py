"""One server and one browser for the tests of a file, and people who sit before it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.people import Person
from tests.browser.stage import Stage, set_stage
from tests.patience import PATIENCE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "foreign tool missing: chromium"
QUIET = [
    "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium as Debian packages it; Playwright's own is never downloaded."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    from playwright.sync_api import sync_playwright

    # Playwright runs an event loop in this thread, which Django takes for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as started:
        launched = started.chromium.launch(
            executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE * 1000
        )
        yield launched
        launched.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def person(browser: Any, live_server: Any) -> Iterator[Callable[..., Person]]:
    """Seat someone before a screen of some width, reading in one language."""
    contexts = []

    def seat(language: str = "en", width: int = 1280, *, actor: Any = None) -> Person:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, base_url=live_server.url,
            reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(PATIENCE * 1000)
        cookies = {"django_language": language}
        if actor is not None:
            cookies["sessionid"] = actor.client.cookies["sessionid"].value
        context.add_cookies(
            [{"name": name, "value": to, "url": live_server.url} for name, to in cookies.items()]
        )
        contexts.append(context)
        return Person(context.new_page(), language, width)

    yield seat
    for context in contexts:
        context.close()


@pytest.fixture
def stage(
    browser: Any, transactional_db: None, tmp_path: Any, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """Real stored data for every page: samples, bundles in every state, a draft, a newcomer.

    The home page offers the samples for as long as the test lasts.
    """
    from evidence.management.demonstration import demo_folder

    yield set_stage(tmp_path, request.getfixturevalue("alice"))
    shutil.rmtree(demo_folder())
