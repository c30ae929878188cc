"""Begin, change and drop the draft of a request: encrypted, and safe with two tabs open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

from django.db import transaction

from evidence.actions.party_pictures import destroy_pictures
from evidence.archive.keys import open_json, seal_json
from evidence.errors import EvidenceError
from evidence.models import Draft, Export, Organisation, PartyPicture, User
from evidence.models.ids import opaque_id

State: TypeAlias = dict[str, Any]


class DraftConfirmed(EvidenceError):
    """A bundle was asked for with this draft, so it does not change any more."""

    code = "draft_confirmed"
    sentence = "A bundle was already asked for with this draft. It can no longer be changed."


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

    What ``change`` raises passes through, and nothing is changed then. Raises DraftConfirmed.
    """
    with transaction.atomic():
        row = Draft.objects.select_for_update().get(pk=draft.pk)
        if row.is_confirmed:
            raise DraftConfirmed(row.public_id)
        state = describe_draft(row)
        change(state)
        row.payload = seal_json(row.organisation, row.public_id, "draft", state)
        row.changed_at = at
        row.save(update_fields=["payload", "changed_at"])
    return state


def confirm_draft(*, draft: Draft, ask: Callable[[State], Export], at: datetime) -> Export:
    """Return the export that ``ask`` makes of the newest state, or the one made of it before.

    One at a time: of two tabs that confirm, the second is given the export of the first. What
    ``ask`` raises passes through, and the draft stays open.
    """
    with transaction.atomic():
        row = Draft.objects.select_for_update().get(pk=draft.pk)
        if row.export is not None and row.is_confirmed:
            return row.export
        export = ask(describe_draft(row))
        row.export, row.changed_at = export, at
        row.save(update_fields=["export", "changed_at"])
    return export


def drop_draft(*, draft: Draft) -> None:
    """Forget the draft with its pictures; what was asked for with it stays."""
    with transaction.atomic():
        destroy_pictures(PartyPicture.objects.filter(draft=draft, exports=None))
        Draft.objects.filter(pk=draft.pk).delete()
