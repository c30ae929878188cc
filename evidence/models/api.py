"""What the API remembers: answers given under an idempotency key, and how often a client asked."""

from __future__ import annotations

from django.db import models

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

    client_id: of the OAuth application, where the hash of its secret is. scopes: separated by
    spaces; the most any token of this client can carry.
    """

    public_id = models.CharField(max_length=32, unique=True, default=opaque_id, editable=False)
    client_id = models.CharField(max_length=100, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_clients")
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="api_clients")
    label = models.CharField(max_length=100)
    scopes = models.CharField(max_length=1000)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.public_id
