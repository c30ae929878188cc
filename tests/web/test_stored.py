"""What is kept of a conversation, how deliveries differ, and deleting it, through the pages."""

from __future__ import annotations

from evidence import custody
from evidence.actions.open_matter import open_matter
from evidence.models import CustodyEntry, Hold, Membership, Message, Series
from evidence.values import Actor
from evidence.web.search import taken_places
from tests.surfaces import CHAT

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


def test_two_deliveries_are_compared_in_numbers(alice, stored):
    first, second = stored(alice), stored(alice, LATER)
    page = page_of(
        alice.client.get(f"/conversations/{first.public_id}/compare/{second.public_id}/")
    )
    numbers = [line for line in page.splitlines() if "<dd><strong>" in line]
    assert [line.split("<strong>")[1].split("<")[0] for line in numbers] == ["5", "1", "0", "1"]


def test_comparing_waits_its_turn_and_what_was_not_shown_is_not_logged(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.web.search.PATIENCE", 0.0)
    first, second = stored(alice), stored(alice, LATER)
    with taken_places(alice.user.public_id):
        address = f"/conversations/{first.public_id}/compare/{second.public_id}/"
        refused = alice.client.get(address)
    assert refused.status_code == 503
    assert "comparisons are under way" in page_of(refused)
    assert not CustodyEntry.objects.filter(event="conversation.viewed").exists()
    assert alice.client.get(address).status_code == 200


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
