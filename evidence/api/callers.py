"""Who calls the API: a program, with the person behind it and what it may do."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.access import Bounds
from evidence.access.clients import Program, program_with_key, program_with_token
from evidence.access.people import live_token, token_with_secret
from evidence.models import ApiToken, Organisation, User
from evidence.values import API_SCOPES, Actor


@dataclass(frozen=True, slots=True)
class Caller:
    """A program that said who it is.

    kind: ``token`` (made by a person for one program) or ``client`` (OAuth 2.0). key: what limits and
    remembered answers are kept under; two people who let in the same client have two.
    """

    kind: str
    id: str
    key: str
    label: str
    user: User
    bounds: Bounds
    scopes: frozenset[str]

    @property
    def organisation(self) -> Organisation:
        return self.bounds.organisation

    def actor(self, address: str | None) -> Actor:
        """Return the caller as the custody log names it: the program, and by name the person."""
        return Actor("client", self.id, f"{self.label} ({self.user.get_username()})", address)


def caller_with_secret(secret: str) -> Caller | None:
    """Return the caller whose bearer secret this is, None for any other text."""
    token = token_with_secret(secret)
    if token is not None:
        return _of_token(token)
    program = program_with_token(secret)
    return _of_program(program) if program else None


def caller_with_key(key: str) -> Caller | None:
    """Return the caller kept under ``key``, None once it is revoked or its person has left."""
    kind, _, public_id = key.partition(":")
    if kind == "token":
        token = live_token(public_id)
        return _of_token(token) if token else None
    program = program_with_key(key)
    return _of_program(program) if program else None


def _of_token(token: ApiToken) -> Caller:
    """Return the caller a token of a person stands for: it may do what that person may."""
    return Caller(
        kind="token",
        id=token.public_id,
        key=f"token:{token.public_id}",
        label=token.label,
        user=token.user,
        bounds=Bounds(token.organisation),
        scopes=frozenset(API_SCOPES),
    )


def _of_program(program: Program) -> Caller:
    return Caller(
        kind="client",
        id=program.client.public_id,
        key=program.key,
        label=program.client.label,
        user=program.user,
        bounds=program.bounds,
        scopes=program.verbs,
    )
