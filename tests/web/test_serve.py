"""The demonstration account that ``serve`` prints."""

from __future__ import annotations

import stat

import pytest

from evidence.management.commands.serve import demo_password
from evidence.models import User


@pytest.fixture(autouse=True)
def _own_var(settings, tmp_path):
    settings.TRUETHREAD_VAR_DIR = tmp_path


@pytest.mark.django_db
def test_the_demo_account_is_made_once_with_a_password_of_its_own(tmp_path):
    password = demo_password()
    assert User.objects.get().check_password(password)
    assert demo_password() == password
    file = tmp_path / "keys" / "demo_password"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.django_db
def test_a_lost_password_file_gives_the_account_a_new_password(tmp_path):
    lost = demo_password()
    (tmp_path / "keys" / "demo_password").unlink()
    found = demo_password()
    assert found != lost
    assert User.objects.get().check_password(found)


@pytest.mark.django_db
def test_a_production_deployment_is_not_served_like_this(settings):
    from django.core.management import CommandError, call_command

    settings.TRUETHREAD_MODE = "production"
    with pytest.raises(CommandError):
        call_command("serve")
    assert not User.objects.exists()
