"""OAuth 2.0 client credentials: a program gets a token, does what it may, and is stopped."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model
from rest_framework.test import APIClient

from evidence import custody
from evidence.actions.create_api_client import create_api_client, revoke_api_client
from evidence.models import Membership
from evidence.values import API_SCOPES

ROOT = "/api/v1"


@pytest.fixture
def client_of(now):
    """Create a client that acts for a person."""

    def make(actor, *scopes):
        return create_api_client(
            user=actor.user, organisation=actor.organisation, label="Firm system",
            scopes=scopes or API_SCOPES, at=now,
        )  # fmt: skip

    return make


def token_of(client_id, secret, **more):
    basic = b64encode(f"{client_id}:{secret}".encode()).decode()
    return APIClient().post(
        f"{ROOT}/oauth/token",
        {"grant_type": "client_credentials", **more},
        format="multipart",
        HTTP_AUTHORIZATION=f"Basic {basic}",
    )


def program(token) -> APIClient:
    made = APIClient()
    made.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return made


def test_a_client_gets_a_token_and_the_log_names_it_and_the_person(alice, client_of, stored):
    made, secret = client_of(alice)
    answer = token_of(made.client_id, secret).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    client, series = program(answer["access_token"]), stored(alice)
    assert client.get(f"{ROOT}/me").json()["client"]["label"] == "Firm system"
    client.get(f"{ROOT}/conversations/{series.public_id}/messages")
    custody.sequence_pending()
    last = list(custody.entries_of("series", series.public_id))[-1].entry
    assert (last.event, last.actor.kind) == ("conversation.viewed", "client")
    assert (last.actor.id, last.actor.name) == (made.public_id, "Firm system (alice)")


def test_a_token_does_what_its_scopes_say(alice, client_of, stored, problem_of):
    made, secret = client_of(alice, "conversations:read", "matters:write")
    token = token_of(made.client_id, secret, scope="conversations:read").json()
    client, series = program(token["access_token"]), stored(alice)
    assert client.get(f"{ROOT}/conversations/{series.public_id}").status_code == 200
    for method, address in ((client.get, "exports"), (client.post, "matters")):
        assert problem_of(method(f"{ROOT}/{address}")) == (403, "insufficient_scope")
    too_much = token_of(made.client_id, secret, scope="exports:write")
    assert (too_much.status_code, too_much.json()["error"]) == (400, "invalid_scope")
    every = token_of(made.client_id, secret).json()["scope"]
    assert set(every.split()) == {"conversations:read", "matters:write"}


def test_a_wrong_secret_and_another_grant_get_nothing(alice, client_of):
    made, secret = client_of(alice)
    assert token_of(made.client_id, secret + "x").status_code == 401
    assert token_of("nobody", secret).status_code == 401
    for grant in ("password", "authorization_code", "refresh_token"):
        answer = token_of(made.client_id, secret, grant_type=grant, username="a", password="b")
        assert answer.status_code in {400, 401}, grant


def test_a_revoked_token_or_client_is_nobody(alice, client_of, now, problem_of):
    made, secret = client_of(alice)
    first = token_of(made.client_id, secret).json()["access_token"]
    second = token_of(made.client_id, secret).json()["access_token"]
    body = {"token": first, "client_id": made.client_id, "client_secret": secret}
    assert APIClient().post(f"{ROOT}/oauth/revoke", body, format="multipart").status_code == 200
    assert problem_of(program(first).get(f"{ROOT}/me")) == (401, "not_authenticated")
    assert program(second).get(f"{ROOT}/me").status_code == 200
    revoke_api_client(client=made, at=now)
    assert problem_of(program(second).get(f"{ROOT}/me")) == (401, "not_authenticated")
    assert token_of(made.client_id, secret).status_code in {400, 401}


def test_a_token_ends_with_its_hour_and_with_the_membership(alice, client_of):
    made, secret = client_of(alice)
    token = token_of(made.client_id, secret).json()["access_token"]
    get_access_token_model().objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert program(token).get(f"{ROOT}/me").status_code == 401
    token = token_of(made.client_id, secret).json()["access_token"]
    Membership.objects.filter(user=alice.user).delete()
    assert program(token).get(f"{ROOT}/me").status_code == 401


def test_secrets_and_tokens_are_kept_as_hashes_only(alice, client_of):
    made, secret = client_of(alice)
    token = token_of(made.client_id, secret).json()["access_token"]
    assert get_application_model().objects.get().client_secret != secret
    kept = get_access_token_model().objects.get()
    assert token not in (kept.token, kept.token_checksum)


def test_a_client_of_a_stranger_sees_nothing(alice, charlie, client_of, stored, problem_of):
    series = stored(alice)
    made, secret = client_of(charlie)
    client = program(token_of(made.client_id, secret).json()["access_token"])
    answer = client.get(f"{ROOT}/conversations/{series.public_id}")
    assert problem_of(answer) == (404, "not_found")


def test_the_command_prints_credentials_that_work_and_revokes_them(alice):
    def run(*arguments):
        out = StringIO()
        call_command("create_api_client", *arguments, "--json", stdout=out)
        return json.loads(out.getvalue())

    made = run("--user", "alice", "--scope", "matters:read")
    token = token_of(made["client_id"], made["client_secret"]).json()
    assert token["scope"] == "matters:read"
    assert program(token["access_token"]).get(f"{ROOT}/matters").status_code == 200
    assert run("--revoke", made["client_id"]) == {"revoked": made["client_id"]}
    assert program(token["access_token"]).get(f"{ROOT}/matters").status_code == 401
    with pytest.raises(CommandError):
        run("--user", "nobody")
