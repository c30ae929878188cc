"""OAuth 2.0 clients: who stands behind an access token, while both live, and how far it reaches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from evidence.access.people import Bounds, Person, live_token, memberships_of
from evidence.errors import NotFound
from evidence.models import ApiClient, ApiGrant, User
from evidence.values import MATTER_SCOPE


@dataclass(frozen=True, slots=True)
class Program:
    """A client at work: the person it acts for, what it may do, and how far it reaches.

    key: ``client:<id>``, or ``grant:<id>`` where the person let it in. verbs: scopes without matters.
    """

    key: str
    client: ApiClient
    user: User
    bounds: Bounds
    verbs: frozenset[str]


def program_with_token(secret: str) -> Program | None:
    """Return the program an access token was given to, None for any other text.

    Only the SHA-256 of a token is kept.
    """
    digest = sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    token = (
        get_access_token_model()
        .objects.filter(token_checksum=digest, expires__gt=timezone.now())
        .select_related("application")
        .first()
    )
    if token is None or token.application is None:
        return None
    client = client_with_id(token.application.client_id)
    if client is None:
        return None
    if token.user_id is None:
        return _own(client, token.scope)
    grant = _live_grants().filter(client=client, user=token.user_id).first()
    return _granted(grant, token.scope) if grant else None


def program_with_key(key: str) -> Program | None:
    """Return the program kept under ``key`` with all it may do, None once it is revoked or its
    person has left."""
    kind, _, public_id = key.partition(":")
    if kind == "client":
        client = _live_clients().filter(public_id=public_id).first()
        return _own(client, client.scopes) if client else None
    grant = _live_grants().filter(public_id=public_id).first() if kind == "grant" else None
    return _granted(grant, grant.scopes) if grant else None


def client_with_id(client_id: str) -> ApiClient | None:
    """Return the client OAuth knows under this id, unless it was revoked."""
    return _live_clients().filter(client_id=client_id).first()


def acts_for_itself(client: ApiClient) -> bool:
    """Return whether the person a client acts for is still there: without one it gets no token."""
    return client.user.is_active and memberships_of(client.user, client.organisation).exists()


def live_bounds(key: str, user: User) -> Bounds | None:
    """Return how far the program or token kept under ``key`` reaches for ``user``, None for one that
    is revoked or acts for someone else."""
    kind, _, public_id = key.partition(":")
    if kind == "token":
        token = live_token(public_id)
        return Bounds(token.organisation) if token and token.user_id == user.pk else None
    program = program_with_key(key)
    return program.bounds if program and program.user.pk == user.pk else None


def grants_of(person: Person) -> QuerySet[ApiGrant]:
    """Return what ``person`` let programs do, while it lasts, newest first."""
    return _live_grants().filter(user=person.pk).order_by("-pk")


def grant_for(person: Person, public_id: str) -> ApiGrant:
    """Return one grant ``person`` gave. Raises NotFound."""
    found = grants_of(person).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("grant")
    return found


def verbs_in(scopes: Iterable[str]) -> frozenset[str]:
    """Return the scopes that are no matters."""
    return frozenset(scope for scope in scopes if not scope.startswith(MATTER_SCOPE))


def matters_named(scopes: Iterable[str]) -> frozenset[str] | None:
    """Return the ids of the matters that scopes name, None where they name none: no limit."""
    named = frozenset(
        scope.removeprefix(MATTER_SCOPE) for scope in scopes if scope.startswith(MATTER_SCOPE)
    )
    return named or None


def _own(client: ApiClient, scope: str) -> Program | None:
    if not acts_for_itself(client):
        return None
    verbs, matters = _both(scope.split(), client.scopes.split())
    bounds = Bounds(client.organisation, matters)
    return Program(f"client:{client.public_id}", client, client.user, bounds, verbs)


def _granted(grant: ApiGrant, scope: str) -> Program | None:
    if not memberships_of(grant.user, grant.organisation).exists():
        return None
    verbs, matters = _both(scope.split(), grant.scopes.split(), grant.client.scopes.split())
    bounds = Bounds(grant.organisation, matters)
    return Program(f"grant:{grant.public_id}", grant.client, grant.user, bounds, verbs)


def _both(*scopes: list[str]) -> tuple[frozenset[str], frozenset[str] | None]:
    """Return what all of ``scopes`` allow: verbs, and matters (none at all where they disagree)."""
    verbs = frozenset.intersection(*(verbs_in(one) for one in scopes))
    limits = [named for one in scopes if (named := matters_named(one)) is not None]
    return verbs, frozenset.intersection(*limits) if limits else None


def _live_clients() -> QuerySet[ApiClient]:
    return ApiClient.objects.filter(revoked_at=None).select_related("user", "organisation")


def _live_grants() -> QuerySet[ApiGrant]:
    return ApiGrant.objects.filter(
        revoked_at=None, client__revoked_at=None, user__is_active=True
    ).select_related("client__organisation", "user", "organisation")
