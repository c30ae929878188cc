"""Who gave the time-stamps: the recheck leads every authority to a root, or says it did not."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import connection

from evidence import custody
from evidence.gateways.current import current, development_pki
from evidence.models import Checkpoint
from tests.pki.world import another_pki

pytestmark = pytest.mark.django_db


@pytest.fixture
def stamped(log_event, now, stamper) -> Checkpoint:
    log_event()
    checkpoint = custody.cut_checkpoint(now)
    custody.stamp_checkpoint(checkpoint, stamper, now)
    custody.sequence_pending()
    return checkpoint


def test_an_authority_that_leads_to_a_configured_root_is_checked(stamped):
    report = custody.recheck(roots=current().roots)

    assert (report.stamps, report.problems) == (1, [])
    assert report.not_checked == ["seals of series"]


def test_without_roots_the_recheck_says_that_nobody_looked(stamped):
    report = custody.recheck()

    assert report.problems == []
    assert "authorities of time-stamps: no roots to lead them to" in report.not_checked


def test_an_authority_nobody_here_vouches_for_is_named(stamped, tmp_path, now):
    stranger = another_pki(tmp_path, now)

    report = custody.recheck(roots=[stranger.root.der])

    assert report.problems == []
    assert any("No given trust root vouches" in words for words in report.not_checked)


def test_a_revoked_authority_is_a_problem(stamped, guards_down, now):
    """The token's certificate was revoked before it was given: the stored lists say so."""
    pki = development_pki()
    stamp = stamped.stamps.get()
    leaf = x509.load_der_x509_certificate(base64.b64decode(stamp.certificates[0]))
    before = now - timedelta(days=1)
    revoked = x509.RevokedCertificateBuilder(leaf.serial_number, before).build()
    lists = x509.CertificateRevocationListBuilder(pki.issuing.certificate.subject)
    lists = lists.last_update(before).next_update(now + timedelta(days=30))
    lists = lists.add_revoked_certificate(revoked).sign(pki.issuing.key, hashes.SHA256())
    crl = base64.b64encode(lists.public_bytes(Encoding.DER)).decode()
    with guards_down(), connection.cursor() as cursor:
        cursor.execute("UPDATE evidence_stamp SET crls = %s", [f'["{crl}"]'])

    problems = custody.recheck(roots=current().roots).problems

    assert [problem.code for problem in problems] == ["token_authority"]
