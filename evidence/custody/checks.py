"""System check: the log continues the checkpoint kept outside the database.

Asked by ``serve``, ``work`` and the application server before they start (``check --database
default`` asks it too). Silent until every migration is applied: an empty or an older database is
``migrate``'s to bring up to date first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from evidence.custody.guards import GUARDED_TABLES, missing_guards
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


def role_is_limited() -> list[CheckMessage]:
    """Return an error when the service could change the custody log or drop its triggers.

    For the entry points that serve and work, in production on PostgreSQL; not registered, because
    ``migrate`` runs every check that asks the database and must run as the owner.
    """
    if settings.TRUETHREAD_MODE != "production" or connection.vendor != "postgresql":
        return []
    if not (owned := owned_log_tables()):
        return []
    return [
        Error(
            f"The database role of the service owns the custody log: {', '.join(owned)}.",
            hint="Serve as another role than the one that migrates: deploy/postgresql/.",
            id="evidence.E011",
        )
    ]


def owned_log_tables() -> list[str]:
    """Return the tables of the log that our PostgreSQL role owns, itself or through another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE tablename = ANY(%s)"
            " AND schemaname = current_schema() AND pg_has_role(tableowner, 'MEMBER') ORDER BY 1",
            [list(GUARDED_TABLES)],
        )
        return [name for (name,) in cursor.fetchall()]
