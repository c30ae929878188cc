"""The house is in order: migrations, documents, catalogues, targets, words."""

from __future__ import annotations

import re
import subprocess

import pytest
from django.core.management import call_command

from evidence.management import catalogues

READER = re.compile(
    r"env\.(?:text|boolean|integer|choice|path|existing_files?|url|url_list|secret|secret_url|key_bytes"
    r'|database_url|smtp_url)\(\s*"(TRUETHREAD_\w+)"'
)
TARGETS = ("demo", "test", "serve", "check", "bench")
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")


def tracked(repository, *patterns: str) -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=repository, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return [name for name in listing.stdout.split("\0") if name and (repository / name).is_file()]


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_variable_is_explained_in_the_readme(repository):
    settings = (repository / "project" / "settings.py").read_text(encoding="utf-8")
    readme = (repository / "README.md").read_text(encoding="utf-8")
    read = set(READER.findall(settings))
    explained = set(re.findall(r"^\| `(TRUETHREAD_\w+)`", readme, flags=re.MULTILINE))
    assert len(read) > 10
    assert explained == read


def test_every_command_is_explained_in_the_readme(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `manage\.py (\w+)", readme, flags=re.MULTILINE))
    commands = {
        file.stem
        for file in (repository / "evidence" / "management" / "commands").glob("*.py")
        if not file.stem.startswith("_")
    }
    assert commands <= explained


def test_make_without_a_target_lists_the_main_ones(repository):
    run = subprocess.run(["make"], cwd=repository, capture_output=True, text=True, check=True)
    listed = re.findall(r"^  make (\S+) +\S", run.stdout, flags=re.MULTILINE)
    assert set(TARGETS) <= set(listed)


def test_the_script_of_continuous_integration_is_well_formed(repository):
    subprocess.run(["bash", "-n", ".ci/run"], cwd=repository, check=True)


def test_the_readme_begins_with_the_two_commands(repository):
    top = (repository / "README.md").read_text(encoding="utf-8")[:1200]
    assert "make demo" in top
    assert "make test" in top


def test_no_tracked_file_names_a_path_of_one_machine(repository):
    home = re.compile(r"(?<![\w.-])/(?:home|Users)/\w+/|(?<![\w.-])/(?:work|root)/[\w.]+")
    for name in tracked(
        repository, "*.py", "*.md", "*.toml", "*.txt", "Makefile", ".ci/*", "*.html"
    ):
        text = (repository / name).read_text(encoding="utf-8", errors="replace")
        assert not home.search(text), name


def test_nothing_generated_is_tracked(repository):
    assert tracked(repository, "var/*", ".venv/*", "*.mo", "*.ttf", "*.otf", "*.ttc", "*.pyc") == []


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_sentence_is_translated(repository, language):
    catalogue = catalogues.read(catalogues.catalogue_file(repository, language), language)
    for message in catalogues.extract_messages(repository):
        if message.id:
            kept = catalogue.get(message.id, message.context)
            assert kept is not None, f"run manage.py extract_catalogues: {message.id!r}"
    assert catalogues.untranslated(catalogue) == []


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_a_translation_keeps_the_placeholders(repository, language):
    catalogue = catalogues.read(catalogues.catalogue_file(repository, language), language)
    for message in catalogue:
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for string in strings:
            if message.id:
                assert _placeholders(string) == _placeholders(ids[-1]), message.id


def _placeholders(text: str) -> set[str]:
    return {name for found in PLACEHOLDER.findall(text) for name in found if name}


def test_the_map_names_every_room(repository):
    drawn = (repository / "evidence" / "README.md").read_text(encoding="utf-8")
    rooms = {name.split("/")[1] for name in tracked(repository, "evidence/*/*.py")}
    assert [room for room in sorted(rooms) if f"`{room}/" not in drawn] == []
