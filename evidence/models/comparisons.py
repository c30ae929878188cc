"""How two deliveries of a conversation differ, counted when somebody asks."""

from __future__ import annotations

from django.db import models

from evidence.models.archive import Series
from evidence.models.leases import Leased


class Comparison(Leased):
    """Two whole deliveries of one conversation against each other, counted by a worker.

    size, other_size: how many messages of each were there when it was asked for, and are counted.
    same + different + missing = size; missing: not in the other; extra: only in the other.
    done_units, total_units: messages opened so far, and of both together.
    """

    class Phase(models.TextChoices):
        WAITING = "waiting", "Waiting"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    series = models.ForeignKey(Series, models.CASCADE, related_name="comparisons")
    other = models.ForeignKey(Series, models.CASCADE, related_name="+")
    phase = models.CharField(max_length=16, choices=Phase, default=Phase.WAITING)
    size = models.PositiveBigIntegerField()
    other_size = models.PositiveBigIntegerField()
    same = models.PositiveBigIntegerField(default=0)
    different = models.PositiveBigIntegerField(default=0)
    missing = models.PositiveBigIntegerField(default=0)
    extra = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "other"], name="one_comparison_per_pair")
        ]
        indexes = [models.Index(fields=["phase", "lease_until"], name="comparison_phase_lease")]

    def __str__(self) -> str:
        return f"{self.series_id}/{self.other_id} {self.phase}"
