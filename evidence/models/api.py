"""What the API remembers: answers given under an idempotency key, and how often a client asked."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.ids import opaque_id
from evidence.models.people import Organisation, User


class ApiAnswer(models.Model):
    """The answer to one creating request, kept so that repeating it changes nothing.

    caller: kind and id of the program. request: HMAC under the tenant key of what was asked.
    payload: encrypted ``{"status", "headers", "body"}``; empty while the first is worked on.
    """

    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    request = models.BinaryField(max_length=32)
    payload = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


class ApiBucket(models.Model):
    """How much a caller has asked lately, as one moment: when its bucket will be full again."""

    caller = models.CharField(max_length=64, unique=True)
    full_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.caller


class ApiClient(models.Model):
    """A program with OAuth 2.0 credentials: for whom it acts, and what it may do.

    client_id: of the OAuth application, where the hash of its secret is. user, organisation: for whom
    it acts by its own credentials; for a program that people let in themselves (``ApiGrant``), who
    registered it. scopes: separated by spaces; the most any token of this client can carry, and with
    ``matter:<id>`` among them, the only matters it reaches.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    client_id = models.CharField(max_length=100, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_clients")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_clients")
    label = models.CharField(max_length=100)
    scopes = models.TextField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("program of a firm")
        verbose_name_plural = _("programs of firms")

    def __str__(self) -> str:
        return self.public_id


class ApiGrant(models.Model):
    """What a person let a program do for them, on the page that asks (authorization code).

    scopes: as in ApiClient. One lives for each person and program; a later one takes its place.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    client = models.ForeignKey(ApiClient, models.CASCADE, related_name="grants")
    user = models.ForeignKey(User, models.CASCADE, related_name="api_grants")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    scopes = models.TextField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "user"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_live_grant_per_person",
            )
        ]

    def __str__(self) -> str:
        return self.public_id
