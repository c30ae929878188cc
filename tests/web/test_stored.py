"""What is kept of a conversation, how deliveries differ, and deleting it, through the pages."""

from __future__ import annotations

import threading

import pytest

from evidence import custody, tasks
from evidence.actions import compare_deliveries
from evidence.actions.open_matter import open_matter
from evidence.archive.read import messages
from evidence.models import Comparison, CustodyEntry, Hold, Membership, Message, Series
from evidence.values import Actor
from tests.surfaces import CHAT, flipped

LATER = CHAT.replace("Good morning", "Good evening") + "14/01/2024, 11:00 - Ana: One more\n"


def page_of(answer) -> str:
    return answer.content.decode()


def test_the_page_says_what_is_stored_and_who_looked(alice, bob, stored):
    series = stored(alice)
    bob.client.get(f"/conversations/{series.public_id}/")
    custody.sequence_pending()
    page = page_of(alice.client.get(f"/conversations/{series.public_id}/about/"))
    for words in ("Conversation viewed", "bob", "only by the name in the file", "Stored since"):
        assert words in page


def numbers_on(page: str) -> list[str]:
    lines = [line for line in page.splitlines() if "<dd><strong>" in line]
    return [line.split("<strong>")[1].split("<")[0] for line in lines]


@pytest.fixture
def two(alice, stored) -> tuple[Series, Series]:
    """Two deliveries of one conversation: one message differs, one came later."""
    return stored(alice), stored(alice, LATER)


@pytest.fixture
def address(two) -> str:
    return f"/conversations/{two[0].public_id}/compare/{two[1].public_id}/"


@pytest.fixture
def in_the_background(monkeypatch) -> None:
    """Leave also the shortest comparison to a worker."""
    monkeypatch.setattr(compare_deliveries, "AT_ONCE", 0)


def views() -> list[str]:
    """Return which messages of each series the log says were opened."""
    custody.sequence_pending()
    rows = CustodyEntry.objects.filter(event="conversation.viewed").order_by("pk")
    return [custody.entry(row.place).entry.details["messages"] for row in rows]


def test_two_deliveries_are_compared_in_numbers(alice, address):
    assert "Compare the two" in page_of(alice.client.get(address))

    page = page_of(alice.client.post(address, follow=True))

    assert numbers_on(page) == ["5", "1", "0", "1"]
    assert "6 messages of this delivery, 7 of the other" in page


def test_comparing_is_a_look_at_all_messages_and_logged_once(alice, address):
    alice.client.get(address)
    assert views() == []
    for _ in range(2):
        alice.client.post(address)
    assert views() == ["1-6", "1-7"]


@pytest.mark.usefixtures("in_the_background")
def test_a_long_comparison_is_left_to_the_worker_and_the_page_waits_for_it(alice, address):
    page = page_of(alice.client.post(address, follow=True))
    assert "The two are being compared" in page
    partial = alice.client.get(address, headers={"HX-Request": "true"})
    assert "0 of 13 messages" in page_of(partial)
    assert "<html" not in page_of(partial)

    tasks.compare_all(threading.Event())

    answer = alice.client.get(address, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert numbers_on(page_of(alice.client.get(address))) == ["5", "1", "0", "1"]


@pytest.mark.usefixtures("in_the_background")
def test_a_comparison_that_met_a_damaged_message_says_so_and_can_be_tried_again(
    alice, two, address
):
    row = Message.objects.get(series=two[1], sequence=2)
    Message.objects.filter(pk=row.pk).update(payload=flipped(row.payload))
    alice.client.post(address)
    tasks.compare_all(threading.Event())

    page = page_of(alice.client.get(address))
    assert "The two could not be compared." in page
    assert not numbers_on(page)

    Message.objects.filter(pk=row.pk).update(payload=row.payload)
    alice.client.post(address)
    tasks.compare_all(threading.Event())
    assert numbers_on(page_of(alice.client.get(address))) == ["5", "1", "0", "1"]


def test_a_delivery_that_has_grown_can_be_compared_again(alice, address):
    alice.client.post(address)
    assert "Compare again" not in page_of(alice.client.get(address))
    Comparison.objects.update(size=5, same=4)  # as it was one message earlier

    page = page_of(alice.client.get(address))
    assert "Compare again" in page
    assert "5 messages of this delivery" in page

    page = page_of(alice.client.post(address, follow=True))
    assert numbers_on(page) == ["5", "1", "0", "1"]


def test_a_stranger_compares_nothing_and_an_auditor_may(alice, bob, charlie, address):
    assert charlie.client.post(address).status_code == 404
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    assert numbers_on(page_of(bob.client.post(address, follow=True))) == ["5", "1", "0", "1"]


def test_conversations_that_have_nothing_to_do_with_each_other_are_not_compared(alice, stored):
    first = stored(alice)
    address = f"/conversations/{first.public_id}/compare/{'f' * 32}/"
    assert alice.client.get(address).status_code == 404


def test_an_owner_deletes_a_conversation_and_its_seal_stays(alice, stored):
    series = stored(alice)
    address = f"/conversations/{series.public_id}/delete/"
    assert alice.client.post(address, {"reason": "x"}).status_code == 400
    assert Message.objects.exclude(payload=b"").exists()

    alice.client.post(address, {"sure": "yes", "reason": "asked for"})

    assert all(one.is_erased for one in messages(Series.objects.get()))
    tasks.empty_erased()
    assert not Message.objects.exclude(payload=b"").exists()
    assert Series.objects.get().root
    assert CustodyEntry.objects.filter(event="conversation.erased").count() == 1
    assert alice.client.get(address).status_code == 404


def test_a_member_deletes_nothing(alice, bob, stored):
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.MEMBER
    )
    series = stored(alice)
    answer = bob.client.post(f"/conversations/{series.public_id}/delete/", {"sure": "yes"})
    assert answer.status_code == 403
    assert Message.objects.exclude(payload=b"").exists()


def test_deleting_asks_again_who_it_is(alice, stored):
    series = stored(alice)
    session = alice.client.session
    del session["account_authentication_methods"]
    session.save()
    answer = alice.client.post(f"/conversations/{series.public_id}/delete/", {"sure": "yes"})
    assert answer["Location"].startswith("/account/confirm/")
    assert Message.objects.exclude(payload=b"").exists()


def test_a_hold_keeps_a_conversation_and_the_page_says_so(alice, stored, now):
    series = stored(alice)
    matter = open_matter(
        organisation=alice.organisation, actor=Actor("operator", "test"), name="Loan", at=now
    )
    Hold.objects.create(matter=matter, conversation=series.conversation, payload=b"", placed_at=now)
    address = f"/conversations/{series.public_id}/delete/"
    assert "legal hold" in page_of(alice.client.get(address))
    assert alice.client.post(address, {"sure": "yes"}).status_code == 400
    assert Message.objects.exclude(payload=b"").exists()


def test_the_pages_cost_the_same_for_many_messages(alice, stored, django_assert_max_num_queries):
    series = stored(
        alice, CHAT + "".join(f"15/01/2024, 10:{n % 60:02} - Ana: {n}\n" for n in range(60))
    )
    with django_assert_max_num_queries(24):
        alice.client.get(f"/conversations/{series.public_id}/about/")
