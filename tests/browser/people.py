"""Someone before a screen: what they see, what is wrong with it, and their keyboard."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

SERIOUS = ("serious", "critical")


@lru_cache(maxsize=1)
def _axe() -> str:
    import axe_core_python

    return (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


class Person:
    """A person at a screen of some width, reading in one language.

    troubles: what the browser reported. forgiven: words of what it may report.
    """

    def __init__(self, page: Any, language: str, width: int) -> None:
        self.page, self.language, self.width = page, language, width
        self.troubles: list[str] = []
        self.forgiven: tuple[str, ...] = ()
        page.on("console", lambda said: self.troubles.append(said.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append(f"dialog: {dialog.message}"))

    def wrong(self, *, axe: bool = True, strict: bool = False) -> list[str]:
        """Return what is wrong with the page that is open, everything unfolded.

        strict: also what axe calls minor or moderate.
        """
        self.page.evaluate(
            "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
        )
        found = []
        if axe:
            self.page.evaluate(_axe() + "; 0")
            for one in self.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
                if strict or one["impact"] in SERIOUS:
                    nodes = [node["html"][:160] for node in one["nodes"]][:3]
                    found.append(f"axe {one['id']}: {nodes}")
        if self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append("wider than the screen")
        found += [
            f"reported: {one}"
            for one in self.troubles
            if not any(words in one for words in self.forgiven)
        ]
        return found

    def look(self, name: str) -> None:
        """Fail where something serious is wrong with the page called ``name``."""
        self.picture(name)
        assert self.wrong() == [], name

    def picture(self, name: str, folder: str | None = None) -> None:
        """Keep a picture of the whole page where the environment asks for pictures."""
        place = folder or os.environ.get("SCREENSHOTS")
        if place:
            file = Path(place) / f"{name}-{self.language}-{self.width}.png"
            self.page.screenshot(path=file, full_page=True)

    def tab_to(self, selector: str, presses: int = 120) -> None:
        """Reach an element by the Tab key alone, as people do who have no mouse."""
        for _ in range(presses):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(
                "(wanted) => !!document.activeElement && document.activeElement.matches(wanted)",
                selector,
            ):
                return
        raise AssertionError(f"{selector} is not reached by keyboard on {self.page.url}")

    def press(self, selector: str, key: str = "Enter") -> None:
        """Reach an element by keyboard and press a key on it."""
        self.tab_to(selector)
        self.page.keyboard.press(key)

    def arrow_to(self, selector: str, presses: int = 12) -> None:
        """Reach a choice of a group by the arrow keys, and thereby choose it."""
        for _ in range(presses):
            if self.page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
                self.page.keyboard.press("Space")
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{selector} is not reached by arrow keys on {self.page.url}")

    def choose_file(self, file: Path) -> None:
        """Press the space bar on the focused field: again where a busy machine slept."""
        from playwright.sync_api import TimeoutError as TookTooLong

        for _ in range(20):
            try:
                with self.page.expect_file_chooser(timeout=15_000) as chooser:
                    self.page.keyboard.press("Space")
            except TookTooLong:
                continue
            chooser.value.set_files(str(file))
            return
        raise AssertionError("the space bar opens no file chooser")


def logged_on(page: Any) -> list[str]:
    """Return the events in the log on a page, newest first."""
    rows: list[str] = page.locator("table.log tbody th").all_inner_texts()
    return [row.split("\n")[0].strip() for row in rows]
