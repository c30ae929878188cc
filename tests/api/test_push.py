"""Pushing over HTTP: who may, what comes back, and what each refusal says."""

from __future__ import annotations

import hashlib
from base64 import b64encode

import pytest

from evidence.actions.create_api_client import create_api_client
from evidence.formats import merkle, push
from evidence.models import PushStream
from tests.api.conftest import Program
from tests.pushing import NAMES, OTHER_KEY, PROVIDER_KEY, Provider, line, lines

STREAMS = "/api/v1/push-streams"
NDJSON = "application/x-ndjson"


@pytest.fixture
def registered(api, alice):
    """Register a stream as alice's program; give the program and the provider."""

    def register():
        program = api(alice)
        answer = program.post(
            STREAMS, NAMES | {"title": "Li Lei", "key": PROVIDER_KEY, "kid": "k1"}, format="json"
        )
        assert answer.status_code == 201, answer.json()
        assert answer["Location"].endswith(f"{STREAMS}/{answer.json()['id']}")
        return program, Provider(answer.json()["id"])

    return register


def batches(provider: Provider) -> str:
    return f"{STREAMS}/{provider.stream}/batches"


def sent(program, provider, messages, **more):
    data = provider.batch(messages, **more)
    return program.generic("POST", batches(provider), data, content_type=NDJSON)


def test_a_stream_is_registered_pushed_to_and_says_where_it_stands(registered):
    program, provider = registered()
    first = sent(program, provider, lines(1, 3))
    assert (first.status_code, first.json()["last"]) == (201, 3)
    provider.accepted()
    gap = push.Gap(3, 9, "retention")
    assert sent(program, provider, lines(10, 10), gap=gap).status_code == 201
    provider.accepted()

    standing = program.get(f"{STREAMS}/{provider.stream}").json()
    assert standing["expected"] == {
        "number": 3, "previous": provider.previous.hex(), "cursor": 10,
    }  # fmt: skip
    assert (standing["batches"], standing["messages"]) == (2, 5)
    assert [(one["from"], one["to"], one["open"]) for one in standing["gaps"]] == [(3, 9, True)]
    listed = program.get(batches(provider)).json()["items"]
    assert [one["last"] for one in listed] == [3, 5]
    assert program.get(f"/api/v1/conversations/{standing['conversation']}").json()["messages"] == 5


def test_the_same_batch_again_is_answered_with_200_and_the_same_place(registered):
    program, provider = registered()
    first = sent(program, provider, lines(1, 3))
    again = sent(program, provider, lines(1, 3))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"repeated": True}


def test_a_refusal_names_its_code_and_what_is_expected(registered, problem_of):
    program, provider = registered()
    sent(program, provider, lines(1, 3))
    provider.accepted()
    ahead = sent(program, provider, lines(9, 9), cursor=push.Positions(8, 9))
    assert problem_of(ahead) == (409, "messages_missing")
    assert ahead.json()["expected"]["cursor"] == 3
    provider.key = OTHER_KEY
    assert problem_of(sent(program, provider, lines(4, 4))) == (403, "batch_forged")
    broken = program.generic("POST", batches(provider), b"{}\n", content_type=NDJSON)
    assert problem_of(broken) == (422, "batch_malformed")
    refused = program.get(f"{STREAMS}/{provider.stream}").json()["refused"]
    assert [one["code"] for one in refused] == [
        "batch_malformed", "batch_forged", "messages_missing",
    ]  # fmt: skip


def test_consistency_between_two_heads_is_proved(registered):
    program, provider = registered()
    for first, last in ((1, 3), (4, 4), (5, 9)):
        sent(program, provider, lines(first, last))
        provider.accepted()
    answer = program.get(f"{STREAMS}/{provider.stream}/consistency?old=1&new=3").json()
    old, new = answer["old"], answer["new"]
    roots = bytes.fromhex(old["root"]), bytes.fromhex(new["root"])
    proof = [bytes.fromhex(one) for one in answer["consistency"]]
    assert merkle.verify_consistency(old["size"], new["size"], *roots, proof)
    assert not merkle.verify_consistency(old["size"], new["size"], *roots[::-1], proof)


