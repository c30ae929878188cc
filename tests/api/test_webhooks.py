"""Webhooks over the API: made, tried out, changed, looked at, removed; of the person they act for."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.utils import timezone

from evidence import tasks
from evidence.access.webhooks import may_know
from evidence.actions import tell_webhooks
from evidence.models import Webhook, WebhookDelivery

ROOT = "/api/v1/webhooks"
URL = "https://firm.example/hook"


@pytest.fixture
def made(api):
    """Create a webhook over the API and return it as the answer says."""

    def make(actor, url=URL, **more):
        answer = api(actor).post(ROOT, {"url": url, **more})
        assert answer.status_code == 201, answer.json()
        assert answer["Location"].endswith(f"{ROOT}/{answer.json()['id']}")
        return answer.json()

    return make


def test_the_secret_is_shown_once(alice, api, made):
    one = made(alice, events=["export.ready"])
    assert one["secret"].startswith("whsec_")
    again = api(alice).get(f"{ROOT}/{one['id']}").json()
    assert again == {name: value for name, value in one.items() if name != "secret"}
    assert api(alice).get(ROOT).json()["items"] == [again]


def test_every_address_of_a_webhook_is_closed_to_others(alice, bob, charlie, api, made, problem_of):
    one = made(alice)
    Webhook.objects.update(disabled_at=None)
    delivery = api(alice).post(f"{ROOT}/{one['id']}/ping").json()["id"]
    own = f"{ROOT}/{one['id']}"
    calls = [
        ("get", own), ("patch", own), ("delete", own), ("post", f"{own}/secrets"),
        ("delete", f"{own}/secrets/{one['secrets'][0]['id']}"), ("post", f"{own}/ping"),
        ("get", f"{own}/deliveries"), ("get", f"{own}/deliveries/{delivery}"),
        ("post", f"{own}/deliveries/{delivery}/replay"),
    ]  # fmt: skip
    for actor in (bob, charlie):
        client = api(actor)
        assert client.get(ROOT).json()["items"] == []
        for method, address in calls:
            answer = getattr(client, method)(address)
            missing = getattr(client, method)(address.replace(one["id"], "0" * 32))
            assert problem_of(answer) == (404, "not_found"), (method, address)
            assert answer.json() == missing.json()
    assert Webhook.objects.count() == 1


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://firm.example/", "webhook_url_not_https"),
        ("https://169.254.169.254/latest", "webhook_address_refused"),
        ("https://user@firm.example/", "webhook_url_invalid"),
    ],
)
def test_an_address_nothing_is_sent_to_is_refused(alice, api, problem_of, url, code):
    assert problem_of(api(alice).post(ROOT, {"url": url})) == (422, code)
    assert Webhook.objects.count() == 0


def test_unknown_events_are_refused(alice, api, problem_of):
    answer = api(alice).post(ROOT, {"url": URL, "events": ["export.ready", "x"]})
    assert problem_of(answer) == (400, "invalid_request")


def test_a_webhook_is_changed_switched_off_and_on(alice, api, made, problem_of):
    one, client = made(alice), api(alice)
    address = f"{ROOT}/{one['id']}"
    changed = client.patch(address, {"events": ["hold.placed"], "enabled": False}).json()
    assert (changed["events"], changed["enabled"]) == (["hold.placed"], False)
    assert problem_of(client.post(f"{address}/ping")) == (409, "webhook_disabled")
    assert client.patch(address, {"enabled": True}).json()["disabled_why"] is None
    assert problem_of(client.patch(address, {"url": "http://x/"}))[0] == 422
    assert client.delete(address).status_code == 204
    assert problem_of(client.get(address)) == (404, "not_found")


def test_secrets_are_rotated_and_the_former_one_retired(alice, api, made, problem_of):
    one, client = made(alice), api(alice)
    address = f"{ROOT}/{one['id']}"
    first = one["secrets"][0]["id"]
    rotated = client.post(f"{address}/secrets").json()
    assert [s["id"] for s in rotated["secrets"]][1:] == [first]
    newest = rotated["secrets"][0]["id"]
    assert problem_of(client.delete(f"{address}/secrets/{newest}")) == (404, "unknown_secret")
    assert client.delete(f"{address}/secrets/{first}").status_code == 204
    assert [s["id"] for s in client.get(address).json()["secrets"]] == [newest]


def test_a_ping_is_sent_and_stands_in_the_delivery_log(alice, api, made, settings):
    settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK = True
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        one, client = made(alice, f"http://127.0.0.1:{server.server_address[1]}/"), api(alice)
        answer = client.post(f"{ROOT}/{one['id']}/ping")
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        tell_webhooks.attempt(WebhookDelivery.objects.get().pk, clock=timezone.now)
    found = client.get(answer["Location"]).json()
    assert (found["state"], found["type"], found["body"]) == (
        "delivered", "webhook.ping", got[0].decode(),
    )  # fmt: skip
    assert [(one["status"], one["error"]) for one in found["log"]] == [(200, None)]
    listed = client.get(f"{ROOT}/{one['id']}/deliveries").json()["items"]
    assert [each["id"] for each in listed] == [found["id"]]
    again = client.post(f"{answer['Location'].partition('testserver')[2]}/replay")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")


def test_an_auditor_makes_no_webhook(alice, bob, api, problem_of):
    from evidence.models import Membership

    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(role="auditor")
    assert problem_of(api(bob).post(ROOT, {"url": URL})) == (403, "not_allowed")


def test_an_organisation_has_no_more_than_twenty(alice, api, made, problem_of):
    for _ in range(20):
        made(alice)
    assert problem_of(api(alice).post(ROOT, {"url": URL})) == (409, "too_many_webhooks")


def test_the_outbox_is_empty_where_nobody_listens(alice, stored):
    stored(alice)
    assert tell_webhooks.spread(timezone.now(), may_know) == 0
    assert not tasks.webhooks_wait_in_vain(timezone.now())
