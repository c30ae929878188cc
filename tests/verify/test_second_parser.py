"""Our own PDFs are read by qpdf too: clean to the last object, and the same signatures seen."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evidence.gateways.keys import development_seal_key
from evidence.management.attacks import own, paper
from evidence.management.attacks.bundles import Bag
from evidence.management.attacks.update import relisted, restamped
from evidence.sign.pdf import sign_pdf
from evidence.verify import engine, offline
from evidence.verify.offline.bundle_tokens import read_pem
from evidence.verify.own import CHECK, second_findings

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return own.sealed(tmp_path_factory.mktemp("sealed"), NOW)


@pytest.fixture
def both(sealed, tmp_path):
    """Judge bytes by verify.pyz's part alone, and by the engine."""
    trust = offline.trust_of([sealed[1].root.der])

    def judge(data):
        path = tmp_path / "judged.pdf"
        path.write_bytes(data)
        return (
            offline.verify(path, trust=trust, at=SOON),
            engine.verify(path, trust=trust, at=SOON),
        )

    return judge


def outcomes(report):
    return [(one.outcome, one.where) for one in report.of(CHECK)]


def test_the_second_parser_agrees_with_a_good_file_and_only_adds_its_finding(sealed, both):
    alone, asked = both(sealed[0].read_bytes())

    assert asked.passed
    assert outcomes(asked) == [("passed", "")]
    assert asked.of(CHECK)[0].required
    assert [one for one in asked.findings if one.check != CHECK] == list(alone.findings)
    assert CHECK not in {one.check for one in alone.findings}


def misled(pdf):
    """An unsigned PDF whose table leads to the middle of the object with the first page's text."""
    number = int(re.search(rb"/Contents (\d+) 0 R", pdf)[1])
    place = re.search(rb"(?m)^%d 0 obj" % number, pdf).start()
    row, wrong = b"%010d 00000 n" % place, b"%010d 00000 n" % (place + 4)
    assert pdf.count(row) == 1
    return pdf.replace(row, wrong)


def test_a_page_that_is_not_where_the_table_says_is_caught_by_the_second_parser_alone(
    sealed, both, tmp_path
):
    """Sealed like this by whoever holds the key: two readers need not show the same page."""
    authorities = sealed[1]
    unsigned, signed = tmp_path / "unsigned.pdf", tmp_path / "signed.pdf"
    unsigned.write_bytes(misled(own._with_manifest(paper.plain())))
    sign_pdf(
        unsigned, signed, signer=development_seal_key(authorities),
        stamper=own._stampers(authorities, NOW), reason="Sealed", at=NOW,
    )  # fmt: skip

    alone, asked = both(signed.read_bytes())
    assert alone.passed
    assert (asked.indication, asked.reason) == ("INDETERMINATE", "unreadable")
    assert outcomes(asked) == [("not_checked", "")]
    assert "malformed" in asked.of(CHECK)[0].detail


def test_what_was_sealed_clean_and_is_malformed_later_is_altered(sealed, monkeypatch):
    path, authorities = sealed
    report = offline.verify(path, trust=offline.trust_of([authorities.root.der]), at=SOON)
    whole = path.stat().st_size

    def doubting(data):
        found = read(data)
        return replace(found, warnings=("odd",)) if len(data) == whole else found

    from evidence.verify import own as module

    read = module.read
    monkeypatch.setattr(module, "read", doubting)
    (finding,) = second_findings(report, path)
    assert finding.outcome == "failed"


@pytest.mark.parametrize(
    "change",
    [
        {"where": "TrueThreadSeal2"},
        {"byte_range": (0, 1, 2, 3)},
        {"contents": "00" * 32},
    ],
    ids=["another field", "another range", "another container"],
)
def test_a_signature_the_two_see_differently_is_an_alteration(change, sealed):
    path, authorities = sealed
    report = offline.verify(path, trust=offline.trust_of([authorities.root.der]), at=SOON)
    seen = replace(report, marks=(replace(report.marks[0], **change), *report.marks[1:]))

    (finding,) = second_findings(seen, path)
    assert (finding.outcome, finding.detail.partition(" ")[0]) == ("failed", "Two")


def test_a_signature_only_one_of_them_sees_is_an_alteration(sealed):
    path, authorities = sealed
    report = offline.verify(path, trust=offline.trust_of([authorities.root.der]), at=SOON)

    (finding,) = second_findings(replace(report, marks=report.marks[:1]), path)
    assert finding.outcome == "failed"


def test_every_pdf_of_a_bundle_is_read_twice(service):
    trust = offline.trust_of(read_pem(service.root.read_bytes()))
    report = engine.verify(service.bundle, trust=trust, processes=1)
    names = [name for name in Bag(service.bundle).files if re.match(r"data/evidence.*\.pdf", name)]

    assert report.passed
    assert outcomes(report) == [("passed", name) for name in names]


def test_what_has_no_signature_left_is_not_called_read_twice(tmp_path):
    path = tmp_path / "cut.zip"
    path.write_bytes(b"PK\x03\x04 data/manifest.json bag-info.txt")
    report = engine.verify(path, trust=offline.Trust())

    assert report.kind == "bundle"
    assert outcomes(report) == [("not_checked", "")]
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")


TAIL_TRICKS = {
    "/Prev as a fraction": (rb"/Prev (\d+)", rb"/Prev \1.0"),
    "/Size as a fraction": (rb"/Size (\d+)", rb"/Size \1.0"),
    "endstream glued to endobj": (rb"endstream\nendobj", b"endstreamendobj"),
    "flags that are no number": (rb"/F 132", b"/F false"),
    "a rectangle of truths": (rb"/Rect \[ 0 0 0 0 \]", b"/Rect [ false false false false ]"),
}
"""Renewals by a trusted authority whose words mean the same to Python and not to other programs."""


@pytest.mark.parametrize("name", TAIL_TRICKS)
def test_a_renewal_in_words_other_programs_read_otherwise_is_altered_for_both(name, sealed, both):
    path, authorities = sealed
    good = path.read_bytes()
    start = [one.end() for one in re.finditer(rb"%%EOF\n", good)][-2]
    stamper = own._stampers(authorities, NOW)

    def renewed(pattern, new):
        tail, count = re.subn(pattern, new, good[start:])
        assert count, pattern
        changed = relisted(good[:start] + tail, start)
        return restamped(changed, lambda digest: stamper.stamp(digest).token)

    assert all(report.passed for report in both(renewed(rb"/SigFlags 3", b"/SigFlags 3")))
    for report in both(renewed(*TAIL_TRICKS[name])):
        assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")


@pytest.mark.parametrize("front", [b"junk\n", b"PK\x05\x06" + b"\x00" * 18, b"%PDF-1.4\n"])
def test_something_put_in_front_of_our_pdf_is_altered_for_both(front, sealed, both):
    """Other programs look for the header further down, and as an archive it holds something else."""
    for report in both(front + sealed[0].read_bytes()):
        assert (report.kind, report.indication, report.reason) == ("pdf", "TOTAL_FAILED", "altered")
