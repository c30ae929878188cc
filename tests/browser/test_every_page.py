"""Every page of the URL table, with real data in it, at two widths and in two languages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest

from tests.browser.gallery import LOOSE, SCENES, Scene, forgotten, loose_page, mails

pytestmark = pytest.mark.long

WIDE, NARROW = 1280, 390
LANGUAGES = ("en", "zh-hans")
OWN_STATUS = ("status of 404", "status of 403", "status of 400")
"""What the browser reports of pages that are meant to answer so."""


def test_no_address_is_forgotten():
    assert forgotten() == set()


def _people(person: Any, stage: Any, language: str) -> Any:
    """Return who looks at a scene, each in one window that stays open."""
    seated: dict[str, Any] = {}

    def find(scene: Scene) -> Any:
        if scene.who not in seated:
            actor = _root() if scene.who == "root" else getattr(stage, scene.who, None)
            seated[scene.who] = person(language, WIDE, actor=actor)
        return seated[scene.who]

    return find


def _root() -> Any:
    from evidence.models import User
    from tests.conftest import _person, _signed_in

    if not User.objects.filter(username="root").exists():
        from django.utils import timezone

        user, _own = _person("root", timezone.now())
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    user = User.objects.get(username="root")
    return _signed_in(user, user.memberships.get().organisation)


def _shown(scenes: Any, person: Any, stage: Any, language: str) -> Iterator[tuple[str, Any]]:
    """Open every scene, then every loose page and mail; yield its name and who looks at it."""
    who = _people(person, stage, language)
    for scene in scenes:
        seated = who(scene)
        seated.troubles.clear()
        seated.forgiven = OWN_STATUS
        seated.page.set_viewport_size({"width": WIDE, "height": 900})
        seated.page.goto(scene.address(stage))
        if scene.act is not None:
            scene.act(seated.page, stage)
        yield scene.name, seated
    seated = person(language, WIDE)
    pages = {name: loose_page(name, language) for name in LOOSE}
    for name, text in mails(stage, language):
        pages[name] = f"<!doctype html><html lang=en><title>{name}</title><main><h1>{name}</h1>"
        pages[name] += (
            f'<pre tabindex="0" style="white-space: pre-wrap; overflow-wrap: anywhere">{escape(text)}</pre></main></html>'
        )
    for name, html in pages.items():
        seated.page.route(f"**/{name}", _answering(html))
        seated.page.goto(f"/{name}")
        yield name, seated


def _answering(html: str) -> Any:
    def answer(route: Any) -> None:
        route.fulfill(body=html, content_type="text/html; charset=utf-8")

    return answer


def _judged(number: int, language: str) -> bool:
    """Return whether axe looks too: at every second page of a language, at all in a sweep."""
    swept = os.environ.get("SWEEPS", "") not in {"", "0"}
    return swept or number % 2 == LANGUAGES.index(language)


def test_axe_finds_nothing_serious_and_nothing_is_wider_than_the_screen(person, stage):
    wrong = {}
    for language, first in zip(LANGUAGES, (WIDE, NARROW), strict=True):
        for number, (name, seated) in enumerate(_shown(SCENES, person, stage, language)):
            found = []
            for width in (first, WIDE + NARROW - first):
                seated.page.set_viewport_size({"width": width, "height": 900})
                axe = width == first and _judged(number, language)
                # Django's own administration is judged by its width alone.
                found += seated.wrong(axe=axe and not name.startswith("admin"))
            if found:
                wrong[f"{name} {language}"] = found
    assert wrong == {}


if "SCREENSHOTS" in os.environ:
    # Not a test of anything: what `make screenshots` runs.
    def test_pictures_of_every_page(person, stage):
        folder = Path(os.environ["SCREENSHOTS"])
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.png"):
            old.unlink()
        for language in LANGUAGES:
            for name, seated in _shown(SCENES, person, stage, language):
                for width in (WIDE, NARROW):
                    seated.page.set_viewport_size({"width": width, "height": 900})
                    seated.width = width
                    seated.picture(name, str(folder))
                    assert (folder / f"{name}-{language}-{width}.png").stat().st_size > 5_000
