"""Organisations and who belongs to them: opened, joined by invitation, left; each logged.

The caller has checked that the actor may do this. Entries name the organisation and, in their
details, people by their opaque ids only.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from allauth.account.models import EmailAddress
from django.db import transaction
from django.db.models import QuerySet

from evidence import custody
from evidence.actions.create_account import create_organisation
from evidence.errors import InvalidMembership, NotFound
from evidence.models import Invitation, MatterMember, Membership, Organisation, User
from evidence.models.ids import opaque_id
from evidence.values import Actor, Json, Subject

INVITATION_LASTS = timedelta(days=7)
MOST_OPEN = 50
"""Invitations an organisation may have open at a time: our mail server is not for advertising."""


def open_organisation(*, name: str, user: User, actor: Actor, at: datetime) -> Organisation:
    """Return a new organisation that ``user`` owns and works in from now on."""
    with transaction.atomic():
        organisation = create_organisation(name=name, is_personal=False, at=at)
        _admit(organisation, user, Membership.Role.OWNER, at)
        _log(organisation, "granted", actor, {"how": "opened", **_who(user, "owner")}, at)
        switch_organisation(user=user, organisation=organisation)
    custody.sequence_pending()
    return organisation


def switch_organisation(*, user: User, organisation: Organisation) -> None:
    """Let ``user`` work in ``organisation`` from now on. Nothing is logged: nothing was looked at."""
    user.current_organisation = organisation
    user.save(update_fields=["current_organisation"])


def invite_member(
    *,
    organisation: Organisation,
    email: str,
    role: str,
    actor: Actor,
    at: datetime,
    user: User | None = None,
) -> tuple[Invitation, str]:
    """Return an invitation open for seven days, with the secret of its link.

    An earlier one to the same address ends. Raises InvalidMembership when the address is a
    member's already or too many are open.
    """
    with transaction.atomic():
        locked = Organisation.objects.select_for_update().get(pk=organisation.pk)
        if _is_member(locked, email):
            raise InvalidMembership("a member", code="member_already")
        for earlier in _open(locked, at).filter(email__iexact=email):
            _end(earlier, actor, at)
        if _open(locked, at).count() >= MOST_OPEN:
            raise InvalidMembership("too many", code="too_many_invitations")
        token = secrets.token_urlsafe(32)
        invitation = Invitation.objects.create(
            organisation=locked,
            email=email,
            role=role,
            token_sha256=sha256(token.encode()).digest(),
            invited_by=user,
            created_at=at,
            expires_at=at + INVITATION_LASTS,
        )
        details: dict[str, Json] = {
            "how": "invited", "invitation": invitation.public_id, "role": role,
        }  # fmt: skip
        _log(locked, "granted", actor, details, at)
    custody.sequence_pending()
    return invitation, token


def revoke_invitation(*, invitation: Invitation, actor: Actor, at: datetime) -> None:
    """Make an open invitation useless. A second call changes nothing."""
    with transaction.atomic():
        _end(invitation, actor, at)
    custody.sequence_pending()


def accept_invitation(
    *, invitation: Invitation, user: User, actor: Actor, at: datetime
) -> Membership:
    """Return the new place of ``user``, who works there from now on.

    Raises InvalidMembership unless the invited address is one ``user`` confirmed, NotFound when
    the invitation was accepted or revoked meanwhile.
    """
    if not EmailAddress.objects.filter(
        user=user, verified=True, email__iexact=invitation.email
    ).exists():
        raise InvalidMembership("another address", code="invitation_of_others")
    with transaction.atomic():
        taken = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
        if not taken.update(accepted_at=at):
            raise NotFound("invitation")
        place = _admit(invitation.organisation, user, invitation.role, at)
        details: dict[str, Json] = {"how": "joined", "invitation": invitation.public_id}
        _log(invitation.organisation, "granted", actor, details | _who(user, place.role), at)
        switch_organisation(user=user, organisation=invitation.organisation)
    custody.sequence_pending()
    return place


def change_role(*, place: Membership, role: str, actor: Actor, at: datetime) -> None:
    """Give a member another role; the same role changes nothing. Raises InvalidMembership for the
    last owner."""
    with transaction.atomic():
        _lock(place)
        if place.role == role:
            return
        _keep_an_owner(place)
        before = str(place.role)
        place.role = role
        place.save(update_fields=["role"])
        details: dict[str, Json] = {"how": "role", "before": before}
        details |= _who(place.user, role)
        _log(place.organisation, "granted", actor, details, at)
    custody.sequence_pending()


def remove_member(*, place: Membership, actor: Actor, at: datetime) -> None:
    """End a membership, the person's places in matters with it. Raises InvalidMembership for the
    last owner."""
    with transaction.atomic():
        _lock(place)
        _keep_an_owner(place)
        user, organisation = place.user, place.organisation
        MatterMember.objects.filter(user=user, matter__organisation=organisation).delete()
        details: dict[str, Json] = {"how": "removed"}
        details |= _who(user, place.role)
        place.delete()
        _log(organisation, "revoked", actor, details, at)
    custody.sequence_pending()


def _admit(organisation: Organisation, user: User, role: str, at: datetime) -> Membership:
    place, _made = Membership.objects.get_or_create(
        organisation=organisation, user=user, defaults={"role": role, "created_at": at}
    )
    return place


def _lock(place: Membership) -> None:
    """Let only one change of this organisation's members go on at a time, and see the last one."""
    Organisation.objects.select_for_update().get(pk=place.organisation_id)
    try:
        place.refresh_from_db(fields=["role"])
    except Membership.DoesNotExist as error:
        raise NotFound("member") from error


def _keep_an_owner(place: Membership) -> None:
    owners = place.organisation.memberships.filter(role=Membership.Role.OWNER)
    if place.role == Membership.Role.OWNER and not owners.exclude(pk=place.pk).exists():
        raise InvalidMembership("the last owner")


def _is_member(organisation: Organisation, email: str) -> bool:
    confirmed = EmailAddress.objects.filter(verified=True, email__iexact=email).values("user")
    return organisation.memberships.filter(user__in=confirmed).exists()


def _open(organisation: Organisation, at: datetime) -> QuerySet[Invitation]:
    return organisation.invitations.filter(accepted_at=None, revoked_at=None, expires_at__gt=at)


def _end(invitation: Invitation, actor: Actor, at: datetime) -> None:
    live = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if live.update(revoked_at=at):
        details: dict[str, Json] = {
            "how": "invitation", "invitation": invitation.public_id, "role": invitation.role,
        }  # fmt: skip
        _log(invitation.organisation, "revoked", actor, details, at)


def _who(user: User, role: str) -> dict[str, Json]:
    return {"member": user.public_id, "role": str(role)}


def _log(
    organisation: Organisation, what: str, actor: Actor, details: dict[str, Json], at: datetime
) -> None:
    custody.append(
        event_id=f"access.{what}:{opaque_id()}",
        event=f"access.{what}",
        actor=actor,
        subjects=[Subject("organisation", organisation.public_id)],
        details=details,
        at=at,
    )
