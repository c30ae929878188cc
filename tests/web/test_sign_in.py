"""Signing up, signing in, the second step, and showing again who one is."""

from __future__ import annotations

import base64
import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core import mail
from django.test import Client

from evidence.models import ApiToken, Membership, User

GOOD = {"email": "dora@example.org", "password1": "four quiet blue doors"}
PASSWORD = "correct horse battery"
ALICE = {"login": "alice@example.org", "password": PASSWORD}


def text_of(answer) -> str:
    return answer.content.decode()


def link_in(message) -> str:
    """Return the path of the link in a mail."""
    return re.search(r"http://[^/\s]+(/sign-\S+)", message.body)[1]


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def forget_step_up(client: Client) -> None:
    session = client.session
    session.pop("account_authentication_methods")
    session.save()


@pytest.fixture
def second_step(alice) -> str:
    """Switch Alice's second step on and return its secret."""
    page = text_of(alice.client.get("/account/second-step/app/"))
    secret = re.search(r'class="hash">([A-Z2-7]+)<', page)[1]
    answer = alice.client.post("/account/second-step/app/", {"code": code_of(secret)})
    assert answer["Location"] == "/account/second-step/codes/"
    return secret


def test_a_new_person_confirms_the_address_and_gets_an_organisation_of_one(client, db):
    answer = client.post("/sign-up/", GOOD)
    assert answer["Location"] == "/sign-up/sent/"
    dora = User.objects.get(email="dora@example.org")
    assert (dora.username, dora.memberships.get().role) == ("dora", Membership.Role.OWNER)
    assert client.get("/upload/").status_code == 302
    assert "Is this your address?" in text_of(client.get(link_in(mail.outbox[0])))
    client.post(link_in(mail.outbox[0]))
    assert client.get("/upload/").status_code == 200


def test_only_looking_at_the_link_confirms_nothing(client, db):
    client.post("/sign-up/", GOOD)
    Client().get(link_in(mail.outbox[0]))
    answer = Client().post("/sign-in/", {"login": GOOD["email"], "password": GOOD["password1"]})
    assert answer["Location"] == "/sign-up/sent/"


@pytest.mark.parametrize(
    ("field", "value"), [("password1", "short"), ("password1", "123456789012"), ("email", "x")]
)
def test_a_sign_up_that_cannot_be_is_explained_and_creates_nobody(client, db, field, value):
    assert "errorlist" in text_of(client.post("/sign-up/", GOOD | {field: value}))
    assert not User.objects.exists()


def test_signing_up_does_not_tell_whether_an_address_has_an_account(client, alice):
    known = client.post("/sign-up/", GOOD | {"email": "alice@example.org"})
    unknown = Client().post("/sign-up/", GOOD)
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert "has an account already" in mail.outbox[0].body
    assert User.objects.count() == 2


