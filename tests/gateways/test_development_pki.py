from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509

from evidence.errors import StorageFailed
from evidence.gateways.development_pki import CRL_LIFETIME, DEVELOPMENT_POLICY_OID, ensure
from tests.pki.world import NOW


def test_a_second_call_returns_the_same_keys(folder):
    first, second = ensure(folder, NOW), ensure(folder, NOW)

    assert (first.seal.der, first.root.der) == (second.seal.der, second.root.der)
    assert first.crls == second.crls


def test_many_starters_at_once_agree_on_one_set_of_keys(folder):
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: ensure(folder, NOW), range(8)))

    assert len({result.seal.der for result in results}) == 1
    assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]


def test_private_keys_are_readable_by_the_owner_only(folder):
    ensure(folder, NOW)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")}

    assert modes == {0o600}


def test_every_name_says_development_and_every_leaf_carries_the_policy(pki):
    for pair in (pki.root, pki.issuing, pki.seal, pki.tsa):
        assert "Development" in pair.certificate.subject.rfc4514_string()
    for pair in (pki.issuing, pki.seal, pki.tsa):
        policies = pair.certificate.extensions.get_extension_for_class(x509.CertificatePolicies)
        oids = [policy.policy_identifier.dotted_string for policy in policies.value]
        assert oids == [DEVELOPMENT_POLICY_OID]


def test_revocation_lists_are_issued_again_long_before_they_run_out(folder):
    before = ensure(folder, NOW)

    later = NOW + CRL_LIFETIME - timedelta(days=300)
    after = ensure(folder, later)

    assert after.seal.der == before.seal.der
    assert all(x509.load_der_x509_crl(crl).last_update_utc > NOW for crl in after.crls)
    assert ensure(folder, later).crls == after.crls


def test_a_folder_of_something_else_is_refused(folder):
    folder.mkdir()
    (folder / "root.pem").write_text("not a certificate")

    with pytest.raises(StorageFailed):
        ensure(folder, NOW)
