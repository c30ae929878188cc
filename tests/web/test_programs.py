"""A person lets a program in (authorization code with PKCE), sees it, and ends it."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client
from rest_framework.test import APIClient

from evidence import custody
from evidence.actions.create_api_client import create_api_client, revoke_api_client
from evidence.actions.open_matter import open_matter
from evidence.models import ApiGrant, Membership
from evidence.values import API_SCOPES, Actor

BACK = "https://firm.example/back"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
API = "/api/v1"


class Program:
    """A law firm's system that leads people to the page that asks, and exchanges what it gets."""

    def __init__(self, client_id: str, secret: str) -> None:
        self.client_id, self.secret = client_id, secret

    def address(self, **more: str) -> str:
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": BACK,
            "scope": "conversations:read matters:read", "state": "s1",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256", **more,
        }  # fmt: skip
        return "/oauth/authorize?" + urlencode({k: v for k, v in asked.items() if v})

    def token(self, **fields: str):
        basic = b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return APIClient().post(
            f"{API}/oauth/token", fields, format="multipart", HTTP_AUTHORIZATION=f"Basic {basic}"
        )

    def exchanged(self, code: str, verifier: str = VERIFIER):
        return self.token(
            grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier=verifier
        )

    def let_in_by(self, actor, **choice) -> APIClient:
        answer = actor.client.post(self.address(), {"allow": "yes", "reach": "all", **choice})
        made = APIClient()
        token = self.exchanged(returned(answer)["code"]).json()["access_token"]
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return made


def returned(answer) -> dict[str, str]:
    assert answer.status_code == 302, answer.content.decode()
    assert answer["Location"].startswith(BACK)
    return {
        name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()
    }


@pytest.fixture
def program(charlie, now) -> Program:
    """A program that a third person registered."""
    made, secret = create_api_client(
        user=charlie.user, organisation=charlie.organisation, label="Firm <b>",
        scopes=API_SCOPES, at=now, redirect_uris=[BACK],
    )  # fmt: skip
    return Program(made.client_id, secret)


@pytest.fixture
def matter(alice, now):
    return open_matter(
        organisation=alice.organisation, actor=Actor("system", "x"), name="Loan", at=now,
        user=alice.user,
    )  # fmt: skip


def test_the_page_asks_in_both_languages_and_says_what_for(alice, program, matter):
    page = alice.client.get(program.address())
    text = page.content.decode()
    assert "Firm &lt;b&gt;" in text
    assert "Read conversations and their messages" in text
    assert "Ask for bundles" not in text
    assert "firm.example" in text
    assert "Loan" in text
    assert f"form-action 'self' {BACK[:20]}" in page["Content-Security-Policy"]
    alice.client.cookies["django_language"] = "zh-hans"
    assert "让程序代您操作" in alice.client.get(program.address()).content.decode()


def test_the_program_acts_for_the_person_and_the_log_names_both(alice, program, stored):
    series, client = stored(alice), program.let_in_by(alice)
    me = client.get(f"{API}/me").json()
    assert (me["person"]["name"], me["client"]["label"]) == ("alice", "Firm <b>")
    assert me["scopes"] == ["conversations:read", "matters:read"]
    assert client.get(f"{API}/conversations/{series.public_id}/messages").status_code == 200
    assert client.get(f"{API}/exports").status_code == 403
    custody.sequence_pending()
    last = list(custody.entries_of("series", series.public_id))[-1].entry
    assert (last.event, last.actor.kind) == ("conversation.viewed", "client")
    assert (last.actor.id, last.actor.name) == (me["client"]["id"], "Firm <b> (alice)")


def test_it_reaches_only_the_matters_the_person_chose(alice, program, matter, stored):
    series = stored(alice)
    client = program.let_in_by(alice, reach="some", matter=[matter.public_id, "f" * 32])
    assert client.get(f"{API}/me").json()["matters"] == [matter.public_id]
    assert client.get(f"{API}/conversations/{series.public_id}").status_code == 404
    assert client.get(f"{API}/matters").json()["items"][0]["id"] == matter.public_id


def test_the_page_says_where_not_every_matter_is_offered(alice, program, matter, monkeypatch):
    cut = "an older one cannot be chosen alone"
    assert cut not in alice.client.get(program.address()).content.decode()
    monkeypatch.setattr("evidence.web.programs.LISTED_MATTERS", 1)
    assert cut in alice.client.get(program.address()).content.decode()


