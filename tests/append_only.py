"""Plug-in: lets transactional tests empty the tables of the custody log.

Such tests end with DELETE or TRUNCATE on every table, which the log's triggers refuse. Around that
moment, and nowhere else, the triggers are lifted by the migration that made them; while a test
runs they stand as in production. An attack that needs them gone asks for ``guards_down``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import TransactionTestCase

_MIGRATION = "evidence.migrations.0002_append_only_triggers"


@contextmanager
def _lifted() -> Iterator[None]:
    migration = import_module(_MIGRATION)
    editor = SimpleNamespace(connection=connection)
    if connection.in_atomic_block:
        connection.check_constraints()  # PostgreSQL alters no table with checks outstanding
    migration.allow_changes(None, editor)
    try:
        yield
    finally:
        if connection.in_atomic_block:
            connection.check_constraints()
        migration.refuse_changes(None, editor)


@pytest.fixture(scope="session", autouse=True)
def _flushing_lifts_the_guards() -> Generator[None]:
    flush = TransactionTestCase._fixture_teardown

    def teardown(self: TransactionTestCase) -> None:
        with _lifted():
            flush(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture
def guards_down() -> Callable[[], object]:
    """``with guards_down():`` what an operator can do who drops the triggers."""
    return _lifted
