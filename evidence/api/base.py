"""What all API views share: who asks, how errors and lists look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evidence.access import organisation_to_change, token_with_secret
from evidence.api.errors import handle
from evidence.errors import FileTooLarge, NotFound
from evidence.front.limits import is_too_large
from evidence.front.people import client_actor
from evidence.models import ApiToken, Organisation, User
from evidence.values import Actor

PAGE = 100
_Row = TypeVar("_Row", bound=Model)


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer tt_…``; the person behind the token is the user."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = token_with_secret(secret.strip())
        if token is None:
            raise AuthenticationFailed("unknown or revoked token")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="TrueThread"'


class ApiView(APIView):
    """A view for clients with a token; it speaks for one organisation only."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerToken,)
    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if is_too_large(request._request):
            raise FileTooLarge("stated length")
        super().initial(request, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle

    @property
    def token(self) -> ApiToken:
        token = self.request.auth
        if not isinstance(token, ApiToken):
            raise NotFound("no token")
        return token

    @property
    def person(self) -> User:
        return self.token.user

    @property
    def within(self) -> Organisation:
        """The organisation the token speaks for."""
        return self.token.organisation

    @property
    def organisation(self) -> Organisation:
        """The same, for changing something. Raises NotAllowed for those who only read."""
        return organisation_to_change(self.person, self.within)

    @property
    def actor(self) -> Actor:
        return client_actor(self.request._request, self.token)


class PublicView(ApiView):
    """A view for anyone: a token is neither asked for nor looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


def paged(
    request: Request, rows: QuerySet[_Row], shown: Callable[[_Row], dict[str, Any]]
) -> Response:
    """Return one page of ``rows`` (newest first) and the address of the next one.

    ``?after=`` names the last object of the page before, so that nothing new shifts a page.
    """
    after = request.query_params.get("after")
    if after:
        last = rows.filter(public_id=after).values_list("pk", flat=True).first()
        if last is None:
            raise NotFound("no such page")
        rows = rows.filter(pk__lt=last)
    found = list(rows[: PAGE + 1])
    following = None
    if len(found) > PAGE:
        last_id = getattr(found[PAGE - 1], "public_id")  # noqa: B009  every listed model has one
        following = f"{request.path}?{urlencode({'after': last_id})}"
    return Response({"items": [shown(row) for row in found[:PAGE]], "next": following})
