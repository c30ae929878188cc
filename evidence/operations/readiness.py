"""Whether the service can do its work now, as one outcome per check."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from evidence import custody
from evidence.errors import EvidenceError
from evidence.operations.measures import oldest_pending_seconds, oldest_waiting_seconds
from evidence.render.fonts import FontLibrary

logger = logging.getLogger(__name__)

ROOM_BYTES = 1024**3
"""Free space below which a large upload or export would fail half-way."""
LATE = timedelta(minutes=15)
"""How long a job or an event of the log may wait before the backlog is late."""


class Outcome(StrEnum):
    """What a check says; LATE is worth an alarm and leaves the service ready."""

    OK = "ok"
    LATE = "late"
    FAILED = "failed"


def readiness(at: datetime) -> dict[str, Outcome]:
    """Return the outcome of every check by its name; why one failed goes to the log only."""
    checks: dict[str, Callable[[], Outcome]] = {
        "database": database,
        "migrations": migrations,
        "log": log,
        "fonts": fonts,
        "disk": disk,
        "backlog": lambda: backlog(at),
    }
    return {name: _outcome(name, check) for name, check in checks.items()}


def _outcome(name: str, check: Callable[[], Outcome]) -> Outcome:
    try:
        return check()
    except (DatabaseError, EvidenceError, OSError, ValueError) as error:
        logger.warning("not ready, %s: %s", name, error)
        return Outcome.FAILED


def database() -> Outcome:
    """Return whether the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Outcome.OK


def migrations() -> Outcome:
    """Return whether the database is as new as the code."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return Outcome.FAILED if missing else Outcome.OK


def log() -> Outcome:
    """Return whether the custody log continues the checkpoint kept outside the database."""
    return Outcome.FAILED if custody.head_mismatch() else Outcome.OK


def fonts() -> Outcome:
    """Return whether the fonts of the exhibits are prepared."""
    FontLibrary(Path(settings.TRUETHREAD_VAR_DIR) / "fonts")
    return Outcome.OK


def disk() -> Outcome:
    """Return whether the disk of the var folder has room for large files."""
    free = shutil.disk_usage(settings.TRUETHREAD_VAR_DIR).free
    return Outcome.OK if free >= ROOM_BYTES else Outcome.FAILED


def backlog(at: datetime) -> Outcome:
    """Return whether jobs and events of the log are dealt with in time."""
    longest = max(oldest_pending_seconds(at), oldest_waiting_seconds(at))
    return Outcome.LATE if longest > LATE.total_seconds() else Outcome.OK
