"""Create and revoke OAuth 2.0 clients; a secret is shown once and kept only as a hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import get_access_token_model, get_application_model

from evidence.models import ApiClient, Organisation, User


@transaction.atomic
def create_api_client(
    *, user: User, organisation: Organisation, label: str, scopes: Sequence[str], at: datetime
) -> tuple[ApiClient, str]:
    """Create a client that acts for ``user`` in ``organisation``; return it with its secret."""
    secret = generate_client_secret()
    application = get_application_model().objects.create(
        client_id=generate_client_id(),
        client_secret=secret,
        client_type="confidential",
        authorization_grant_type="client-credentials",
        name=label,
    )
    client = ApiClient.objects.create(
        client_id=application.client_id,
        user=user,
        organisation=organisation,
        label=label,
        scopes=" ".join(scopes),
        created_at=at,
    )
    return client, secret


@transaction.atomic
def revoke_api_client(*, client: ApiClient, at: datetime) -> None:
    """Make ``client`` and every token it has useless from now on."""
    if client.revoked_at is None:
        client.revoked_at = at
        client.save(update_fields=["revoked_at"])
    get_access_token_model().objects.filter(application__client_id=client.client_id).delete()
