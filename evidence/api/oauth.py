"""The doors of OAuth 2.0: tokens for client credentials, and their revocation (RFC 6749, 7009)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from evidence.access.clients import client_with_id

GRANTS = ("client_credentials",)


class Validator(OAuth2Validator):  # type: ignore[misc]  # published without types
    """Gives a client the scopes it was created with, never more, and no grant but its own."""

    def validate_scopes(
        self, client_id: str, scopes: Sequence[str], client: Any, request: Any,
        *args: Any, **kwargs: Any,
    ) -> bool:  # fmt: skip
        found = client_with_id(client_id)
        return found is not None and bool(scopes) and set(scopes) <= set(found.scopes.split())

    def get_default_scopes(
        self, client_id: str, request: Any, *args: Any, **kwargs: Any
    ) -> list[str]:
        found = client_with_id(client_id)
        return found.scopes.split() if found else []

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any,
        *args: Any, **kwargs: Any,
    ) -> bool:  # fmt: skip
        return grant_type in GRANTS and client_with_id(client_id) is not None
