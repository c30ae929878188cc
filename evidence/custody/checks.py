"""System check: the log continues the checkpoint kept outside the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from evidence.custody.guards import missing_guards
from evidence.custody.head import head_mismatch
from evidence.models import CustodyEntry


@register(Tags.database)
def custody_log_is_whole(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error when the log is smaller than what was published, or lost its triggers.

    Asked with ``check --database default``; silent before the first migration.
    """
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
    return CustodyEntry._meta.db_table in connection.introspection.table_names()
