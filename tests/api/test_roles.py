"""An auditor's programs read everything of the organisation and change nothing."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from evidence.actions.holds import place_hold
from evidence.models import CustodyEntry, Membership
from evidence.values import Actor

OPEN = {"api-oauth-token", "api-oauth-revoke", "api-verifications"}
"""Answer programs that name no person, or their own credentials only."""
CHANGING = ("post", "put", "patch", "delete")


def changing() -> list[tuple[str, str]]:
    """Return name and method of every address of the API that changes something."""
    found = []
    for resolver in get_resolver().url_patterns:
        for pattern in getattr(resolver, "url_patterns", []):
            name = getattr(pattern, "name", None) or ""
            if isinstance(pattern, URLPattern) and name.startswith("api-") and name not in OPEN:
                view = pattern.callback.view_class
                found += [(name, one) for one in CHANGING if hasattr(view, one)]
    return found


@pytest.fixture
def auditor(alice, bob, api):
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    return api(bob)


@pytest.fixture
def objects(alice, issued) -> dict[str, str]:
    """Ids of Alice's things by the name of their place in an address."""
    export = issued(alice)
    series = export.selection.series.get()
    hold = place_hold(
        matter=export.matter, conversation=series.conversation, actor=Actor("person", "x"),
        reason="", at=timezone.now(),
    )  # fmt: skip
    return {
        "matter_id": export.matter.public_id,
        "acquisition_id": series.acquisition.public_id,
        "conversation_id": series.public_id,
        "selection_id": export.selection.public_id,
        "export_id": export.public_id,
        "hold_id": hold.public_id,
        "name": "x",
    }


def test_no_address_of_the_api_lets_an_auditor_change_anything(auditor, objects):
    entries = CustodyEntry.objects.count()
    told = {}
    for name, method in changing():
        place = _place(name, objects)
        form = "multipart" if name == "api-acquisitions" else "json"
        file = {"file": SimpleUploadedFile("x.txt", b"x")} if form == "multipart" else {}
        told[name, method] = getattr(auditor, method)(place, file, format=form).status_code
    # What does not exist for him at all cannot be refused otherwise.
    hidden = {name for name, _method in told if "f" * 32 in _place(name, objects)}
    wrong = {
        asked: status
        for asked, status in told.items()
        if status != 403 and not (status == 404 and asked[0] in hidden)
    }
    assert wrong == {}
    assert list(told.values()).count(403) >= 6
    assert CustodyEntry.objects.count() == entries


def test_an_auditor_reads_every_matter_and_bundle(auditor, objects):
    for name in ("api-matter", "api-acquisition", "api-conversation", "api-export", "api-custody",
                 "api-selection", "api-hold"):  # fmt: skip
        assert auditor.get(_place(name, objects)).status_code == 200, name


def _place(name: str, objects: dict[str, str]) -> str:
    for resolver in get_resolver().url_patterns:
        for pattern in getattr(resolver, "url_patterns", []):
            if getattr(pattern, "name", None) == name:
                wanted = pattern.pattern.converters
                return reverse(name, kwargs={one: objects.get(one, "f" * 32) for one in wanted})
    raise AssertionError(name)
