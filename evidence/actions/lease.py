"""The lease on a row of background work: one holder at a time, and a dead one is noticed.

A holder that died on this machine is recognised by its process id, so its work goes on at once;
one that died elsewhere is waited for until its lease ends. Work whose every holder dies is given
up after ``MOST_ATTEMPTS`` tries of one phase, for it would kill the next worker too.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.db import close_old_connections, connection
from django.db.models import F, Q
from django.utils import timezone

from evidence.errors import EvidenceError, StorageFailed
from evidence.models.leases import Leased

LEASE = timedelta(seconds=90)
MOST_ATTEMPTS = 5
"""How often one phase is begun before the work is given up."""


class GivenUp(EvidenceError):
    """A phase was begun again and again and never ended; no worker will try it by itself."""

    code = "given_up"
    sentence = "This was tried several times and stopped each time. It can be tried again by hand."


def this_holder() -> str:
    """Return how this process signs its leases: host, process id, thread id."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def take_lease(row: Leased, holder: str, at: datetime) -> bool:
    """Take the lease of ``row`` as it was just read; return whether it is ours now.

    Counts the attempt. The caller has seen that the work has not ended.
    """
    free = Q(lease_holder="") | Q(lease_until__lt=at) | Q(lease_holder=holder)
    if row.lease_holder and _died_here(row.lease_holder):
        free |= Q(lease_holder=row.lease_holder)
    taken = (
        type(row)
        ._default_manager.filter(pk=row.pk)
        .filter(free)
        .update(lease_holder=holder, lease_until=at + LEASE, attempts=F("attempts") + 1)
    )
    return bool(taken)


def refuse_too_many_attempts(row: Leased) -> None:
    """Raise GivenUp where the phase was begun ``MOST_ATTEMPTS`` times before this one."""
    if row.attempts > MOST_ATTEMPTS:
        raise GivenUp(f"begun {row.attempts} times")


def _died_here(holder: str) -> bool:
    host, _, rest = holder.partition(":")
    process = rest.partition(":")[0]
    if host != socket.gethostname() or not process.isdecimal():
        return False
    if int(process) == os.getpid():
        thread = rest.partition(":")[2]
        return thread not in {str(t.ident) for t in threading.enumerate()}
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(int(process))


def _is_zombie(process: int) -> bool:
    """Tell whether a process has ended and only waits for its parent to hear of it (proc(5))."""
    try:
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b") ")[2][:1]
    except OSError:
        return False
    return state in (b"Z", b"X")


def release_lease(row: Leased, holder: str) -> None:
    """Give the lease back if it is still ours."""
    mine = type(row)._default_manager.filter(pk=row.pk, lease_holder=holder)
    mine.update(lease_holder="", lease_until=None)


@contextmanager
def lease_kept(row: Leased, holder: str) -> Iterator[None]:
    """Keep the lease alive from a second thread while a long phase runs."""
    done = threading.Event()
    mine = type(row)._default_manager.filter(pk=row.pk, lease_holder=holder)

    def renew() -> None:
        while not done.wait(LEASE.total_seconds() / 3):
            close_old_connections()
            mine.all().update(lease_until=timezone.now() + LEASE)
        connection.close()

    thread = threading.Thread(target=renew, name=f"lease-{row.pk}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def disk_errors_named() -> Iterator[None]:
    """Turn what the disk refuses into its named failure, wherever in a phase it happens."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(str(error)) from error
