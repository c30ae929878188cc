"""Organisations: inviting, roles, leaving, switching, and the log of everything done there."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from evidence import custody
from evidence.actions.open_matter import open_matter
from evidence.actions.organisations import INVITATION_LASTS
from evidence.models import Invitation, MatterMember, Membership, User
from evidence.values import Actor

PASSWORD = "correct horse battery"


def text_of(answer) -> str:
    return answer.content.decode()


def address(actor, *parts: str) -> str:
    return "/".join(["/organisations", actor.organisation.public_id, *parts, ""])


def invite(actor, email: str = "charlie@example.org", role: str = "auditor") -> str:
    """Invite someone and return the path in the mail."""
    actor.client.post(address(actor, "invite"), {"email": email, "role": role})
    return re.search(r"http://[^/\s]+(/invitations/\S+)", mail.outbox[-1].body)[1]


def log_of(actor) -> list[tuple[str, dict]]:
    found = custody.entries_of("organisation", actor.organisation.public_id)
    return [(one.entry.event, dict(one.entry.details)) for one in found]


def role(actor, user) -> str | None:
    place = Membership.objects.filter(organisation=actor.organisation, user=user).first()
    return place.role if place else None


def test_an_invitation_makes_a_member_and_stands_in_the_log(alice, charlie):
    way = invite(alice)
    assert mail.outbox[-1].to == ["charlie@example.org"]
    assert "Auditor" in text_of(charlie.client.get(way))
    answer = charlie.client.post(way)
    assert answer["Location"] == address(alice)
    assert role(alice, charlie.user) == "auditor"
    how = [(event, details["how"]) for event, details in log_of(alice)]
    assert how == [("access.granted", "invited"), ("access.granted", "joined")]


def test_an_invitation_works_once_and_not_after_it_was_taken_back_or_expired(alice, charlie):
    way = invite(alice)
    charlie.client.post(way)
    assert charlie.client.get(way).status_code == 404
    for change in ("revoked", "expired"):
        way = invite(alice, "dora@example.org")
        one = Invitation.objects.latest("pk")
        if change == "revoked":
            alice.client.post(address(alice, "invitations", one.public_id, "revoke"))
            assert log_of(alice)[-1][0] == "access.revoked"
        else:
            Invitation.objects.filter(pk=one.pk).update(expires_at=one.created_at)
        assert charlie.client.get(way).status_code == 404, change
        assert charlie.client.post(way).status_code == 404, change
    assert INVITATION_LASTS.days == 7


def test_an_invitation_is_for_the_address_it_was_sent_to(alice, charlie):
    way = invite(alice, "dora@example.org")
    answer = charlie.client.post(way)
    assert answer.status_code == 403
    assert "another e-mail address" in text_of(answer)
    assert role(alice, charlie.user) is None


def test_an_invited_stranger_signs_up_and_comes_back_to_the_invitation(alice, client):
    way = invite(alice, "dora@example.org", "member")
    assert client.get(way)["Location"] == f"/sign-in/?next={way}"
    form = {"email": "dora@example.org", "password1": "four quiet blue doors", "next": way}
    client.post("/sign-up/", form)
    confirm = re.search(r"http://[^/\s]+(/sign-\S+)", mail.outbox[-1].body)[1]
    assert client.post(confirm)["Location"] == way
    client.post(way)
    assert role(alice, User.objects.get(email="dora@example.org")) == "member"


def test_the_secret_of_an_invitation_is_not_in_the_database(alice):
    token = invite(alice).split("/")[2]
    assert token.encode() not in bytes(Invitation.objects.get().token_sha256)
    assert len(bytes(Invitation.objects.get().token_sha256)) == 32


def test_a_role_is_changed_and_a_member_removed_and_both_stand_in_the_log(alice, bob, now):
    matter = open_matter(
        organisation=alice.organisation, actor=Actor("person", "x"), name="Loan", at=now
    )
    MatterMember.objects.create(matter=matter, user=bob.user, created_at=now)
    place = address(alice, "members", bob.user.public_id)
    alice.client.post(place, {"role": "auditor"})
    assert role(alice, bob.user) == "auditor"
    alice.client.post(place, {"role": "remove"})
    assert role(alice, bob.user) is None
    assert not MatterMember.objects.exists()
    assert [event for event, _ in log_of(alice)] == ["access.granted", "access.revoked"]
    assert log_of(alice)[0][1]["before"] == "member"
    assert bob.client.get(address(alice)).status_code == 404


@pytest.mark.parametrize("wanted", ["member", "auditor", "remove"])
def test_the_last_owner_stays(alice, bob, wanted):
    place = address(alice, "members", alice.user.public_id)
    page = text_of(alice.client.post(place, {"role": wanted}, follow=True))
    assert "at least one owner" in page
    assert role(alice, alice.user) == "owner"


def test_a_member_leaves_and_works_in_his_own_organisation_again(alice, bob):
    answer = bob.client.post(
        address(alice, "members", bob.user.public_id), {"role": "remove"}, follow=True
    )
    assert answer.status_code == 200
    assert role(alice, bob.user) is None


@pytest.mark.parametrize("as_role", ["member", "auditor"])
def test_only_owners_decide_who_belongs_to_an_organisation(alice, bob, charlie, as_role):
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(role=as_role)
    invite(alice)
    one = Invitation.objects.get()
    asked = [
        (address(alice, "invite"), {"email": "x@example.org", "role": "owner"}),
        (address(alice, "invitations", one.public_id, "revoke"), {}),
        (address(alice, "members", alice.user.public_id), {"role": "remove"}),
        (address(alice, "members", bob.user.public_id), {"role": "owner"}),
    ]
    for where, form in asked:
        assert bob.client.post(where, form).status_code == 403, where
        assert charlie.client.post(where, form).status_code == 404, where
        assert Client().post(where, form).status_code == 302, where
    assert role(alice, bob.user) == as_role
    assert Invitation.objects.get().revoked_at is None
    assert "Invite somebody" not in text_of(bob.client.get(address(alice)))


def test_changing_members_takes_showing_again_who_one_is(alice, bob):
    session = alice.client.session
    del session["account_authentication_methods"]
    session.save()
    place = address(alice, "members", bob.user.public_id)
    assert alice.client.post(place, {"role": "owner"})["Location"].startswith("/account/confirm/")
    assert role(alice, bob.user) == "member"
    alice.client.post("/account/confirm/", {"password": PASSWORD, "next": place})
    assert role(alice, bob.user) == "owner"


def test_a_person_works_in_the_organisation_they_switched_to(alice, bob, stored):
    stored(alice)
    assert "WhatsApp" in text_of(bob.client.get("/conversations/"))
    own = bob.user.memberships.get(role="owner").organisation.public_id
    bob.client.post(f"/organisations/{own}/switch/")
    assert "WhatsApp" not in text_of(bob.client.get("/conversations/"))
    bob.client.post(address(alice, "switch"))
    assert "WhatsApp" in text_of(bob.client.get("/conversations/"))


def test_an_organisation_is_opened_by_whoever_needs_one(bob):
    answer = bob.client.post("/organisations/", {"name": "Ma & Partners <b>"})
    page = text_of(bob.client.get(answer["Location"]))
    assert "Ma &amp; Partners &lt;b&gt;" in page
    assert bob.user.memberships.filter(role="owner", organisation__is_personal=False).exists()


def test_owner_and_auditor_read_the_whole_log_and_a_member_what_he_reaches(
    alice, bob, charlie, issued
):
    issued(alice)
    place = address(alice, "log")
    whole = text_of(alice.client.get(place))
    for words in ("Conversation sealed", "Matter opened", "Bundle issued"):
        assert words in whole
    assert "{&#x27;" not in whole, "details are JSON, not Python"
    part = text_of(bob.client.get(place))
    assert "Conversation sealed" in part
    for words in ("Matter opened", "Bundle issued", "Selection fixed"):
        assert words not in part
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(role="auditor")
    assert "Bundle issued" in text_of(bob.client.get(place))
    assert "Conversation sealed" not in text_of(charlie.client.get(address(charlie, "log")))


def test_the_log_is_read_page_by_page(alice, issued, monkeypatch):
    monkeypatch.setattr("evidence.web.organisations.ENTRIES", 3)
    issued(alice)
    seen, way = [], address(alice, "log")
    while way:
        page = text_of(alice.client.get(way))
        seen += [int(one) for one in re.findall(r'data-label="No.">(\d+)<', page)]
        more = re.search(r'href="(\?before=\d+)"', page)
        way = address(alice, "log") + more[1] if more else ""
    assert len(seen) == len(set(seen)) > 3
    assert seen == sorted(seen, reverse=True)


def test_an_invitation_that_cannot_be_mailed_is_taken_back(alice, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    form = {"email": "dora@example.org", "role": "member"}
    answer = alice.client.post(address(alice, "invite"), form, follow=True)
    assert "Mails cannot be sent" in text_of(answer)
    assert Invitation.objects.get().revoked_at is not None


def test_an_address_is_invited_once_and_members_not_at_all(alice, bob):
    first, second = invite(alice, "dora@example.org"), invite(alice, "Dora@example.org")
    assert first != second
    assert Invitation.objects.filter(revoked_at=None).count() == 1
    form = {"email": "bob@example.org", "role": "member"}
    answer = alice.client.post(address(alice, "invite"), form)
    assert (answer.status_code, "belongs to the organisation" in text_of(answer)) == (400, True)


def test_every_detail_of_the_log_has_words(alice, issued):
    from evidence import custody
    from evidence.front.sentences import DETAILS
    from evidence.models import CustodyEntry

    issued(alice)
    custody.sequence_pending()
    names = {
        name
        for row in CustodyEntry.objects.all()
        for name in custody.entry(row.place, row.epoch).entry.details
    }
    assert names >= {"selection", "digest", "zip"}
    assert names - set(DETAILS) == set()
    page = alice.client.get(f"/organisations/{alice.organisation.public_id}/log/").content.decode()
    assert "Digest of the choice" in page
    assert "<bdi>digest</bdi>" not in page
