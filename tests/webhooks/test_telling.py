"""What happens reaches receivers: signed, under one id, again when they fail, and never in the way."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from evidence import tasks
from evidence.access.webhooks import may_know
from evidence.actions import tell_webhooks
from evidence.actions.announce import announce_growth, announce_hold
from evidence.actions.create_api_client import create_api_client, revoke_api_client
from evidence.actions.holds import place_hold, release_hold
from evidence.actions.open_matter import open_matter
from evidence.actions.webhooks import change_webhook, create_webhook, replay, rotate_secret
from evidence.gateways import webhooks as gateway
from evidence.gateways.webhooks import signature
from evidence.models import Hold, Webhook, WebhookDelivery, WebhookEvent
from evidence.values import API_SCOPES, WEBHOOK_EVENTS, Actor
from tests.patience import PATIENCE

State = WebhookDelivery.State
ACTOR = Actor("system", "test")


@pytest.fixture
def client_of(now):
    def make(actor, **more):
        return create_api_client(
            user=actor.user, organisation=actor.organisation, label="Firm", scopes=API_SCOPES,
            at=now, **more,
        )[0]  # fmt: skip

    return make


@pytest.fixture
def hook(client_of):
    """Create a webhook of a person's client that leads to a receiver."""

    def make(actor, receiver, events=WEBHOOK_EVENTS, client=None):
        client = client or client_of(actor)
        return create_webhook(
            organisation=actor.organisation, user=actor.user,
            caller=f"client:{client.public_id}", actor=ACTOR, url=receiver.url, events=events,
            at=timezone.now() - timedelta(seconds=1),
        )  # fmt: skip

    return make


@pytest.fixture
def hold(stored, now):
    """Place a hold for a person's matter: something to be told."""

    def place(actor) -> Hold:
        matter = open_matter(
            organisation=actor.organisation, actor=ACTOR, name="Loan", at=now, user=actor.user
        )
        series = stored(actor)
        return place_hold(
            matter=matter, conversation=series.conversation, actor=ACTOR, reason="claim",
            at=timezone.now(), user=actor.user,
        )  # fmt: skip

    return place


def tell(at=None) -> list[bool]:
    """Do what the sender does, once: spread the outbox, try what is due."""
    at = at or timezone.now()
    tell_webhooks.spread(at, may_know)
    due = tell_webhooks.due(at, (), 100)
    return [tell_webhooks.attempt(one.pk, clock=lambda: at) for one in due]


def test_an_event_arrives_signed_and_names_ids_only(alice, hook, hold, receiver):
    one = receiver()
    _webhook, secret = hook(alice, one, ["hold.placed"])
    placed = hold(alice)
    assert tell() == [True]
    ((headers, body),) = one.got
    assert headers["content-type"] == "application/json"
    made = signature(headers["webhook-id"], int(headers["webhook-timestamp"]), body, secret)
    assert headers["webhook-signature"] == made
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    said = json.loads(body)
    assert said["type"] == "hold.placed"
    assert said["data"]["hold"] == placed.public_id
    assert said["data"]["matter"] == placed.matter.public_id
    assert said["data"]["address"].endswith(f"/api/v1/holds/{placed.public_id}")
    assert not any(word in body for word in (b"Loan", b"claim", b"Ana"))


def test_what_is_rolled_back_is_not_told(alice, hook, hold, receiver):
    one = receiver()
    hook(alice, one)
    placed = hold(alice)
    before = WebhookEvent.objects.count()
    with transaction.atomic():
        announce_hold(placed, "hold.released", timezone.now())
        assert WebhookEvent.objects.count() == before + 1
        transaction.set_rollback(True)
    assert WebhookEvent.objects.count() == before


def test_every_event_of_a_bundle_is_told_once(alice, hook, issued, receiver):
    from evidence.actions.withdraw_bundle import withdraw_bundle

    one = receiver()
    hook(alice, one)
    export = issued(alice)
    for _ in range(2):
        withdraw_bundle(export=export, actor=ACTOR, reason="x", at=timezone.now())
    while tell():
        pass
    types = [json.loads(body)["type"] for _headers, body in one.got]
    assert types == ["acquisition.sealed", "export.ready", "bundle.withdrawn"]
    assert len(set(one.ids())) == 3


