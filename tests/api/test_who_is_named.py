"""Every change over the API is a custody entry that names the program and the person behind it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from evidence import custody
from evidence.actions.advance import run_to_end
from evidence.actions.create_api_client import create_api_client
from evidence.models import WebhookDelivery
from evidence.values import API_SCOPES

ROOT = "/api/v1"


@pytest.fixture
def client_program(now, program):
    """Give a program with the credentials of a client that acts for a person."""
    from tests.api.test_oauth import token_of

    def make(actor):
        made, secret = create_api_client(
            user=actor.user, organisation=actor.organisation, label="Firm system",
            scopes=API_SCOPES, at=now,
        )  # fmt: skip
        one = program()
        token = token_of(made.client_id, secret).json()["access_token"]
        one.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        return one, made.public_id

    return make


def entries_about(kind: str, public_id: str) -> list:
    custody.sequence_pending()
    return [one.entry for one in custody.entries_of(kind, public_id)]


def through_its_life(client) -> list[str]:
    """Change a webhook in every way and return what each was."""
    one = client.post(f"{ROOT}/webhooks", {"url": "https://firm.example/h?key=s3cret"}).json()
    own = f"{ROOT}/webhooks/{one['id']}"
    delivery = client.post(f"{own}/ping").json()["id"]
    client.post(f"{own}/deliveries/{delivery}/replay")
    client.patch(own, {"events": ["hold.placed"], "url": "https://other.example/"})
    client.patch(own, {"events": ["hold.placed"]})
    client.post(f"{own}/secrets")
    client.delete(f"{own}/secrets/{one['secrets'][0]['id']}")
    client.patch(own, {"enabled": False})
    client.patch(own, {"enabled": True})
    client.delete(own)
    return [
        "created", "replayed", "changed", "secret_made", "secret_retired", "disabled", "enabled",
        "removed",
    ]  # fmt: skip


def test_every_change_of_a_webhook_is_logged_with_client_and_person(alice, client_program):
    client, public_id = client_program(alice)
    acts = through_its_life(client)
    logged = [
        one
        for one in entries_about("organisation", alice.organisation.public_id)
        if one.details.get("how") == "webhook"
    ]
    assert [one.details["what"] for one in logged] == acts
    assert {one.actor.id for one in logged} == {public_id}
    assert {one.actor.name for one in logged} == {"Firm system (alice)"}
    assert {one.actor.kind for one in logged} == {"client"}
    revoked = [one.details["what"] for one in logged if one.event == "access.revoked"]
    assert revoked == ["secret_retired", "disabled", "removed"]
    assert logged[0].details["host"] == "firm.example"
    assert not any("s3cret" in str(one.details) or "whsec" in str(one.details) for one in logged)


def test_every_change_of_a_webhook_is_logged_with_the_token_of_a_person(alice, api):
    acts = through_its_life(api(alice))
    logged = [
        one
        for one in entries_about("organisation", alice.organisation.public_id)
        if one.details.get("how") == "webhook"
    ]
    assert [one.details["what"] for one in logged] == acts
    assert {one.actor.name for one in logged} == {"Firm (alice)"}


def test_a_webhook_nobody_reaches_is_disabled_by_the_service_in_the_log(alice, api):
    from evidence.actions import tell_webhooks

    one = api(alice).post(f"{ROOT}/webhooks", {"url": "https://firm.invalid/h"}).json()
    api(alice).post(f"{ROOT}/webhooks/{one['id']}/ping")
    WebhookDelivery.objects.update(attempts=tell_webhooks.MOST_ATTEMPTS - 1)
    tell_webhooks.attempt(WebhookDelivery.objects.get().pk, clock=timezone.now)
    last = entries_about("organisation", alice.organisation.public_id)[-1]
    assert (last.event, last.actor.kind, last.actor.id) == ("access.revoked", "system", "webhooks")
    assert last.details["why"] == "not_reached"


@pytest.mark.parametrize("method", ["post", "delete"])
def test_who_cancels_over_the_api_is_named(alice, requested, client_program, method):
    export = requested(alice)
    client, public_id = client_program(alice)
    own = f"{ROOT}/exports/{export.public_id}"
    for _ in range(2):
        answer = client.post(f"{own}/cancel") if method == "post" else client.delete(own)
        assert answer.status_code == 202
    assert run_to_end(export.job.pk).phase == "cancelled"
    last = entries_about("bundle", export.public_id)[-1]
    assert (last.event, last.actor.kind, last.actor.id) == ("export.cancelled", "client", public_id)
    assert last.actor.name == "Firm system (alice)"


def test_who_cancels_on_the_page_is_named(alice, requested):
    export = requested(alice)
    assert alice.client.post(f"/exports/{export.public_id}/cancel/").status_code == 302
    assert run_to_end(export.job.pk).phase == "cancelled"
    last = entries_about("bundle", export.public_id)[-1]
    assert (last.event, last.actor.kind) == ("export.cancelled", "person")
    assert last.actor.id == alice.user.public_id


def test_a_cancelled_export_can_be_asked_for_again(alice, requested, api):
    export = requested(alice)
    own = f"{ROOT}/exports/{export.public_id}"
    api(alice).post(f"{own}/cancel")
    run_to_end(export.job.pk)
    again = api(alice).post(f"{own}/retry").json()
    assert (again["state"], again["selection"]) == ("preparing", export.selection.public_id)
