"""Who calls the API: a program, with the person behind it and what it may do."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.access.clients import client_with_token, live_client
from evidence.access.people import live_token, token_with_secret
from evidence.models import ApiClient, ApiToken, Organisation, User
from evidence.values import API_SCOPES, Actor


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that said who it is.

    kind: ``token`` (made by a person for one program) or ``client`` (OAuth 2.0).
    """

    kind: str
    id: str
    label: str
    user: User
    organisation: Organisation
    scopes: frozenset[str]

    @property
    def key(self) -> str:
        """What limits and remembered answers are kept under."""
        return f"{self.kind}:{self.id}"

    def actor(self, address: str | None) -> Actor:
        """Return the caller as the custody log names it: the program, and by name the person."""
        return Actor("client", self.id, f"{self.label} ({self.user.get_username()})", address)


def caller_with_token(token: ApiToken) -> Caller:
    """Return the caller a token of a person stands for: it may do what that person may."""
    return Caller(
        kind="token",
        id=token.public_id,
        label=token.label,
        user=token.user,
        organisation=token.organisation,
        scopes=frozenset(API_SCOPES),
    )


def caller_of_client(client: ApiClient, scopes: frozenset[str]) -> Caller:
    """Return the caller an OAuth client is, with the scopes of the token it showed."""
    return Caller(
        kind="client",
        id=client.public_id,
        label=client.label,
        user=client.user,
        organisation=client.organisation,
        scopes=scopes,
    )


def caller_with_secret(secret: str) -> Caller | None:
    """Return the caller whose bearer secret this is, None for any other text."""
    token = token_with_secret(secret)
    if token is not None:
        return caller_with_token(token)
    found = client_with_token(secret)
    return caller_of_client(*found) if found else None


def caller_with_key(key: str) -> Caller | None:
    """Return the caller kept under ``key``, None once it is revoked or its person has left."""
    kind, _, public_id = key.partition(":")
    if kind == "client":
        client = live_client(public_id)
        return caller_of_client(client, frozenset(client.scopes.split())) if client else None
    token = live_token(public_id)
    return caller_with_token(token) if token else None
