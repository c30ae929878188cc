"""Webhooks: of the person they act for, and what a webhook may be told of."""

from __future__ import annotations

from django.db.models import QuerySet

from evidence.access.clients import live_bounds
from evidence.access.evidence import acquisitions_of
from evidence.access.exports import exports_of
from evidence.access.holds import holds_of
from evidence.access.people import Person, Within, matters_in, memberships_of
from evidence.errors import NotFound
from evidence.models import Webhook, WebhookDelivery, WebhookEvent


def webhooks_of(person: Person, caller: str, within: Within = None) -> QuerySet[Webhook]:
    """Return the webhooks that act for ``person``, newest first.

    caller: the program asking; one that is limited to matters sees those it made itself.
    """
    found = Webhook.objects.filter(
        user=person.pk, organisation__in=memberships_of(person, within).values("organisation")
    )
    if matters_in(within) is not None:
        found = found.filter(caller=caller)
    return found.select_related("organisation", "user").order_by("-pk")


def webhook_for(person: Person, public_id: str, caller: str, within: Within = None) -> Webhook:
    """Return one webhook. Raises NotFound."""
    found = webhooks_of(person, caller, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("webhook")
    return found


def deliveries_of(webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """Return the delivery log of a webhook the person was given, newest first."""
    found = WebhookDelivery.objects.filter(webhook=webhook)
    return found.select_related("webhook__organisation", "event__organisation").order_by("-pk")


def delivery_for(webhook: Webhook, public_id: str) -> WebhookDelivery:
    """Return one delivery of a webhook the person was given. Raises NotFound."""
    found = deliveries_of(webhook).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("delivery")
    return found


def may_know(webhook: Webhook, event: WebhookEvent) -> bool:
    """Return whether the program that made ``webhook``, and the person behind it, may see what
    ``event`` is about, now."""
    bounds = live_bounds(webhook.caller, webhook.user)
    if bounds is None or bounds.organisation.pk != event.organisation_id:
        return False
    lists = {"export": exports_of, "acquisition": acquisitions_of, "hold": holds_of}
    if event.subject_kind not in lists:
        return False
    rows = lists[event.subject_kind](webhook.user, bounds)
    return rows.filter(public_id=event.subject_id).exists()
