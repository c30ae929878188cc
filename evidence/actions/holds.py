"""Legal holds: while one stands, its conversation and the original it came from are not destroyed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from evidence import custody
from evidence.actions.announce import announce_hold
from evidence.archive.keys import open_json, seal_json
from evidence.errors import NotFound
from evidence.models import Conversation, Hold, Matter, User
from evidence.models.ids import opaque_id
from evidence.values import Actor, Subject


def place_hold(
    *,
    matter: Matter,
    conversation: Conversation,
    actor: Actor,
    reason: str,
    at: datetime,
    user: User | None = None,
) -> Hold:
    """Return the hold of ``matter`` on ``conversation``, placed now if none stands.

    Raises NotFound when they belong to different organisations or the conversation is erased. The
    caller has checked that ``actor`` may do this.
    """
    with transaction.atomic():
        held = Conversation.objects.select_for_update().get(pk=conversation.pk)
        if (
            held.organisation_id != matter.organisation_id
            or not held.series.filter(erased_at__isnull=True).exists()
        ):
            raise NotFound("nothing to hold")
        standing = Hold.objects.filter(matter=matter, conversation=held, released_at=None).first()
        if standing is not None:
            return standing
        public_id = opaque_id()
        payload = seal_json(held.organisation, public_id, "hold", {"reason": reason})
        hold = Hold.objects.create(
            public_id=public_id,
            matter=matter,
            conversation=held,
            payload=payload,
            placed_by=user,
            placed_at=at,
        )
        _log(hold, "hold.placed", actor, reason, at)
    custody.sequence_pending()
    return hold


def release_hold(*, hold: Hold, actor: Actor, reason: str, at: datetime) -> None:
    """Release ``hold``. A second call changes nothing."""
    with transaction.atomic():
        if not Hold.objects.filter(pk=hold.pk, released_at=None).update(released_at=at):
            return
        hold.released_at = at
        _log(hold, "hold.released", actor, reason, at)
    custody.sequence_pending()


def describe_hold(hold: Hold) -> dict[str, Any]:
    """Return ``{"reason"}`` of ``hold``."""
    facts: dict[str, Any] = open_json(
        hold.matter.organisation, hold.public_id, "hold", hold.payload
    )
    return facts


def _log(hold: Hold, event: str, actor: Actor, reason: str, at: datetime) -> None:
    series = hold.conversation.series.filter(sealed_at__isnull=False).order_by("pk")
    custody.append(
        event_id=f"{event}:{hold.public_id}",
        event=event,
        actor=actor,
        subjects=[
            Subject("matter", hold.matter.public_id),
            *(Subject("series", one) for one in series.values_list("public_id", flat=True)),
        ],
        details={"hold": hold.public_id, "conversation": hold.conversation.public_id},
        purpose=reason or None,
        at=at,
    )
    announce_hold(hold, event, at)
