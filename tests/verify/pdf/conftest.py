"""Third-party-style files of the shared attack kit, made once per run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from evidence.management.attacks import forged, honest, keys, paper, table
from evidence.management.attacks.honest import Maker
from evidence.verify.offline import trust_of
from evidence.verify.offline.report import make_report
from evidence.verify.pdf import judge

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def now():
    return NOW


@pytest.fixture(scope="session")
def maker():
    return Maker(keys.make_pki(NOW))


@pytest.fixture(scope="session")
def trust(maker):
    return trust_of([maker.pki.root.der])


@pytest.fixture(scope="session")
def verdict(trust):
    """Judge bytes a minute after they were made."""

    def of(data, *, roots=trust, at=NOW + timedelta(minutes=1)):
        kind, findings, required, label = judge.judge(data, roots, at)
        return make_report("file.pdf", kind, findings, trust=label, required=required)

    return of


@pytest.fixture(scope="session")
def bases(maker):
    return table.bases(maker)


@pytest.fixture(scope="session")
def honest_files(maker):
    return honest.make_all(maker)


@pytest.fixture(scope="session")
def kit():
    return SimpleNamespace(forged=forged, honest=honest, keys=keys, paper=paper, table=table)
