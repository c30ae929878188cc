"""Matters: opened, changed, shared, and seen only by who works on them."""

from __future__ import annotations

import pytest

from evidence import custody
from evidence.actions.holds import place_hold
from evidence.actions.open_matter import describe_matter
from evidence.models import Export, Matter, Membership, Series
from evidence.values import Actor

STATED = {
    "name": "Lin v. <b>Haddad</b>", "number": "2026-17", "purpose": "Loan", "basis": "mandate",
    "authority": "",
}  # fmt: skip


def text_of(answer) -> str:
    return answer.content.decode()


@pytest.fixture
def matter(alice) -> Matter:
    answer = alice.client.post("/matters/new/", STATED)
    matter = Matter.objects.get()
    assert answer["Location"] == f"/matters/{matter.public_id}/"
    return matter


def events(matter: Matter) -> list[tuple[str, dict]]:
    found = custody.entries_of("matter", matter.public_id)
    return [(one.entry.event, dict(one.entry.details)) for one in found]


def address(matter: Matter, *parts: str) -> str:
    return "/".join(["/matters", matter.public_id, *parts, ""])


def test_a_matter_states_name_number_purpose_and_by_what_right(alice, matter):
    page = text_of(alice.client.get(address(matter)))
    for words in ("Lin v. &lt;b&gt;Haddad", "2026-17", "Loan", "Mandate of a client"):
        assert words in page
    assert "Haddad" in text_of(alice.client.get("/matters/"))
    assert [event for event, _ in events(matter)] == ["matter.opened"]


def test_a_change_stands_in_the_log_by_what_was_changed_not_by_its_words(alice, matter):
    form = STATED | {"purpose": "Secret strategy", "authority": "Board, 3 May"}
    alice.client.post(address(matter, "edit"), form)
    matter.refresh_from_db()
    facts = describe_matter(matter)
    assert (facts["purpose"], facts["authority"]) == ("Secret strategy", "Board, 3 May")
    assert events(matter)[-1] == ("matter.changed", {"changed": ["purpose", "authority"]})
    alice.client.post(address(matter, "edit"), form)
    assert len(events(matter)) == 2


def test_a_matter_names_its_bundles_by_conversation_date_and_state(alice, issued):
    export = issued(alice)
    page = text_of(alice.client.get(address(export.matter)))
    row = page.split(f'href="/exports/{export.public_id}/"')[1].split("</tr>")[0]
    for words in (
        "Li Lei",
        "6 of 6",
        f'<time datetime="{export.created_at:%Y-%m-%dT%H:%M}',
        "Ready",
    ):
        assert words in row
    Series.objects.update(erased_at=export.created_at)
    Export.objects.update(withdrawn_at=export.created_at)
    page = text_of(alice.client.get(address(export.matter)))
    row = page.split(f'href="/exports/{export.public_id}/"')[1].split("</tr>")[0]
    assert "a deleted conversation" in row
    assert "Withdrawn" in row
    assert "Li Lei" not in row


def test_two_matters_of_an_organisation_never_share_a_name(alice, matter):
    again = alice.client.post("/matters/new/", STATED)
    assert (again.status_code, "of that name already" in text_of(again)) == (400, True)
    alice.client.post("/matters/new/", STATED | {"name": "Other"})
    other = Matter.objects.exclude(pk=matter.pk).get()
    answer = alice.client.post(address(other, "edit"), STATED)
    assert (answer.status_code, "of that name already" in text_of(answer)) == (400, True)
    other.refresh_from_db()
    assert describe_matter(other)["name"] == "Other"


def test_a_colleague_sees_a_matter_from_when_he_is_let_in_until_he_is_out_again(alice, bob, matter):
    assert bob.client.get(address(matter)).status_code == 404
    assert "Haddad" not in text_of(bob.client.get("/matters/"))
    alice.client.post(address(matter, "members"), {"user": bob.user.public_id, "go": "add"})
    assert bob.client.get(address(matter)).status_code == 200
    form = {"user": bob.user.public_id, "go": "remove"}
    assert bob.client.post(address(matter, "members"), form).status_code == 403
    alice.client.post(address(matter, "members"), form)
    assert bob.client.get(address(matter)).status_code == 404
    assert [event for event, _ in events(matter)[1:]] == ["access.granted", "access.revoked"]


def test_nobody_from_outside_is_let_into_a_matter(alice, charlie, matter):
    form = {"user": charlie.user.public_id, "go": "add"}
    assert alice.client.post(address(matter, "members"), form).status_code == 404
    assert charlie.client.get(address(matter)).status_code == 404


def test_an_auditor_sees_every_matter_and_changes_none(alice, bob, matter):
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(role="auditor")
    page = text_of(bob.client.get(address(matter)))
    assert "edit/" not in page
    assert "Open a matter" not in text_of(bob.client.get("/matters/"))
    assert bob.client.post(address(matter, "edit"), STATED | {"name": "x"}).status_code == 403
    assert describe_matter(Matter.objects.get())["name"] == STATED["name"]


def test_holds_are_seen_with_their_reason(alice, matter, stored, now):
    series = stored(alice)
    place_hold(
        matter=matter, conversation=series.conversation, actor=Actor("person", "x"),
        reason="Letter of 2 May", at=now,
    )  # fmt: skip
    page = text_of(alice.client.get(address(matter)))
    assert "Letter of 2 May" in page
    assert f"/conversations/{series.public_id}/" in page
