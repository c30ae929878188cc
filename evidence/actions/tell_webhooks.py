"""Tell webhooks what is in the outbox: at most ten attempts within a day, then the webhook is disabled.

    event (outbox) ─spread→ a delivery for each webhook that may know ─attempt→ delivered
                                                              └ ten in vain → disabled, and a mail

Each attempt is claimed first and recorded after; no transaction is open while the receiver is asked.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import translation

from evidence.actions.tell_requester import CHINESE, ENGLISH
from evidence.actions.webhooks import THE_SENDER, body_of, stop, target_of
from evidence.gateways.http import HttpTrouble
from evidence.gateways.webhooks import post
from evidence.models import User, Webhook, WebhookAttempt, WebhookDelivery, WebhookEvent

logger = logging.getLogger(__name__)

PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200)
)
"""Before the second to the tenth attempt, at the most: with ten time-outs they stay below 24 hours."""
JITTER = (0.8, 1.0)
MOST_ATTEMPTS = len(PAUSES) + 1
CLAIM = timedelta(seconds=60)
"""How long an attempt may be under way before another worker takes its sender for dead."""
KEPT = timedelta(days=30)
_AT_ONCE = 200

MayKnow = Callable[[Webhook, WebhookEvent], bool]


def spread(at: datetime, may_know: MayKnow) -> int:
    """Give every event of the outbox a delivery for each webhook that wants it and may know of it.

    may_know: whether the person and program behind a webhook may, now. Returns how many events.
    """
    waiting = WebhookEvent.objects.filter(spread_at=None, created_at__lte=at)
    waiting = waiting.order_by("pk")[:_AT_ONCE]
    return sum(_spread(event, at, may_know) for event in waiting.select_related("organisation"))


@transaction.atomic
def _spread(event: WebhookEvent, at: datetime, may_know: MayKnow) -> bool:
    if not WebhookEvent.objects.filter(pk=event.pk, spread_at=None).update(spread_at=at):
        return False
    live = Webhook.objects.filter(
        organisation=event.organisation, disabled_at=None, created_at__lte=event.created_at
    ).select_related("user", "organisation")
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(webhook=webhook, event=event, next_at=at, created_at=at)
            for webhook in live
            if event.event in webhook.events.split() and may_know(webhook, event)
        ],
        ignore_conflicts=True,
    )
    return True


def due(at: datetime, busy: Collection[int], most: int) -> list[WebhookDelivery]:
    """Return up to ``most`` deliveries to try now, the oldest of each webhook that is not ``busy``."""
    waiting = WebhookDelivery.objects.filter(
        state=WebhookDelivery.State.WAITING, next_at__lte=at, webhook__disabled_at=None
    ).exclude(webhook_id__in=busy)
    first: dict[int, WebhookDelivery] = {}
    for delivery in waiting.order_by("next_at", "pk")[:_AT_ONCE]:
        first.setdefault(delivery.webhook_id, delivery)
    return list(first.values())[:most]


def attempt(delivery_id: int, *, clock: Callable[[], datetime]) -> bool:
    """Try one delivery that is due; return whether it arrived.

    A delivery that another worker tries, or that has ended, is left alone.
    """
    at = clock()
    claimed = WebhookDelivery.objects.filter(
        pk=delivery_id, state=WebhookDelivery.State.WAITING, next_at__lte=at
    ).update(next_at=at + CLAIM, attempts=F("attempts") + 1)
    if not claimed:
        return False
    delivery = WebhookDelivery.objects.select_related(
        "webhook__organisation", "webhook__user", "event__organisation"
    ).get(pk=delivery_id)
    started = time.monotonic()
    status, error = _sent(delivery, at)
    taken = int((time.monotonic() - started) * 1000)
    with transaction.atomic():
        WebhookAttempt.objects.create(
            delivery=delivery, at=at, status=status, error=error, milliseconds=taken
        )
        _judge(delivery, status, clock())
    if delivery.state == WebhookDelivery.State.GIVEN_UP:
        tell_owner(delivery.webhook_id, clock())
    return delivery.state == WebhookDelivery.State.DELIVERED


def _sent(delivery: WebhookDelivery, at: datetime) -> tuple[int | None, str]:
    target = target_of(delivery.webhook)
    secrets = [one.secret for one in target.secrets]
    body = body_of(delivery.event)
    try:
        reply = post(target.url, delivery.event.public_id, body, secrets, at.timestamp())
    except HttpTrouble as error:
        return None, error.code
    except ValueError:
        return None, "malformed"
    return reply.status, ""


def _judge(delivery: WebhookDelivery, status: int | None, at: datetime) -> None:
    """Write what follows from an attempt: arrived, later again, or given up.

    Only 2xx is an arrival. 410 says that the receiver is gone for good (Standard Webhooks).
    """
    same = WebhookDelivery.objects.filter(pk=delivery.pk)
    if status is not None and 200 <= status < 300:
        delivery.state = WebhookDelivery.State.DELIVERED
    elif status == 410 or delivery.attempts >= MOST_ATTEMPTS:
        delivery.state = WebhookDelivery.State.GIVEN_UP
        webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
        if webhook.disabled_at is None:
            stop(webhook, "gone" if status == 410 else "not_reached", THE_SENDER, at)
    else:
        # What was stopped meanwhile stays stopped.
        next_at = at + pause_after(delivery.attempts)
        same.filter(state=WebhookDelivery.State.WAITING).update(next_at=next_at)
        return
    same.update(state=delivery.state, ended_at=at)


def pause_after(attempts: int) -> timedelta:
    """Return how long to wait after the attempt of that number, 1 to 9, with jitter."""
    return PAUSES[attempts - 1] * random.uniform(*JITTER)  # noqa: S311 - spreads load, no secret


def tell_owners(at: datetime) -> int:
    """Mail everyone whose webhook was disabled and who was not told; return how many mails went out."""
    untold = Webhook.objects.exclude(disabled_at=None).filter(told_at=None)
    return sum(tell_owner(pk, at) for pk in untold.values_list("pk", flat=True))


def tell_owner(webhook_id: int, at: datetime) -> bool:
    """Mail the person behind a disabled webhook unless that was done; return whether this call did.

    The row is marked first, so two workers send one mail. When the mail server refuses, the mark is
    taken back and the next sweep tries again.
    """
    untold = Webhook.objects.filter(pk=webhook_id, told_at=None).exclude(disabled_at=None)
    if not untold.update(told_at=at):
        return False
    webhook = Webhook.objects.select_related("user", "organisation").get(pk=webhook_id)
    if not webhook.user.email or not webhook.user.is_active:
        return False
    try:
        _mail(webhook, webhook.user).send()
    except (SMTPException, OSError) as error:
        logger.warning("no mail about webhook %s, later again: %s", webhook.public_id, error)
        Webhook.objects.filter(pk=webhook_id, told_at=at).update(told_at=None)
        return False
    return True


def _mail(webhook: Webhook, person: User) -> EmailMessage:
    """Return the mail: id and reason, never the address, which may hold a secret of the receiver's."""
    about = {
        "webhook": webhook.public_id,
        "gone": webhook.disabled_why == "gone",
        "attempts": MOST_ATTEMPTS,
        "service": settings.TRUETHREAD_DEPLOYMENT_NAME,
    }
    with translation.override(CHINESE if person.language.startswith("zh") else ENGLISH):
        subject = render_to_string("mail/webhook_disabled_subject.txt", about)
        body = render_to_string("mail/webhook_disabled.txt", about)
    return EmailMessage(
        " ".join(subject.split()), body, to=[person.email],
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip


def forget_events(at: datetime) -> int:
    """Remove what was told, or tried, long ago; return how many events."""
    old = WebhookEvent.objects.filter(created_at__lt=at - KEPT)
    return old.exclude(deliveries__state=WebhookDelivery.State.WAITING).delete()[0]
