"""Holds over the API: placed for a matter, seen by those who reach it, released with a reason."""

from __future__ import annotations

import pytest

from evidence import custody
from evidence.actions.erase_conversation import plan_erasure
from evidence.models import Hold

ROOT = "/api/v1/holds"


@pytest.fixture
def placed(api, stored):
    """Place a hold on a person's conversation over the API."""

    def place(actor):
        series = stored(actor)
        matter = api(actor).post("/api/v1/matters", {"name": "Loan"}).json()["id"]
        asked = {"matter": matter, "conversation": series.public_id, "reason": "claim announced"}
        answer = api(actor).post(ROOT, asked)
        assert answer.status_code == 201, answer.json()
        return answer.json(), asked

    return place


def test_a_hold_stands_in_the_log_and_keeps_the_conversation(alice, api, placed):
    hold, asked = placed(alice)
    assert hold["conversations"] == [asked["conversation"]]
    assert (hold["reason"], hold["released"]) == ("claim announced", None)
    assert plan_erasure(Hold.objects.get().conversation).hindrance == "hold_covers_conversation"
    again = api(alice).post(ROOT, asked)
    assert (again.status_code, again.json()["id"]) == (200, hold["id"])
    entry = list(custody.entries_of("matter", asked["matter"]))[-1].entry
    assert (entry.event, entry.actor.kind, entry.purpose) == (
        "hold.placed", "client", "claim announced",
    )  # fmt: skip
    assert entry.actor.name == "Firm (alice)"


def test_a_hold_is_released_once(alice, api, placed):
    hold, asked = placed(alice)
    for _ in range(2):
        answer = api(alice).post(f"{ROOT}/{hold['id']}/release", {"reason": "settled"})
        assert answer.json()["released"] is not None
    custody.sequence_pending()
    events = [one.entry.event for one in custody.entries_of("matter", asked["matter"])]
    assert events.count("hold.released") == 1
    assert plan_erasure(Hold.objects.get().conversation).hindrance == ""


def test_colleagues_off_the_matter_and_strangers_find_nothing(
    alice, bob, charlie, api, placed, problem_of
):
    hold, asked = placed(alice)
    own = f"{ROOT}/{hold['id']}"
    for actor in (bob, charlie):
        client = api(actor)
        assert client.get(ROOT).json()["items"] == []
        for answer in (
            client.get(own), client.post(f"{own}/release", {"reason": "x"}),
            client.post(ROOT, asked),
        ):  # fmt: skip
            assert problem_of(answer) == (404, "not_found")
    assert Hold.objects.get().released_at is None
    assert [one["id"] for one in api(alice).get(ROOT).json()["items"]] == [hold["id"]]


def test_a_hold_needs_a_reason(alice, api, problem_of):
    answer = api(alice).post(ROOT, {"matter": "0" * 32, "conversation": "0" * 32})
    assert problem_of(answer) == (400, "invalid_request")
