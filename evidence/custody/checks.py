"""System check: the log continues the checkpoint kept outside the database.

Asked by ``serve``, ``work`` and the application server before they start (``check --database
default`` asks it too). Silent until every migration is applied: an empty or an older database is
``migrate``'s to bring up to date first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from evidence.custody.guards import missing_guards
from evidence.custody.head import head_mismatch


@register(Tags.database)
def custody_log_is_whole(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error when the log is smaller than what was published, or lost its triggers."""
    if "default" not in (databases or ()) or not _is_migrated():
        return []
    found: list[CheckMessage] = []
    if mismatch := head_mismatch():
        found.append(
            Error(
                f"The custody log does not continue its last checkpoint: {mismatch.detail}.",
                hint="Restore the right backup; for a real loss see open_log_epoch.",
                id="evidence.E101",
            )
        )
    if missing := missing_guards():
        found.append(
            Error(
                f"Triggers that keep the custody log append-only are gone: {', '.join(missing)}.",
                id="evidence.E102",
            )
        )
    return found


def _is_migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
