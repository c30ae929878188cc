"""One development PKI and one stopped clock for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence.gateways.clock import FixedClock
from evidence.gateways.development_pki import DevelopmentPki, ensure
from tests.pki.world import NOW, another_pki


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    return ensure(tmp_path_factory.mktemp("authorities") / "pki", NOW)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    """A PKI with the same names and other keys."""
    return another_pki(tmp_path_factory.mktemp("strangers"), NOW)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"
