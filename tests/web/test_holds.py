"""Legal holds on the page of a matter, and what takes showing again who one is."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from evidence import custody
from evidence.actions.create_api_client import create_api_client, let_in
from evidence.actions.erase_conversation import plan_erasure
from evidence.actions.holds import describe_hold
from evidence.actions.open_matter import open_matter
from evidence.actions.organisations import invite_member
from evidence.models import ApiGrant, Hold, Invitation, Matter
from evidence.values import Actor
from tests.conftest import PASSWORD
from tests.web.test_sign_in import forget_step_up

ACTOR = Actor("person", "test")


@pytest.fixture
def matter(alice, now) -> Matter:
    return open_matter(
        organisation=alice.organisation, name="Loan", actor=ACTOR, user=alice.user, at=now
    )


def place(actor, matter: Matter, series, reason: str = "Letter of 2 May"):
    form = {"conversation": series.public_id, "reason": reason}
    return actor.client.post(reverse("place_hold", args=[matter.public_id]), form)


def release(actor, hold: Hold, reason: str = "Settled"):
    address = reverse("release_hold", args=[hold.matter.public_id, hold.public_id])
    return actor.client.post(address, {"reason": reason})


def page(actor, matter: Matter) -> str:
    return actor.client.get(f"/matters/{matter.public_id}/").content.decode()


def logged(matter: Matter) -> list[tuple[str, str | None]]:
    entries = [one.entry for one in custody.entries_of("matter", matter.public_id)]
    return [(one.event, one.purpose) for one in entries if one.event.startswith("hold.")]


def test_a_hold_is_placed_listed_and_released_and_the_log_says_why(alice, matter, stored):
    series = stored(alice)
    assert "Place the hold" in page(alice, matter)

    place(alice, matter, series, "Letter of <b>2 May</b>")
    hold = Hold.objects.get()
    assert (hold.placed_by, hold.released_at) == (alice.user, None)
    assert "Letter of &lt;b&gt;2 May" in page(alice, matter)
    assert "Place the hold" not in page(alice, matter)
    assert plan_erasure(series.conversation).hindrance == "hold_covers_conversation"
    erase = alice.client.get(f"/conversations/{series.public_id}/delete/").content.decode()
    assert "Delete for ever" not in erase

    release(alice, hold)
    hold.refresh_from_db()
    assert hold.released_at is not None
    assert "Release this hold" not in page(alice, matter)
    assert plan_erasure(series.conversation).hindrance == ""
    assert logged(matter) == [
        ("hold.placed", "Letter of <b>2 May</b>"),
        ("hold.released", "Settled"),
    ]


def test_a_hold_is_placed_from_the_page_of_the_conversation_too(alice, bob, matter, stored, now):
    series = stored(alice)
    own = open_matter(
        organisation=alice.organisation, name="Bob's", actor=ACTOR, user=bob.user, at=now
    )
    address = f"/conversations/{series.public_id}/holds/"
    about = f"/conversations/{series.public_id}/about/"
    assert about in alice.client.post(
        address, {"matter": matter.public_id, "reason": "Letter"}
    )["Location"]  # fmt: skip

    (hold,) = Hold.objects.all()
    assert (hold.matter, hold.conversation) == (matter, series.conversation)
    assert describe_hold(hold) == {"reason": "Letter"}
    seen = alice.client.get(about).content.decode()
    assert "Stands since" in seen
    assert "Loan" in seen.split("Legal holds")[1]
    assert f'value="{matter.public_id}"' not in seen
    assert f'value="{own.public_id}"' in seen
    # Who is not on the matter neither sees the hold nor places one for it.
    assert "Stands since" not in bob.client.get(about).content.decode()
    Hold.objects.all().delete()
    form = {"matter": matter.public_id, "reason": "x"}
    assert bob.client.post(address, form).status_code == 404
    assert alice.client.post(address, {"matter": "f" * 32, "reason": "x"}).status_code == 404
    assert not Hold.objects.exists()


def test_a_page_offers_the_latest_and_says_where_the_others_are_held(
    alice, matter, stored, monkeypatch
):
    monkeypatch.setattr("evidence.web.holds.OFFERED", 2)
    found = [stored(alice, partner=name) for name in ("Ana B", "Bo", "Cy", "Di")]
    place(alice, matter, found[3])
    seen = page(alice, matter)
    assert [f'value="{one.public_id}"' in seen for one in found] == [False, True, True, False]
    assert "held from its own page" in seen
    place(alice, matter, found[1])
    seen = page(alice, matter)
    assert [f'value="{one.public_id}"' in seen for one in found] == [True, False, True, False]


def test_without_a_reason_nothing_is_changed_and_the_page_says_so(alice, matter, stored):
    series = stored(alice)
    place(alice, matter, series, "  ")
    assert not Hold.objects.exists()
    assert "Please state a reason" in page(alice, matter)
    place(alice, matter, series)
    release(alice, Hold.objects.get(), "")
    assert Hold.objects.get().released_at is None
    assert [event for event, _ in logged(matter)] == ["hold.placed"]


def test_a_conversation_of_strangers_is_held_by_nobody_else(alice, charlie, matter, stored, now):
    foreign = stored(charlie)
    assert place(alice, matter, foreign).status_code == 404
    assert page(alice, matter).count("<option") == 0
    own = open_matter(
        organisation=charlie.organisation, name="x", actor=ACTOR, user=charlie.user, at=now
    )
    assert place(charlie, matter, foreign).status_code == 404
    assert place(charlie, own, stored(alice)).status_code == 404
    assert not Hold.objects.exists()


def test_a_hold_is_released_only_through_the_matter_that_placed_it(alice, matter, stored, now):
    place(alice, matter, stored(alice))
    hold = Hold.objects.get()
    other = open_matter(
        organisation=alice.organisation, name="Other", actor=ACTOR, user=alice.user, at=now
    )
    wrong = reverse("release_hold", args=[other.public_id, hold.public_id])
    assert alice.client.post(wrong, {"reason": "x"}).status_code == 404
    assert Hold.objects.get().released_at is None


def test_an_auditor_sees_holds_and_is_offered_none(alice, bob, matter, stored):
    place(alice, matter, stored(alice))
    bob.user.memberships.filter(organisation=alice.organisation).update(role="auditor")
    seen = page(bob, matter)
    assert "Letter of 2 May" in seen
    assert "/holds/" not in seen


def test_more_holds_take_no_more_queries(alice, matter, stored, django_assert_max_num_queries):
    for name in ("Ana B", "Bo", "Cy", "Di"):
        place(alice, matter, stored(alice, partner=name))
    assert Hold.objects.count() == 4
    page(alice, matter)
    with django_assert_max_num_queries(32) as few:
        page(alice, matter)
    Hold.objects.filter(pk=Hold.objects.first().pk).delete()
    with django_assert_max_num_queries(len(few)):
        page(alice, matter)


# Showing again who one is


@pytest.fixture
def weighty(alice, bob, matter, stored, now):
    """Acts that weigh: address, form, and how to see whether it was done."""
    series = stored(alice)
    place(alice, matter, series)
    hold = Hold.objects.get()
    again = open_matter(
        organisation=alice.organisation, name="Again", actor=ACTOR, user=alice.user, at=now
    )
    invitation, _ = invite_member(
        organisation=alice.organisation, email="dora@example.org", role="member", actor=ACTOR,
        at=timezone.now(),
    )  # fmt: skip
    program, _ = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=["matters:read"],
        at=now, redirect_uris=["https://firm.example/back"],
    )  # fmt: skip
    grant = let_in(
        client=program, user=alice.user, organisation=alice.organisation, scopes=["matters:read"],
        at=now,
    )  # fmt: skip
    organisation = alice.organisation.public_id
    members = alice.organisation.memberships
    return {
        "place_hold": (
            [again.public_id], {"conversation": series.public_id, "reason": "x"},
            lambda: Hold.objects.filter(matter=again).exists(),
        ),
        "hold_conversation": (
            [series.public_id], {"matter": again.public_id, "reason": "x"},
            lambda: Hold.objects.filter(matter=again).exists(),
        ),
        "release_hold": (
            [matter.public_id, hold.public_id], {"reason": "x"},
            lambda: Hold.objects.get(pk=hold.pk).released_at is not None,
        ),
        "matter_members": (
            [matter.public_id], {"user": bob.user.public_id, "go": "add"},
            lambda: matter.matter_members.exists(),
        ),
        "change_member": (
            [organisation, bob.user.public_id], {"role": "auditor"},
            lambda: members.filter(user=bob.user, role="auditor").exists(),
        ),
        "revoke_invitation": (
            [organisation, invitation.public_id], {},
            lambda: Invitation.objects.get(pk=invitation.pk).revoked_at is not None,
        ),
        "end_program": (
            [grant.public_id], {},
            lambda: ApiGrant.objects.get(pk=grant.pk).revoked_at is not None,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", [
    "place_hold", "hold_conversation", "release_hold", "matter_members", "change_member",
    "revoke_invitation", "end_program",
])  # fmt: skip
def test_a_browser_left_open_does_not_suffice_for_what_weighs(alice, weighty, name):
    parts, form, is_done = weighty[name]
    forget_step_up(alice.client)
    asked = alice.client.post(reverse(name, args=parts), form)
    assert asked["Location"].startswith("/account/confirm/")
    alice.client.post(asked["Location"], {"password": "wrong"})
    assert not is_done()
    alice.client.post(asked["Location"], {"password": PASSWORD})
    assert is_done()
