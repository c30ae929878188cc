"""Create and revoke OAuth 2.0 clients; a secret is shown once and kept only as a hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_refresh_token_model,
)

from evidence.models import ApiClient, ApiGrant, Organisation, User
from evidence.values import MATTER_SCOPE


@transaction.atomic
def create_api_client(
    *,
    user: User,
    organisation: Organisation,
    label: str,
    scopes: Sequence[str],
    at: datetime,
    matters: Sequence[str] = (),
    redirect_uris: Sequence[str] = (),
) -> tuple[ApiClient, str]:
    """Create a client that acts for ``user`` in ``organisation``; return it with its secret.

    matters: ids of the only ones it is to reach; none does not limit. redirect_uris: https addresses
    of a program that people let in themselves; it then does not act for ``user``, who only
    registers it. The caller has checked that ``user`` reaches the matters.
    """
    secret = generate_client_secret()
    application = get_application_model().objects.create(
        client_id=generate_client_id(),
        client_secret=secret,
        client_type="confidential",
        authorization_grant_type="authorization-code" if redirect_uris else "client-credentials",
        redirect_uris=" ".join(redirect_uris),
        name=label,
    )
    client = ApiClient.objects.create(
        client_id=application.client_id,
        user=user,
        organisation=organisation,
        label=label,
        scopes=" ".join([*scopes, *(f"{MATTER_SCOPE}{one}" for one in matters)]),
        created_at=at,
    )
    return client, secret


@transaction.atomic
def revoke_api_client(*, client: ApiClient, at: datetime) -> None:
    """Make ``client``, what people let it do, and every token it has useless from now on."""
    if client.revoked_at is None:
        client.revoked_at = at
        client.save(update_fields=["revoked_at"])
    client.grants.filter(revoked_at=None).update(revoked_at=at)
    _forget_tokens(client)


@transaction.atomic
def let_in(
    *,
    client: ApiClient,
    user: User,
    organisation: Organisation,
    scopes: Sequence[str],
    at: datetime,
) -> ApiGrant:
    """Record that ``user`` lets ``client`` act for them; what they let it do before ends."""
    _end_grants(client, user, at)
    return ApiGrant.objects.create(
        client=client,
        user=user,
        organisation=organisation,
        scopes=" ".join(scopes),
        created_at=at,
    )


@transaction.atomic
def revoke_grant(*, grant: ApiGrant, at: datetime) -> None:
    """End what a person let a program do, with every token and code it has for them."""
    _end_grants(grant.client, grant.user, at)


def _end_grants(client: ApiClient, user: User, at: datetime) -> None:
    ApiGrant.objects.filter(client=client, user=user, revoked_at=None).update(revoked_at=at)
    _forget_tokens(client, user)


def _forget_tokens(client: ApiClient, user: User | None = None) -> None:
    """Delete codes, refresh tokens and access tokens of ``client``; of one person where stated."""
    for model in (get_grant_model(), get_refresh_token_model(), get_access_token_model()):
        rows = model.objects.filter(application__client_id=client.client_id)
        (rows if user is None else rows.filter(user=user)).delete()
