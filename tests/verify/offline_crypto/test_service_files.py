"""What the service itself signs must pass, offline, under the development root named here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.gateways.clock import FixedClock
from evidence.gateways.development_pki import ensure
from evidence.gateways.keys import development_seal_key
from evidence.sign.appearance import VisibleStamp
from evidence.sign.pdf import renew_pdf, sign_pdf
from evidence.verify.offline.pdf import report_pdf, verify_pdf
from evidence.verify.offline.x509 import Root, Trust
from tests.pki.world import stampers, write_pdf

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory):
    return ensure(tmp_path_factory.mktemp("authorities") / "pki", NOW)


@pytest.fixture(scope="module")
def trust(authorities):
    return Trust((Root(authorities.root.der, "configured"),))


@pytest.fixture(scope="module")
def signed(authorities, tmp_path_factory, kit):
    folder = tmp_path_factory.mktemp("service")
    unsigned = write_pdf(folder / "unsigned.pdf")
    (folder / "with.pdf").write_bytes(
        kit.embed(unsigned.read_bytes(), {"manifest.json": kit.MANIFEST})
    )
    sign_pdf(
        folder / "with.pdf",
        folder / "signed.pdf",
        signer=development_seal_key(authorities),
        stamper=stampers(authorities, FixedClock(NOW)),
        reason="Sealed conversation evidence",
        at=NOW,
    )
    return folder / "signed.pdf"


def test_a_file_signed_by_the_service_passes(signed, trust):
    report = report_pdf(signed, trust, NOW + timedelta(hours=1))

    assert (report.indication, report.reason, report.trust) == ("TOTAL_PASSED", "ok", "development")


def test_the_facts_name_signer_times_manifest_and_prefixes(signed, trust, kit):
    facts = verify_pdf(signed, trust, NOW + timedelta(hours=1))

    assert facts.signature_time == NOW
    assert [one.time for one in facts.stamps] == [NOW]
    assert facts.manifest == kit.MANIFEST
    assert facts.bundle == "0123456789abcdef0123456789abcdef"
    assert facts.page_count == 2
    assert facts.prefixes[-1] == facts.size == signed.stat().st_size
    assert facts.signer is not None
    assert "Development" in facts.signer.subject_text


def test_a_file_with_a_visible_seal_passes(signed, trust, authorities, tmp_path):
    import reportlab

    font = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    sign_pdf(
        signed.parent / "with.pdf",
        tmp_path / "visible.pdf",
        signer=development_seal_key(authorities),
        stamper=stampers(authorities, FixedClock(NOW)),
        reason="Sealed conversation evidence",
        at=NOW,
        visible=VisibleStamp(box=(320, 60, 560, 110), lines=("TrueThread",), font=font),
    )
    assert report_pdf(tmp_path / "visible.pdf", trust, NOW).passed


def test_a_file_renewed_by_the_service_passes(signed, trust, authorities, tmp_path):
    later = NOW + timedelta(days=2)
    renewed = tmp_path / "renewed.pdf"
    renew_pdf(signed, renewed, stamper=stampers(authorities, FixedClock(later)))
    facts = verify_pdf(renewed, trust, later)

    assert facts.report("renewed.pdf").passed
    assert facts.prefixes[1] == signed.stat().st_size


def test_without_the_root_it_is_a_development_file(signed):
    report = report_pdf(signed, Trust(), NOW)
    assert (report.indication, report.reason) == ("INDETERMINATE", "development_trust")
