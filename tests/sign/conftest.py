"""One development PKI, one stopped clock, one signed file for all tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import reportlab

from evidence.gateways.clock import FixedClock
from evidence.gateways.development_pki import DevelopmentPki, ensure
from evidence.gateways.keys import SealKey, development_seal_key
from evidence.gateways.tsa import Stampers
from evidence.sign.appearance import VisibleStamp
from evidence.sign.pdf import SignedFacts, sign_pdf
from tests.pki.world import NOW, stampers, write_pdf


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    return ensure(tmp_path_factory.mktemp("authorities") / "pki", NOW)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def signer(pki: DevelopmentPki) -> SealKey:
    return development_seal_key(pki)


@pytest.fixture
def stamper(pki: DevelopmentPki, clock: FixedClock) -> Stampers:
    return stampers(pki, clock)


@pytest.fixture(scope="session")
def font() -> Path:
    return Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


@pytest.fixture
def visible(font: Path) -> VisibleStamp:
    lines = ("TrueThread", "Certified: no changes allowed", "Claimed time 2026-03-14T09:26:53Z")
    return VisibleStamp(box=(320, 60, 560, 110), lines=lines, font=font)


@pytest.fixture
def unsigned(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "unsigned.pdf")


@pytest.fixture
def sign(
    tmp_path: Path, unsigned: Path, signer: SealKey, stamper: Stampers, clock: FixedClock
) -> Callable[..., tuple[Path, SignedFacts]]:
    """Sign the plain PDF, with anything changed that a test names."""

    def run(**changes: object) -> tuple[Path, SignedFacts]:
        target = tmp_path / "signed.pdf"
        arguments: dict[str, object] = {
            "signer": signer,
            "stamper": stamper,
            "reason": "Evidence bundle",
            "at": clock.now(),
            **changes,
        }
        return target, sign_pdf(unsigned, target, **arguments)  # type: ignore[arg-type]

    return run
