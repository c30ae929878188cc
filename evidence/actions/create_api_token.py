"""Create and revoke API tokens; the secret is shown once and kept only as a hash."""

from __future__ import annotations

import secrets
from datetime import datetime
from hashlib import sha256

from evidence.models import ApiToken, Organisation, User


def create_api_token(
    *, user: User, organisation: Organisation, label: str, at: datetime
) -> tuple[ApiToken, str]:
    """Create a bearer token for ``user`` in ``organisation``; return it with its secret."""
    secret = f"tt_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user,
        organisation=organisation,
        label=label,
        token_sha256=sha256(secret.encode()).digest(),
        created_at=at,
    )
    return token, secret


def revoke_api_token(*, token: ApiToken, at: datetime) -> None:
    """Make ``token`` useless from now on; a second call changes nothing."""
    if token.revoked_at is None:
        token.revoked_at = at
        token.save(update_fields=["revoked_at"])
