"""Plug-in: what is made once in a run, by the worker that needs it first, and read by all."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from evidence.management.attacks.bundles import Deployment

MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Give the folder of a name, filled by whoever asks first; the others wait until it is whole."""
    own = tmp_path_factory.getbasetemp()
    base = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, whole = base / name, base / f"{name}.whole"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed in the middle
                folder.mkdir()
                fill(folder)
                whole.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def migrated(made_once: MadeOnce, request: pytest.FixtureRequest) -> Path:
    """An empty SQLite database with all migrations applied, to be copied."""

    def fill(folder: Path) -> None:
        done = request.getfixturevalue("run_in")(folder)("manage.py", "migrate", "--verbosity", "0")
        assert done.returncode == 0, done.stderr

    return made_once("migrated", fill) / "truethread.sqlite3"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Let a worker's database in memory begin as a copy of ``migrated``, so that little is left to
    migrate. On other databases each worker migrates its own.
    """
    from django.db import connection

    if connection.vendor != "sqlite":
        yield
        return
    create = connection.creation._create_test_db
    kept: list[sqlite3.Connection] = []

    def copied(*arguments: Any, **named: Any) -> Any:
        name = create(*arguments, **named)
        with closing(sqlite3.connect(request.getfixturevalue("migrated"))) as source:
            # Kept open: a database in memory lives as long as somebody is connected to it.
            kept.append(sqlite3.connect(name, uri=True))
            source.backup(kept[0])
        return name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.creation, "_create_test_db", copied)
        yield
    for one in kept:
        one.close()


@pytest.fixture(scope="session")
def service(made_once: MadeOnce, migrated: Path) -> Deployment:
    """A deployment with two bundles of the samples, made by its own commands; to be read only."""
    from evidence.management.attacks.bundles import Deployment, deploy

    def fill(folder: Path) -> None:
        shutil.copyfile(migrated, folder / "truethread.sqlite3")
        deploy(folder)

    folder = made_once("service", fill)
    (excerpt,) = (folder / "excerpt").glob("*.zip")
    whole = folder / "demo" / "sample-bundle.zip"
    return Deployment(folder, whole, excerpt, folder / "pki" / "root.pem")
