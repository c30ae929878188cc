"""The PostgreSQL roles that the room's README lays down do what it says."""

from __future__ import annotations

import re

import pytest
from django.db import ProgrammingError, connection, transaction

from evidence import custody

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_the_service(postgresql, repository) -> None:
    """Become the service's role for this transaction, as the README grants it."""
    readme = (repository / "evidence/custody/README.md").read_text(encoding="utf-8")
    grants = re.search(r"```sql\n(.*?)```", readme, re.DOTALL)[1]
    with connection.cursor() as cursor:
        cursor.execute(grants.replace("truethread_", "readme_test_"))
        cursor.execute("SET LOCAL ROLE readme_test_app")


def test_the_service_can_log_stamp_and_prove(as_the_service, log_event, now, stamper):
    log_event()
    checkpoint = custody.cut_checkpoint(now)
    custody.stamp_checkpoint(checkpoint, stamper, now)
    custody.sequence_pending()
    assert custody.recheck().problems == []


@pytest.mark.parametrize("attack", [
    "UPDATE custody_entry SET event = ''",
    "DELETE FROM custody_node",
    "TRUNCATE evidence_stamp",
    "INSERT INTO custody_node SELECT * FROM custody_node ON CONFLICT (id) DO UPDATE SET level = 0",
    "DROP TRIGGER custody_entry_no_update ON custody_entry",
    "ALTER TABLE custody_entry DISABLE TRIGGER ALL",
    "SET session_replication_role = replica",
])  # fmt: skip
def test_the_service_cannot_change_the_log_or_switch_its_guards_off(as_the_service, attack):
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(attack)