def test_a_failed_export_is_told_with_its_code(alice, hook, requested, receiver, settings):
    from evidence.actions.advance import run_to_end

    one = receiver()
    hook(alice, one, ["export.failed"])
    export = requested(alice)
    settings.TRUETHREAD_TSA_URLS = ["http://127.0.0.1:9/"]
    from evidence.gateways import current

    current.current.cache_clear()
    try:
        assert run_to_end(export.job.pk).phase == "failed"
    finally:
        settings.TRUETHREAD_TSA_URLS = []
        current.current.cache_clear()
    tell()
    said = json.loads(one.got[0][1])
    assert (said["type"], said["data"]["code"]) == ("export.failed", "stamp_unavailable")


def test_an_id_stays_the_same_over_retries_and_the_body_too(alice, hook, hold, receiver):
    one = receiver(status=500)
    hook(alice, one, ["hold.placed"])
    hold(alice)
    at = timezone.now()
    assert tell(at) == [False]
    assert tell(at) == []
    one.status = 200
    assert tell(at + timedelta(seconds=10)) == [True]
    assert len(set(one.ids())) == 1
    assert one.got[0][1] == one.got[1][1]
    first, second = (int(headers["webhook-timestamp"]) for headers, _ in one.got)
    assert second - first == 10
    log = WebhookDelivery.objects.get().log.order_by("pk").values_list("status", flat=True)
    assert list(log) == [500, 200]


def test_ten_attempts_within_a_day_and_then_it_is_disabled_with_one_mail(
    alice, hook, hold, receiver
):
    one = receiver(status=503)
    webhook, _secret = hook(alice, one)
    hold(alice)
    start = at = timezone.now()
    for _ in range(30):
        tell(at)
        waiting = WebhookDelivery.objects.filter(state=State.WAITING).order_by("next_at").first()
        if waiting is None:
            break
        at = max(at, waiting.next_at)
    assert at - start < timedelta(hours=24)
    tries = [one.ids().count(each) for each in set(one.ids())]
    assert max(tries) == 10
    webhook.refresh_from_db()
    assert webhook.disabled_why == "not_reached"
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) <= {"given_up", "stopped"}
    tell_webhooks.tell_owners(at)
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert webhook.public_id in letter.body
    assert one.url not in letter.body


def test_the_longest_that_ten_attempts_can_take_is_below_a_day():
    longest = sum(tell_webhooks.PAUSES, timedelta()) * tell_webhooks.JITTER[1]
    assert longest + timedelta(seconds=10 * 60) < timedelta(hours=24)
    assert tell_webhooks.MOST_ATTEMPTS == 10


def test_a_receiver_that_is_gone_is_not_asked_again(alice, hook, hold, receiver):
    one = receiver(status=410)
    webhook, _secret = hook(alice, one, ["hold.placed"])
    hold(alice)
    tell()
    webhook.refresh_from_db()
    assert (len(one.got), webhook.disabled_why) == (1, "gone")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(alice, hook, hold, receiver, status):
    other = receiver()
    one = receiver(status=status, headers={"Location": other.url})
    hook(alice, one, ["hold.placed"])
    hold(alice)
    assert tell() == [False]
    assert (len(one.got), other.got) == (1, [])


def test_both_live_secrets_sign_and_a_third_makes_the_first_silent(alice, hook, hold, receiver):
    one = receiver()
    webhook, first = hook(alice, one)
    second = rotate_secret(actor=ACTOR, webhook=webhook, at=timezone.now())
    placed = hold(alice)
    tell()
    third = rotate_secret(actor=ACTOR, webhook=webhook, at=timezone.now())
    release_hold(hold=placed, actor=ACTOR, reason="", at=timezone.now())
    while tell():
        pass

    def signers(headers, body):
        return [
            name
            for name, secret in (("first", first), ("second", second), ("third", third))
            if signature(headers["webhook-id"], int(headers["webhook-timestamp"]), body, secret)
            in headers["webhook-signature"].split()
        ]

    assert signers(*one.got[0]) == ["first", "second"]
    assert signers(*one.got[-1]) == ["second", "third"]


