"""Put what happened into the outbox of webhooks, in the transaction of the act.

If the act is rolled back, so is its event; whoever is to be told is found later (``tell_webhooks``), so
that no receiver ever stands in the way of an act.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection

from evidence.archive.keys import seal_json
from evidence.models import Acquisition, Export, Hold, Organisation, Webhook, WebhookEvent
from evidence.models.ids import opaque_id

GROWTH_EVERY = timedelta(seconds=10)
"""How often a growing delivery is announced at the most; what comes in between is told with it."""


def announce(
    *,
    organisation: Organisation,
    event: str,
    subject: tuple[str, str],
    data: Mapping[str, str | None],
    at: datetime,
    once: str = "",
    not_before: datetime | None = None,
) -> None:
    """Queue ``event`` for the webhooks of ``organisation``; nothing is kept where there are none.

    subject: kind (``export``, ``acquisition``, ``hold``, ``webhook``) and id: who may see it may be told.
    data: ids and codes only, never names or anything from a chat. once: what besides the subject
    tells this act from others; the same act run again adds nothing. not_before: told from then on only.
    The caller must be inside the transaction of the act.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an event is announced inside the transaction of its act")
    if not Webhook.objects.filter(organisation=organisation).exists():
        return
    kind, object_id = subject
    public_id = opaque_id()
    moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = {"type": event, "timestamp": moment, "data": {kind: object_id, **data}}
    row = WebhookEvent(
        public_id=public_id,
        organisation=organisation,
        key=":".join(filter(None, (event, object_id, once))),
        event=event,
        subject_kind=kind,
        subject_id=object_id,
        payload=seal_json(organisation, public_id, "webhook event", json.dumps(body)),
        created_at=not_before or at,
    )
    WebhookEvent.objects.bulk_create([row], ignore_conflicts=True)


def announce_export(export: Export, event: str, at: datetime, **more: str | None) -> None:
    """Queue ``event`` about ``export``, with its matter and its address."""
    announce(
        organisation=export.organisation,
        event=event,
        subject=("export", export.public_id),
        data={
            "matter": export.matter.public_id,
            "address": address_of("exports", export.public_id),
            **more,
        },
        at=at,
    )


def announce_acquisition(acquisition: Acquisition, at: datetime) -> None:
    """Queue ``acquisition.sealed``: its conversations stand sealed and can be read."""
    announce(
        organisation=acquisition.organisation,
        event="acquisition.sealed",
        subject=("acquisition", acquisition.public_id),
        data={"address": address_of("acquisitions", acquisition.public_id)},
        at=at,
    )


def announce_growth(acquisition: Acquisition, batch: int, at: datetime) -> None:
    """Queue ``acquisition.sealed`` for a pushed delivery that ``batch`` was added to.

    One that still waits to be told speaks for this batch too: it is held fast until this transaction
    ends, so that no receiver who asks for what it was told of finds less. The next is not told before
    ``GROWTH_EVERY`` has passed.
    """
    same = WebhookEvent.objects.filter(
        organisation=acquisition.organisation_id,
        event="acquisition.sealed",
        subject_id=acquisition.public_id,
    )
    if same.filter(spread_at=None).select_for_update().first() is not None:
        return
    last = same.order_by("-pk").values_list("created_at", flat=True).first()
    announce(
        organisation=acquisition.organisation,
        event="acquisition.sealed",
        subject=("acquisition", acquisition.public_id),
        data={"address": address_of("acquisitions", acquisition.public_id)},
        at=at,
        once=f"batch-{batch}",
        not_before=max(at, last + GROWTH_EVERY) if last else at,
    )


def announce_hold(hold: Hold, event: str, at: datetime) -> None:
    """Queue ``event`` about ``hold``, with its matter and the conversation it covers."""
    announce(
        organisation=hold.matter.organisation,
        event=event,
        subject=("hold", hold.public_id),
        data={
            "matter": hold.matter.public_id,
            "held": hold.conversation.public_id,
            "address": address_of("holds", hold.public_id),
        },
        at=at,
    )


def address_of(resource: str, public_id: str) -> str:
    """Return where the API shows an object."""
    return f"{settings.TRUETHREAD_PUBLIC_URL}/api/v1/{resource}/{public_id}"
