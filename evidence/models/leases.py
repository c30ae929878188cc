"""What rows of background work have in common: progress, tries, and who holds them."""

from __future__ import annotations

from django.db import models


class Leased(models.Model):
    """Work that is advanced phase by phase by whoever holds the lease.

    attempts: how often the present phase was begun; nought again when it is done.
    lease_holder: host, process and thread of the worker; "" when nobody works on it.
    """

    error_code = models.CharField(max_length=60, blank=True)
    done_units = models.PositiveBigIntegerField(default=0)
    total_units = models.PositiveBigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    lease_holder = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True
