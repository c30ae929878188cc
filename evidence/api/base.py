"""What all API views share: who asks, how errors and lists look."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from evidence.access import Bounds, organisation_to_change
from evidence.actions.take_turn import Turn
from evidence.api import limits
from evidence.api.callers import Caller, caller_with_secret
from evidence.api.errors import handle, not_that_version
from evidence.errors import BusyNow, FileTooLarge, LengthMissing, NotAllowed, NotFound
from evidence.front.limits import is_too_large, lacks_length
from evidence.front.people import address_of
from evidence.models import Organisation, User
from evidence.values import Actor

PAGE = 100
_ID = re.compile(r"[0-9a-f]{32}")
_Row = TypeVar("_Row", bound=Model)


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer …``; the person behind the token is the user."""

    def authenticate(self, request: Request) -> tuple[User, Caller] | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        caller = caller_with_secret(secret.strip())
        if caller is None:
            raise AuthenticationFailed("unknown or revoked token")
        return caller.user, caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="TrueThread"'


class ApiView(APIView):
    """A view for programs with a token; it speaks for one organisation only.

    resource: what the view shows or changes; the caller needs the scope ``resource:read`` for
    GET and ``resource:write`` for everything else. Empty where any caller may ask.
    """

    authentication_classes: Sequence[type[BaseAuthentication]] = (BearerToken,)
    permission_classes: Sequence[type[BasePermission]] = (IsAuthenticated,)
    resource = ""

    turn: Turn | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if lacks_length(request._request):
            raise LengthMissing("sent in chunks")
        if is_too_large(request._request):
            raise FileTooLarge("stated length")
        super().initial(request, *args, **kwargs)
        self._take_turn(request)
        self._check_scope(request)

    def _take_turn(self, request: Request) -> None:
        if isinstance(request.auth, Caller):
            self.turn = limits.turn_of(request.auth)
            if not self.turn.is_granted:
                raise BusyNow("too often", code="client_rate_limited")

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.turn is not None:
            for name, value in limits.headers_of(self.turn).items():
                answer.headers[name] = value
        if isinstance(answer, Response):
            answer.headers.setdefault("Cache-Control", "private, no-store")
            if request.method == "GET" and answer.status_code == 200:
                answer.headers["Cache-Control"] = "private, no-cache"
                answer.add_post_render_callback(partial(_with_etag, request))
        return answer

    def _check_scope(self, request: Request) -> None:
        verb = "read" if request.method in SAFE_METHODS else "write"
        if self.resource and f"{self.resource}:{verb}" not in self.caller.scopes:
            raise NotAllowed(f"needs {self.resource}:{verb}", code="insufficient_scope")

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return handle

    @property
    def caller(self) -> Caller:
        caller = self.request.auth
        if not isinstance(caller, Caller):
            raise NotFound("no caller")
        return caller

    @property
    def person(self) -> User:
        return self.caller.user

    @property
    def within(self) -> Bounds:
        """How far the caller reaches: one organisation, and there perhaps some matters only."""
        return self.caller.bounds

    @property
    def organisation(self) -> Organisation:
        """The same, for changing something. Raises NotAllowed for those who only read."""
        return organisation_to_change(self.person, self.within)

    @property
    def actor(self) -> Actor:
        return self.caller.actor(address_of(self.request._request))


def _with_etag(request: Request, answer: Response) -> HttpResponseBase | None:
    """Give ``answer`` the tag of its content; return 304 instead where the client has it, and 412
    where it wants another version only."""
    answer.headers["ETag"] = quote_etag(sha256(answer.content).hexdigest()[:32])
    found = get_conditional_response(request._request, etag=answer.headers["ETag"], response=answer)
    is_other = found is not None and found.status_code == 412
    return not_that_version() if is_other else found


class PublicView(ApiView):
    """A view for anyone: a token is neither asked for nor looked at."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    resource = ""


def paged(
    request: Request, rows: QuerySet[_Row], shown: Callable[[_Row], dict[str, Any]]
) -> Response:
    """Return one page of ``rows`` (newest first) and the address of the next one.

    ``?after=`` names the last object of the page before, so that nothing new shifts a page.
    """
    after = request.query_params.get("after")
    if after:
        if not _ID.fullmatch(after):
            raise NotFound("no such page")
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