def test_secrets_and_addresses_are_kept_encrypted(alice, hook, hold, receiver):
    one = receiver()
    webhook, secret = hook(alice, one)
    hold(alice)
    kept = bytes(Webhook.objects.get(pk=webhook.pk).payload)
    kept += b"".join(bytes(event.payload) for event in WebhookEvent.objects.all())
    for word in (secret.removeprefix("whsec_"), "127.0.0.1", "hold.placed"):
        assert word.encode() not in kept


def test_nobody_is_told_what_they_may_not_see(alice, bob, charlie, hook, hold, receiver):
    of_bob, of_charlie, of_alice = receiver(), receiver(), receiver()
    hook(bob, of_bob)
    hook(charlie, of_charlie)
    hook(alice, of_alice)
    hold(alice)
    while tell():
        pass
    assert {json.loads(body)["type"] for _, body in of_bob.got} == {"acquisition.sealed"}
    assert of_charlie.got == []
    assert len(of_alice.got) == 2


def test_a_client_that_is_limited_to_a_matter_is_told_of_that_one_only(
    alice, hook, hold, receiver, client_of, now
):
    other = open_matter(
        organisation=alice.organisation, actor=ACTOR, name="Other", at=now, user=alice.user
    )
    loan = open_matter(
        organisation=alice.organisation, actor=ACTOR, name="Loan", at=now, user=alice.user
    )
    of_other, of_loan = receiver(), receiver()
    hook(alice, of_other, client=client_of(alice, matters=[other.public_id]))
    hook(alice, of_loan, client=client_of(alice, matters=[loan.public_id]))
    hold(alice)
    while tell():
        pass
    assert of_other.got == []
    assert [json.loads(body)["type"] for _, body in of_loan.got] == ["hold.placed"]


def test_a_client_that_was_revoked_is_told_nothing(alice, hook, hold, receiver, client_of):
    one, client = receiver(), client_of(alice)
    hook(alice, one, client=client)
    revoke_api_client(client=client, at=timezone.now())
    hold(alice)
    assert tell() == []
    assert one.got == []


def test_what_was_given_up_can_be_replayed_under_its_id(alice, hook, hold, receiver):
    one = receiver(status=410)
    webhook, _secret = hook(alice, one, ["hold.placed"])
    hold(alice)
    tell()
    one.status = 200
    webhook.refresh_from_db()
    change_webhook(actor=ACTOR, webhook=webhook, enabled=True, at=timezone.now())
    replay(actor=ACTOR, delivery=WebhookDelivery.objects.get(), at=timezone.now())
    assert tell() == [True]
    assert len(set(one.ids())) == 1


def test_what_was_switched_off_while_it_was_under_way_stays_off(alice, hook, hold, receiver):
    one = receiver(status=500)
    webhook, _secret = hook(alice, one, ["hold.placed"])
    hold(alice)
    at = timezone.now()
    tell_webhooks.spread(at, may_know)
    delivery = WebhookDelivery.objects.get()
    WebhookDelivery.objects.filter(pk=delivery.pk).update(attempts=1)
    delivery.refresh_from_db()
    change_webhook(actor=ACTOR, webhook=webhook, enabled=False, at=at)
    tell_webhooks._judge(delivery, 500, at)
    assert WebhookDelivery.objects.get().state == State.STOPPED


def test_two_senders_send_one_delivery_once(alice, hook, hold, receiver):
    one = receiver(status=500)
    hook(alice, one, ["hold.placed"])
    hold(alice)
    at = timezone.now()
    tell_webhooks.spread(at, may_know)
    tell_webhooks.spread(at, may_know)
    (delivery,) = tell_webhooks.due(at, (), 9)
    for _ in range(2):
        tell_webhooks.attempt(delivery.pk, clock=lambda: at)
    assert len(one.got) == 1


