"""Webhooks: be told what happened instead of asking; and what became of telling it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access.webhooks import deliveries_of, delivery_for, webhook_for, webhooks_of
from evidence.actions import webhooks as actions
from evidence.actions.webhooks import body_of, target_of
from evidence.api.base import ApiView, paged
from evidence.api.idempotency import once
from evidence.api.times import utc
from evidence.models import Webhook, WebhookDelivery
from evidence.values import WEBHOOK_EVENTS


class WebhookRequest(serializers.Serializer[Any]):
    """What comes in: an https address, and what is to be told; everything where that is left out."""

    url = serializers.CharField(max_length=1_000)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=WEBHOOK_EVENTS),
        required=False,
        default=list(WEBHOOK_EVENTS),
        min_length=1,
        max_length=len(WEBHOOK_EVENTS),
    )


class WebhookChange(serializers.Serializer[Any]):
    """What is to be changed; what is left out stays."""

    url = serializers.CharField(required=False, max_length=1_000)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=WEBHOOK_EVENTS),
        required=False,
        min_length=1,
        max_length=len(WEBHOOK_EVENTS),
    )
    enabled = serializers.BooleanField(required=False)


def webhook_answer(webhook: Webhook) -> dict[str, Any]:
    """Return what goes out about a webhook: everything but its secrets."""
    target = target_of(webhook)
    return {
        "id": webhook.public_id,
        "url": target.url,
        "events": webhook.events.split(),
        "created": utc(webhook.created_at),
        "enabled": webhook.disabled_at is None,
        "disabled": utc(webhook.disabled_at),
        "disabled_why": webhook.disabled_why or None,
        "secrets": [{"id": one.id, "created": one.created} for one in target.secrets],
    }


def delivery_answer(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return what goes out about a delivery in a list."""
    is_waiting = delivery.state == WebhookDelivery.State.WAITING
    return {
        "id": delivery.public_id,
        "event": delivery.event.public_id,
        "type": delivery.event.event,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next": utc(delivery.next_at) if is_waiting else None,
        "created": utc(delivery.created_at),
        "ended": utc(delivery.ended_at),
    }


class WebhookView(ApiView):
    """What views of webhooks share."""

    resource = "webhooks"

    def webhook(self, webhook_id: str) -> Webhook:
        return webhook_for(self.person, webhook_id, self.caller.key, self.within)


class Webhooks(WebhookView):
    def get(self, request: Request) -> Response:
        rows = webhooks_of(self.person, self.caller.key, self.within)
        return paged(request, rows, webhook_answer)

    @once()
    def post(self, request: Request) -> Response:
        """Create a webhook; its secret is in this answer and in no other."""
        organisation = self.organisation
        asked = WebhookRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        webhook, secret = actions.create_webhook(
            organisation=organisation,
            user=self.person,
            caller=self.caller.key,
            actor=self.actor,
            url=asked.validated_data["url"],
            events=asked.validated_data["events"],
            at=timezone.now(),
        )
        address = reverse("api-webhook", args=[webhook.public_id], request=request)
        answer = webhook_answer(webhook) | {"secret": secret}
        return Response(answer, status=201, headers={"Location": address})


class WebhookDetail(WebhookView):
    def get(self, request: Request, webhook_id: str) -> Response:
        return Response(webhook_answer(self.webhook(webhook_id)))

    def patch(self, request: Request, webhook_id: str) -> Response:
        """Change address or events, switch it off, or on again after it was disabled."""
        _ = self.organisation
        webhook = self.webhook(webhook_id)
        asked = WebhookChange(data=request.data)
        asked.is_valid(raise_exception=True)
        actions.change_webhook(
            webhook=webhook, actor=self.actor, at=timezone.now(), **asked.validated_data
        )
        return Response(webhook_answer(self.webhook(webhook_id)))

    def delete(self, request: Request, webhook_id: str) -> Response:
        """Remove a webhook with its delivery log."""
        _ = self.organisation
        webhook = self.webhook(webhook_id)
        actions.remove_webhook(webhook=webhook, actor=self.actor, at=timezone.now())
        return Response(status=204)


class Secrets(WebhookView):
    @once()
    def post(self, request: Request, webhook_id: str) -> Response:
        """Make a new secret; the former one signs beside it until it is retired or replaced."""
        _ = self.organisation
        webhook = self.webhook(webhook_id)
        secret = actions.rotate_secret(webhook=webhook, actor=self.actor, at=timezone.now())
        answer = webhook_answer(self.webhook(webhook_id)) | {"secret": secret}
        return Response(answer, status=201)


class SecretDetail(WebhookView):
    def delete(self, request: Request, webhook_id: str, secret_id: str) -> Response:
        """Retire the former secret once the receiver knows the new one."""
        _ = self.organisation
        actions.retire_secret(
            webhook=self.webhook(webhook_id),
            secret_id=secret_id,
            actor=self.actor,
            at=timezone.now(),
        )
        return Response(status=204)


class Ping(WebhookView):
    @once()
    def post(self, request: Request, webhook_id: str) -> Response:
        """Send a ``webhook.ping``, to try the receiver out."""
        _ = self.organisation
        delivery = actions.ping(webhook=self.webhook(webhook_id), at=timezone.now())
        place = [webhook_id, delivery.public_id]
        address = reverse("api-delivery", args=place, request=request)
        return Response(delivery_answer(delivery), status=202, headers={"Location": address})


class Deliveries(WebhookView):
    def get(self, request: Request, webhook_id: str) -> Response:
        return paged(request, deliveries_of(self.webhook(webhook_id)), delivery_answer)


class DeliveryDetail(WebhookView):
    def get(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """Return a delivery with the body as it is sent and every attempt."""
        delivery = delivery_for(self.webhook(webhook_id), delivery_id)
        attempts = [
            {
                "at": utc(one.at),
                "status": one.status,
                "error": one.error or None,
                "milliseconds": one.milliseconds,
            }
            for one in delivery.log.order_by("pk")
        ]
        body = body_of(delivery.event).decode()
        return Response(delivery_answer(delivery) | {"body": body, "log": attempts})


class Replay(WebhookView):
    @once()
    def post(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """Send a delivery once more, under the same ``webhook-id``."""
        _ = self.organisation
        delivery = delivery_for(self.webhook(webhook_id), delivery_id)
        actions.replay(delivery=delivery, actor=self.actor, at=timezone.now())
        return Response(delivery_answer(delivery), status=202)
