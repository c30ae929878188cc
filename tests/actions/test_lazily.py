"""What may be forgotten does not wait for the disk; everything else does."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from evidence.actions.lazily import lazily

FULL = {"sqlite": ("PRAGMA synchronous", 2), "postgresql": ("SHOW synchronous_commit", "on")}
LAZY = {"sqlite": 1, "postgresql": "off"}


def found():
    with connection.cursor() as cursor:
        cursor.execute(FULL[connection.vendor][0])
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_only_what_is_inside_does_not_wait():
    whole = FULL[connection.vendor][1]
    assert found() == whole
    with lazily():
        assert found() == LAZY[connection.vendor]
    assert found() == whole


@pytest.mark.django_db(transaction=True)
def test_an_error_inside_leaves_the_next_commit_waiting():
    with pytest.raises(ZeroDivisionError), lazily():
        raise ZeroDivisionError
    assert found() == FULL[connection.vendor][1]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_is_open_already_waits_when_it_ends():
    with transaction.atomic(), lazily():
        assert found() == FULL[connection.vendor][1]
