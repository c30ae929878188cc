"""A good bundle made by the service itself, and the means of an attacker who knows all formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.management.attacks.bundles import Bag, Deployment
from evidence.verify import offline
from evidence.verify.offline.bundle_tokens import read_pem


@pytest.fixture
def bag(service: Deployment) -> Bag:
    return Bag(service.bundle)


@pytest.fixture
def excerpt(service: Deployment) -> Bag:
    return Bag(service.excerpt)


Judge = Callable[[Bag | bytes | Path], offline.Report]


@pytest.fixture
def judge(service: Deployment, tmp_path: Path) -> Judge:
    """Verify a changed bundle as a stranger does, with the development root named."""
    trust = offline.trust_of(read_pem(service.root.read_bytes()))

    def verify(thing: Bag | bytes | Path) -> offline.Report:
        path = thing if isinstance(thing, Path) else tmp_path / "judged.zip"
        if isinstance(thing, Bag):
            thing.write(path)
        elif isinstance(thing, bytes):
            path.write_bytes(thing)
        return offline.verify(path, trust=trust, processes=1)

    return verify
