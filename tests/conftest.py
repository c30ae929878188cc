"""What every test may use: a fixed time, foreign tools, shared fixtures, and the skip policy.

Guards that come with the plug-ins: sockets reach loopback only (pytest-socket), the database is
closed to tests that do not ask for it, and queries are counted with
``django_assert_max_num_queries`` (both pytest-django).

``make test`` runs on every core (pytest-xdist). Each worker is a process with a var folder and a
test database of its own (``tests/settings``), so no test may count on what another one left.

Environment: ``REQUIRE_ALL=1`` makes a skip a failure; ``SWEEPS=1`` also runs the long sweeps.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.warm import Warm

if TYPE_CHECKING:
    from django.test import Client

    from evidence.models import Organisation, User

pytest_plugins = ["tests.append_only", "tests.pushing", "tests.shared", "tests.surfaces"]

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
SHARED_FIXTURES_ABSENT = "shared fixtures are absent"
PASSWORD = "correct horse battery"
_TOOL_MISSING = "foreign tool missing: "
_LEFT = pytest.StashKey[int]()

hypothesis_settings.register_profile(
    "house", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("house")


def _is_on(name: str) -> bool:
    return os.environ.get(name, "") not in {"", "0"}


def _tool(name: str) -> str | None:
    """Return the path of a foreign command, also of one that came with a Python package."""
    beside_python = str(Path(sys.executable).parent)
    return shutil.which(name) or shutil.which(name, path=beside_python)


def _skip_without(*names: str) -> None:
    if missing := [name for name in names if _tool(name) is None]:
        pytest.skip(_TOOL_MISSING + ", ".join(missing))


# Sweeps and skips


def _left_for_later(item: pytest.Item, markexpr: str) -> bool:
    """Return whether another run is the place of this test: of sweeps, or on PostgreSQL."""
    if item.get_closest_marker("sweep") and not _is_on("SWEEPS") and "sweep" not in markexpr:
        return True
    needs_postgresql = "postgresql" in getattr(item, "fixturenames", ())
    return needs_postgresql and _is_on("REQUIRE_ALL") and not _on_postgresql()


def _on_postgresql() -> bool:
    from django.db import connection

    return connection.vendor == "postgresql"


def _long_ones_first(items: list[pytest.Item]) -> None:
    """Keep the tests of a room together, in the random order they have, and begin with long ones.

    What a room shares is then made by one worker, or by two, and no worker is left alone with a
    long test at the end. No migration leaves rows, so nothing has to come before the tests that
    empty all tables.
    """
    rooms = {
        room: place for place, room in enumerate(dict.fromkeys(one.path.parent for one in items))
    }
    items.sort(key=lambda one: (one.get_closest_marker("long") is None, rooms[one.path.parent]))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _long_ones_first(items)
    markexpr = config.getoption("markexpr")
    later = {item for item in items if _left_for_later(item, markexpr)}
    if later:
        config.hook.pytest_deselected(items=[item for item in items if item in later])
        items[:] = [item for item in items if item not in later]
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_for_later"] = len(later)


class _WorkersSay:
    """Takes what workers tell and pytest-xdist does not: how many tests another run is for."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        # Every worker collects all tests, so each of them tells the same number.
        node.config.stash[_LEFT] = getattr(node, "workeroutput", {}).get("left_for_later", 0)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workeroutput"):
        config.pluginmanager.register(_WorkersSay())


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("foreign_tool"):
        _skip_without(*marker.args)


def _reason(longrepr: object) -> str:
    words = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return str(words).removeprefix("Skipped: ")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where everything is required, except for absent fixtures."""
    if not (_is_on("REQUIRE_ALL") and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = _reason(report.longrepr)
    if reason != SHARED_FIXTURES_ABSENT:
        report.outcome = "failed"
        report.longrepr = f"Skipped although REQUIRE_ALL is set: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what was left out and why, also without ``-r``."""
    reasons = Counter(
        _reason(report.longrepr) for report in terminalreporter.stats.get("skipped", [])
    )
    if left := terminalreporter.config.stash.get(_LEFT, 0):
        reasons["left to another run: sweeps, or the run on PostgreSQL"] = left
    if reasons:
        terminalreporter.section("skipped")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count:5} tests: {reason}")


# Fixtures


@pytest.fixture
def now() -> datetime:
    """The moment all tests happen at, unless they say otherwise."""
    return datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@pytest.fixture
def foreign_tool() -> Callable[[str], str]:
    """Give the path of a foreign command, or skip the test naming what is missing."""

    def find(name: str) -> str:
        _skip_without(name)
        return str(_tool(name))

    return find


