"""Record that an administrator looked at evidence: once per person, thing and hour.

Whoever runs the service is the one people must be able to watch. Each thing looked at gets an entry
of its own, so that the entry of one never names another, perhaps of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256

from django.db import models, transaction
from django.db.models import Prefetch, prefetch_related_objects

from evidence import custody
from evidence.custody.epochs import log_id
from evidence.models import (
    Acquisition,
    ApiClient,
    ApiToken,
    Checkpoint,
    Conversation,
    CustodyEntry,
    CustodyPending,
    Export,
    Hold,
    Invitation,
    Job,
    Matter,
    MatterMember,
    Membership,
    Organisation,
    Selection,
    Series,
    Stamp,
)
from evidence.values import Actor, Subject


def log_admin_view(
    *, things: Iterable[models.Model], is_list: bool, actor: Actor, at: datetime
) -> None:
    """Record that ``actor`` was shown ``things``; looking again within the hour adds nothing.

    is_list: whether they stood in a list, with a few columns, or one was opened. Things that say
    nothing about evidence are passed over.
    """
    hour = at.astimezone(UTC).strftime("%Y-%m-%dT%H")
    look = "list" if is_list else "object"
    wanted = {}
    shown = list(things)
    their_ids = Series.objects.only("public_id", "conversation_id")
    prefetch_related_objects(
        [one for one in shown if isinstance(one, Conversation)], Prefetch("series", their_ids)
    )
    for thing in shown:
        for subject in subjects_of(thing):
            words = f"{actor.id}:{hour}:{look}:{subject.kind}:{subject.id}"
            wanted[f"admin.viewed:{sha256(words.encode()).hexdigest()[:32]}"] = (thing, subject)
    for known in (CustodyPending, CustodyEntry):
        found = known.objects.filter(event_id__in=list(wanted)).values_list("event_id", flat=True)
        for event_id in list(found):
            wanted.pop(event_id, None)
    if not wanted:
        return
    with transaction.atomic():
        for event_id, (thing, subject) in wanted.items():
            custody.append(
                event_id=event_id,
                event="admin.viewed",
                actor=actor,
                subjects=[subject],
                details={"look": look, "what": thing._meta.model_name or ""},
                at=at,
            )
    custody.sequence_pending()


def subjects_of(thing: models.Model) -> Iterator[Subject]:
    """Yield what the log calls a row of the administration: nothing for what is no evidence."""
    if isinstance(thing, Series):
        yield Subject("series", thing.public_id)
    elif isinstance(thing, Conversation):
        for series in thing.series.all():
            yield Subject("series", series.public_id)
    elif isinstance(thing, Acquisition):
        yield Subject("acquisition", thing.public_id)
    elif isinstance(thing, Matter):
        yield Subject("matter", thing.public_id)
    elif isinstance(thing, Selection | MatterMember | Hold):
        yield Subject("matter", thing.matter.public_id)
    elif isinstance(thing, Export):
        yield Subject("bundle", thing.public_id)
    elif isinstance(thing, Job):
        yield Subject("bundle", thing.export.public_id)
    elif isinstance(thing, Organisation):
        yield Subject("organisation", thing.public_id)
    elif isinstance(thing, Membership | Invitation | ApiToken | ApiClient):
        yield Subject("organisation", thing.organisation.public_id)
    elif isinstance(thing, CustodyEntry | Checkpoint):
        yield Subject("log", log_id(thing.epoch))
    elif isinstance(thing, Stamp):
        yield Subject("log", log_id(thing.checkpoint.epoch))
