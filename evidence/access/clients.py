"""OAuth 2.0 clients: who stands behind an access token, while both live."""

from __future__ import annotations

from hashlib import sha256

from django.db.models import QuerySet
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from evidence.access.people import memberships_of
from evidence.models import ApiClient


def client_with_token(secret: str) -> tuple[ApiClient, frozenset[str]] | None:
    """Return the live client an access token was given to, and the scopes of that token.

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
    return (client, frozenset(token.scope.split()) & _scopes(client)) if client else None


def client_with_id(client_id: str) -> ApiClient | None:
    """Return the client OAuth knows under this id while it lives."""
    return _live(ApiClient.objects.filter(client_id=client_id))


def live_client(public_id: str) -> ApiClient | None:
    """Return the client with this id of ours while it lives."""
    return _live(ApiClient.objects.filter(public_id=public_id))


def _scopes(client: ApiClient) -> frozenset[str]:
    return frozenset(client.scopes.split())


def _live(clients: QuerySet[ApiClient]) -> ApiClient | None:
    client = (
        clients.filter(revoked_at=None, user__is_active=True)
        .select_related("user", "organisation")
        .first()
    )
    if client is None or not memberships_of(client.user, client.organisation).exists():
        return None
    return client