def test_asking_for_a_password_does_not_tell_whether_an_address_has_an_account(client, alice):
    known = client.post("/sign-in/forgotten/", {"email": "alice@example.org"})
    unknown = client.post("/sign-in/forgotten/", {"email": "nobody@example.org"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [
        ["alice@example.org"],
        ["nobody@example.org"],
    ]
    assert "/sign-in/forgotten/" not in mail.outbox[1].body


def test_a_wrong_password_and_an_unknown_person_read_the_same(client, alice):
    wrong = text_of(client.post("/sign-in/", ALICE | {"password": "wrong"}))
    unknown = text_of(client.post("/sign-in/", ALICE | {"login": "nobody@example.org"}))
    said = [re.findall(r'role="alert">.*?</div>', page) for page in (wrong, unknown)]
    assert said[0] == said[1] != []


@pytest.mark.parametrize("login", ["alice", "alice@example.org", "Alice@Example.org"])
def test_a_person_signs_in_and_out(client, alice, login):
    answer = client.post("/sign-in/", ALICE | {"login": login})
    assert answer["Location"] == "/conversations/"
    assert client.get("/conversations/").status_code == 200
    client.post("/sign-out/")
    assert client.get("/conversations/").status_code == 302


def test_guessing_a_password_soon_ends(client, alice):
    for _attempt in range(5):
        client.post("/sign-in/", ALICE | {"password": "wrong"})
    assert "/conversations/" not in client.post("/sign-in/", ALICE).headers.get("Location", "")


def test_signing_in_leads_nowhere_outside(client, alice):
    answer = client.post("/sign-in/", ALICE | {"next": "https://evil.example/"})
    assert answer["Location"] == "/conversations/"


def test_a_forgotten_password_is_replaced_once(client, alice):
    client.post("/sign-in/forgotten/", {"email": "alice@example.org"})
    way = link_in(mail.outbox[0])
    form = client.get(way)["Location"]
    new = {"password1": "nine green paper boats", "password2": "nine green paper boats"}
    assert client.post(form, new)["Location"] == "/sign-in/forgotten/done/"
    assert "was changed" in mail.outbox[-1].subject
    assert "expired or was used" in text_of(Client().get(way, follow=True))
    answer = Client().post("/sign-in/", ALICE | {"password": new["password1"]})
    assert answer["Location"] == "/conversations/"


def test_with_a_second_step_a_password_alone_opens_nothing(client, alice, second_step):
    answer = client.post("/sign-in/", ALICE)
    assert answer["Location"] == "/sign-in/second-step/"
    assert client.get("/conversations/").status_code == 302
    client.post("/sign-in/second-step/", {"code": "000000"})
    assert client.get("/conversations/").status_code == 302
    Authenticator.objects.filter(type="totp").update(last_used_at=None)
    codes = re.findall(
        r"<li>(\d{8})</li>", text_of(alice.client.get("/account/second-step/codes/"))
    )
    assert len(codes) == 10
    client.post("/sign-in/second-step/", {"code": codes[0]})
    assert client.get("/conversations/").status_code == 200


def test_a_recovery_code_works_once(client, alice, second_step):
    codes = alice.client.get("/account/second-step/codes/file").content.decode().split()
    for there in (200, 302):
        browser = Client()
        browser.post("/sign-in/", ALICE)
        browser.post("/sign-in/second-step/", {"code": codes[3]})
        assert browser.get("/conversations/").status_code == there


def test_the_secret_of_the_second_step_is_not_in_the_database(alice, second_step):
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert second_step not in kept
    assert second_step.encode() not in base64.b64decode(kept)


def test_other_browsers_are_signed_out(alice, client):
    client.post("/sign-in/", ALICE, headers={"user-agent": "<b>Firefox/140.0</b> (Windows)"})
    page = text_of(alice.client.get("/account/sessions/"))
    assert "Firefox · Windows" in page
    assert "<b>Firefox" not in page
    alice.client.post("/account/sessions/")
    assert client.get("/conversations/").status_code == 302
    assert alice.client.get("/conversations/").status_code == 200


def test_a_new_address_counts_only_when_it_is_confirmed(alice):
    alice.client.post("/account/email/", {"email": "al@example.org", "action_add": ""})
    alice.user.refresh_from_db()
    assert alice.user.email == "alice@example.org"
    alice.client.post(link_in(mail.outbox[-1]))
    alice.user.refresh_from_db()
    assert alice.user.email == "al@example.org"


def test_credentials_take_showing_again_who_one_is_and_then_are_made(alice):
    forget_step_up(alice.client)
    asked = alice.client.post("/account/", {"label": "Law firm"})
    assert asked["Location"].startswith("/account/confirm/")
    assert not ApiToken.objects.exists()
    alice.client.post(asked["Location"], {"password": "wrong", "next": "/account/"})
    assert not ApiToken.objects.exists()
    page = text_of(
        alice.client.post(asked["Location"], {"password": PASSWORD, "next": "/account/"})
    )
    assert "tt_" in page
    assert ApiToken.objects.get().label == "Law firm"


def test_having_signed_in_is_not_showing_again_who_one_is(client, alice):
    client.post("/sign-in/", ALICE)
    assert client.post("/account/", {"label": "x"})["Location"].startswith("/account/confirm/")


def test_a_code_of_the_second_step_shows_who_one_is(alice, second_step):
    codes = alice.client.get("/account/second-step/codes/file").content.decode().split()
    forget_step_up(alice.client)
    alice.client.post("/account/", {"label": "x"})
    alice.client.post("/account/confirm/code/", {"code": codes[0], "next": "/account/"})
    assert ApiToken.objects.exists()


def test_an_account_that_was_closed_opens_nothing(client, alice):
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    client.post("/sign-in/", ALICE)
    assert client.get("/conversations/").status_code == 302


def test_mails_are_in_the_language_of_the_page(client, db):
    client.cookies["django_language"] = "zh-hans"
    client.post("/sign-up/", GOOD)
    assert re.search(r"[\u4e00-\u9fff]", mail.outbox[0].subject)
    assert not re.search(r"[A-Za-z]{4,}(?![^\n]*/)", mail.outbox[0].body.partition("TrueThread")[0])


def test_a_mail_server_that_refuses_is_said_in_words(client, alice, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    answer = client.post("/sign-in/forgotten/", {"email": "alice@example.org"}, follow=True)
    assert "Mails cannot be sent" in text_of(answer)
