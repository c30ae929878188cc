"""Withdraw an issued bundle, or say that another one takes its place."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from evidence import custody
from evidence.actions.announce import announce_export
from evidence.errors import InvalidSelection
from evidence.models import Export
from evidence.values import Actor, Json, Subject


def withdraw_bundle(*, export: Export, actor: Actor, reason: str, at: datetime) -> None:
    """Mark an issued bundle as withdrawn: it still verifies, and verification says so.

    A second call changes nothing. Raises InvalidSelection when it was never issued.
    """
    _note(export, actor, at, "bundle.withdrawn", {"reason": reason}, withdrawn_at=at)


def supersede_bundle(*, export: Export, by: Export, actor: Actor, at: datetime) -> None:
    """Say that ``by``, issued for the same matter, takes the place of ``export``."""
    if by.matter_id != export.matter_id or by.issued_at is None or by.pk == export.pk:
        raise InvalidSelection("not a later bundle of this matter", code="cannot_supersede")
    _note(export, actor, at, "bundle.superseded", {"by": by.public_id}, superseded_by=by)


def _note(
    export: Export,
    actor: Actor,
    at: datetime,
    event: str,
    details: dict[str, Json],
    **marks: object,
) -> None:
    if export.issued_at is None:
        raise InvalidSelection("the bundle was never issued", code="not_issued")
    ((name, value),) = marks.items()
    if getattr(export, name) is not None:
        return
    with transaction.atomic():
        setattr(export, name, value)
        export.save(update_fields=[name])
        custody.append(
            event_id=f"{event}:{export.public_id}",
            event=event,
            actor=actor,
            subjects=[
                Subject("bundle", export.public_id),
                Subject("matter", export.matter.public_id),
            ],
            details=details,
            at=at,
        )
        by = details.get("by")
        more = {"by": by} if isinstance(by, str) else {}
        announce_export(export, event, at, **more)
    custody.sequence_pending()
