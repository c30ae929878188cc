"""Write what may be forgotten: committed without waiting for the disk. Never evidence, never its log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def lazily() -> Iterator[None]:
    """Let commits inside not wait for the disk; a loss of power may undo the last of them, whole.

    The database stays sound, and a later commit that waits makes them last. Inside a transaction
    nothing changes: it waits when it ends.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            _say("SET LOCAL synchronous_commit TO OFF")
            yield
    else:
        _say("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            _say("PRAGMA synchronous=FULL")


def _say(command: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(command)
