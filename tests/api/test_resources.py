"""Matters, messages, selections and exports through the API, as all four callers."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import urlsplit

import pytest
from rest_framework.test import APIClient

from evidence import custody
from evidence.actions.advance import run_to_end
from evidence.actions.create_api_token import revoke_api_token
from evidence.models import ApiToken, Export, Job, Membership, Selection

ROOT = "/api/v1"


@pytest.fixture
def matter():
    """Open a matter and return its answer."""

    def opened(client, name="Loan", **more):
        return client.post(f"{ROOT}/matters", {"name": name, **more}).json()

    return opened


@pytest.fixture
def selected(stored, matter):
    """Freeze a selection of a person's chat and return the answer."""

    def freeze(client, actor, **part):
        parts = [{"conversation": stored(actor).public_id, **part}]
        body = {"matter": matter(client)["id"], "parts": parts}
        answer = client.post(f"{ROOT}/selections", body)
        assert answer.status_code == 201, answer.json()
        return answer.json()

    return freeze


def test_a_matter_is_opened_once_listed_and_shown(alice, api):
    client = api(alice)
    first = client.post(f"{ROOT}/matters", {"name": "Loan", "number": "7 C 12/26"})
    again = client.post(f"{ROOT}/matters", {"name": "Loan"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json() == client.get(first["Location"]).json()
    assert first.json()["number"] == "7 C 12/26"
    assert client.get(f"{ROOT}/matters").json()["items"] == [first.json()]


def test_a_colleague_does_not_get_a_matter_of_others_by_its_name(
    alice, bob, api, matter, problem_of
):
    matter(api(alice))
    answer = api(bob).post(f"{ROOT}/matters", {"name": "Loan"})
    assert problem_of(answer) == (409, "matter_name_taken")


def test_messages_are_read_page_by_page_and_the_reading_is_logged(alice, api, stored):
    client, series = api(alice), stored(alice)
    seen, address = [], f"{ROOT}/conversations/{series.public_id}/messages?limit=4"
    while address:
        page = client.get(address).json()
        seen += page["items"]
        address = page["next"]
    assert [one["sequence"] for one in seen] == [1, 2, 3, 4, 5, 6]
    assert seen[1]["body"] == "收到了，谢谢你。"
    assert (seen[0]["sender"]["name"], seen[0]["time"]["utc"]) == ("Ana", "2024-01-13T07:00:00Z")
    assert len(seen[0]["leaf_hash"]) == 64

    custody.sequence_pending()
    looks = [
        one.entry
        for one in custody.entries_of("series", series.public_id)
        if one.entry.event == "conversation.viewed"
    ]
    assert len(looks) == 1
    assert (looks[0].actor.kind, looks[0].actor.name) == ("client", "Firm (alice)")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("participant=Ana", [1, 3, 5, 6]),
        ("from=2024-01-14", [5, 6]),
        ("to=2024-01-13", [1, 2, 3, 4]),
        ("from=2024-01-13T08:05&to=2024-01-13T08:06", [2]),
        ("text=NOON", [6]),
        ("text=o&participant=Ana&limit=2", [1, 3]),
        ("after=4", [5, 6]),
        ("text=nowhere", []),
    ],
)
def test_messages_are_filtered(alice, api, stored, query, expected):
    series = stored(alice)
    page = api(alice).get(f"{ROOT}/conversations/{series.public_id}/messages?{query}").json()
    assert [one["sequence"] for one in page["items"]] == expected


def test_a_search_looks_through_so_many_messages_and_says_where_to_go_on(
    alice, api, stored, monkeypatch
):
    monkeypatch.setattr("evidence.api.messages.LOOKED_THROUGH", 4)
    client, series = api(alice), stored(alice)
    address = f"{ROOT}/conversations/{series.public_id}/messages?text=noon"
    first = client.get(address).json()
    assert first["items"] == []
    second = client.get(first["next"]).json()
    assert ([one["sequence"] for one in second["items"]], second["next"]) == ([6], None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("participant=Eve", (422, "unknown_participant")),
        ("from=soon", (422, "invalid_time")),
        ("limit=0", (400, "invalid_request")),
        ("after=x", (400, "invalid_request")),
    ],
)
def test_a_filter_that_cannot_be_is_refused(alice, api, stored, problem_of, query, expected):
    address = f"{ROOT}/conversations/{stored(alice).public_id}/messages?{query}"
    assert problem_of(api(alice).get(address)) == expected


