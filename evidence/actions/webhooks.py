"""Make, change and remove webhooks; look at a delivery again; send one once more.

A webhook lets an address know what happens, so each of these acts is an entry about the organisation
in the custody log: ``access.granted`` or ``access.revoked`` with ``{"how": "webhook", "webhook": id,
"what": …}``, the host of the address where it is set, and never a secret.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction

from evidence import custody
from evidence.actions.announce import announce
from evidence.archive.keys import open_json, seal_json
from evidence.errors import InvalidSelection
from evidence.gateways.webhooks import new_secret, url_fault
from evidence.models import Organisation, User, Webhook, WebhookDelivery, WebhookEvent
from evidence.models.ids import opaque_id
from evidence.values import Actor, Json, Subject

LIVE_SECRETS = 2
THE_SENDER = Actor("system", "webhooks")
"""Who disables a webhook that cannot be reached."""
MOST = 20
"""Webhooks one organisation can have."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A live secret. secret: ``whsec_…``, shown to people once, when it is made."""

    id: str
    secret: str
    created: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook leads, and what it is signed with, the newest secret first."""

    url: str
    secrets: tuple[Secret, ...]


@transaction.atomic
def create_webhook(
    *,
    organisation: Organisation,
    user: User,
    caller: str,
    actor: Actor,
    url: str,
    events: Sequence[str],
    at: datetime,
) -> tuple[Webhook, str]:
    """Create a webhook that acts for ``user``; return it with its secret, which is shown once.

    Raises InvalidSelection for an address nothing is sent to, and when there are too many.
    """
    _refuse(url)
    if Webhook.objects.filter(organisation=organisation).count() >= MOST:
        raise InvalidSelection(f"{MOST} webhooks", code="too_many_webhooks")
    public_id, secret = opaque_id(), _fresh(at)
    webhook = Webhook.objects.create(
        public_id=public_id,
        organisation=organisation,
        user=user,
        caller=caller,
        payload=_sealed(organisation, public_id, Target(url, (secret,))),
        events=" ".join(events),
        created_at=at,
    )
    _log(webhook, "created", actor, at, host=_host(url), events=webhook.events)
    return webhook, secret.secret


@transaction.atomic
def change_webhook(
    *,
    webhook: Webhook,
    url: str | None = None,
    events: Sequence[str] | None = None,
    enabled: bool | None = None,
    actor: Actor,
    at: datetime,
) -> None:
    """Change what is not None. Enabled again, a webhook is told of what happens from now on; what
    was stopped meanwhile can be replayed."""
    row = Webhook.objects.select_for_update().get(pk=webhook.pk)
    changed: dict[str, Json] = {}
    if url is not None:
        _refuse(url)
        target = target_of(row)
        row.payload = _sealed(row.organisation, row.public_id, Target(url, target.secrets))
        if url != target.url:
            changed["host"] = _host(url)
    if events is not None:
        if " ".join(events) != row.events:
            changed["events"] = " ".join(events)
        row.events = " ".join(events)
    if changed:
        _log(row, "changed", actor, at, **changed)
    if enabled is True and row.disabled_at is not None:
        row.disabled_at, row.disabled_why, row.told_at = None, "", None
        _log(row, "enabled", actor, at)
    if enabled is False and row.disabled_at is None:
        stop(row, "switched_off", actor, at)
    row.save()
    webhook.refresh_from_db()


def stop(webhook: Webhook, why: str, actor: Actor, at: datetime) -> None:
    """Disable ``webhook`` and stop what is still on its way; inside a transaction."""
    webhook.disabled_at, webhook.disabled_why = at, why
    webhook.told_at = at if why == "switched_off" else None
    webhook.save(update_fields=["disabled_at", "disabled_why", "told_at"])
    waiting = webhook.deliveries.filter(state=WebhookDelivery.State.WAITING)
    waiting.update(state=WebhookDelivery.State.STOPPED, ended_at=at)
    _log(webhook, "disabled", actor, at, why=why)


@transaction.atomic
def rotate_secret(*, webhook: Webhook, actor: Actor, at: datetime) -> str:
    """Return a new secret; the former one still signs beside it, older ones do not."""
    row = Webhook.objects.select_for_update().get(pk=webhook.pk)
    target, secret = target_of(row), _fresh(at)
    kept = (secret, *target.secrets)[:LIVE_SECRETS]
    row.payload = _sealed(row.organisation, row.public_id, Target(target.url, kept))
    row.save(update_fields=["payload"])
    _log(row, "secret_made", actor, at, secret=secret.id)
    return secret.secret


@transaction.atomic
def retire_secret(*, webhook: Webhook, secret_id: str, actor: Actor, at: datetime) -> None:
    """Let the former secret sign no more. Raises InvalidSelection for the newest and unknown ones."""
    row = Webhook.objects.select_for_update().get(pk=webhook.pk)
    target = target_of(row)
    if secret_id not in [one.id for one in target.secrets[1:]]:
        raise InvalidSelection("not a former secret", code="unknown_secret")
    kept = tuple(one for one in target.secrets if one.id != secret_id)
    row.payload = _sealed(row.organisation, row.public_id, Target(target.url, kept))
    row.save(update_fields=["payload"])
    _log(row, "secret_retired", actor, at, secret=secret_id)


@transaction.atomic
def remove_webhook(*, webhook: Webhook, actor: Actor, at: datetime) -> None:
    """Remove ``webhook`` with its delivery log; a second call changes nothing."""
    removed, _ = Webhook.objects.filter(pk=webhook.pk).delete()
    if removed:
        _log(webhook, "removed", actor, at)


@transaction.atomic
def ping(*, webhook: Webhook, at: datetime) -> WebhookDelivery:
    """Queue a ``webhook.ping`` for ``webhook`` alone and return its delivery."""
    _require_enabled(webhook)
    once = secrets.token_hex(8)
    announce(
        organisation=webhook.organisation, event="webhook.ping",
        subject=("webhook", webhook.public_id), data={}, at=at, once=once,
    )  # fmt: skip
    event = WebhookEvent.objects.get(key=f"webhook.ping:{webhook.public_id}:{once}")
    WebhookEvent.objects.filter(pk=event.pk).update(spread_at=at)
    return WebhookDelivery.objects.create(webhook=webhook, event=event, next_at=at, created_at=at)


@transaction.atomic
def replay(*, delivery: WebhookDelivery, actor: Actor, at: datetime) -> None:
    """Send ``delivery`` once more, under the same id, with a round of attempts of its own.

    Raises InvalidSelection for a webhook that is disabled.
    """
    _require_enabled(delivery.webhook)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        state=WebhookDelivery.State.WAITING, attempts=0, next_at=at, ended_at=None
    )
    delivery.refresh_from_db()
    _log(delivery.webhook, "replayed", actor, at, delivery=delivery.public_id)


def target_of(webhook: Webhook) -> Target:
    """Return where ``webhook`` leads. Raises Corrupt when it does not open."""
    facts: dict[str, Any] = open_json(
        webhook.organisation, webhook.public_id, "webhook", webhook.payload
    )
    return Target(facts["url"], tuple(Secret(**one) for one in facts["secrets"]))


def body_of(event: WebhookEvent) -> bytes:
    """Return the body of ``event``, the same bytes at every attempt."""
    text = open_json(event.organisation, event.public_id, "webhook event", event.payload)
    return str(text).encode()


def data_of(event: WebhookEvent) -> dict[str, Any]:
    """Return what the body of ``event`` says."""
    found: dict[str, Any] = json.loads(body_of(event))
    return found


def _fresh(at: datetime) -> Secret:
    moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Secret(opaque_id(), new_secret(), moment)


def _sealed(organisation: Organisation, public_id: str, target: Target) -> bytes:
    listed = [{"id": s.id, "secret": s.secret, "created": s.created} for s in target.secrets]
    return seal_json(organisation, public_id, "webhook", {"url": target.url, "secrets": listed})


def _refuse(url: str) -> None:
    if fault := url_fault(url):
        raise InvalidSelection("not an address to send to", code=fault)


def _require_enabled(webhook: Webhook) -> None:
    if webhook.disabled_at is not None:
        raise InvalidSelection(webhook.disabled_why, code="webhook_disabled")


_ENDS = ("disabled", "secret_retired", "removed")


def _log(webhook: Webhook, what: str, actor: Actor, at: datetime, **more: Json) -> None:
    """Append the custody entry of an act, inside its transaction."""
    event = "access.revoked" if what in _ENDS else "access.granted"
    custody.append(
        event_id=f"webhook.{what}:{opaque_id()}",
        event=event,
        actor=actor,
        subjects=[Subject("organisation", webhook.organisation.public_id)],
        details={"how": "webhook", "webhook": webhook.public_id, "what": what, **more},
        at=at,
    )


def _host(url: str) -> str:
    # The rest of an address often holds a secret of the receiver.
    return (urlsplit(url).hostname or "")[:255]
