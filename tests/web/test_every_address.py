"""Every address of the service, asked by owner, colleague, stranger and anonymous."""

from __future__ import annotations

import io

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from PIL import Image

from evidence.actions.create_api_client import create_api_client, let_in
from evidence.actions.holds import place_hold
from evidence.actions.keep_draft import begin_draft
from evidence.actions.keep_upload import begin_upload
from evidence.actions.organisations import invite_member
from evidence.actions.party_pictures import add_party_picture
from evidence.models import ApiGrant, ApiToken, Draft, Hold, Membership, Upload
from evidence.values import Actor

SIGN_IN = 302
ELSEWHERE = ("api-", "log", "verif", "health", "ready", "metrics")
"""Rooms with tables of their own: the API, and what is open to anyone who checks evidence."""
STEPS = (
    "purpose", "authority", "conversations", "messages", "redaction", "parties", "review",
    "confirm",
)  # fmt: skip
UPLOADS = ("questions", "upload_piece", "upload_progress", "upload_drop", "upload_retry")
OPERATOR = Actor("operator", "test")
PUBLIC = {"home": 200, "verify": 200, "login": 200, "signup": 200, "api-root": 200, "sample": 404}
PUBLIC |= {  # signing up and in; with a link that leads nowhere
    "account_login": 200, "account_signup": 200, "account_email_verification_sent": 200,
    "account_confirm_email": 200, "account_inactive": 200, "account_reset_password": 200,
    "account_reset_password_done": 200, "account_reset_password_from_key_done": 200,
    "account_reset_password_from_key": 200, "mfa_authenticate": 302,
}  # fmt: skip
PUBLIC |= {"healthz": 200, "readyz": 200, "metrics": 404}  # metrics: without a token setting
"""Open to anyone, with what a plain GET answers."""
PERSONAL = {
    "conversations": 200, "exports": 200, "account": 200, "upload": 200, "upload_list": 200,
    "programs": 200, "consent": 400, "drafts": 200, "organisations": 200, "matters": 200,
    "new_matter": 200, "logout": 200, "account_logout": 200, "account_change_password": 200,
    "account_set_password": 302, "account_email": 200, "account_reauthenticate": 200,
    "mfa_reauthenticate": 302, "mfa_index": 200, "mfa_activate_totp": 200,
    "mfa_deactivate_totp": 404, "mfa_view_recovery_codes": 404, "mfa_generate_recovery_codes": 200,
    "mfa_download_recovery_codes": 404, "usersessions_list": 200,
}  # fmt: skip
"""Shows people what is theirs alone."""
POST_ONLY = {
    "set_language",
    "cancel",
    "revoke_token",
    "api-verifications",
    "drop_draft",
    "end_program",
    "matter_members",
    "place_hold",
    "hold_conversation",
    "release_hold",
    "switch_organisation",
    "invite",
    "revoke_invitation",
    "change_member",
    "withdraw",
    "supersede",
    "retry",
    "upload_begin",
    "upload_drop",
    "upload_retry",
}


def picture_bytes() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(out, "PNG")
    return out.getvalue()


def names() -> set[str]:
    """Return the name of every address except those of Django's own administration."""
    found: set[str] = set()

    def walk(patterns) -> None:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                if pattern.namespace != "admin":
                    walk(pattern.url_patterns)
            elif isinstance(pattern, URLPattern) and pattern.name:
                found.add(pattern.name)

    walk(get_resolver().url_patterns)
    return found


