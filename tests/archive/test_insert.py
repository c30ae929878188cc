"""Rows inserted many at once are the rows a model would have written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError

from evidence.archive.insert import MessageRow, insert_messages
from evidence.models import Message

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 3, 14, 9, 26, 53, 589_793, tzinfo=UTC)


@pytest.fixture
def rows(stored, alice) -> list[MessageRow]:
    """Two rows behind those of a stored series, with all that can be absent absent in one."""
    series = stored(alice)
    first = series.size + 1
    return [
        MessageRow(series.pk, first, "text", 3, MOMENT, b"\x00" * 32, b"\xff" * 32, bytes(range(256))),
        MessageRow(series.pk, first + 1, "unparsed", 0, None, b"\x01" * 32, None, b""),
    ]  # fmt: skip


def test_what_is_inserted_comes_back_as_it_was(rows):
    insert_messages(rows)
    found = Message.objects.filter(sequence__gte=rows[0].sequence).order_by("sequence")
    assert [MessageRow(*one) for one in found.values_list(*MessageRow._fields)] == rows
    assert found.filter(occurred_at=MOMENT).count() == 1


@pytest.mark.django_db(transaction=True)
def test_all_rows_are_inserted_or_none(rows):
    before = Message.objects.count()
    with pytest.raises(IntegrityError):
        insert_messages([*rows, rows[0]])
    assert Message.objects.count() == before


def test_no_rows_are_no_trouble():
    insert_messages([])
