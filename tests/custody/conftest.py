"""A log of its own for every test: keys, head file and local authority in a temporary folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from evidence import custody
from evidence.gateways import current as current_module
from evidence.models import CustodyEntry
from evidence.values import Actor, Subject

ALICE = Actor("person", "a" * 32, "Alice 愛麗絲", "192.0.2.7")
SERIES = Subject("series", "5e" * 16)
MATTER = Subject("matter", "3a" * 16)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where a skip is a failure, races are left to the run on PostgreSQL that follows."""
    if connection.vendor == "postgresql" or os.environ.get("REQUIRE_ALL", "") in {"", "0"}:
        return
    races = [item for item in items if "postgresql" in getattr(item, "fixturenames", ())]
    if races:
        config.hook.pytest_deselected(items=races)
        items[:] = [item for item in items if item not in set(races)]


@pytest.fixture
def postgresql() -> None:
    """Skip what only PostgreSQL can show: connections that really run side by side."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: set TRUETHREAD_DATABASE_URL=postgres://…")


class StoppedClock:
    """The authority's clock, set by the test."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def tick(self, **by: float) -> datetime:
        self.moment += timedelta(**by)
        return self.moment


@pytest.fixture
def clock(now, monkeypatch):
    """What the gateways take for the time, from the moment all tests happen at."""
    stopped = StoppedClock(now)
    monkeypatch.setattr(current_module, "SystemClock", lambda: stopped)
    return stopped


@pytest.fixture(autouse=True)
def var_dir(settings, tmp_path, clock):
    settings.TRUETHREAD_VAR_DIR = tmp_path
    current_module.current.cache_clear()
    yield tmp_path
    current_module.current.cache_clear()


@pytest.fixture
def stamper():
    return current_module.current().stamper


@pytest.fixture
def log_event(now) -> Callable[..., None]:
    """Append one event in a transaction of its own; name only what matters."""
    count = iter(range(1_000_000))

    def log(**changed: Any) -> None:
        values: dict[str, Any] = {
            "event_id": f"event-{next(count)}",
            "event": "conversation.viewed",
            "actor": ALICE,
            "subjects": [SERIES],
            "details": {"ranges": "1-20"},
            "at": now,
        }
        with transaction.atomic():
            custody.append(**(values | changed))

    return log


@pytest.fixture
def log_of(log_event) -> Callable[[int], list[bytes]]:
    """Grow the log to a number of entries (the first opens the epoch); return all digests."""

    def grow(size: int) -> list[bytes]:
        for _ in range(size - 1):
            log_event()
        custody.sequence_pending()
        digests = CustodyEntry.objects.order_by("place").values_list("digest", flat=True)
        return [bytes(digest) for digest in digests]

    return grow
