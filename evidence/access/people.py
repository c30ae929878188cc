"""The person asking, where they belong, and what they may change there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.utils import timezone

from evidence.errors import NotAllowed, NotFound
from evidence.models import ApiToken, Invitation, Membership, Organisation, User

Person: TypeAlias = User | AnonymousUser


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far a program reaches at most: one organisation, and there the matters with these ids.

    matters: None does not limit; what belongs to no matter is then reached too.
    """

    organisation: Organisation
    matters: frozenset[str] | None = None


Within: TypeAlias = Organisation | Bounds | None

CHANGING_ROLES = (Membership.Role.OWNER, Membership.Role.MEMBER)


def organisation_in(within: Within) -> Organisation | None:
    """Return the organisation that ``within`` narrows to."""
    return within.organisation if isinstance(within, Bounds) else within


def matters_in(within: Within) -> frozenset[str] | None:
    """Return the ids of the matters that ``within`` narrows to, None where it does not."""
    return within.matters if isinstance(within, Bounds) else None


def memberships_of(person: Person, within: Within = None) -> QuerySet[Membership]:
    """Return the memberships of ``person``, none for someone not signed in or switched off."""
    if not isinstance(person, User) or not person.is_active:
        return Membership.objects.none()
    found = Membership.objects.filter(user=person)
    organisation = organisation_in(within)
    return found if organisation is None else found.filter(organisation=organisation)


def organisation_of(person: Person) -> Organisation:
    """Return where ``person`` works: the organisation chosen, otherwise the one joined last.

    Raises NotFound for someone who belongs nowhere.
    """
    places = memberships_of(person).select_related("organisation").order_by("pk")
    chosen = getattr(person, "current_organisation_id", None)
    place = places.filter(organisation=chosen).first() if chosen else None
    place = place or places.last()
    if place is None:
        raise NotFound("no organisation")
    return place.organisation


def organisation_for(person: Person, public_id: str) -> Organisation:
    """Return an organisation ``person`` belongs to. Raises NotFound."""
    return _place(person, public_id).organisation


def organisation_to_run(person: Person, public_id: str) -> Organisation:
    """Return an organisation whose members ``person`` decides about.

    Raises NotFound for strangers, NotAllowed for members who do not own it.
    """
    place = _place(person, public_id)
    if place.role != Membership.Role.OWNER:
        raise NotAllowed("only owners change who belongs to an organisation")
    return place.organisation


def role_in(person: Person, organisation: Organisation) -> str:
    """Return the role of ``person`` in ``organisation``. Raises NotFound for strangers."""
    return str(_place(person, organisation.public_id).role)


def membership_for(organisation: Organisation, user_id: str) -> Membership:
    """Return the place of one person in an organisation the person asking was given.

    Raises NotFound.
    """
    found = organisation.memberships.filter(user__public_id=user_id).select_related("user").first()
    if found is None:
        raise NotFound("member")
    return found


def invitation_for(organisation: Organisation, public_id: str) -> Invitation:
    """Return an open invitation into an organisation the person asking runs. Raises NotFound."""
    found = (
        open_invitations(timezone.now())
        .filter(organisation=organisation, public_id=public_id)
        .first()
    )
    if found is None:
        raise NotFound("invitation")
    return found


def invitation_with_token(token: str) -> Invitation:
    """Return the open invitation with this secret. Raises NotFound, also when it has expired."""
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
    found = open_invitations(timezone.now()).filter(token_sha256=digest).first()
    if found is None:
        raise NotFound("invitation")
    return found


def open_invitations(at: datetime) -> QuerySet[Invitation]:
    """Return what can still be accepted, newest first."""
    return (
        Invitation.objects.filter(accepted_at=None, revoked_at=None, expires_at__gt=at)
        .select_related("organisation", "invited_by")
        .order_by("-pk")
    )


def _place(person: Person, public_id: str) -> Membership:
    found = (
        memberships_of(person)
        .filter(organisation__public_id=public_id)
        .select_related("organisation")
        .first()
    )
    if found is None:
        raise NotFound("organisation")
    return found


def organisation_to_change(person: Person, within: Within = None) -> Organisation:
    """Return where ``person`` stores and exports.

    Raises NotFound for a person without an organisation, NotAllowed for one who only reads there.
    """
    organisation = organisation_in(within) or organisation_of(person)
    if not may_change(person, organisation):
        raise NotAllowed("the role allows reading only")
    return organisation


def may_change(person: Person, organisation: Organisation) -> bool:
    """Return whether ``person`` may store and export in ``organisation``: auditors only read."""
    return memberships_of(person, organisation).filter(role__in=CHANGING_ROLES).exists()


def api_tokens_of(person: Person) -> QuerySet[ApiToken]:
    """Return the tokens ``person`` made, revoked ones included, newest first."""
    found = ApiToken.objects.filter(organisation__in=_organisations(person))
    return (
        found.filter(user__in=memberships_of(person).values("user"))
        .select_related("organisation")
        .order_by("-pk")
    )


def api_token_for(person: Person, public_id: str) -> ApiToken:
    """Return one token ``person`` made. Raises NotFound."""
    found = api_tokens_of(person).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("api token")
    return found


def token_with_secret(secret: str) -> ApiToken | None:
    """Return the live token whose secret this is, if its person still belongs there.

    Looked up by SHA-256 of a 256-bit random secret, so timing tells nothing about it.
    """
    digest = sha256(secret.encode("utf-8", "surrogatepass")).digest()
    return _live(ApiToken.objects.filter(token_sha256=digest))


def live_token(public_id: str) -> ApiToken | None:
    """Return the token with this id while it lives and its person still belongs there."""
    return _live(ApiToken.objects.filter(public_id=public_id))


def _live(tokens: QuerySet[ApiToken]) -> ApiToken | None:
    token = (
        tokens.filter(revoked_at=None, user__is_active=True)
        .select_related("user", "organisation")
        .first()
    )
    if token is None or not memberships_of(token.user, token.organisation).exists():
        return None
    return token


def _organisations(person: Person) -> QuerySet[Membership, int]:
    return memberships_of(person).values_list("organisation", flat=True)