def test_an_attachment_is_handed_over_under_its_hash(registered, problem_of):
    program, provider = registered()
    data = b"a photo"
    digest = hashlib.sha256(data).hexdigest()
    file = {"kind": "image", "media_type": None, "name": "p", "sha256": digest, "size": len(data)}
    messages = [line(1, attachments=[file])]
    early = sent(program, provider, messages)
    assert problem_of(early) == (409, "attachment_missing")
    assert early.json()["missing"] == [digest]
    address = f"{STREAMS}/{provider.stream}/attachments/"
    kind = "application/octet-stream"
    other = program.generic("PUT", address + "0" * 64, data, content_type=kind)
    assert problem_of(other) == (422, "attachment_differs")
    statuses = [
        program.generic("PUT", address + digest, data, content_type=kind).status_code
        for _ in range(2)
    ]
    assert statuses == [201, 200]
    assert sent(program, provider, messages).status_code == 201


def test_an_attachment_of_another_size_than_stated_is_missing(registered, problem_of):
    program, provider = registered()
    data = b"a photo"
    digest = hashlib.sha256(data).hexdigest()
    address = f"{STREAMS}/{provider.stream}/attachments/{digest}"
    program.generic("PUT", address, data, content_type="application/octet-stream")
    file = {"kind": "image", "media_type": None, "name": "p", "sha256": digest, "size": 8}
    answer = sent(program, provider, [line(1, attachments=[file])])
    assert problem_of(answer) == (422, "attachment_differs")


def test_a_conversation_has_one_stream(registered, api, alice, problem_of):
    _, provider = registered()
    again = api(alice).post(STREAMS, NAMES | {"key": PROVIDER_KEY}, format="json")
    assert problem_of(again) == (409, "stream_exists")
    assert again.json()["stream"] == provider.stream


def test_a_key_is_added_and_another_retired(registered, problem_of):
    program, provider = registered()
    keys = f"{STREAMS}/{provider.stream}/keys"
    bad = program.post(keys, {"key": {"kty": "RSA"}}, format="json")
    assert problem_of(bad) == (422, "push_key_invalid")
    added = program.post(keys, {"key": OTHER_KEY, "kid": "k2", "retire": "k1"}, format="json")
    named = [(one["kid"], one["retired"] is None) for one in added.json()["keys"]]
    assert named == [("k1", False), ("k2", True)]


def test_owner_colleague_and_stranger(registered, api, bob, charlie):
    _, provider = registered()
    colleague, stranger = api(bob), api(charlie)
    assert sent(colleague, provider, lines(1, 2)).status_code == 201
    provider.accepted()
    for address in ("", "/batches", "/consistency?old=1&new=1"):
        path = f"{STREAMS}/{provider.stream}{address}"
        missing = f"{STREAMS}/{'0' * 32}{address}"
        assert colleague.get(path).status_code == 200
        answers = [stranger.get(one) for one in (path, missing)]
        assert [one.status_code for one in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
    assert sent(stranger, provider, lines(3, 3)).status_code == 404
    assert stranger.get(STREAMS).json()["items"] == []
    kind = "application/octet-stream"
    put = f"{STREAMS}/{provider.stream}/attachments/{'0' * 64}"
    assert stranger.generic("PUT", put, b"", content_type=kind).status_code == 404
    keys = f"{STREAMS}/{provider.stream}/keys"
    assert stranger.post(keys, {"key": OTHER_KEY}, format="json").status_code == 404
    assert PushStream.objects.get().batch_count == 1


def test_pushing_needs_its_own_scope(registered, alice, now, client, problem_of):
    _, provider = registered()
    made, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Reader",
        scopes=["push:read", "acquisitions:write"], at=now,
    )  # fmt: skip
    basic = b64encode(f"{made.client_id}:{secret}".encode()).decode()
    granted = client.post(
        "/api/v1/oauth/token",
        {"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )
    program = Program()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {granted.json()['access_token']}")
    assert program.get(f"{STREAMS}/{provider.stream}").status_code == 200
    assert problem_of(sent(program, provider, lines(1, 1))) == (403, "insufficient_scope")
