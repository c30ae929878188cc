"""The custody log page by page: whole for who may read it, without what somebody does not reach."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from evidence import custody
from evidence.actions.change_matter import admit_to_matter, dismiss_from_matter
from evidence.actions.log_view import log_view
from evidence.errors import Corrupt
from evidence.models import Membership
from evidence.values import Actor
from tests.web.test_wizard import text_of

WHO = Actor("person", "x" * 32, "Ana")


def entries_on(actor, address: str) -> list[str]:
    """Return what the rows of the log on a page say, newest first."""
    page = text_of(actor.client.get(address))
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [row for row in rows if 'class="date"' in row and "<th scope=" in row]


@pytest.fixture
def places(alice, issued) -> dict[str, str]:
    """Return the addresses of the logs, and of the pages that show the latest of them."""
    export = issued(alice)
    series = export.selection.series.get()
    custody.sequence_pending()
    return {
        "series": f"/conversations/{series.public_id}/log/",
        "stored": f"/conversations/{series.public_id}/about/",
        "matter": f"/matters/{export.matter.public_id}/log/",
        "matter page": f"/matters/{export.matter.public_id}/",
        "bundle": f"/exports/{export.public_id}/log/",
        "bundle page": f"/exports/{export.public_id}/",
    }


def test_each_log_shows_what_was_done_with_that_thing(alice, places):
    for name, words in (
        ("series", "Conversation sealed"), ("matter", "Matter opened"), ("bundle", "Bundle issued"),
    ):  # fmt: skip
        assert any(words in row for row in entries_on(alice, places[name])), name


def test_a_colleague_does_not_read_of_a_matter_they_are_not_on(alice, bob, places):
    for name in ("series", "stored"):
        own, theirs = entries_on(alice, places[name]), entries_on(bob, places[name])
        assert any("Bundle issued" in row for row in own), name
        assert any("Selection fixed" in row for row in own), name
        assert theirs, name
        assert not any("Bundle" in row or "Selection" in row for row in theirs), name
        left_out = "Left out is what concerns matters you do not work on."
        assert left_out in text_of(bob.client.get(places[name]))
        assert left_out not in text_of(alice.client.get(places[name]))
    Membership.objects.filter(user=bob.user).update(role=Membership.Role.AUDITOR)
    seen = entries_on(bob, places["series"])
    assert any("Bundle issued" in row for row in seen)


def test_who_asked_for_a_bundle_reads_its_log_though_they_left_the_matter(
    alice, bob, stored, requested, now
):
    export = requested(bob)
    matter = export.matter
    type(matter).objects.filter(pk=matter.pk).update(created_by=alice.user)
    admit_to_matter(matter=matter, user=bob.user, actor=WHO, at=now)
    dismiss_from_matter(matter=matter, user=bob.user, actor=WHO, at=now)
    custody.sequence_pending()
    assert bob.client.get(f"/matters/{matter.public_id}/").status_code == 404
    assert entries_on(bob, f"/exports/{export.public_id}/log/") != []


def test_a_long_log_is_read_to_its_beginning(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.web.logs.ENTRIES", 4)
    monkeypatch.setattr("evidence.front.entries.LATEST", 4)
    series = stored(alice)
    for number in range(7):
        log_view(
            series=series, actor=Actor("person", f"{number}" * 32, f"reader {number}"), first=1,
            last=1, at=timezone.now(),
        )  # fmt: skip
    custody.sequence_pending()
    address = f"/conversations/{series.public_id}/log/"
    assert f'href="{address}"' in text_of(
        alice.client.get(f"/conversations/{series.public_id}/about/")
    )
    found, query = [], ""
    while True:
        page = text_of(alice.client.get(address + query))
        found += entries_on(alice, address + query)
        further = re.search(r'href="(\?before=\d+)"', page)
        if not further:
            break
        query = further[1]
    assert len(found) == len(list(custody.entries_of("series", series.public_id)))
    assert "reader 6" in found[0]
    assert "Conversation sealed" in found[-1]


@pytest.fixture
def broken(monkeypatch):
    def read(*_args, **_more):
        raise Corrupt("an entry does not open")

    monkeypatch.setattr("evidence.front.entries.log_about", read)
    monkeypatch.setattr("evidence.web.logs.log_about", read)


@pytest.mark.parametrize("name", ["stored", "matter page", "bundle page"])
def test_a_log_that_does_not_open_is_no_empty_log(alice, places, name, broken):
    page = text_of(alice.client.get(places[name]))
    assert "The custody log cannot be read at the moment" in page
    assert "There is no entry to show yet" not in page


@pytest.mark.parametrize("name", ["series", "matter", "bundle"])
def test_the_whole_of_a_log_that_does_not_open_is_not_shown_as_empty(alice, places, name, broken):
    answer = alice.client.get(places[name])
    assert answer.status_code == 503
    assert "There is no entry to show yet" not in text_of(answer)
