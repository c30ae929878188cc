"""Say that a delivery was made for a matter: programs limited to that matter then reach it."""

from __future__ import annotations

from datetime import datetime

from evidence import custody
from evidence.models import Acquisition, Matter
from evidence.values import Actor, Subject


def link_delivery(*, acquisition: Acquisition, matter: Matter, actor: Actor, at: datetime) -> None:
    """Link ``acquisition`` to ``matter`` of the same organisation, inside a transaction.

    A second call changes nothing. The caller has checked that ``actor`` reaches both.
    """
    if acquisition.organisation_id != matter.organisation_id:
        raise ValueError("a delivery and a matter of different organisations")
    if matter.acquisitions.filter(pk=acquisition.pk).exists():
        return
    matter.acquisitions.add(acquisition)
    custody.append(
        event_id=f"linked:{matter.public_id[:24]}:{acquisition.public_id[:24]}",
        event="matter.changed",
        actor=actor,
        subjects=[
            Subject("matter", matter.public_id),
            Subject("acquisition", acquisition.public_id),
        ],
        details={"delivery": acquisition.public_id},
        at=at,
    )