@pytest.fixture
def postgresql() -> None:
    """Skip what only PostgreSQL can show: connections that really run side by side.

    Where a skip is a failure, such a test is left to the run on PostgreSQL that follows.
    """
    if not _on_postgresql():
        pytest.skip("needs PostgreSQL: set TRUETHREAD_DATABASE_URL=postgres://…")


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder of the project, for tests that start its commands."""
    return REPOSITORY


@pytest.fixture(scope="session")
def fixture_chats() -> Path:
    """The folder of real chat exports of other people's projects; skips where it is absent."""
    folder = SHARED / "fixtures" / "chats"
    if not folder.is_dir():
        pytest.skip(SHARED_FIXTURES_ABSENT)
    return folder


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """The process of ``tests/warm.py``."""
    one = Warm(REPOSITORY)
    yield one
    one.close()


def _environment(var: Path, variables: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TRUETHREAD_")}
    kept.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # what tests in a browser set for themselves
    own = {"DJANGO_SETTINGS_MODULE": "project.settings", "TRUETHREAD_VAR_DIR": str(var)}
    return kept | own | variables


@pytest.fixture(scope="session")
def run_in(warm: Warm) -> Callable[[Path], Run]:
    """Run programs as ``python`` does, in processes of their own, over a var folder."""
    return lambda var: partial(_run, warm, var)


def _run(
    warm: Warm, var: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    said = {name: var / f".{name}" for name in ("stdout", "stderr")}
    environment = _environment(var, variables)
    status = warm.start(*arguments, environment=environment, strict=True, **said).wait()
    output = {name: file.read_text(encoding="utf-8") for name, file in said.items()}
    for file in said.values():
        file.unlink()
    return subprocess.CompletedProcess(arguments, status, **output)


@pytest.fixture
def run_python(tmp_path: Path, migrated: Path, run_in: Callable[[Path], Run]) -> Run:
    """Run a program as ``python`` does: another process, its own var folder and SQLite.

    Keyword arguments are environment variables. The database is migrated; what else set-up makes
    is made at the first need; fonts are those already prepared.
    """
    (tmp_path / "fonts").symlink_to(REPOSITORY / "var" / "fonts")
    shutil.copyfile(migrated, tmp_path / "truethread.sqlite3")
    return run_in(tmp_path)


@pytest.fixture
def run_manage(run_python: Run) -> Run:
    """Run ``manage.py`` as an operator does, in a process like those of ``run_python``."""
    return partial(run_python, "manage.py")


@pytest.fixture(autouse=True)
def _a_fresh_log() -> None:
    """Forget the log head kept outside the database: each test has a database of its own."""
    from django.conf import settings

    (Path(settings.TRUETHREAD_VAR_DIR) / "log-head.json").unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _in_english() -> None:
    """Speak the language of the settings: a page asked for in Chinese leaves its thread in Chinese."""
    from django.utils import translation

    translation.deactivate()


@pytest.fixture(autouse=True)
def _nobody_came_before() -> None:
    """Forget who asked how often: all tests ask from one address, many in a minute."""
    from django.conf import settings
    from django.core.cache import cache

    cache.clear()
    for counts in (Path(settings.TRUETHREAD_VAR_DIR) / "turnstiles").glob("*.seen"):
        counts.unlink(missing_ok=True)


# People


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with the organisation they work in and a browser they are signed in with."""

    user: User
    organisation: Organisation
    client: Client


def _person(username: str, at: datetime) -> tuple[User, Organisation]:
    from evidence.actions.create_account import create_account

    email = f"{username}@example.org"
    return create_account(
        username=username, password=PASSWORD, email=email, at=at, is_confirmed=True
    )


def _signed_in(user: User, organisation: Organisation) -> Actor:
    from django.test import Client

    client = Client()
    client.force_login(user)
    step_up(client)
    return Actor(user, organisation, client)


def step_up(client: Client) -> None:
    """Let the signed-in person of ``client`` have shown just now that it is them."""
    session = client.session
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session.save()


@pytest.fixture
def alice(db: None, now: datetime) -> Actor:
    """The owner: what a test stores belongs to her organisation."""
    return _signed_in(*_person("alice", now))


@pytest.fixture
def bob(alice: Actor, now: datetime) -> Actor:
    """Her colleague: a member of the same organisation, besides having one of his own."""
    from evidence.models import Membership

    user, _own = _person("bob", now)
    Membership.objects.create(
        organisation=alice.organisation, user=user, role=Membership.Role.MEMBER, created_at=now
    )
    return _signed_in(user, alice.organisation)


@pytest.fixture
def charlie(db: None, now: datetime) -> Actor:
    """The stranger: signed in, in an organisation of his own."""
    return _signed_in(*_person("charlie", now))