def test_a_selection_states_what_it_holds_and_never_changes(alice, api, selected):
    client = api(alice)
    made = selected(client, alice, messages="1-2,4-5", redact="4:body,5", reason="privilege")
    facts = {name: made[name] for name in ("messages", "of", "contiguous", "gaps", "withheld")}
    assert facts == {"messages": 4, "of": 6, "contiguous": False, "gaps": 1, "withheld": 2}
    part = made["parts"][0]
    assert (part["chosen"], part["reasons"]["4"]) == ("1-2,4-5", "privilege")
    assert "body" in part["withheld"]["4"]
    address = f"{ROOT}/selections/{made['id']}"
    assert client.get(address).json() == made
    assert client.get(f"{ROOT}/selections").json()["items"] == [made]
    for method in (client.put, client.patch, client.delete):
        assert method(address).status_code == 405


def test_an_export_of_a_selection_is_followed_fetched_and_its_custody_read(
    alice, api, selected, content
):
    client = api(alice)
    made = selected(client, alice, messages="1-3")
    body = {"selection": made["id"], "options": {"purpose": "Loan"}}
    answer = client.post(f"{ROOT}/exports", body)
    assert answer.status_code == 202
    place = f"{ROOT}/exports/{answer.json()['id']}"
    assert client.get(f"{place}/artifacts").json()["items"] == []
    run_to_end(Job.objects.get().pk)

    state = client.get(place).json()
    assert (state["state"], state["selection"], state["messages"]) == ("ready", made["id"], 3)
    for file in client.get(f"{place}/artifacts").json()["items"]:
        fetched = APIClient().get(file["url"])
        assert len(content(fetched)) == file["size"]
    entries = client.get(f"{place}/custody").json()["items"]
    assert [one["number"] for one in entries] == list(range(1, len(entries) + 1))
    events = [one["event"] for one in entries]
    assert events[0] == "export.requested"
    assert "export.issued" in events
    assert events[-1] == "bundle.downloaded"
    assert entries[-1]["actor"]["name"] == "Firm (alice)"
    assert all(b["previous"] == a["digest"] for a, b in pairwise(entries))


def test_a_link_dies_with_its_time_its_caller_and_any_change(
    alice, api, issued, content, now, problem_of, monkeypatch
):
    export = issued(alice)
    client = api(alice)
    files = client.get(f"{ROOT}/exports/{export.public_id}/artifacts").json()["items"]
    link = urlsplit(files[0]["url"])
    address = f"{link.path}?{link.query}"
    content(APIClient().get(address))
    assert problem_of(APIClient().get(address + "x")) == (404, "not_found")
    assert problem_of(APIClient().get(link.path)) == (404, "not_found")
    with monkeypatch.context() as later:
        later.setattr("evidence.api.artifacts.LINK_LIVES", -later_by_a_second())
        assert problem_of(APIClient().get(address)) == (404, "not_found")
    revoke_api_token(token=ApiToken.objects.get(), at=now)
    assert problem_of(APIClient().get(address)) == (404, "not_found")


def later_by_a_second():
    from datetime import timedelta

    return timedelta(seconds=1)


def test_an_export_is_cancelled_and_tried_again_as_a_new_one(alice, api, requested, problem_of):
    export, client = requested(alice), api(alice)
    place = f"{ROOT}/exports/{export.public_id}"
    assert problem_of(client.post(f"{place}/retry")) == (409, "not_retryable")
    assert client.post(f"{place}/cancel").status_code == 202
    assert run_to_end(export.job.pk).phase == Job.Phase.CANCELLED
    again = client.post(f"{place}/retry")
    assert again.status_code == 202
    assert again.json()["id"] != export.public_id
    assert again.json()["selection"] == export.selection.public_id
    assert Selection.objects.count() == 1


