"""One deployment and one good bundle for all tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.verify import offline
from evidence.verify.offline import Report
from tests.bundle import world
from tests.bundle.world import Built, Deployment, Plan


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    return Deployment(tmp_path_factory.mktemp("deployment"))


@pytest.fixture(scope="session")
def good(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return world.build(deployment, tmp_path_factory.mktemp("good"))


@pytest.fixture
def judge(deployment: Deployment) -> Callable[..., Report]:
    """Verify a path as somebody who trusts the deployment's root, on the day it was made."""

    def run(path: Path, **options: object) -> Report:
        options = {"trust": deployment.trust, "at": world.NOW, **options}
        return offline.verify(path, **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def judge_plan(
    deployment: Deployment, tmp_path: Path, judge: Callable[..., Report]
) -> Callable[..., Report]:
    """Build a bundle to a bent plan and verify it."""

    def run(**changes: object) -> Report:
        return judge(world.build(deployment, tmp_path, Plan(**changes)).path)  # type: ignore[arg-type]

    return run
