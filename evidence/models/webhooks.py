"""Webhooks: where a program wants to be told, what is to be told, and what became of telling it."""

from __future__ import annotations

from django.db import models

from evidence.models.ids import opaque_id
from evidence.models.people import Organisation, User


class Webhook(models.Model):
    """An address that is told of events a person may know of, while that person may.

    caller: kind and id of the program that made it; one that was revoked is told nothing.
    payload: encrypted ``{"url", "secrets": [{"id", "secret", "created"}]}``, the newest secret
    first, two at most. events: separated by spaces. disabled_why: "" or the reason's code.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="webhooks")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    caller = models.CharField(max_length=64)
    payload = models.BinaryField()
    events = models.CharField(max_length=1000)
    created_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_why = models.CharField(max_length=40, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    """When the person was told by e-mail that it was disabled."""

    def __str__(self) -> str:
        return self.public_id


class WebhookEvent(models.Model):
    """Something to be told, written in the transaction of the act (an outbox).

    public_id: the id receivers see, the same for every address and every attempt. key: the same
    whenever the same act is run again. subject: ``export``, ``acquisition``, ``hold`` or ``webhook``
    and its id: whoever may see that may be told. payload: encrypted body, byte for byte as it is sent.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    key = models.CharField(max_length=80, unique=True)
    event = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=32)
    payload = models.BinaryField()
    created_at = models.DateTimeField(db_index=True)
    spread_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.event} {self.public_id}"


class WebhookDelivery(models.Model):
    """One event on its way to one address.

    attempts: in this round; a replay begins a new one. next_at: when it may be tried, or while it is
    being tried, when the one who tries is taken for dead.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        GIVEN_UP = "given_up", "Given up"
        STOPPED = "stopped", "Stopped"

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event"], name="one_delivery_per_webhook")
        ]
        indexes = [models.Index(fields=["state", "next_at"], name="delivery_state_next")]

    def __str__(self) -> str:
        return f"{self.public_id} {self.state}"


class WebhookAttempt(models.Model):
    """One request to an address and what came of it. status: of HTTP; error: a code where none came."""

    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="log")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=40, blank=True)
    milliseconds = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.status or self.error}"
