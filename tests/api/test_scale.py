"""No list of the API asks the database more often because there is more to list."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evidence.management.bench_store import lengthened

ROOT = "/api/v1"
LISTS = ("acquisitions", "conversations", "matters", "selections", "exports")


def asked(client, address: str) -> tuple[int, int]:
    """Return queries and items of a list, once what is remembered is remembered."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200, address
    return len(queries), len(answer.json()["items"])


@pytest.fixture
def made(alice, api, stored):
    """Ask for a matter, a selection and an export of ``number`` more conversations."""
    client = api(alice)

    def more(numbers) -> None:
        for number in numbers:
            series = stored(
                alice, f"13/01/2024, 08:0{number} - Ana: One\n13/01/2024, 09:00 - Li: B\n"
            )
            matter = client.post(f"{ROOT}/matters", {"name": f"Loan {number}"}).json()["id"]
            part = {"conversation": series.public_id}
            selection = client.post(
                f"{ROOT}/selections", {"matter": matter, "parts": [part]}, format="json"
            )
            assert selection.status_code == 201, selection.content
            body = {"selection": selection.json()["id"], "language": "en"}
            assert client.post(f"{ROOT}/exports", body, format="json").status_code < 300

    return client, more


def test_every_list_asks_as_often_for_more(made):
    client, more = made
    more([1])
    few = {name: asked(client, f"{ROOT}/{name}") for name in LISTS}
    more([2, 3])
    many = {name: asked(client, f"{ROOT}/{name}") for name in LISTS}

    assert {name: items for name, (_, items) in many.items()} == dict.fromkeys(LISTS, 3)
    assert {name: count for name, (count, _) in many.items()} == {
        name: count for name, (count, _) in few.items()
    }


@pytest.mark.parametrize("query", ["", "?text=one", "?participant=p1", "?from=2024-01-01"])
def test_messages_cost_as_many_queries_in_a_long_conversation(alice, api, stored, query):
    client, series = api(alice), stored(alice)
    short = lengthened(series, 30)
    series.place = 7
    long = lengthened(series, 900)
    counts = [
        asked(client, f"{ROOT}/conversations/{one.public_id}/messages{query}")[0]
        for one in (short, long)
    ]
    assert counts[0] == counts[1]