@pytest.fixture
def addresses(alice, issued, now):
    """Alice's own objects, by the name of the address that shows them."""
    export = issued(alice)
    series = export.selection.series.get()
    token = ApiToken.objects.create(
        user=alice.user, organisation=alice.organisation, label="x", token_sha256=b"x" * 32,
        created_at=now,
    )  # fmt: skip
    invitation, _token = invite_member(
        organisation=alice.organisation, email="dora@example.org", role="member",
        actor=Actor("person", alice.user.public_id), at=timezone.now(),
    )  # fmt: skip
    pdf = export.artifacts.get(kind="pdf")
    draft = begin_draft(
        organisation=alice.organisation, user=alice.user, at=now,
        state={"conversations": [series.public_id]},
    )  # fmt: skip
    picture = add_party_picture(
        draft=draft, series=series, party="p1", data=picture_bytes(), name="a.png", actor=OPERATOR,
        at=timezone.now(),
    )  # fmt: skip
    program, _secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Firm", scopes=["matters:read"],
        at=now, redirect_uris=["https://firm.example/back"],
    )  # fmt: skip
    grant = let_in(
        client=program, user=alice.user, organisation=alice.organisation,
        scopes=["matters:read"], at=now,
    )  # fmt: skip
    hold = place_hold(
        matter=export.matter, conversation=series.conversation, actor=OPERATOR, reason="Letter",
        at=timezone.now(),
    )  # fmt: skip
    upload = begin_upload(
        organisation=alice.organisation, user=alice.user, actor=OPERATOR, name="chat.txt", size=9,
        at=now,
    )  # fmt: skip
    return {
        **{f"wizard_{step}": [draft.public_id] for step in (*STEPS, "result", "search")},
        "drop_draft": [draft.public_id],
        "party_picture": [draft.public_id, picture.public_id],
        "search": [series.public_id],
        "stored": [series.public_id],
        "series_log": [series.public_id],
        "matter_log": [export.matter.public_id],
        "bundle_log": [export.public_id],
        "compare": [series.public_id, series.public_id],
        "erase": [series.public_id],
        "original": [series.acquisition.public_id],
        "seal_receipt": [series.acquisition.public_id],
        "withdraw": [export.public_id],
        "retry": [export.public_id],
        "supersede": [export.public_id],
        "conversation": [series.public_id],
        "attachment": [series.public_id, 1, 0],
        "thumbnail": [series.public_id, 1, 0],
        "acquisition": [series.acquisition.public_id],
        "export": [export.public_id],
        "progress": [export.public_id],
        "cancel": [export.public_id],
        "download": [export.public_id, pdf.name],
        "revoke_token": [token.public_id],
        "end_program": [grant.public_id],
        "matter": [export.matter.public_id],
        "edit_matter": [export.matter.public_id],
        "matter_members": [export.matter.public_id],
        "hold_conversation": [series.public_id],
        "place_hold": [export.matter.public_id],
        "release_hold": [export.matter.public_id, hold.public_id],
        "organisation": [alice.organisation.public_id],
        "organisation_log": [alice.organisation.public_id],
        "switch_organisation": [alice.organisation.public_id],
        "invite": [alice.organisation.public_id],
        "revoke_invitation": [alice.organisation.public_id, invitation.public_id],
        "change_member": [alice.organisation.public_id, alice.user.public_id],
        "invitation": ["x" * 43],
        "account_confirm_email": ["x:y"],
        "account_reset_password_from_key": ["1", "x-y"],
        **{name: [upload.public_id] for name in UPLOADS},
        "sample": ["good"],
        "api-acquisition": [series.acquisition.public_id],
        "api-conversation": [series.public_id],
        "api-export": [export.public_id],
        "api-artifact": [export.public_id, pdf.name],
    }


EXPECTED = {
    # name: owner, colleague who is not on the matter, stranger
    "conversation": (200, 200, 404),
    "search": (200, 200, 404),
    "stored": (200, 200, 404),
    "series_log": (200, 200, 404),
    "matter_log": (200, 404, 404),
    "bundle_log": (200, 404, 404),
    "compare": (404, 404, 404),  # with itself
    "erase": (200, 403, 404),
    "original": (200, 200, 404),
    "seal_receipt": (200, 200, 404),
    "attachment": (404, 404, 404),  # test_thumbnails has one
    "thumbnail": (404, 404, 404),
    "acquisition": (200, 200, 404),
    "organisation": (200, 200, 404),
    "organisation_log": (200, 200, 404),
    "invitation": (404, 404, 404),  # a secret that opens nothing
    "matter": (200, 404, 404),
    "edit_matter": (200, 404, 404),
    # a file on its way in is its person's alone
    "questions": (200, 404, 404),
    "upload_piece": (200, 404, 404),
    "upload_progress": (200, 404, 404),
    "export": (200, 404, 404),
    "progress": (200, 404, 404),
    "download": (200, 404, 404),
    # a draft is its person's alone
    **{f"wizard_{step}": (200, 404, 404) for step in STEPS},
    "wizard_result": (302, 404, 404),
    "wizard_search": (200, 404, 404),
    "party_picture": (200, 404, 404),
}


def test_the_tables_name_every_address():
    listed = set(PUBLIC) | set(PERSONAL) | POST_ONLY | set(EXPECTED)
    assert {name for name in names() if not name.startswith(ELSEWHERE)} == {
        name for name in listed if not name.startswith(ELSEWHERE)
    }


def test_people_see_what_is_theirs_and_strangers_what_does_not_exist(
    alice, bob, charlie, addresses, content
):
    for name, expected in EXPECTED.items():
        address = reverse(name, args=addresses[name])
        for actor, status in zip((alice, bob, charlie), expected, strict=True):
            answer = actor.client.get(address)
            content(answer)
            assert answer.status_code == status, (name, actor.user.username)
        assert Client().get(address).status_code == SIGN_IN, name


