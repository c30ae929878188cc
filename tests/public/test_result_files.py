"""The result once more as a file: JSON and sealed PDF, from a ticket nobody else can make."""

from __future__ import annotations

import html
import re

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from evidence.management.attacks import forged, keys, paper
from evidence.management.attacks.honest import Maker
from evidence.public import judged
from evidence.public.verdicts import proves_evidence
from evidence.verify.offline.report import Report


def _checked(client, data: bytes, name: str = "evidence.zip") -> str:
    answer = client.post("/verify/", {"file": SimpleUploadedFile(name, data)})
    return answer.content.decode()


def _ticket(page: str) -> str:
    return html.unescape(re.search(r'name="ticket" value="([^"]+)"', page)[1])


@pytest.fixture
def bundle(alice, issued, content):
    export = issued(alice)
    name = export.artifacts.get(kind="zip").name
    return content(alice.client.get(f"/exports/{export.public_id}/files/{name}"))


def test_the_answer_can_be_kept_as_json(client, bundle):
    page = _checked(client, bundle)
    answer = client.post("/verify/report/", {"ticket": _ticket(page), "form": "json"})
    said = answer.json()
    assert said["format"] == "truethread/verification-report/v1"
    assert said["report"]["indication"] == "TOTAL_PASSED"
    assert said["issued"]["kind"] == "zip"
    assert "attachment" in answer["Content-Disposition"]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_answer_can_be_kept_as_a_sealed_document(client, bundle, language):
    page = _checked(client, bundle)
    client.cookies["django_language"] = language
    answer = client.post("/verify/report/", {"ticket": _ticket(page), "form": "pdf"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-1.7")
    judged_again = html.unescape(_checked(client, answer.content, "report.pdf"))
    assert "Altered" not in judged_again
    assert "verdict bad" not in judged_again
    assert "These bytes were in" not in judged_again
    changed = answer.content.replace(b"/Producer", b"/Producex", 1)
    assert "verdict bad" in _checked(client, changed, "report.pdf")


@pytest.mark.django_db
def test_a_ticket_of_somebody_else_is_refused(client, monkeypatch):
    forged = signing.dumps({"report": {}}, salt="something else")
    for text in ("", "x", forged):
        answer = client.post("/verify/report/", {"ticket": text, "form": "json"})
        assert answer.status_code == 400
        assert "expired" in answer.content.decode()
    ticket = _ticket(_checked(client, b"x"))
    monkeypatch.setattr(judged, "_KEPT_SECONDS", -1)
    assert client.post("/verify/report/", {"ticket": ticket}).status_code == 400


def test_a_report_is_the_same_on_both_sides_of_a_ticket(client, bundle):
    found = judged.restored(_ticket(_checked(client, bundle)))
    assert judged.restored(judged.ticket(found)) == found


def test_cards_and_lines_stand_beside_a_passing_verdict(client, bundle):
    page = _checked(client, bundle)
    for words in ("TrueThreadSeal", "TrueThreadTime1", "6 of 6 messages, contiguous.",
                  "Nothing is withheld.", "Verifiable without renewal until", "Bundle issued"):  # fmt: skip
        assert words in page


@pytest.mark.parametrize("kind", ["token", "receipt", "other"])
def test_only_bundles_and_volumes_are_said_to_have_been_in_a_store(kind):
    report = Report("x", kind, "TOTAL_PASSED", "ok", "public", (), 0.0)
    assert not proves_evidence(report)


@pytest.mark.django_db
def test_a_page_changed_after_signing_is_shown_before_and_after(client):
    maker = Maker(keys.make_pki(timezone.now().replace(microsecond=0)))
    file = forged.isa(maker.archived(paper.plain(2)), maker)

    page = client.post("/verify/", {"file": SimpleUploadedFile("a.pdf", file)}).content.decode()
    assert "Pages that changed after signing" in page
    assert page.count("data:image/png;base64,") == 2
    assert "Page 1, as first signed" in page

    client.cookies["django_language"] = "zh-hans"
    page = client.post("/verify/", {"file": SimpleUploadedFile("a.pdf", file)}).content.decode()
    assert "签署之后发生变化的页面" in page


@pytest.mark.django_db
def test_each_signature_has_a_card_of_facts_and_the_json_report_has_them_too(client):
    maker = Maker(keys.make_pki(timezone.now().replace(microsecond=0)))
    file = maker.stamp(maker.sign(paper.plain(2)))

    page = client.post("/verify/", {"file": SimpleUploadedFile("a.pdf", file)}).content.decode()
    for words in ("Signed by", "Serial number", "Key", "Chain of trust", "Time-stamped by"):
        assert f"<dt>{words}</dt>" in page
    assert "the whole file" in page
    assert "the rest was added later" in page

    answer = client.post("/verify/report/", {"ticket": _ticket(page), "form": "json"}).json()
    signature, stamp = answer["signatures"]
    assert (signature["kind"], stamp["kind"]) == ("signature", "time_stamp")
    assert stamp["covers"] == stamp["size"] == len(file)
    assert signature["covers"] < len(file)
    assert "signatures" not in answer["report"]


def test_our_own_seal_and_its_time_stamps_have_cards(client, bundle):
    page = _checked(client, bundle)

    assert page.count("<dt>Chain of trust</dt>") == 2
    assert "the whole file" in page
