"""The API through its HTTP client, as owner, colleague, stranger and nobody."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from evidence import custody
from evidence.actions.advance import run_to_end
from evidence.actions.create_api_token import create_api_token, revoke_api_token
from evidence.models import ApiToken, Export, Job, Membership, Series

ROOT = "/api/v1"


def delivered(client: APIClient, text: str, **answers):
    file = SimpleUploadedFile("WhatsApp Chat with Li Lei.txt", text.encode())
    return client.post(f"{ROOT}/acquisitions", {"file": file, **answers}, format="multipart")


def asked(series: Series, **more):
    return {"matter": "Loan", "selection": [{"conversation": series.public_id, **more}]}


def test_a_delivery_is_asked_about_then_stored_then_recognised(alice, api, chat_text, problem_of):
    client = api(alice)

    answer = delivered(client, chat_text)
    assert problem_of(answer) == (422, "questions_open")
    assert [one["code"] for one in answer.json()["questions"]] == ["timezone"]
    assert not Series.objects.exists()

    answer = delivered(client, chat_text, timezone="Europe/Madrid", owner="Ana")
    assert answer.status_code == 201
    assert answer.json()["conversations"][0]["messages"] == 6
    assert client.get(answer["Location"]).json()["id"] == answer.json()["acquisition"]

    again = delivered(client, chat_text, timezone="Europe/Madrid", owner="Ana")
    assert (again.status_code, again.json()["recognised"]) == (200, True)


def test_a_file_that_is_no_chat_is_refused_with_its_code(alice, api, problem_of):
    assert problem_of(delivered(api(alice), "hello")) == (422, "unknown_format")


def test_conversations_are_listed_with_their_seal_and_people(alice, api, stored):
    series = stored(alice)
    client = api(alice)
    listed = client.get(f"{ROOT}/conversations").json()
    assert [one["id"] for one in listed["items"]] == [series.public_id]
    detail = client.get(f"{ROOT}/conversations/{series.public_id}").json()
    assert detail["root"] == bytes(series.root).hex()
    assert {name for one in detail["participants"] for name in one["names"]} == {"Ana", "李雷"}


def test_lists_come_in_pages_that_new_objects_do_not_shift(alice, api, stored, monkeypatch):
    monkeypatch.setattr("evidence.api.base.PAGE", 2)
    made = [
        stored(alice, f"13/01/2024, 08:00 - Ana: {n}\n13/01/2024, 08:01 - Ana: x\n").public_id
        for n in range(5)
    ]
    client = api(alice)
    seen, address = [], f"{ROOT}/conversations"
    while address:
        page = client.get(address).json()
        seen += [one["id"] for one in page["items"]]
        address = page["next"]
    assert seen == made[::-1]


def test_a_bundle_is_asked_for_followed_and_fetched(alice, api, stored, content):
    client, series = api(alice), stored(alice)

    answer = client.post(f"{ROOT}/exports", asked(series, messages="1-2,4", redact="4:body"))
    assert answer.status_code == 202
    state = client.get(answer["Location"])
    assert (state.json()["state"], state["Retry-After"]) == ("preparing", "1")

    run_to_end(Job.objects.get().pk)

    state = client.get(answer["Location"]).json()
    facts = (state["state"], state["messages"], state["of"], state["gaps"], state["withheld"])
    assert facts == ("ready", 3, 6, 1, 1)
    for file in state["artifacts"]:
        fetched = client.get(file["url"])
        assert len(content(fetched)) == file["size"]
        assert fetched["Repr-Digest"].startswith("sha-256=:")
    logged = list(custody.entries_of("bundle", state["id"]))
    assert logged[-1].entry.event == "bundle.downloaded"
    assert logged[-1].entry.actor.kind == "client"
    assert logged[-1].entry.actor.name == "Firm (alice)"


def test_asking_again_for_the_same_unfinished_bundle_gives_the_same_one(alice, api, stored):
    client, series = api(alice), stored(alice)
    first = client.post(f"{ROOT}/exports", asked(series)).json()
    second = client.post(f"{ROOT}/exports", asked(series)).json()
    assert first["id"] == second["id"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"messages": "7"}, (422, "message_out_of_range")),
        ({"messages": "x"}, (422, "invalid_range")),
        ({"from": "soon"}, (422, "invalid_time")),
        ({"from": "2030-01-01"}, (422, "nothing_selected")),
        ({"participant": "Eve"}, (422, "unknown_participant")),
        ({"redact": "1:sequence"}, (422, "invalid_redaction")),
        ({"messages": "1", "redact": "2"}, (422, "redaction_outside_selection")),
        ({"context": -1}, (400, "invalid_request")),
        ({"conversation": "0" * 32}, (404, "not_found")),
        ({"conversation": "x"}, (400, "invalid_request")),
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_its_code(
    alice, api, stored, part, expected, problem_of
):
    request = asked(stored(alice))
    request["selection"][0] |= part
    assert problem_of(api(alice).post(f"{ROOT}/exports", request)) == expected
    assert not Export.objects.exists()


def test_an_export_can_be_cancelled(alice, api, requested):
    export = requested(alice)
    assert api(alice).delete(f"{ROOT}/exports/{export.public_id}").status_code == 202
    assert run_to_end(export.job.pk).phase == Job.Phase.CANCELLED


def test_owner_colleague_stranger_and_nobody_get_what_is_theirs(
    alice, bob, charlie, api, issued, content, problem_of
):
    export = issued(alice)
    series = export.selection.series.get()
    pdf = export.artifacts.get(kind="pdf")
    table = {
        f"acquisitions/{series.acquisition.public_id}": (200, 200, 404, 401),
        f"conversations/{series.public_id}": (200, 200, 404, 401),
        f"exports/{export.public_id}": (200, 404, 404, 401),
        f"exports/{export.public_id}/artifacts/{pdf.name}": (200, 404, 404, 401),
    }
    clients = [api(alice), api(bob), api(charlie), APIClient()]
    for address, expected in table.items():
        for client, status in zip(clients, expected, strict=True):
            answer = client.get(f"{ROOT}/{address}")
            content(answer)
            assert answer.status_code == status, address
    for address in ("acquisitions", "conversations", "exports"):
        assert api(charlie).get(f"{ROOT}/{address}").json()["items"] == []
        assert problem_of(APIClient().get(f"{ROOT}/{address}")) == (401, "not_authenticated")
    assert api(bob).delete(f"{ROOT}/exports/{export.public_id}").status_code == 404


def test_foreign_missing_and_misspelt_look_alike(charlie, alice, api, stored, problem_of):
    series = stored(alice)
    client = api(charlie)
    foreign = client.get(f"{ROOT}/conversations/{series.public_id}")
    missing = client.get(f"{ROOT}/conversations/{'0' * 32}")
    nowhere = client.get(f"{ROOT}/no/such/address")
    assert foreign.json() == missing.json() == nowhere.json()
    assert problem_of(foreign) == (404, "not_found")


def test_a_token_says_who_it_is_or_nothing_happens(alice, api, now, problem_of):
    token, secret = create_api_token(
        user=alice.user, organisation=alice.organisation, label="x", at=now
    )
    client = APIClient()
    for header in ("", "Bearer", "Bearer wrong", f"Basic {secret}", f"Bearer {secret}x"):
        client.credentials(HTTP_AUTHORIZATION=header)
        answer = client.get(f"{ROOT}/conversations")
        assert problem_of(answer) == (401, "not_authenticated"), header
        assert answer["WWW-Authenticate"].startswith("Bearer")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert client.get(f"{ROOT}/conversations").status_code == 200
    revoke_api_token(token=token, at=now)
    assert client.get(f"{ROOT}/conversations").status_code == 401


def test_a_browser_session_is_no_way_into_the_api(alice):
    assert alice.client.get(f"{ROOT}/conversations").status_code == 401


def test_an_auditor_reads_and_is_refused_the_rest(alice, bob, api, stored, chat_text, problem_of):
    series = stored(alice)
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    client = api(bob)
    assert client.get(f"{ROOT}/conversations/{series.public_id}").status_code == 200
    assert problem_of(client.post(f"{ROOT}/exports", asked(series))) == (403, "not_allowed")
    assert problem_of(delivered(client, chat_text)) == (403, "not_allowed")


def test_errors_speak_the_language_that_was_asked_for(charlie, api):
    client = api(charlie)
    english = client.get(f"{ROOT}/exports/x", headers={"Accept-Language": "en"}).json()
    chinese = client.get(f"{ROOT}/exports/x", headers={"Accept-Language": "zh-CN"}).json()
    assert english["code"] == chinese["code"]
    assert english["title"] == "There is nothing here under this address."
    assert chinese["title"] == "此地址下没有任何内容。"


@pytest.mark.parametrize(
    ("method", "address", "kind", "expected"),
    [
        ("post", "conversations", "application/json", (405, "method_not_allowed")),
        ("post", "exports", "text/plain", (415, "unsupported_media_type")),
        ("post", "exports", "application/json", (400, "invalid_request")),
        ("post", "acquisitions", "application/json", (415, "unsupported_media_type")),
    ],
)
def test_odd_requests_get_problem_documents(
    alice, api, method, address, kind, expected, problem_of
):
    answer = getattr(api(alice), method)(f"{ROOT}/{address}", "{]", content_type=kind)
    assert problem_of(answer) == expected


@pytest.mark.django_db
def test_a_body_that_is_too_large_is_refused_by_its_stated_length(client, problem_of):
    answer = client.post(f"{ROOT}/verifications", {"file": "x"}, CONTENT_LENGTH=str(10**9))
    assert problem_of(answer) == (413, "file_too_large")


@pytest.mark.django_db
def test_anyone_may_have_a_file_verified():
    file = SimpleUploadedFile("x.zip", b"nothing of ours")
    answer = APIClient().post(f"{ROOT}/verifications", {"file": file}, format="multipart")
    report = answer.json()
    assert answer.status_code == 200
    assert (report["file"], report["indication"]) == ("x.zip", "INDETERMINATE")
    assert {"reason", "trust", "kind", "findings", "seconds"} <= set(report)


@pytest.mark.django_db
def test_the_root_names_the_resources(client):
    found = client.get(f"{ROOT}/").json()
    assert {"acquisitions", "matters", "selections", "exports", "verifications"} <= set(found)


def test_a_failure_of_our_own_shows_nothing_of_itself(alice, api, monkeypatch, problem_of):
    def broken(*args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("evidence.api.conversations.series_of", broken)
    answer = api(alice).get(f"{ROOT}/conversations")
    assert problem_of(answer) == (500, "server_error")
    assert b"secret" not in answer.content


def test_only_the_hash_of_a_token_is_kept(alice, api):
    api(alice)
    assert len(bytes(ApiToken.objects.get().token_sha256)) == 32
