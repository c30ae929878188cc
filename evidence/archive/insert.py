"""Insert many message rows at once: Django's own bulk insert costs more than sealing does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from evidence.models import Message


class MessageRow(NamedTuple):
    """The columns of one row of ``Message``, by their names in the table and in their order."""

    series_id: int
    sequence: int
    kind: str
    participant: int
    occurred_at: datetime | None
    leaf_hash: bytes
    sm3_leaf_hash: bytes | None
    payload: bytes


_TYPES = ("int8", "int8", "varchar", "int4", "timestamptz", "bytea", "bytea", "bytea")
"""What PostgreSQL calls the columns."""


def insert_messages(rows: Sequence[MessageRow]) -> None:
    """Insert all of ``rows`` or none; raises django.db.Error as a bulk insert does."""
    if not rows:
        return
    columns = ", ".join(map(connection.ops.quote_name, MessageRow._fields))
    into = f"{connection.ops.quote_name(Message._meta.db_table)} ({columns})"
    with transaction.atomic():
        if connection.vendor == "postgresql":
            _copy(f"COPY {into} FROM STDIN (FORMAT BINARY)", rows)
        else:
            marks = ", ".join(["%s"] * len(MessageRow._fields))
            _execute(f"INSERT INTO {into} VALUES ({marks})", rows)  # noqa: S608 - our own names


def _copy(statement: str, rows: Sequence[MessageRow]) -> None:
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(statement) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)


def _execute(statement: str, rows: Sequence[MessageRow]) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    place = MessageRow._fields.index("occurred_at")
    values = [(*row[:place], adapt(row.occurred_at), *row[place + 1 :]) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)