def test_a_person_who_chooses_no_matter_is_asked_again(alice, program, matter):
    answer = alice.client.post(program.address(), {"allow": "yes", "reach": "some"})
    assert answer.status_code == 400
    assert "at least one matter" in answer.content.decode()
    assert ApiGrant.objects.count() == 0


def test_what_a_program_asks_for_is_the_most_it_gets(alice, program, matter):
    address = program.address(scope=f"matters:read matter:{matter.public_id}")
    answer = alice.client.post(address, {"allow": "yes", "reach": "all"})
    assert answer.status_code == 400
    answer = alice.client.post(address, {"allow": "yes", "matter": matter.public_id})
    token = program.exchanged(returned(answer)["code"]).json()
    assert set(token["scope"].split()) == {"matters:read", f"matter:{matter.public_id}"}


def test_a_refusal_leads_back_without_a_code(alice, program):
    answer = returned(alice.client.post(program.address(), {"refuse": "yes"}))
    assert (answer["error"], answer["state"], "code" in answer) == ("access_denied", "s1", False)
    assert ApiGrant.objects.count() == 0


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"response_type": "token"}, "unauthorized_client"),
    ],
)
def test_a_wrong_request_is_led_back_with_its_error(alice, program, more, error):
    answer = alice.client.get(program.address(**more))
    if answer.status_code == 200:
        answer = alice.client.post(program.address(**more), {"allow": "yes", "reach": "all"})
    found = returned(answer)
    assert "code" not in found
    assert found["error"] in {error, "unsupported_response_type"}


@pytest.mark.parametrize(
    "more", [{"client_id": "nobody"}, {"redirect_uri": "https://evil.example/"},
             {"redirect_uri": BACK + "/x"}],
)  # fmt: skip
def test_nobody_is_led_to_an_address_that_was_not_registered(alice, program, more):
    answer = alice.client.get(program.address(**more))
    assert (answer.status_code, "Location" in answer) == (400, False)
    assert alice.client.post(program.address(**more), {"allow": "yes"}).status_code == 400


def test_a_stolen_code_is_worth_nothing_without_the_verifier_and_works_once(alice, program):
    answer = alice.client.post(program.address(), {"allow": "yes", "reach": "all"})
    code = returned(answer)["code"]
    assert program.exchanged(code, verifier="w" * 64).status_code == 400
    answer = alice.client.post(program.address(), {"allow": "yes", "reach": "all"})
    code = returned(answer)["code"]
    assert program.exchanged(code).status_code == 200
    assert program.exchanged(code).status_code == 400


def test_a_signed_out_person_is_led_to_the_sign_in_and_a_forged_form_is_refused(program, alice):
    answer = Client().get(program.address())
    assert (answer.status_code, "next=" in answer["Location"]) == (302, True)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    assert strict.post(program.address(), {"allow": "yes", "reach": "all"}).status_code == 403


def test_the_person_ends_it_and_every_token_with_it(alice, bob, program):
    client, other = program.let_in_by(alice), program.let_in_by(bob)
    page = alice.client.get("/account/programs/").content.decode()
    assert "Firm &lt;b&gt;" in page
    grant = ApiGrant.objects.get(user=alice.user)
    for stranger in (bob,):
        assert stranger.client.post(f"/account/programs/{grant.public_id}/end/").status_code == 404
    assert alice.client.post(f"/account/programs/{grant.public_id}/end/").status_code == 302
    assert client.get(f"{API}/me").status_code == 401
    assert other.get(f"{API}/me").status_code == 200


def test_a_refreshed_token_ends_with_the_grant_and_with_the_membership(alice, program):
    answer = alice.client.post(program.address(), {"allow": "yes", "reach": "all"})
    first = program.exchanged(returned(answer)["code"]).json()
    second = program.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second.status_code == 200
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {second.json()['access_token']}")
    assert client.get(f"{API}/me").status_code == 200
    Membership.objects.filter(user=alice.user).delete()
    assert client.get(f"{API}/me").status_code == 401


def test_revoking_the_client_ends_what_everyone_let_it_do(alice, program, now):
    client = program.let_in_by(alice)
    revoke_api_client(client=ApiGrant.objects.get().client, at=now)
    assert client.get(f"{API}/me").status_code == 401
    assert alice.client.get(program.address()).status_code == 400


def test_a_program_that_people_let_in_gets_nothing_by_its_own_credentials(alice, program):
    answer = program.token(grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
