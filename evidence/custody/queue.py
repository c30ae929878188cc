"""The one door into the log: an event, queued in the transaction of the act it records.

If the act is rolled back, so is its event; if the process dies after the commit, the event waits
in the queue until the sequencer comes. Nothing else writes the queue.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction

from evidence.custody import time_rule
from evidence.custody.epochs import ensure_epoch, log_id, opening_id
from evidence.custody.payloads import seal_pending
from evidence.errors import ClockDisagrees
from evidence.formats import custody as formats
from evidence.formats.shape import utc_text
from evidence.models import CustodyEntry, CustodyPending, LogEpoch, Stamp
from evidence.values import Actor, Json, Subject

MAX_EVENT_ID = 64
MAX_SUBJECT_ID = 32
THE_LOG = Actor("system", "custody")
"""Who opens epochs and keeps stamps."""


def append(
    *,
    event_id: str,
    event: str,
    actor: Actor,
    subjects: Sequence[Subject],
    details: Mapping[str, Json],
    at: datetime,
    purpose: str | None = None,
    authority: str | None = None,
) -> None:
    """Queue one event for the log. The caller must be inside the transaction of the act.

    event_id: at most 64 characters, the same whenever the same act is run again: the second call
    adds nothing. event: a code of ``formats.custody.EVENTS``. details: what changed, a canonical
    value. purpose, authority: why, and by what right. at: when the act happened, aware; it is
    the entry's time, whenever the entry gets its place.

    Raises ClockDisagrees when ``at`` lies too far before the newest token (see ``time_rule``);
    ValueError or RuntimeError for mistakes of our own.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("a custody event is appended inside the transaction of its act")
    if not 0 < len(event_id) <= MAX_EVENT_ID:
        raise ValueError("an event id has 1 to 64 characters")
    draft = _draft(
        event=event, actor=actor, subjects=subjects, details=details, at=at,
        purpose=purpose, authority=authority,
    )  # fmt: skip
    _refuse_a_time_too_early(at)
    _queue(_open_epoch(at), event_id, draft, at)


def open_first_epoch(at: datetime) -> None:
    """Open the log if nothing was ever logged."""
    with transaction.atomic():
        _open_epoch(at)


def queue_opening(epoch: LogEpoch, after: Mapping[str, Json] | None, at: datetime) -> None:
    """Queue the first entry of ``epoch``.

    after: None for the first epoch; for one opened by recovery, what was published before and
    what is lost (see ``recovery``).
    """
    draft = _draft(
        event="epoch.opened",
        actor=THE_LOG,
        subjects=[Subject("log", log_id(epoch))],
        details={"vkey": epoch.vkey, "after": None if after is None else dict(after)},
        at=at,
        purpose=None,
        authority=None,
    )
    _queue(epoch, opening_id(epoch), draft, at)


def _open_epoch(at: datetime) -> LogEpoch:
    epoch, is_new = ensure_epoch(at)
    if is_new:
        queue_opening(epoch, None, at)
    return epoch


def _draft(
    *,
    event: str,
    actor: Actor,
    subjects: Sequence[Subject],
    details: Mapping[str, Json],
    at: datetime,
    purpose: str | None,
    authority: str | None,
) -> formats.Entry:
    """Return the entry without its place: index 0, each subject as if it were new.

    Raises ValueError for what could not become an entry.
    """
    if any(not 0 < len(subject.id) <= MAX_SUBJECT_ID for subject in subjects):
        raise ValueError("a subject's id has 1 to 32 characters")
    draft = formats.Entry(
        log="",
        index=0,
        time=utc_text(at),
        event=event,
        actor=formats.Actor(actor.kind, actor.id, actor.name),
        host=platform.node(),
        address=actor.address,
        purpose=purpose,
        authority=authority,
        subjects=tuple(formats.Subject(subject.kind, subject.id, 1) for subject in subjects),
        details=details,
    )
    draft.digest(bytes(32))
    return draft


def _refuse_a_time_too_early(at: datetime) -> None:
    newest = Stamp.objects.order_by("-pk").values_list("gen_time", flat=True).first()
    if not time_rule.fits(at, after=newest, before=None):
        raise ClockDisagrees(f"an act at {at.isoformat()} after a token of {newest}")


def _queue(epoch: LogEpoch, event_id: str, draft: formats.Entry, at: datetime) -> None:
    if CustodyEntry.objects.filter(event_id=event_id).exists():
        return
    row = CustodyPending(
        event_id=event_id,
        event=draft.event,
        payload=seal_pending(epoch, event_id, draft),
        created_at=at,
    )
    CustodyPending.objects.bulk_create([row], ignore_conflicts=True)
