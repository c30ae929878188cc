"""Create an account: a person and the organisation of one that holds what they store."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from evidence.archive.keys import new_tenant_key
from evidence.models import Membership, Organisation, User
from evidence.models.ids import opaque_id


@transaction.atomic
def create_account(
    *, username: str, password: str, email: str, at: datetime, is_confirmed: bool = False
) -> tuple[User, Organisation]:
    """Create a user who can sign in, with a personal organisation, and return both.

    is_confirmed: whoever creates the account answers for the address; nothing is mailed there.
    The surface has validated name and password. Raises IntegrityError on a taken user name.
    """
    user = User.objects.create_user(username=username, email=email, password=password)
    if is_confirmed:
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user, give_organisation(user=user, at=at)


def give_organisation(*, user: User, at: datetime) -> Organisation:
    """Create the personal organisation of a new person, who owns it, and return it."""
    organisation = create_organisation(name=user.get_username(), is_personal=True, at=at)
    Membership.objects.create(
        organisation=organisation, user=user, role=Membership.Role.OWNER, created_at=at
    )
    return organisation


def create_organisation(*, name: str, is_personal: bool, at: datetime) -> Organisation:
    """Create a tenant with a key of its own and return it."""
    public_id = opaque_id()
    return Organisation.objects.create(
        public_id=public_id,
        name=name,
        is_personal=is_personal,
        wrapped_key=new_tenant_key(public_id),
        created_at=at,
    )
