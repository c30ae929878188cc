"""Catalogues are extracted and compiled without gettext."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evidence.management import catalogues

TEMPLATE = """{% load i18n %}
<p title="it's {% translate "Sealed" %}">
    {% blocktranslate count number=n trimmed %}
        {{ number }} message
    {% plural %}
        {{ number }} messages
    {% endblocktranslate %}
    {% translate "May" context "month" %} {{ x|default:_("nobody") }} don't
</p>
"""
CODE = 'from django.utils.translation import gettext_lazy as _\nNAME = _("Evidence")\n'
ERRORS = 'class NotFound(Exception):\n    sentence = "There is nothing here."\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {"templates/page.html": TEMPLATE, "evidence/apps.py": CODE, "evidence/errors.py": ERRORS,
             "project/settings.py": "", "project/urls.py": ""}  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def test_templates_code_and_error_sentences_are_collected(project):
    found = catalogues.extract_messages(project)
    assert {(message.id, message.context) for message in found if message.id} == {
        ("Sealed", None), (("%(number)s message", "%(number)s messages"), None), ("May", "month"),
        ("nobody", None), ("Evidence", None), ("There is nothing here.", None),
    }  # fmt: skip


def test_an_update_keeps_translations_and_drops_what_is_no_longer_said(project):
    catalogues.update(project, "zh_Hans")
    file = catalogues.catalogue_file(project, "zh_Hans")
    file.write_text(file.read_text().replace('"Sealed"\nmsgstr ""', '"Sealed"\nmsgstr "已封存"'))
    (project / "evidence" / "apps.py").write_text("")

    catalogue = catalogues.update(project, "zh_Hans")

    assert catalogue["Sealed"].string == "已封存"
    assert "Evidence" not in catalogue
    assert "Sealed" not in catalogues.untranslated(catalogue)
    assert "nobody" in catalogues.untranslated(catalogue)


def test_the_chinese_of_the_verifier_is_that_of_the_catalogue(repository):
    path, table = catalogues.verifier_table(repository)
    assert path.read_text(encoding="utf-8") == table, "run manage.py extract_catalogues"


def test_an_update_without_changes_writes_the_same_bytes(project):
    catalogues.update(project, "zh_Hans")
    first = catalogues.catalogue_file(project, "zh_Hans").read_bytes()
    catalogues.update(project, "zh_Hans")
    assert catalogues.catalogue_file(project, "zh_Hans").read_bytes() == first


def test_only_a_changed_catalogue_is_compiled_again(project):
    catalogues.update(project, "zh_Hans")
    file = catalogues.catalogue_file(project, "zh_Hans")
    assert catalogues.compile_stale(project) == [file]
    assert catalogues.compile_stale(project) == []
    later = file.with_suffix(".mo").stat().st_mtime + 1
    os.utime(file, (later, later))
    assert catalogues.compile_stale(project) == [file]
