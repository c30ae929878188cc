"""Bad signers, bombs and other kinds of files: a verdict in time, and never a good one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evidence.management.attacks import doubtful, table
from evidence.management.attacks.update import ranges
from evidence.verify import engine

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FAILING = {
    "expired signer": "validity",
    "signer not yet valid": "validity",
    "revoked signer": "revocation",
    "signer of web servers": "signer",
    "authority of code": "time_stamp",
    "weak digest": "algorithms",
    "unusual curve": "algorithms",
}


@pytest.fixture(scope="module")
def signers():
    return doubtful.signers(NOW)


@pytest.mark.parametrize("name", [*FAILING, "signer nobody trusts", "no roots given"])
def test_a_doubtful_signer_never_passes(name, signers, verdict):
    data, trust, reasons = signers[name]
    report = verdict(data, roots=trust)

    assert report.indication != "TOTAL_PASSED"
    assert report.reason in reasons.split(",")
    if name in FAILING:
        assert "failed" in {one.outcome for one in report.of(FAILING[name])}


@pytest.mark.parametrize("name", doubtful.bombs())
def test_a_bomb_gets_a_verdict_in_time(name, verdict):
    data, reasons = doubtful.bombs()[name]
    report = verdict(data)

    assert report.reason in reasons.split(",")
    assert report.indication != "TOTAL_PASSED"


def test_more_than_sixteen_signatures_are_too_many(maker, verdict):
    assert verdict(doubtful.many_signatures(maker)).reason == "limits_exceeded"


def test_other_files_get_the_name_of_what_they_are(maker, trust, tmp_path):
    for name, (data, reasons) in doubtful.others(maker).items():
        path = tmp_path / "file"
        path.write_bytes(data)
        report = engine.verify(path, trust=trust, at=NOW)
        assert report.indication != "TOTAL_PASSED", name
        assert report.reason in reasons.split(","), name


def test_a_header_that_was_late_when_it_was_signed_is_no_alteration(kit, maker, verdict):
    """Two parsers do not agree on such files, so they are not judged; what is changed in one is."""
    signed = maker.sign(kit.paper.plain(1), stamped=False)
    head, remark, rest = signed.split(b"\n", 2)
    late = b"\n".join((remark, head, rest))
    (whole,) = ranges(late)
    late = kit.forged.resigned(late, whole, whole[1], whole[2], maker)

    assert late.index(b"%PDF-") > 0
    assert verdict(late).reason == "unreadable"
    assert verdict(kit.forged.isa(late, maker)).reason == "altered"


def test_attributes_out_of_order_and_loose_lengths_are_not_intact(kit, maker, verdict):
    signed = maker.sign(kit.paper.plain())

    assert verdict(doubtful.reordered(signed, maker)).reason == "altered"
    assert verdict(doubtful.lengthened(signed, maker)).reason == "unreadable"


def test_no_sentence_calls_a_weakly_hashed_file_intact(signers, verdict):
    data, trust, _ = signers["weak digest"]
    report = verdict(data, roots=trust)

    assert report.reason not in table.INTACT_REASONS
    assert report.of("integrity")[0].outcome == "not_checked"