def test_old_events_are_forgotten_and_waiting_ones_are_not(alice, hook, hold, receiver):
    hook(alice, receiver(), ["hold.placed", "acquisition.sealed"])
    hold(alice)
    tell()
    later = timezone.now() + timedelta(days=31)
    assert tell_webhooks.forget_events(later) > 0
    assert WebhookDelivery.objects.filter(state=State.DELIVERED).count() == 0
    assert WebhookEvent.objects.count() == WebhookDelivery.objects.count()


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_hangs_delays_neither_an_export_nor_another_receiver(
    alice, hook, requested, receiver
):
    hanging, working = receiver(status=None), receiver()
    hook(alice, hanging)
    hook(alice, working)
    stop = threading.Event()

    def work() -> None:
        tasks.work(stop)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while not hanging.got:
            if not WebhookEvent.objects.exists():
                export = requested(alice)
            time.sleep(0.05)
        end = time.monotonic() + PATIENCE
        while not any(b"export.ready" in body for _, body in working.got):
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        hanging.released.set()
        stop.set()
        worker.join(PATIENCE)
    export.refresh_from_db()
    assert export.issued_at is not None
    assert not worker.is_alive()


def test_a_receiver_that_hangs_is_left_after_its_time(alice, hook, hold, receiver, monkeypatch):
    monkeypatch.setattr(gateway, "SECONDS", 0.3)
    hook(alice, receiver(status=None), ["hold.placed"])
    hold(alice)
    assert tell() == [False]
    log = WebhookDelivery.objects.get().log.get()
    assert (log.status, log.error) == (None, "timeout")
    assert log.milliseconds > 250


def test_waiting_in_vain_is_noticed(alice, hook, hold, receiver):
    hook(alice, receiver())
    hold(alice)
    assert not tasks.webhooks_wait_in_vain(timezone.now())
    assert tasks.webhooks_wait_in_vain(timezone.now() + timedelta(minutes=6))


def push(stream, provider, first, last, at):
    from evidence.actions.take_batch import take_batch
    from tests.pushing import lines

    batch = provider.batch(lines(first, last))
    take_batch(stream=stream, data=batch, actor=ACTOR, at=at)
    provider.accepted()


def test_a_stream_that_grows_fast_is_told_of_once_in_ten_seconds_and_its_last_batch_always(
    alice, hook, streamed, receiver
):
    one = receiver()
    hook(alice, one, ["acquisition.sealed"])
    stream, provider = streamed(alice)
    start = timezone.now()
    told = []
    for number in range(1, 26):
        at = start + timedelta(seconds=number)
        push(stream, provider, number, number, at)
        if any(tell(at)):
            told.append(number)
    assert told == [1, 11, 21]
    assert tell(at) == []
    assert tell(start + timedelta(seconds=31)) == [True]
    assert tell(start + timedelta(seconds=60)) == []
    assert len(set(one.ids())) == 4
    said = json.loads(one.got[-1][1])
    assert said["data"]["acquisition"] == stream.acquisition.public_id
    assert said["data"]["address"].endswith(f"/acquisitions/{stream.acquisition.public_id}")


def test_a_refused_batch_is_not_told(alice, hook, streamed, receiver):
    from evidence.errors import PushRefused

    hook(alice, receiver(), ["acquisition.sealed"])
    stream, provider = streamed(alice)
    provider.number = 3
    with pytest.raises(PushRefused):
        push(stream, provider, 1, 2, timezone.now())
    assert WebhookEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_that_speaks_for_a_batch_is_not_sent_before_the_batch_is_there(
    postgresql, alice, hook, streamed, receiver
):
    one = receiver()
    hook(alice, one, ["acquisition.sealed"])
    stream, provider = streamed(alice)
    push(stream, provider, 1, 2, timezone.now())
    with transaction.atomic():
        announce_growth(stream.acquisition, 2, timezone.now())
        telling = threading.Thread(target=lambda: (tell(), connection.close()))
        telling.start()
        telling.join(0.5)
        assert telling.is_alive()
        assert one.got == []
    telling.join(PATIENCE)
    assert len(one.got) == 1
