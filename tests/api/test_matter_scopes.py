"""A client, or one token of it, that is limited to matters: everything outside is not there."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from evidence.actions.create_api_client import create_api_client
from evidence.actions.holds import place_hold
from evidence.actions.open_matter import open_matter
from evidence.models import Acquisition, Export, Hold, Matter, Selection
from evidence.values import API_SCOPES, Actor

ROOT = "/api/v1"
ACTOR = Actor("system", "test")


@pytest.fixture
def limited(now, program):
    """Give a program whose client, or whose token alone, is limited to matters of a person."""

    def make(actor, *matters, token_only=False) -> Any:
        client, secret = create_api_client(
            user=actor.user, organisation=actor.organisation, label="Firm", scopes=API_SCOPES,
            at=now, matters=() if token_only else matters,
        )  # fmt: skip
        basic = b64encode(f"{client.client_id}:{secret}".encode()).decode()
        asked: dict[str, Any] = {"grant_type": "client_credentials"}
        if token_only:
            asked["scope"] = " ".join([*API_SCOPES, *(f"matter:{one}" for one in matters)])
        made = program()
        answer = made.post(
            f"{ROOT}/oauth/token", asked, format="multipart", HTTP_AUTHORIZATION=f"Basic {basic}"
        )
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['access_token']}")
        return made

    return make


@pytest.fixture
def other(alice, now):
    """Another matter of Alice's, with nothing in it."""
    return open_matter(
        organisation=alice.organisation, actor=ACTOR, name="Other", at=now, user=alice.user
    )


@pytest.mark.parametrize("token_only", [False, True])
def test_every_read_and_write_outside_the_matter_answers_404(
    alice, limited, other, issued, problem_of, token_only
):
    export = issued(alice)
    series = export.selection.series.get()
    hold = place_hold(
        matter=export.matter, conversation=series.conversation, actor=ACTOR, reason="x",
        at=timezone.now(),
    )  # fmt: skip
    artifact = export.artifacts.get(kind="zip")
    own = f"exports/{export.public_id}"
    part = {"conversation": series.public_id}
    calls: list[tuple[str, str, Any]] = [
        ("get", f"matters/{export.matter.public_id}", None),
        ("get", f"selections/{export.selection.public_id}", None),
        ("get", f"conversations/{series.public_id}", None),
        ("get", f"conversations/{series.public_id}/messages", None),
        ("get", f"acquisitions/{series.acquisition.public_id}", None),
        ("get", f"holds/{hold.public_id}", None),
        ("post", f"holds/{hold.public_id}/release", {"reason": "x"}),
        ("get", own, None), ("get", f"{own}/custody", None), ("get", f"{own}/artifacts", None),
        ("get", f"{own}/artifacts/{artifact.name}", None), ("delete", own, None),
        ("post", f"{own}/cancel", {}), ("post", f"{own}/retry", {}),
        ("post", f"{own}/withdraw", {"reason": "x"}),
        ("post", f"{own}/supersede", {"by": export.public_id}),
        ("post", "exports", {"selection": export.selection.public_id}),
        ("post", "exports", {"matter": "Loan", "selection": [part]}),
        ("post", "selections", {"matter": export.matter.public_id, "parts": [part]}),
        ("post", "selections", {"matter": other.public_id, "parts": [part]}),
        ("post", "matters", {"name": "Loan"}), ("post", "matters", {"name": "New"}),
        ("post", "holds",
         {"matter": other.public_id, "conversation": series.public_id, "reason": "x"}),
    ]  # fmt: skip
    client = limited(alice, other.public_id, token_only=token_only)
    before = [model.objects.count() for model in (Matter, Selection, Export, Hold)]
    for method, address, body in calls:
        answer = getattr(client, method)(f"{ROOT}/{address}", body)
        assert problem_of(answer) == (404, "not_found"), (method, address)
    for lists in ("selections", "conversations", "acquisitions", "holds", "exports"):
        assert client.get(f"{ROOT}/{lists}").json()["items"] == [], lists
    assert [one["id"] for one in client.get(f"{ROOT}/matters").json()["items"]] == [other.public_id]
    assert client.get(f"{ROOT}/me").json()["matters"] == [other.public_id]
    assert client.get(f"{ROOT}/me").json()["usage"]["messages"] == 0
    assert [model.objects.count() for model in (Matter, Selection, Export, Hold)] == before
    export.refresh_from_db()
    assert export.withdrawn_at is None


