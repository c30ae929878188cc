"""Begin, change and drop the draft of a request: encrypted, and safe with two tabs open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from django.db import transaction

from evidence.archive.keys import open_json, seal_json
from evidence.models import Draft, Export, Organisation, User
from evidence.models.ids import opaque_id

State: TypeAlias = dict[str, Any]


def begin_draft(*, organisation: Organisation, user: User, state: State, at: datetime) -> Draft:
    """Return a new draft of ``user`` that holds ``state``."""
    public_id = opaque_id()
    return Draft.objects.create(
        public_id=public_id,
        organisation=organisation,
        created_by=user,
        created_at=at,
        changed_at=at,
        payload=seal_json(organisation, public_id, "draft", state),
    )


def describe_draft(draft: Draft) -> State:
    """Return what has been filled in, step by step. Raises Corrupt when it does not open."""
    state: State = open_json(draft.organisation, draft.public_id, "draft", draft.payload)
    return state


def change_draft(*, draft: Draft, change: Callable[[State], None], at: datetime) -> State:
    """Apply ``change`` to the newest state, one at a time, and return the state that is kept.

    What ``change`` raises passes through, and nothing is changed then.
    """
    with transaction.atomic():
        row = Draft.objects.select_for_update().get(pk=draft.pk)
        state = describe_draft(row)
        change(state)
        row.payload = seal_json(row.organisation, row.public_id, "draft", state)
        row.changed_at = at
        row.save(update_fields=["payload", "changed_at"])
    return state


def finish_draft(*, draft: Draft, export: Export, at: datetime) -> None:
    """Note what the draft led to."""
    Draft.objects.filter(pk=draft.pk).update(export=export, changed_at=at)


def drop_draft(*, draft: Draft) -> None:
    """Forget the draft; what was asked for with it stays."""
    Draft.objects.filter(pk=draft.pk).delete()
