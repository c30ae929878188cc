"""In production the service works under a role that cannot change the custody log."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from evidence.custody.checks import role_is_limited
from evidence.custody.guards import GUARDED_TABLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(settings) -> None:
    settings.TRUETHREAD_MODE = "production"


def test_a_role_that_owns_the_log_is_refused(postgresql, production):
    (error,) = role_is_limited()
    assert error.id == "evidence.E011"
    assert all(table in error.msg for table in GUARDED_TABLES)
    with pytest.raises(CommandError, match=r"evidence\.E011"):
        call_command("work", "--once", skip_checks=True)


def test_the_role_of_the_grants_is_accepted(postgresql, production, repository):
    grants = (repository / "deploy/postgresql/grants.sql").read_text(encoding="utf-8")
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE grants_test_app")
        cursor.execute(grants.replace("truethread_app", "grants_test_app"))
        cursor.execute("SET LOCAL ROLE grants_test_app")
    assert role_is_limited() == []


def test_development_accepts_any_role():
    assert role_is_limited() == []
