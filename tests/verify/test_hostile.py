"""Files made to cost much: judged in confined processes they get a verdict, and never a good one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evidence.management.attacks import hostile, keys
from evidence.management.attacks.honest import Maker
from evidence.verify import bench, offline
from evidence.verify.pdf import judge
from evidence.verify.pool import Pool

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


@pytest.fixture(scope="module")
def maker():
    return Maker(keys.make_pki(NOW))


@pytest.fixture(scope="module")
def workers():
    made = Pool(1)
    yield made
    made.close()


def check(files, maker, workers, folder):
    for number, (name, (data, ending)) in enumerate(files.items()):
        path = folder / f"{number}{ending}"
        path.write_bytes(data)
        report = workers.judge(path, name, roots=[maker.pki.root.der])
        assert report.indication != "TOTAL_PASSED", name
        assert report.findings, name
        for finding in report.findings:
            assert "\n" not in finding.detail, name


def test_a_small_file_that_wants_much_is_refused(maker, workers, tmp_path):
    check(hostile.small(maker), maker, workers, tmp_path)


@pytest.mark.sweep
def test_a_file_with_much_to_read_ends_within_the_limits(maker, workers, tmp_path):
    check(hostile.large(maker), maker, workers, tmp_path)


def test_what_a_file_costs_is_what_its_own_child_spent(maker, tmp_path):
    """Not what the measuring process did: that one has just made all files."""
    idle, busy = tmp_path / "idle.pdf", tmp_path / "busy.pdf"
    idle.write_bytes(b"%PDF-1.7\n")
    busy.write_bytes(hostile.many_signed(maker, 40, 6))

    spent = bench.costs([idle, busy], [])
    slow, large = bench.worst(spent)

    assert [one.name for one in spent] == ["idle.pdf", "busy.pdf"]
    assert (slow.name, large.name) == ("busy.pdf", "busy.pdf")
    assert slow.reason == "signer_not_trusted"


def test_many_values_in_the_store_never_decide_by_chance(maker):
    """Only so many certificates are looked at: which ones must not depend on the run."""
    data = hostile.small(maker)["a store of a thousand lists"][0]
    trust = offline.trust_of([maker.pki.root.der])
    _, findings, _, _ = judge.judge(data, trust, NOW + timedelta(minutes=1))

    assert {one.outcome for one in findings if one.check == "structure"} == {"passed"}
