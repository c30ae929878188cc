"""The administration: one door, evidence that can only be looked at, and looks that are logged."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from evidence import custody
from evidence.admin import ReadOnly
from evidence.models import CustodyEntry, Series, User


def text_of(answer) -> str:
    return answer.content.decode()


@pytest.fixture
def operator(db) -> Client:
    """An administrator who belongs to no organisation."""
    user = User.objects.create_superuser("root", "root@example.org", "correct horse battery")
    client = Client()
    client.force_login(user)
    return client


def looks(kind: str, public_id: str) -> list[tuple[str, str, str]]:
    return [
        (str(one.entry.actor.name), str(one.entry.details["what"]), str(one.entry.details["look"]))
        for one in custody.entries_of(kind, public_id)
        if one.entry.event == "admin.viewed"
    ]


def evidence() -> list[str]:
    """Return the model names of everything that is shown read-only."""
    return [
        model._meta.model_name
        for model, shown in admin.site._registry.items()
        if isinstance(shown, ReadOnly)
    ]


def test_the_administration_has_the_door_of_everyone(client, alice):
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
    assert client.get("/admin/login/?next=/admin/")["Location"].startswith("/sign-in/?next=")
    assert alice.client.get("/admin/login/").status_code == 403


def test_a_look_at_a_list_is_an_entry_of_everything_on_it_once_an_hour(operator, alice, stored):
    series = stored(alice)
    for _again in range(2):
        page = text_of(operator.get("/admin/evidence/series/"))
    assert series.public_id in page
    assert looks("series", series.public_id) == [("root", "series", "list")]


def test_a_look_at_one_thing_is_an_entry_of_its_own(operator, alice, stored):
    series = stored(alice)
    operator.get(f"/admin/evidence/series/{series.pk}/change/")
    operator.get(f"/admin/evidence/acquisition/{series.acquisition.pk}/change/")
    operator.get(f"/admin/evidence/organisation/{alice.organisation.pk}/history/")
    assert looks("series", series.public_id) == [("root", "series", "object")]
    acquisition = series.acquisition.public_id
    assert looks("acquisition", acquisition) == [("root", "acquisition", "object")]
    assert looks("organisation", alice.organisation.public_id) == [
        ("root", "organisation", "object")
    ]


def test_the_entry_of_one_never_names_another(operator, alice, charlie, stored):
    mine, foreign = stored(alice), stored(charlie)
    operator.get("/admin/evidence/series/")
    for series in (mine, foreign):
        (look,) = [
            one.entry
            for one in custody.entries_of("series", series.public_id)
            if one.entry.event == "admin.viewed"
        ]
        assert [subject.id for subject in look.subjects] == [series.public_id]


def test_people_see_that_an_administrator_looked(operator, alice, stored):
    stored(alice)
    operator.get("/admin/evidence/series/")
    page = text_of(alice.client.get(f"/organisations/{alice.organisation.public_id}/log/"))
    assert "Looked at by an administrator" in page


def test_every_list_opens_can_be_searched_and_is_logged(operator, issued, alice):
    issued(alice)
    operator.get("/admin/evidence/custodyentry/")
    before = CustodyEntry.objects.filter(event="admin.viewed").count()
    for name in evidence():
        answer = operator.get(f"/admin/evidence/{name}/", {"q": "x"})
        assert answer.status_code == 200, name
        assert operator.get(f"/admin/evidence/{name}/").status_code == 200, name
    assert CustodyEntry.objects.filter(event="admin.viewed").count() > before


def test_evidence_can_be_neither_added_nor_changed_nor_deleted(operator, alice, issued):
    issued(alice)
    for name in evidence():
        model = admin.site._registry
        pk = next(one for one in model if one._meta.model_name == name).objects.values_list(
            "pk", flat=True
        )[:1]
        assert operator.get(reverse(f"admin:evidence_{name}_add")).status_code == 403, name
        for found in pk:
            change = reverse(f"admin:evidence_{name}_change", args=[found])
            page = text_of(operator.get(change))
            assert 'name="_save"' not in page, name
            assert operator.post(change, {"public_id": "x"}).status_code == 403, name
            delete = reverse(f"admin:evidence_{name}_delete", args=[found])
            assert operator.post(delete, {"post": "yes"}).status_code == 403, name
    form = {"action": "delete_selected", "_selected_action": ["1"], "post": "yes"}
    operator.post("/admin/evidence/series/", form)
    assert Series.objects.exists()


def test_no_page_of_the_administration_shows_a_key_or_a_secret(operator, alice, issued):
    issued(alice)
    for name in evidence():
        model = next(one for one in admin.site._registry if one._meta.model_name == name)
        row = model.objects.first()
        if row is None:
            continue
        page = text_of(operator.get(reverse(f"admin:evidence_{name}_change", args=[row.pk])))
        assert not re.search(r"wrapped_key|token_sha256|payload|&lt;memory", page), name


def test_a_lost_second_step_can_be_taken_away_but_not_read(operator, alice):
    from allauth.mfa.models import Authenticator

    one = Authenticator.objects.create(user=alice.user, type="totp", data={"secret": "c2VjcmV0"})
    way = f"/admin/mfa/authenticator/{one.pk}/"
    assert "c2VjcmV0" not in text_of(operator.get(f"{way}change/"))
    operator.post(f"{way}delete/", {"post": "yes"})
    assert not Authenticator.objects.exists()


def test_who_may_not_look_leaves_no_entry(alice, stored):
    series = stored(alice)
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    assert alice.client.get(f"/admin/evidence/series/{series.pk}/change/").status_code == 403
    assert looks("series", series.public_id) == []


def test_the_administration_names_things_in_chinese(operator):
    operator.post("/i18n/setlang/", {"language": "zh-hans"})
    page = operator.get("/admin/").content.decode()
    for words in ("保管日志条目", "法律保全", "组织", "消息序列"):
        assert words in page
    for words in ("Custody entrys", "Matters", "Legal holds"):
        assert words not in page
