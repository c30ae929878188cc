"""The verification page: any file, one verdict in words, nothing kept."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from evidence.actions.withdraw_bundle import withdraw_bundle
from evidence.errors import BusyNow
from evidence.front.limits import Turnstile
from evidence.models import Export
from evidence.public.verdicts import CHECK_WORDS, is_intact, three_lines, verdict
from evidence.values import Actor
from evidence.verify.offline.report import REASONS, Report, failed, make_report, not_checked, passed

INTACT_WORDS = ("Intact", "unchanged", "Unchanged", "exactly as it was issued")


def sent(client, data: bytes, name: str = "evidence.zip", **more):
    return client.post("/verify/", {"file": SimpleUploadedFile(name, data), **more})


@pytest.fixture
def files(alice, issued, content):
    """The files of an issued bundle, by kind."""
    export = issued(alice)
    return {
        artifact.kind: content(
            alice.client.get(f"/exports/{export.public_id}/files/{artifact.name}")
        )
        for artifact in export.artifacts.all()
    }


def test_our_own_files_are_called_what_they_are_and_altered_ones_altered(client, files):
    page = sent(client, files["zip"]).content.decode()
    assert "Intact, made with test keys" in page
    assert (
        "The source held 6 rows as delivered. This excerpt stands at positions 1…6. "
        "Nothing is withheld." in " ".join(page.split())
    )
    assert "Who typed it" in page

    page = sent(client, files["pdf"], "evidence.pdf").content.decode()
    assert "Altered" not in page

    altered = files["zip"].replace(b"500 euros", b"900 euros")
    assert altered != files["zip"]
    page = sent(client, altered).content.decode()
    assert "Altered. Do not rely on this file" in page
    assert "What this proves" not in page


def test_a_withdrawn_bundle_is_said_to_be_withdrawn(client, files):
    withdraw_bundle(
        export=Export.objects.get(),
        actor=Actor("operator", "x"),
        reason="mistake",
        at=timezone.now(),
    )
    assert "The issuer has withdrawn this bundle" in sent(client, files["zip"]).content.decode()


def test_nothing_of_the_file_is_kept(client, db, settings):
    sent(client, b"%PDF-1.7 private words")
    left = [file for file in settings.TRUETHREAD_VAR_DIR.rglob("*") if file.is_file()]
    assert not [file for file in left if b"private words" in file.read_bytes()]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "data", [b"x", b"PK\x05\x06" + bytes(18), b"%PDF-1.7", b"{}", b"\xff" * 999]
)
def test_any_bytes_get_a_verdict(client, data):
    answer = sent(client, data, "<b>\u202eodd</b>.zip")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "verdict doubt" in page or "verdict bad" in page
    assert "<b>" not in page


@pytest.mark.django_db
def test_no_file_is_a_mistake_that_is_explained(client):
    answer = client.post("/verify/", {})
    assert answer.status_code == 400
    assert "choose a file first" in answer.content.decode()


def _report(reason: str, *findings) -> Report:
    made = make_report("x", "bundle", findings, trust="configured", required=frozenset())
    return Report("x", "bundle", made.indication, reason, "configured", made.findings, 0.0)


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("check", ["integrity", "coverage", "files", "messages", "revisions"])
def test_no_sentence_calls_an_altered_file_intact(reason, check):
    findings = [passed("integrity", ""), passed("files", ""), failed(check, "changed")]
    report = _report(reason, *findings)
    said = verdict(report)
    words = f"{said.headline} {said.explanation} {three_lines(report)[0].words}"
    assert not is_intact(report)
    assert not any(word in words for word in INTACT_WORDS), words


WHOLE_WORDS = ("The content is unchanged", "Unchanged since", "exactly as it was issued")


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("trust", ["configured", "development"])
@pytest.mark.parametrize("filled", [passed("filled", ""), not_checked("filled", "", reason="")])
def test_a_form_filled_in_after_signing_is_not_called_unchanged(reason, trust, filled):
    findings = (passed("integrity", ""), filled)
    made = make_report("x", "pdf", findings, trust=trust, required=frozenset())
    indication = "TOTAL_PASSED" if reason == "ok" else made.indication
    report = Report("x", "pdf", indication, reason, trust, made.findings, 0.0)
    said, line = verdict(report), three_lines(report)[0]
    words = f"{said.headline} {said.explanation} {line.words}"
    assert not any(word in words for word in WHOLE_WORDS), words
    assert "filled in since" in words
    if filled.outcome == "not_checked" and reason != "ok":
        assert (said.shade, line.shade) != ("ok", "ok")


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason != "ok"])
def test_what_was_not_checked_is_never_called_intact(reason):
    report = _report(reason, not_checked("integrity", "", reason=reason))
    said = verdict(report)
    assert not any(word in f"{said.headline} {said.explanation}" for word in INTACT_WORDS)


def test_every_check_of_the_verifier_has_words(repository):
    named = set()
    for file in (repository / "evidence" / "verify").rglob("*.py"):
        source = file.read_text(encoding="utf-8")
        named |= set(re.findall(r'(?:passed|failed|not_checked)\(\s*"([a-z_0-9]+)"', source))
        named |= set(re.findall(r'_(?:pass|fail)\(\s*"([a-z_0-9]+)"', source))
    assert named - set(CHECK_WORDS) == set()


def test_one_address_cannot_keep_everyone_else_waiting():
    gate = Turnstile("test", at_once=1, patience=0.01, per_minute=3)
    with gate.passed("a"):
        with pytest.raises(BusyNow), gate.passed("b"):
            pass
    for _ in range(2):
        with gate.passed("a"):
            pass
    with pytest.raises(BusyNow), gate.passed("a"):
        pass
    with gate.passed("b"):
        pass


@pytest.mark.django_db
def test_a_busy_page_says_so_and_when_to_return(client, monkeypatch):
    gate = Turnstile("test", at_once=1, patience=0.01, per_minute=0)
    monkeypatch.setattr("evidence.public.views.VERIFY_TURNSTILE", gate)
    answer = sent(client, b"x")
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert "wait a moment" in answer.content.decode()
