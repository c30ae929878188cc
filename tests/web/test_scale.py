"""No page asks the database more often because more is stored."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence.access import series_of
from evidence.actions.create_account import create_account
from evidence.actions.keep_draft import describe_draft
from evidence.actions.request_export import ExportOptions
from evidence.archive.keys import keyed, new_series_key, open_json, seal_json
from evidence.front.exporting import ask_for_bundle
from evidence.management.bench_pages import pages_beside, pages_of, pages_of_operator
from evidence.management.bench_store import grown, lengthened
from evidence.models import Conversation, Draft, Export, Matter, Series, User
from evidence.models.ids import opaque_id
from evidence.select import Choice, blocks
from evidence.values import Actor

pytestmark = pytest.mark.long

LITTLE, MUCH = 40, 1_600


def beside(series: Series, number: int) -> None:
    """Store ``number`` further conversations beside ``series``, with nothing in them."""
    organisation, now = series.organisation, timezone.now()
    facts = open_json(organisation, series.public_id, "series", series.payload)
    there = series.acquisition.series.count()
    for place in range(there, there + number):
        public_id = opaque_id()
        about = {"platform": "whatsapp", "title": f"Talk {place}", "custodian": "Ana"}
        conversation = Conversation.objects.create(
            organisation=organisation, identity_key=keyed(organisation, "more", f"{place}"),
            payload=seal_json(organisation, public_id, "conversation", about), created_at=now,
            public_id=public_id,
        )  # fmt: skip
        public_id = opaque_id()
        _key, wrapped = new_series_key(organisation, public_id)
        Series.objects.create(
            public_id=public_id, organisation=organisation, acquisition=series.acquisition,
            conversation=conversation, place=10 + place, wrapped_key=wrapped, sealed_at=now,
            root=b"r" * 32, head=b"", payload=seal_json(organisation, public_id, "series", facts),
        )  # fmt: skip


def asked(client, pages) -> dict[str, int]:
    """Return how many queries each page asks once the first look is logged."""
    found = {}
    for name, one in pages.items():
        one.before(client)
        one.ask(client)
        one.before(client)
        with CaptureQueriesContext(connection) as queries:
            answer = one.ask(client)
        assert answer.status_code in (200, 302), name
        found[name] = len(queries)
    return found


def test_every_page_asks_as_often_where_much_is_stored(alice, issued, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 256)
    export, pushed = issued(alice), grown(alice.user)
    small = export.selection.series.get()

    def found(size: int) -> dict[str, int]:
        series = lengthened(small, size)
        pages = pages_of(alice.user, series) | pages_beside(export, pushed)
        return asked(alice.client, pages)

    with_little = found(LITTLE)
    beside(small, 7)
    with_much = found(MUCH)

    assert Series.objects.count() == 11
    assert with_much == with_little


def test_the_administration_asks_as_often_where_much_is_stored(alice, issued):
    User.objects.filter(pk=alice.user.pk).update(is_staff=True, is_superuser=True)
    series = issued(alice).selection.series.get()
    beside(series, 1)
    with_little = asked(alice.client, pages_of_operator())
    beside(series, 7)
    assert asked(alice.client, pages_of_operator()) == with_little
    assert len(with_little) > 20


@pytest.mark.parametrize("listed", [2, 100])
def test_conversations_are_listed_page_by_page_and_none_is_lost(alice, stored, monkeypatch, listed):
    monkeypatch.setattr("evidence.web.conversations.LISTED", listed)
    series = stored(alice)
    beside(series, 4)
    ids = set(series_of(alice.user).values_list("public_id", flat=True))
    seen, pages = [], 0
    while pages * listed < len(ids):
        pages += 1
        page = alice.client.get("/conversations/", {"page": pages}).content.decode()
        seen += [one for one in ids if f"/conversations/{one}/" in page]
    assert sorted(seen) == sorted(ids)
    assert ("Older" in alice.client.get("/conversations/").content.decode()) == (listed == 2)


@pytest.mark.parametrize("listed", [2, 100])
def test_bundles_and_matters_are_listed_page_by_page_and_none_is_lost(
    alice, stored, monkeypatch, listed
):
    for room in ("exports", "matters"):
        monkeypatch.setattr(f"evidence.web.{room}.LISTED", listed)
    series = stored(alice)
    for number in range(5):
        ask_for_bundle(
            organisation=alice.organisation, actor=Actor("operator", "test"), user=alice.user,
            matter_name="Loan" if number else "Rent", choices=[(series, Choice())],
            options=ExportOptions(requester="Ana", purpose=f"{number}"), at=timezone.now(),
        )  # fmt: skip
    everything = {"/exports/": Export.objects.all(), "/matters/": Matter.objects.all()}
    loan = Export.objects.first().matter
    everything[f"/matters/{loan.public_id}/"] = loan.exports.all()
    for address, found in everything.items():
        ids = set(found.values_list("public_id", flat=True))
        seen = []
        for page in range(1, -(-len(ids) // listed) + 1):
            text = alice.client.get(address, {"page": page}).content.decode()
            seen += [one for one in ids if f"/{one}/" in text.split("<h1>")[1]]
        assert set(seen) == ids, address
        assert ("Older" in alice.client.get(address).content.decode()) == (len(ids) > listed)


def test_conversations_are_chosen_across_pages_of_a_step(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.web.wizard.OFFERED", 2)
    series = stored(alice)
    beside(series, 4)
    first, _, third, *_ = series_of(alice.user).values_list("public_id", flat=True)
    address = alice.client.post("/drafts/", {})["Location"].replace("purpose", "conversations")

    def send(**data):
        page = alice.client.get(address, {"page": data["page"]}).content.decode()
        sent = {
            name: page.split(f'name="{name}" value="')[1].split('"')[0]
            for name in ("seen", "offered")
        }
        return alice.client.post(address, sent | data)

    assert send(page=1, series=[first], to="2")["Location"].endswith("?page=2")
    assert send(page=2, series=[third], go="next").status_code == 302
    assert describe_draft(Draft.objects.get())["conversations"] == [first, third]
    send(page=1, go="next")  # unticked there
    assert describe_draft(Draft.objects.get())["conversations"] == [third]


def test_a_strangers_conversation_cannot_be_slipped_into_a_draft(alice, stored):
    stranger, organisation = create_account(
        username="eve", password="a long password", email="eve@example.org", at=timezone.now(),
        is_confirmed=True,
    )  # fmt: skip
    mine = stored(alice)
    alice.client.force_login(stranger)
    address = alice.client.post("/drafts/", {})["Location"].replace("purpose", "conversations")
    answer = alice.client.post(address, {"series": [mine.public_id], "page": "1", "go": "next"})
    assert answer.status_code == 400
    assert not describe_draft(Draft.objects.get(organisation=organisation)).get("conversations")
