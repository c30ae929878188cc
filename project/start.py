"""What an entry point without a command line does before it serves."""

from __future__ import annotations

from django.core.checks import ERROR, run_checks
from django.core.exceptions import ImproperlyConfigured


def refuse_unsafe_start() -> None:
    """Raise ImproperlyConfigured when a production check fails.

    ``manage.py`` runs the checks itself; application servers do not.
    """
    errors = [found for found in run_checks(tags=["production"]) if found.level >= ERROR]
    if errors:
        raise ImproperlyConfigured("\n".join(f"{error.id}: {error.msg}" for error in errors))
