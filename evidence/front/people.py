"""Who stands behind a request, as the custody log names them."""

from __future__ import annotations

from django.http import HttpRequest

from evidence.errors import NotFound
from evidence.models import ApiToken, User
from evidence.values import Actor


def signed_in(request: HttpRequest) -> User:
    """Return the signed-in person. Raises NotFound for anyone else."""
    if not isinstance(request.user, User):
        raise NotFound("not signed in")
    return request.user


def person_actor(request: HttpRequest) -> Actor:
    """Return the signed-in person as an actor, with the address the request came from."""
    user = signed_in(request)
    return Actor("person", user.public_id, user.get_username(), address_of(request))


def client_actor(request: HttpRequest, token: ApiToken) -> Actor:
    """Return an API client as an actor: the token, and by name the person who made it."""
    name = f"{token.label} ({token.user.get_username()})"
    return Actor("client", token.public_id, name, address_of(request))


def address_of(request: HttpRequest) -> str | None:
    """Return the network address of the other side.

    A forwarding header is never believed here: anyone can send one.
    """
    return str(request.META.get("REMOTE_ADDR") or "") or None
