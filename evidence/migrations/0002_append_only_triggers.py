"""The database itself refuses to change or delete rows of the custody log.

SQLite: triggers before UPDATE and DELETE, and one before INSERT that refuses a row whose key is
taken, because ``REPLACE INTO`` deletes the old row without firing the delete trigger unless
``recursive_triggers`` is on. Django rebuilds a SQLite table to alter it and loses its triggers: a
later migration that alters one of these tables must call ``refuse_changes`` again at its end.

PostgreSQL: triggers before UPDATE, DELETE and TRUNCATE, enabled ALWAYS, so that
``session_replication_role`` does not switch them off. The owner of a table can still drop its
triggers: run migrations as a role of its own and give the service's role no more than SELECT and
INSERT on these tables (and USAGE on their sequences).

Nobody is held by this who holds the database: that is what ``recheck_custody`` and checkpoints
outside are for. The names of the triggers are known to ``evidence/custody/guards.py``.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

GUARDED = {
    "custody_entry": (("id",), ("event_id",), ("epoch_id", "place")),
    "custody_subject": (("id",), ("kind", "subject_id", "number")),
    "custody_node": (("id",), ("epoch_id", "level", "place")),
    "evidence_checkpoint": (("id",), ("epoch_id", "size")),
    "evidence_stamp": (("id",),),
}
"""Table: the keys by which a new row could replace an old one."""

_REFUSAL = "rows of the custody log are never changed or deleted"


def refuse_changes(apps: Any, schema_editor: Any) -> None:
    """Create the triggers on every guarded table."""
    create = {"sqlite": _sqlite, "postgresql": _postgresql}.get(schema_editor.connection.vendor)
    if create is None:
        raise NotImplementedError("the custody log needs SQLite or PostgreSQL")
    with schema_editor.connection.cursor() as cursor:
        for statement in create():
            cursor.execute(statement)


def allow_changes(apps: Any, schema_editor: Any) -> None:
    """Drop the triggers from every guarded table."""
    suffix = "" if schema_editor.connection.vendor == "sqlite" else " ON {table}"
    with schema_editor.connection.cursor() as cursor:
        for table in GUARDED:
            for event in ("update", "delete", "truncate", "replace"):
                cursor.execute(
                    f"DROP TRIGGER IF EXISTS {table}_no_{event}" + suffix.format(table=table)
                )


def _sqlite() -> list[str]:
    statements = []
    for table, keys in GUARDED.items():
        statements += [
            f"CREATE TRIGGER {table}_no_{event} BEFORE {event.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            for event in ("update", "delete")
        ]
        statements.append(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN "
            + " OR ".join(_is_taken(table, key) for key in keys)
            + f" BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
    return statements


def _is_taken(table: str, key: tuple[str, ...]) -> str:
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    return f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608  names of our own


def _postgresql() -> list[str]:
    statements = [
        "CREATE OR REPLACE FUNCTION truethread_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$"
    ]
    for table in GUARDED:
        for event in ("update", "delete", "truncate"):
            name, scope = f"{table}_no_{event}", "STATEMENT" if event == "truncate" else "ROW"
            statements += [
                f"CREATE TRIGGER {name} BEFORE {event.upper()} ON {table} "
                f"FOR EACH {scope} EXECUTE FUNCTION truethread_append_only()",
                f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
            ]
    return statements


class Migration(migrations.Migration):
    dependencies = [("evidence", "0001_initial")]

    operations = [migrations.RunPython(refuse_changes, allow_changes, elidable=False)]