def test_a_stranger_and_a_missing_object_get_the_same_answer(charlie, addresses):
    for name in EXPECTED:
        own = addresses[name]
        foreign = charlie.client.get(reverse(name, args=own))
        missing = charlie.client.get(reverse(name, args=["f" * 32, *own[1:]]))
        assert (foreign.status_code, _stable(foreign)) == (missing.status_code, _stable(missing))


def _stable(answer) -> list[str]:
    """Return the page without what changes with every request or repeats the address."""
    changing = ("csrfmiddlewaretoken", 'name="next"')
    lines = answer.content.decode().splitlines()
    return [line for line in lines if not any(word in line for word in changing)]


@pytest.mark.django_db
def test_anyone_reaches_the_public_pages_and_nobody_else_the_personal_ones(
    client, alice, addresses
):
    for name, status in PUBLIC.items():
        assert client.get(reverse(name, args=addresses.get(name, []))).status_code == status, name
    for name, status in PERSONAL.items():
        address = reverse(name, args=addresses.get(name, []))
        assert client.get(address).status_code == SIGN_IN, name
        assert alice.client.get(address).status_code == status, name


def test_strangers_change_nothing(alice, bob, charlie, addresses):
    for name in (
        "cancel", "revoke_token", "end_program", "withdraw", "supersede", "retry",
        "edit_matter", "matter_members", "place_hold", "release_hold",
    ):  # fmt: skip
        address = reverse(name, args=addresses[name])
        assert charlie.client.post(address).status_code == 404, name
        assert Client().post(address).status_code == SIGN_IN, name
        assert bob.client.post(address).status_code == 404, name
    for name in ("switch_organisation", "invite", "revoke_invitation", "change_member"):
        address = reverse(name, args=addresses[name])
        assert charlie.client.post(address, {"role": "remove"}).status_code == 404, name
        assert Client().post(address).status_code == SIGN_IN, name
        if name != "switch_organisation":
            assert bob.client.post(address, {"role": "remove"}).status_code == 403, name
    for name in ("drop_draft", "wizard_search", *(f"wizard_{step}" for step in STEPS)):
        address = reverse(name, args=addresses[name])
        for actor in (bob, charlie):
            assert actor.client.post(address, {"go": "next"}).status_code == 404, name
        assert Client().post(address).status_code == SIGN_IN, name
    for name in ("upload_drop", "upload_retry", "questions"):
        for actor in (bob, charlie):
            assert actor.client.post(reverse(name, args=addresses[name])).status_code == 404, name
    for actor in (bob, charlie):
        answer = actor.client.patch(reverse("upload_piece", args=addresses["upload_piece"]))
        assert answer.status_code == 404
    assert Upload.objects.get().received == 0
    assert ApiToken.objects.get().revoked_at is None
    assert ApiGrant.objects.get().revoked_at is None
    assert Hold.objects.get().released_at is None
    assert Draft.objects.exists()


def test_what_changes_something_does_so_by_post_only(alice, addresses):
    for name in POST_ONLY - {"set_language", "api-verifications"}:
        answer = alice.client.get(reverse(name, args=addresses.get(name, [])))
        assert answer.status_code == 405, name


def test_an_auditor_changes_nothing(alice, bob, addresses):
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    for name in (
        "cancel", "withdraw", "supersede", "retry", "invite", "revoke_invitation",
        "change_member", "edit_matter", "matter_members", "place_hold", "release_hold",
    ):  # fmt: skip
        assert bob.client.post(reverse(name, args=addresses[name])).status_code == 403, name
    held = {"matter": addresses["matter"][0], "reason": "x"}
    hold = reverse("hold_conversation", args=addresses["hold_conversation"])
    assert bob.client.post(hold, held).status_code == 403
    assert bob.client.post(reverse("upload")).status_code == 403
    assert bob.client.post(reverse("upload_begin")).status_code == 403
    assert bob.client.post(reverse("drafts")).status_code == 403
    assert bob.client.post(reverse("new_matter"), {"name": "x"}).status_code == 403
    assert bob.client.post(reverse("account"), {"label": "x"}).status_code == 403


def test_a_request_forged_by_another_site_is_refused(alice, addresses):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice.user)
    for name in ("cancel", "revoke_token", "upload", "upload_begin", "account", "logout"):
        address = reverse(name, args=addresses.get(name, []))
        assert careful.post(address).status_code == 403, name
