"""Open a matter by hand, change what it states and who works on it; each logged in its chain.

The caller has checked that the actor may do this. Values stay out of the entries: bundles of the
matter carry its chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from evidence import custody
from evidence.actions.open_matter import describe_matter, open_matter
from evidence.archive.keys import keyed, seal_json
from evidence.errors import InvalidMatter, NotFound
from evidence.models import Matter, MatterMember, Membership, Organisation, User
from evidence.models.ids import opaque_id
from evidence.values import Actor, Json, Subject

STATED = ("name", "number", "purpose", "authority", "basis")
"""What a matter states. basis: ``own``, ``company``, ``mandate`` or "" for other words."""


def open_new_matter(
    *, organisation: Organisation, stated: Mapping[str, str], user: User, actor: Actor, at: datetime
) -> Matter:
    """Return a matter opened now. Raises InvalidMatter when there is one of that name."""
    with transaction.atomic():
        name_key = keyed(organisation, "matter", stated["name"])
        if Matter.objects.filter(organisation=organisation, name_key=name_key).exists():
            raise InvalidMatter("a name twice")
        matter = open_matter(organisation=organisation, actor=actor, user=user, at=at, **stated)
    custody.sequence_pending()
    return matter


def change_matter(*, matter: Matter, stated: Mapping[str, str], actor: Actor, at: datetime) -> None:
    """Let ``matter`` state what ``stated`` says; what it leaves out stays. The same again changes
    nothing.

    Raises InvalidMatter when another matter of the organisation has that name.
    """
    try:
        with transaction.atomic():
            matter = Matter.objects.select_for_update().get(pk=matter.pk)
            before = describe_matter(matter)
            facts = before | {name: stated[name] for name in STATED if name in stated}
            changed = [name for name in STATED if facts.get(name, "") != before.get(name, "")]
            if not changed:
                return
            organisation, public_id = matter.organisation, matter.public_id
            matter.name_key = keyed(organisation, "matter", facts["name"])
            matter.payload = seal_json(organisation, public_id, "matter", facts)
            matter.save(update_fields=["name_key", "payload"])
            details: dict[str, Json] = {"changed": list(changed)}
            _log(matter, "matter.changed", details, actor, at, facts)
    except IntegrityError as error:
        raise InvalidMatter("a name twice") from error
    custody.sequence_pending()


def admit_to_matter(*, matter: Matter, user: User, actor: Actor, at: datetime) -> None:
    """Let a member of the organisation work on ``matter``; once more changes nothing.

    Raises NotFound for someone who is no member.
    """
    with transaction.atomic():
        if not Membership.objects.filter(organisation=matter.organisation, user=user).exists():
            raise NotFound("member")
        _place, is_new = MatterMember.objects.get_or_create(
            matter=matter, user=user, defaults={"created_at": at}
        )
        if is_new:
            _log(matter, "access.granted", {"member": user.public_id}, actor, at)
    custody.sequence_pending()


def dismiss_from_matter(*, matter: Matter, user: User, actor: Actor, at: datetime) -> None:
    """Take a person's place on ``matter`` away; nothing happens where there is none."""
    with transaction.atomic():
        gone, _rows = MatterMember.objects.filter(matter=matter, user=user).delete()
        if gone:
            _log(matter, "access.revoked", {"member": user.public_id}, actor, at)
    custody.sequence_pending()


def _log(
    matter: Matter,
    event: str,
    details: dict[str, Json],
    actor: Actor,
    at: datetime,
    why: Mapping[str, str] | None = None,
) -> None:
    why = why or {}
    custody.append(
        event_id=f"{event}:{opaque_id()}",
        event=event,
        actor=actor,
        subjects=[Subject("matter", matter.public_id)],
        details=details,
        purpose=why.get("purpose") or None,
        authority=why.get("authority") or None,
        at=at,
    )
