"""The database itself refuses to change the custody log, whoever asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from evidence.custody.guards import GUARDED_TABLES, missing_guards
from evidence.models import (
    Checkpoint,
    CustodyEntry,
    CustodySubject,
    LogEpoch,
    LogNode,
    Stamp,
)

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
COLUMN = {
    "custody_entry": "event",
    "custody_subject": "kind",
    "custody_node": "place",
    "evidence_checkpoint": "size",
    "evidence_stamp": "authority",
}


@pytest.fixture(autouse=True)
def one_row_in_each_table():
    epoch = LogEpoch.objects.create(
        number=1, origin="log.example/1", vkey="", wrapped_key=b"", opened_at=WHEN
    )
    entry = CustodyEntry.objects.create(
        epoch=epoch, place=0, event_id="e", event="epoch.opened", occurred_at=WHEN,
        digest=b"", payload=b"",
    )  # fmt: skip
    CustodySubject.objects.create(entry=entry, kind="log", subject_id="0" * 32, number=1)
    LogNode.objects.create(epoch=epoch, level=1, place=0, hash=b"")
    checkpoint = Checkpoint.objects.create(epoch=epoch, size=1, root=b"", note=b"", created_at=WHEN)
    Stamp.objects.create(
        checkpoint=checkpoint, token=b"", gen_time=WHEN, authority="a", created_at=WHEN
    )
    connection.check_constraints()


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("table", GUARDED_TABLES)
@pytest.mark.parametrize("statement", [
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "INSERT INTO {table} SELECT * FROM {table}",
])  # fmt: skip
def test_plain_sql_is_refused(table, statement):
    with pytest.raises(IntegrityError):
        execute(statement.format(table=table, column=COLUMN[table]))


@pytest.mark.parametrize("table", GUARDED_TABLES)
@pytest.mark.parametrize("recursive_triggers", ["ON", "OFF"])
def test_replacing_a_row_is_refused(table, recursive_triggers):
    if connection.vendor == "sqlite":
        execute(f"PRAGMA recursive_triggers={recursive_triggers}")
        attack = "REPLACE INTO {table} SELECT * FROM {table}"
    else:
        attack = (
            "INSERT INTO {table} SELECT * FROM {table} "
            "ON CONFLICT (id) DO UPDATE SET {column} = excluded.{column}"
        )
    with pytest.raises(IntegrityError, match="never changed or deleted"):
        execute(attack.format(table=table, column=COLUMN[table]))


@pytest.mark.parametrize("table", GUARDED_TABLES)
def test_emptying_a_table_is_refused(table):
    attack = "DELETE FROM {table}" if connection.vendor == "sqlite" else "TRUNCATE {table} CASCADE"
    with pytest.raises(IntegrityError, match="never changed or deleted"):
        execute(attack.format(table=table))


def test_every_guard_is_in_place_and_a_lost_one_is_named(guards_down):
    assert missing_guards() == []
    with guards_down():
        assert "custody_entry_no_delete" in missing_guards()
    assert missing_guards() == []
