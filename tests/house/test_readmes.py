"""The README in Chinese names the same commands, settings and steps as the one in English."""

from __future__ import annotations

import re

import pytest

FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIGURES = re.compile(r"<!-- figures:begin -->.*<!-- figures:end -->", re.DOTALL)


@pytest.fixture(scope="module")
def readmes(repository) -> tuple[str, str]:
    english, chinese = (
        (repository / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")
    )
    return FIGURES.sub("", english), chinese


def first_cells(text: str) -> list[str]:
    """Return the first cell of every row of every table that names a command or a setting."""
    return re.findall(r"^\| (`(?:manage\.py|TRUETHREAD_)(?:\\\||[^|])*`) \|", text, re.MULTILINE)


def steps(text: str) -> list[str]:
    """Return the code blocks without their comments."""
    return [re.sub(r"[ ]*#.*", "", block) for block in FENCED.findall(text)]


def in_code(text: str) -> set[str]:
    """Return every name that stands in code within the prose: paths, options, variables."""
    return set(re.findall(r"`([^`\n]+)`", FENCED.sub("", text)))


def test_both_name_the_same_commands_and_settings_in_the_same_order(readmes):
    english, chinese = map(first_cells, readmes)
    assert len(english) > 40
    assert chinese == english


def test_both_show_the_same_steps(readmes):
    english, chinese = map(steps, readmes)
    assert len(english) == 5
    assert chinese == english


def test_both_speak_of_the_same_things_in_the_same_chapters(readmes):
    english, chinese = readmes
    assert english.count("\n## ") == chinese.count("\n## ")
    assert in_code(chinese) - in_code(english) == set()
    assert in_code(english) - in_code(chinese) == set()


def test_every_target_of_make_that_a_readme_names_exists(readmes, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for text in readmes:
        named = set(re.findall(r"\bmake ([a-z-]+)", " ".join(in_code(text)) + text))
        assert {"demo", "test"} <= named
        wrong = {one for one in named if f"`make {one}" in text} - targets
        assert wrong == set()
