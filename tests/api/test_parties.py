"""Who is behind an account, stated over the API and on the command line."""

from __future__ import annotations

import json
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from evidence.actions.request_export import export_request
from evidence.archive.read import describe_series
from evidence.models import Export

ROOT = "/api/v1"


@pytest.fixture
def asked_with(alice, api, stored):
    """Ask for the bundle of a chat with parties; give the answer and the series."""
    series = stored(alice)
    client = api(alice)
    matter = client.post(f"{ROOT}/matters", {"name": "Loan"}).json()["id"]
    parts = [{"conversation": series.public_id}]
    selection = client.post(f"{ROOT}/selections", {"matter": matter, "parts": parts}).json()["id"]

    def ask(*parties, **more):
        listed = [{"conversation": series.public_id, **one} for one in parties]
        options = {"requester": "Ana", "parties": listed}
        body = {"selection": selection, "options": options}
        return client.post(f"{ROOT}/exports", body, **more), series

    return ask


def stated(export_id):
    options, _ = export_request(Export.objects.get(public_id=export_id))
    return [(one.key, one.name, one.basis) for one in options.parties]


def test_an_account_is_named_by_key_or_name(asked_with):
    answer, series = asked_with(
        {"account": "Ana", "name": "Ana Silva", "basis": "known"},
        {"account": "p2", "name": "李雷 (Li Lei)"},
    )
    assert answer.status_code == 202, answer.json()
    keys = {one.names[0]: one.key for one in describe_series(series).participants}
    assert stated(answer.json()["id"]) == [
        (keys["Ana"], "Ana Silva", "known"), ("p2", "李雷 (Li Lei)", ""),
    ]  # fmt: skip


def test_the_same_request_under_its_key_gets_the_same_export(asked_with):
    party = {"account": "p1", "name": "Ana Silva"}
    first, _ = asked_with(party, HTTP_IDEMPOTENCY_KEY="one")
    again, _ = asked_with(party, HTTP_IDEMPOTENCY_KEY="one")
    other, _ = asked_with(party | {"name": "Eve"}, HTTP_IDEMPOTENCY_KEY="one")
    assert again.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("party", "expected"),
    [
        ({"account": "p9", "name": "x"}, (422, "unknown_participant")),
        ({"account": "p1", "name": "x", "basis": "magic"}, (400, "invalid_request")),
        ({"account": "p1", "name": ""}, (400, "invalid_request")),
        ({"account": "p1"}, (400, "invalid_request")),
        ({"account": "p1", "name": "x", "conversation": "0" * 32}, (404, "unknown_conversation")),
    ],
)
def test_what_names_nobody_is_refused(asked_with, problem_of, party, expected):
    answer, _ = asked_with(party)
    assert problem_of(answer) == expected
    assert Export.objects.count() == 0


def test_one_account_has_one_person(asked_with, problem_of):
    answer, _ = asked_with({"account": "p1", "name": "x"}, {"account": "Ana", "name": "y"})
    assert problem_of(answer) == (422, "party_twice")


def test_a_party_in_a_conversation_of_somebody_else_is_one_in_none(
    asked_with, charlie, stored, problem_of
):
    theirs = stored(charlie).public_id
    answer, _ = asked_with({"account": "p1", "name": "x", "conversation": theirs})
    missing, _ = asked_with({"account": "p1", "name": "x", "conversation": "0" * 32})
    assert answer.json() == missing.json()
    assert problem_of(answer) == (404, "unknown_conversation")


@pytest.mark.django_db(transaction=True)
def test_the_command_states_parties_in_the_bundle(alice, stored, tmp_path):
    series = stored(alice)
    out = StringIO()
    call_command(
        "export", "--conversation", series.public_id, "--requester", "Ana", "--party",
        "Ana=Ana Silva: director:known", "--party", "p2=Li Lei", "--out", str(tmp_path), "--json",
        stdout=out,
    )  # fmt: skip
    bundle = Path(json.loads(out.getvalue())["zip"])
    with zipfile.ZipFile(bundle) as archive:
        found = json.loads(archive.read("data/manifest.json"))["series"][0]["participants"]
    said = {one["key"]: one["stated"] for one in found if "stated" in one}
    assert {(one["name"], one["basis"]) for one in said.values()} == {
        ("Ana Silva: director", "known"), ("Li Lei", None),
    }  # fmt: skip
    assert {one["by"] for one in said.values()} == {"Ana"}


@pytest.mark.parametrize("text", ["Ana", "Ana=", "=x", "Nobody=x", "p1=x:known p1=y"])
@pytest.mark.django_db(transaction=True)
def test_the_command_refuses_what_names_nobody(alice, stored, tmp_path, text):
    series = stored(alice)
    parties = [word for one in text.split(" ") for word in ("--party", one)]
    with pytest.raises(SystemExit) as ended:
        call_command(
            "export", "--conversation", series.public_id, *parties, "--out", str(tmp_path / "o"),
            "--json", stdout=StringIO(),
        )  # fmt: skip
    assert ended.value.code == 2
    assert Export.objects.count() == 0