def test_inside_its_matter_a_limited_client_goes_the_whole_way(alice, limited, other, chat_text):
    client = limited(alice, other.public_id)
    file = SimpleUploadedFile("WhatsApp Chat with Li Lei.txt", chat_text.encode())
    delivered = client.post(
        f"{ROOT}/acquisitions", {"file": file, "timezone": "Europe/Madrid"}, format="multipart"
    )
    assert delivered.status_code == 201, delivered.json()
    series = delivered.json()["conversations"][0]["id"]
    assert client.get(f"{ROOT}/conversations/{series}/messages").status_code == 200
    asked = {"matter": other.public_id, "parts": [{"conversation": series, "messages": "1-3"}]}
    selection = client.post(f"{ROOT}/selections", asked).json()["id"]
    export = client.post(f"{ROOT}/exports", {"selection": selection})
    assert export.status_code == 202
    by_name = {"matter": "Other", "selection": [{"conversation": series}]}
    assert client.post(f"{ROOT}/exports", by_name).status_code == 202
    assert client.get(f"{ROOT}/exports").json()["items"][0]["matter"] == "Other"
    assert Matter.objects.count() == 1


def test_a_client_with_two_matters_says_which_one_a_delivery_is_for(
    alice, limited, other, chat_text, problem_of, now
):
    second = open_matter(
        organisation=alice.organisation, actor=ACTOR, name="Second", at=now, user=alice.user
    )
    client = limited(alice, other.public_id, second.public_id)

    def deliver(**more):
        file = SimpleUploadedFile("WhatsApp Chat with Li Lei.txt", chat_text.encode())
        fields = {"file": file, "timezone": "Europe/Madrid", **more}
        return client.post(f"{ROOT}/acquisitions", fields, format="multipart")

    assert problem_of(deliver()) == (422, "matter_missing")
    assert problem_of(deliver(matter="0" * 32)) == (404, "not_found")
    assert Acquisition.objects.count() == 0
    assert deliver(matter=second.public_id).status_code == 201
    assert limited(alice, other.public_id).get(f"{ROOT}/acquisitions").json()["items"] == []
    assert deliver(matter=other.public_id).json()["recognised"] is True
    assert len(limited(alice, other.public_id).get(f"{ROOT}/acquisitions").json()["items"]) == 1


def test_a_token_never_reaches_beyond_its_client(alice, limited, other, now, problem_of, program):
    client, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=API_SCOPES, at=now,
        matters=[other.public_id],
    )  # fmt: skip
    basic = b64encode(f"{client.client_id}:{secret}".encode()).decode()
    for scope in (f"matters:read matter:{'0' * 32}", f"matter:{other.public_id}", "matters:read x"):
        answer = program().post(
            f"{ROOT}/oauth/token", {"grant_type": "client_credentials", "scope": scope},
            format="multipart", HTTP_AUTHORIZATION=f"Basic {basic}",
        )  # fmt: skip
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), scope


def test_an_answer_kept_for_one_token_is_not_given_to_a_narrower_one(
    alice, limited, other, problem_of, now, program
):
    client, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=API_SCOPES, at=now
    )
    basic = b64encode(f"{client.client_id}:{secret}".encode()).decode()

    def speaking(*matters):
        made = program()
        scope = " ".join(["matters:write", "matters:read", *matters])
        token = made.post(
            f"{ROOT}/oauth/token", {"grant_type": "client_credentials", "scope": scope},
            format="multipart", HTTP_AUTHORIZATION=f"Basic {basic}",
        ).json()["access_token"]  # fmt: skip
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return made

    asked = (f"{ROOT}/matters", {"name": "Secret"})
    assert speaking().post(*asked, HTTP_IDEMPOTENCY_KEY="k").status_code == 201
    narrow = speaking(f"matter:{other.public_id}")
    answer = narrow.post(*asked, HTTP_IDEMPOTENCY_KEY="k")
    assert problem_of(answer) == (422, "idempotency_key_reused")


def test_an_operator_limits_a_client_to_matters_its_person_reaches(alice, charlie, other):
    call_command("create_api_client", "--user", "alice", "--matter", other.public_id, "--json")
    with pytest.raises(CommandError, match="reaches no matter"):
        call_command("create_api_client", "--user", "charlie", "--matter", other.public_id)
    with pytest.raises(CommandError, match="https"):
        call_command("create_api_client", "--user", "alice", "--redirect-uri", "http://x.example/")


def test_a_bundle_is_not_made_in_a_matter_of_others_by_its_name(
    alice, bob, api, stored, problem_of
):
    """The short way in, by name, once wrote into a matter its caller does not reach."""
    series = stored(alice)
    api(alice).post(f"{ROOT}/matters", {"name": "Loan"})
    asked = {"matter": "Loan", "selection": [{"conversation": series.public_id}]}
    assert problem_of(api(bob).post(f"{ROOT}/exports", asked)) == (409, "matter_name_taken")
    assert Export.objects.count() == 0
