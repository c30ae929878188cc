"""Open a matter, or find the one of that name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from evidence import custody
from evidence.archive.keys import keyed, open_json, seal_json
from evidence.models import Matter, Organisation, User
from evidence.models.ids import opaque_id
from evidence.values import Actor, Subject


@transaction.atomic
def open_matter(
    *,
    organisation: Organisation,
    actor: Actor,
    name: str,
    number: str = "",
    purpose: str = "",
    authority: str = "",
    basis: str = "",
    at: datetime,
    user: User | None = None,
) -> Matter:
    """Return the organisation's matter called ``name``, opened now if there is none.

    basis: ``own``, ``company``, ``mandate`` or "" where the authority says it in other words. An
    existing matter is returned as it is; what it states is changed by ``change_matter`` only.
    """
    found = matters_called(organisation, name).first()
    if found is not None:
        return found
    public_id = opaque_id()
    facts = {
        "name": name, "number": number, "purpose": purpose, "authority": authority, "basis": basis,
    }  # fmt: skip
    matter = Matter.objects.create(
        public_id=public_id,
        organisation=organisation,
        name_key=keyed(organisation, "matter", name),
        payload=seal_json(organisation, public_id, "matter", facts),
        created_by=user,
        created_at=at,
    )
    custody.append(
        event_id=f"matter.opened:{public_id}",
        event="matter.opened",
        actor=actor,
        subjects=[Subject("matter", public_id)],
        details={},
        purpose=purpose or None,
        authority=authority or None,
        at=at,
    )
    return matter


def matters_called(organisation: Organisation, name: str) -> QuerySet[Matter]:
    """Return the organisation's matter called ``name``, whoever works on it: one or none."""
    name_key = keyed(organisation, "matter", name)
    return Matter.objects.filter(organisation=organisation, name_key=name_key)


def describe_matter(matter: Matter) -> dict[str, Any]:
    """Return ``{"name", "number", "purpose", "authority"}`` of ``matter``, and ``basis`` if stated."""
    facts: dict[str, Any] = open_json(
        matter.organisation, matter.public_id, "matter", matter.payload
    )
    return facts
