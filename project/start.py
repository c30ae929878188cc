"""What an entry point without a command line does before it serves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.core.checks import ERROR, CheckMessage, Tags, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured when a production check fails, the custody log is not whole, or
    the database role could change it.

    ``manage.py`` runs the checks itself; application servers do not.
    """
    errors = _errors_of(run_checks(tags=["production"])) or _errors_of(_database_checks())
    if errors:
        raise ImproperlyConfigured("\n".join(f"{error.id}: {error.msg}" for error in errors))


def _errors_of(found: list[CheckMessage]) -> list[CheckMessage]:
    return [one for one in found if one.level >= ERROR]


def _database_checks() -> list[CheckMessage]:
    """Return what the checks that ask the database say.

    In a thread of its own: an ASGI server imports us inside its running event loop, where Django
    refuses to ask; and no open connection is left for processes that are forked later.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(_asked_once).result()


def _asked_once() -> list[CheckMessage]:
    try:
        from evidence.custody.checks import role_is_limited  # after the set-up

        return [*run_checks(tags=[Tags.database], databases=["default"]), *role_is_limited()]
    finally:
        connections.close_all()
