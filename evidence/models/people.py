"""Who uses the store: users, organisations (tenants), memberships, tokens."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.ids import opaque_id


class User(AbstractUser):
    """A person who signs in. Belongs to organisations through Membership."""

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    language = models.CharField(max_length=10, blank=True)
    current_organisation = models.ForeignKey(
        "evidence.Organisation", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Where the person chose to work; only as long as they belong there."""

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.get_username()


class Organisation(models.Model):
    """The tenant: every stored thing belongs to exactly one. A lone person is one of one.

    wrapped_key: the tenant key, wrapped by the deployment's key-encryption key.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    name = models.CharField(max_length=200)
    is_personal = models.BooleanField(default=True)
    wrapped_key = models.BinaryField()
    created_at = models.DateTimeField()
    members = models.ManyToManyField(User, through="Membership", related_name="organisations")

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.public_id


class Membership(models.Model):
    """A person's place in an organisation."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MEMBER = "member", _("Member")
        AUDITOR = "auditor", _("Auditor")

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.OWNER)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "user"], name="one_membership_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} in {self.organisation_id}"


class Invitation(models.Model):
    """Someone is asked by e-mail to join; whoever accepts must have confirmed that address.

    Of the token in the link only the SHA-256 is kept. Open until it is accepted, revoked or expired.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role)
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return self.public_id


class ApiToken(models.Model):
    """A bearer token of the API; only its SHA-256 is kept."""

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_tokens")
    label = models.CharField(max_length=100)
    token_sha256 = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.public_id
