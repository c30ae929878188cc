"""What is counted, from the database: every process gives the same answer.

Numbers only; no name, id or address of anybody is a label.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, Min, Sum

from evidence import custody
from evidence.models import Blob, CustodyPending, Export, Job, Series, Stamp
from evidence.operations.exposition import Measure

ENDED = (Job.Phase.READY, Job.Phase.FAILED, Job.Phase.CANCELLED)


def measured(at: datetime) -> list[Measure]:
    """Return all measures as they are at ``at``."""
    epoch = custody.current_epoch()
    stored = Series.objects.filter(erased_at=None).aggregate(series=Count("pk"), rows=Sum("size"))
    return [
        Measure("truethread_jobs", "Exports by phase.", _by_phase()),
        _one("job_oldest_waiting_seconds", "Since the stalest unfinished export last moved.",
             oldest_waiting_seconds(at)),
        _one("bundles_issued", "Bundles issued so far.",
             Export.objects.exclude(issued_at=None).count()),
        _one("custody_entries", "Entries of the current custody log.",
             custody.log_size(epoch) if epoch else 0),
        _one("custody_pending", "Events waiting for their place in the custody log.",
             CustodyPending.objects.count()),
        _one("custody_oldest_pending_seconds", "Age of the oldest such event.",
             oldest_pending_seconds(at)),
        _one("stamp_age_seconds", "Since the last time-stamp over the custody log.",
             _stamp_age(at)),
        _one("series", "Stored readings of conversations.", stored["series"]),
        _one("messages", "Stored messages.", stored["rows"] or 0),
        _one("rows_to_empty", "Rows of erased conversations that the worker has yet to empty.",
             _rows_to_empty()),
        _one("blob_bytes", "Bytes of stored originals, attachments and bundles.",
             Blob.objects.aggregate(size=Sum("stored_size"))["size"] or 0),
        _one("disk_free_bytes", "Free bytes on the disk of the var folder.",
             shutil.disk_usage(settings.TRUETHREAD_VAR_DIR).free),
    ]  # fmt: skip


def oldest_pending_seconds(at: datetime) -> float:
    """Return how long the oldest event has waited for its place in the log, 0 when none waits."""
    return _age(CustodyPending.objects.aggregate(oldest=Min("created_at"))["oldest"], at)


def oldest_waiting_seconds(at: datetime) -> float:
    """Return how long ago the stalest unfinished job moved, 0 when there is none.

    A job whose lease is alive counts too: one phase takes minutes, not hours.
    """
    unfinished = Job.objects.exclude(phase__in=ENDED)
    return _age(unfinished.aggregate(oldest=Min("changed_at"))["oldest"], at)


def _by_phase() -> Mapping[tuple[tuple[str, str], ...], float]:
    counted = dict(Job.objects.values_list("phase").annotate(Count("pk")).order_by())
    return {(("phase", str(phase)),): counted.get(phase, 0) for phase in Job.Phase.values}


def _rows_to_empty() -> int:
    erased = Series.objects.filter(erased_at__isnull=False)
    left = erased.aggregate(rows=Sum(F("size") - F("emptied_to")))["rows"]
    return int(left or 0)


def _stamp_age(at: datetime) -> float:
    last = Stamp.objects.order_by("-pk").first()
    return _age(last.gen_time if last else None, at)


def _age(moment: datetime | None, at: datetime) -> float:
    return max((at - moment).total_seconds(), 0.0) if moment else 0.0


def _one(name: str, words: str, value: float) -> Measure:
    return Measure(f"truethread_{name}", words, {(): value})
