"""Asking the log by hash or by bundle id: facts of the log alone, nothing uploaded."""

from __future__ import annotations

import pytest
from django.utils import timezone

from evidence.actions.withdraw_bundle import withdraw_bundle
from evidence.front.limits import Turnstile
from evidence.models import Export
from evidence.values import Actor

UNKNOWN = "0" * 64


@pytest.fixture
def export(alice, issued):
    return issued(alice)


def _hashes(export: Export) -> dict[str, str]:
    return {one.kind: bytes(one.sha256).hex() for one in export.artifacts.all()}


def _json(client, digest: str):
    return client.get(f"/verify/hash/{digest}/", headers={"Accept": "application/json"})


def test_every_issued_file_is_known_by_its_hash(client, export):
    hashes = _hashes(export)
    assert set(hashes) == {"zip", "receipt", "pdf"}
    for kind, digest in hashes.items():
        said = _json(client, digest).json()
        assert (said["known"], said["kind"], said["bundle"]) == (True, kind, export.public_id)
        assert said["series"][0] | {"stored_by": ""} == {
            "rows": 6, "chosen": 6, "first": 1, "last": 6, "gaps": 0, "withheld": 0, "stored_by": "",
        }  # fmt: skip
        page = client.get(f"/verify/hash/{digest.upper()}/").content.decode()
        assert "This file was issued here" in page
        assert export.public_id in page


@pytest.mark.django_db
def test_an_unknown_hash_is_not_called_altered(client):
    said = _json(client, UNKNOWN).json()
    assert not said["known"]
    assert set(said) == {"sha256", "known", "sentences", "page"}
    page = client.get(f"/verify/hash/{UNKNOWN}/").content.decode()
    assert "Not known to our log" in page


def test_withdrawal_is_the_first_thing_said(client, export):
    withdraw_bundle(
        export=export, actor=Actor("operator", "x"), reason="mistake", at=timezone.now()
    )
    said = _json(client, _hashes(export)["zip"]).json()
    assert said["withdrawn"]
    assert "withdrew" in said["sentences"][0]
    assert "has withdrawn" in client.get(f"/verify/?bundle={export.public_id}").content.decode()


def test_the_printed_code_leads_to_the_facts_and_the_custody_of_this_bundle_alone(client, export):
    page = client.get(f"/verify/?bundle={export.public_id}").content.decode()
    assert "This bundle was issued here" in page
    assert "6 of 6 messages" in page
    assert "Bundle issued" in page
    for digest in _hashes(export).values():
        assert digest[:8] in page
    assert "Conversation viewed" not in page
    assert "alice" not in page
    assert "Loan" not in page


def test_unknown_and_unissued_bundles_look_alike(client, alice, requested):
    unissued = requested(alice)
    asked = [unissued.public_id, "0" * 32, "nonsense", "<b>"]
    pages = {client.get("/verify/", {"bundle": one}).content for one in asked}
    texts = {page.split(b"<main")[1] for page in pages}
    assert len(texts) == 1
    assert b"Not known to our log" in texts.pop()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        (" AB" * 32, f"/verify/hash/{'ab' * 32}/"),
        ("ab:" * 31 + "ab", f"/verify/hash/{'ab' * 32}/"),
        ("CD" * 16, f"/verify/?bundle={'cd' * 16}"),
    ],
)
def test_a_typed_hash_or_id_leads_to_its_page(client, typed, leads_to):
    answer = client.get("/verify/", {"known": typed})
    assert (answer.status_code, answer["Location"]) == (302, leads_to)


@pytest.mark.django_db
def test_anything_else_that_is_typed_is_explained(client):
    answer = client.get("/verify/", {"known": "<b>hello"})
    assert answer.status_code == 400
    assert "64 characters" in answer.content.decode()
    assert "<b>hello" not in answer.content.decode()


@pytest.mark.django_db
def test_asking_too_often_is_told_in_either_form(client, monkeypatch):
    gate = Turnstile("test", at_once=1, patience=0.01, per_minute=0)
    monkeypatch.setattr("evidence.public.lookup.LOOKUP_TURNSTILE", gate)
    assert _json(client, UNKNOWN).status_code == 429
    page = client.get(f"/verify/hash/{UNKNOWN}/")
    assert (page.status_code, page["Retry-After"]) == (429, "30")
    assert "no queue to hold your place" in page.content.decode()