def test_a_bundle_is_superseded_and_withdrawn(alice, api, issued, problem_of):
    old, client = issued(alice), api(alice)
    place = f"{ROOT}/exports/{old.public_id}"
    body = {"selection": old.selection.public_id}
    new = client.post(f"{ROOT}/exports", body).json()["id"]
    answer = client.post(f"{place}/supersede", {"by": new})
    assert problem_of(answer) == (409, "cannot_supersede")
    run_to_end(Export.objects.get(public_id=new).job.pk)
    assert client.post(f"{place}/supersede", {"by": new}).json()["superseded_by"] == new
    assert problem_of(client.post(f"{place}/withdraw", {})) == (400, "invalid_request")
    withdrawn = client.post(f"{place}/withdraw", {"reason": "wrong matter"})
    assert withdrawn.json()["withdrawn"].endswith("Z")
    events = [one["event"] for one in client.get(f"{place}/custody").json()["items"]]
    assert events[-2:] == ["bundle.superseded", "bundle.withdrawn"]


def test_me_says_who_asks_and_what_it_may(alice, api, stored):
    stored(alice)
    found = api(alice).get(f"{ROOT}/me").json()
    assert found["client"]["label"] == "Firm"
    assert found["person"] == {"id": alice.user.public_id, "name": "alice"}
    assert "exports:write" in found["scopes"]
    assert found["limits"] == {"per_second": 20, "burst": 100}
    assert found["usage"] == {"conversations": 1, "messages": 6, "matters": 0, "exports": 0}


def test_owner_colleague_stranger_and_nobody_read_what_is_theirs(
    alice, bob, charlie, api, issued, problem_of
):
    export = issued(alice)
    series = export.selection.series.get()
    table = {
        f"conversations/{series.public_id}/messages": (200, 200, 404, 401),
        f"matters/{export.matter.public_id}": (200, 404, 404, 401),
        f"selections/{export.selection.public_id}": (200, 404, 404, 401),
        f"exports/{export.public_id}/artifacts": (200, 404, 404, 401),
        f"exports/{export.public_id}/custody": (200, 404, 404, 401),
        "me": (200, 200, 200, 401),
    }
    clients = [api(alice), api(bob), api(charlie), APIClient()]
    for address, expected in table.items():
        found = tuple(client.get(f"{ROOT}/{address}").status_code for client in clients)
        assert found == expected, address
    missing = api(charlie).get(f"{ROOT}/matters/{'0' * 32}")
    foreign = api(charlie).get(f"{ROOT}/matters/{export.matter.public_id}")
    assert problem_of(missing) == problem_of(foreign) == (404, "not_found")
    assert missing.json() == foreign.json()
    for address in ("matters", "selections"):
        assert api(bob).get(f"{ROOT}/{address}").json()["items"] == []


def test_owner_colleague_stranger_and_nobody_change_what_is_theirs(
    alice, bob, charlie, api, issued
):
    export = issued(alice)
    series = export.selection.series.get()
    parts = [{"conversation": series.public_id}]
    requests = {
        "selections": {"matter": export.matter.public_id, "parts": parts},
        "exports": {"selection": export.selection.public_id},
        f"exports/{export.public_id}/cancel": {},
        f"exports/{export.public_id}/retry": {},
        f"exports/{export.public_id}/withdraw": {"reason": "x"},
        f"exports/{export.public_id}/supersede": {"by": export.public_id},
    }
    nobody = APIClient()
    for address, body in requests.items():
        for client, expected in ((api(bob), 404), (api(charlie), 404), (nobody, 401)):
            answer = client.post(f"{ROOT}/{address}", body, HTTP_IDEMPOTENCY_KEY="x")
            assert answer.status_code == expected, address
    export.refresh_from_db()
    assert (export.withdrawn_at, Export.objects.count()) == (None, 1)


def test_an_auditor_reads_and_changes_nothing(alice, bob, api, issued, problem_of):
    export = issued(alice)
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    client = api(bob)
    assert client.get(f"{ROOT}/matters/{export.matter.public_id}").status_code == 200
    for address in ("matters", "selections", f"exports/{export.public_id}/withdraw"):
        answer = client.post(f"{ROOT}/{address}", {"name": "x", "reason": "x"})
        assert problem_of(answer) == (403, "not_allowed"), address
