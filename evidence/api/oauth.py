"""The doors of OAuth 2.0: tokens, and their revocation (RFC 6749, 7009, 7636, 9700).

Two kinds of clients: one that acts by its own credentials for the person it was made for, and one that
each person lets in on a page of ours (authorization code with PKCE, S256 only).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeAlias

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from oauth2_provider.oauth2_validators import OAuth2Validator

from evidence.access.clients import acts_for_itself, client_with_id, matters_named, verbs_in
from evidence.front.limits import lacks_length

GRANTS = ("client_credentials", "authorization_code", "refresh_token")
_View: TypeAlias = "Callable[..., HttpResponse]"
_MATTER = re.compile(r"[0-9a-f]{32}")


class Validator(OAuth2Validator):  # type: ignore[misc]  # published without types
    """Gives a client the scopes it was created with, never more, and no grant but its own."""

    def _load_application(self, client_id: str, request: Any) -> Any:
        # No database can be asked for this one.
        return None if "\0" in (client_id or "") else super()._load_application(client_id, request)

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        known = super().validate_client_id(client_id, request, *args, **kwargs)
        return bool(known) and client_with_id(client_id) is not None

    def validate_scopes(
        self, client_id: str, scopes: Sequence[str], client: Any, request: Any,
        *args: Any, **kwargs: Any,
    ) -> bool:  # fmt: skip
        found = client_with_id(client_id)
        return found is not None and may_ask(found.scopes.split(), scopes)

    def get_default_scopes(
        self, client_id: str, request: Any, *args: Any, **kwargs: Any
    ) -> list[str]:
        found = client_with_id(client_id)
        return found.scopes.split() if found else []

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any,
        *args: Any, **kwargs: Any,
    ) -> bool:  # fmt: skip
        found = client_with_id(client_id)
        if found is None or grant_type not in GRANTS:
            return False
        if grant_type == "client_credentials" and not acts_for_itself(found):
            return False
        return bool(
            super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs)
        )


def may_ask(allowed: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether a client that was given ``allowed`` may ask for ``wanted``: a verb at least, and
    of matters those it is limited to, or any where it is not limited (reach is judged when used)."""
    verbs, matters = verbs_in(wanted), matters_named(wanted) or frozenset()
    limit = matters_named(allowed)
    return (
        bool(verbs)
        and verbs <= verbs_in(allowed)
        and (limit is None or matters <= limit)
        and all(_MATTER.fullmatch(one) for one in matters)
    )


def of_plain_text(view: _View) -> _View:
    """Let ``view`` see only whole forms, of texts a database can be asked for (RFC 6749 appendix A)."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **named: Any) -> HttpResponse:
        if lacks_length(request):
            return JsonResponse({"error": "invalid_request"}, status=411)
        if not _is_plain(request):
            return JsonResponse({"error": "invalid_request"}, status=400)
        return view(request, *args, **named)

    return wrapped


def _is_plain(request: HttpRequest) -> bool:
    try:
        return not any("\0" in text for _, texts in request.POST.lists() for text in texts)
    except (SuspiciousOperation, UnreadablePostError):  # too much of it, or cut off
        return False
