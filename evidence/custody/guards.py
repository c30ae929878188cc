"""Whether the triggers that keep the log append-only are in place."""

from __future__ import annotations

from django.db import connection

GUARDED_TABLES = (
    "custody_entry",
    "custody_subject",
    "custody_node",
    "evidence_checkpoint",
    "evidence_stamp",
)
_EVENTS = {
    "sqlite": ("update", "delete", "replace"),
    "postgresql": ("update", "delete", "truncate"),
}
_PRESENT = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'",
}


def missing_guards() -> list[str]:
    """Return the names of triggers that migration ``append_only_triggers`` made and that are gone.

    On PostgreSQL a disabled trigger counts as gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT[connection.vendor])
        present = {name for (name,) in cursor.fetchall()}
    wanted = [
        f"{table}_no_{event}" for table in GUARDED_TABLES for event in _EVENTS[connection.vendor]
    ]
    return [name for name in wanted if name not in present]
