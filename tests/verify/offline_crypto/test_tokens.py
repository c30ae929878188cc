"""CMS containers and time-stamp tokens, one thing wrong at a time."""

from __future__ import annotations

import hashlib
import random

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp

from evidence.verify.offline import cms, der
from evidence.verify.offline.tst import report_token, token_of, verify_token
from evidence.verify.offline.x509 import Trust

DATA = b"checkpoint\n"
IMPRINT = hashlib.sha256(DATA).digest()


@pytest.fixture(scope="module")
def token(kit, pki):
    return kit.token(pki.tsa, IMPRINT, certificates=[pki.ca])


@pytest.fixture(scope="module")
def verify(kit, pki):
    def of(token, data=DATA, trust=pki.trust, at=kit.NOW + kit.DAY, crls=pki.crls, **more):
        return verify_token(token, data, trust, (pki.ca.der,), crls, at, **more)

    return of


def test_a_good_token_holds(verify, token, kit, pki):
    facts = verify(token)

    assert facts.holds
    assert facts.time == kit.NOW
    assert facts.trust == "development"
    assert facts.info.policy == "1.3.6.1.4.1.61999.1.2"
    assert facts.info.accuracy.total_seconds() == 1
    assert facts.authority.raw == pki.tsa.der


def test_a_token_over_other_bytes_fails(verify, token):
    assert verify(token, b"checkpoint!").outcome_of("integrity") == "failed"


def test_a_digest_function_may_stand_for_the_bytes(verify, token):
    assert verify(token, lambda name: hashlib.new(name, DATA).digest()).holds


def test_a_token_without_its_bytes_says_so(kit, pki, token):
    facts = verify_token(token, None, pki.trust, (), pki.crls, kit.NOW)
    assert facts.outcome_of("imprint") == "not_checked"
    assert facts.outcome_of("integrity") == "passed"


@pytest.mark.parametrize("kind", ["p384", "rsa2048", "rsa4096"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_other_keys_and_digests_hold(kit, kind, digest):
    pki = kit.pki(tsa={"key": kit.new_key(kind)})
    imprint = hashlib.new(digest, DATA).digest()
    token = kit.token(pki.tsa, imprint, digest=digest, imprint_digest=digest, certificates=[pki.ca])
    assert verify_token(token, DATA, pki.trust, (), pki.crls, kit.NOW).holds


def test_a_weak_digest_is_named(kit, pki, verify):
    token = kit.token(pki.tsa, IMPRINT, digest="sha1")
    assert verify(token).outcome_of("algorithms") == "failed"
    weak = kit.token(pki.tsa, hashlib.sha1(DATA).digest(), imprint_digest="sha1")  # noqa: S324
    assert verify(weak).outcome_of("algorithms") == "failed"
    assert verify(weak).outcome_of("integrity") == "passed"


def test_an_unknown_digest_is_never_called_intact(kit, pki, verify):
    token = kit.token(pki.tsa, IMPRINT, digest="sha224")
    assert verify(token).outcome_of("integrity") == "failed"


def test_a_key_too_short_is_named(kit):
    pki = kit.pki(tsa={"key": kit.new_key("rsa1024")})
    token = kit.token(pki.tsa, IMPRINT, certificates=[pki.ca])
    facts = verify_token(token, DATA, pki.trust, (), pki.crls, kit.NOW)
    assert facts.outcome_of("algorithms") == "failed"


def test_a_signing_certificate_attribute_of_another_fails(kit, pki, verify):
    token = kit.token(pki.tsa, IMPRINT, signing_certificate=pki.signer)
    assert verify(token).outcome_of("integrity") == "failed"


def test_a_signer_that_is_missing_fails(kit, pki):
    stripped = _edited(kit.token(pki.tsa, IMPRINT), certificates=None)
    facts = verify_token(stripped, DATA, pki.trust, (), pki.crls, kit.NOW)
    assert facts.outcome_of("integrity") == "failed"
    assert verify_token(
        stripped, DATA, pki.trust, (pki.tsa.der, pki.ca.der), pki.crls, kit.NOW
    ).holds


def test_the_seal_certificate_may_not_stamp(kit, pki, verify):
    assert verify(kit.token(pki.signer, IMPRINT)).outcome_of("signer") == "failed"


def test_a_revoked_authority_fails(kit, pki, verify, token):
    crl = kit.crl(pki.ca, [(pki.tsa, kit.NOW - kit.DAY)])
    assert verify(token, crls=[pki.crls[0], crl]).outcome_of("revocation") == "failed"
    assert verify(token, crls=[]).outcome_of("revocation") == "not_checked"


def test_a_token_from_the_future_fails(kit, pki, verify):
    token = kit.token(pki.tsa, IMPRINT, at=kit.NOW + 9 * kit.DAY)
    assert verify(token).outcome_of("validity") == "failed"


def test_a_token_made_after_the_authority_expired_fails(kit):
    pki = kit.pki(tsa={"after": kit.NOW - kit.DAY})
    token = kit.token(pki.tsa, IMPRINT, certificates=[pki.ca])
    facts = verify_token(token, DATA, pki.trust, (), pki.crls, kit.NOW)
    assert facts.outcome_of("validity") == "failed"


def test_an_authority_that_expired_since_cannot_be_checked_any_more(kit, pki, verify, token):
    assert verify(token, at=kit.NOW + 4000 * kit.DAY).outcome_of("validity") == "not_checked"


def test_without_trust_the_chain_is_not_checked(verify, token):
    facts = verify(token, trust=Trust())
    assert facts.outcome_of("chain") == "not_checked"
    assert facts.outcome_of("integrity") == "passed"


def test_signed_attributes_out_of_der_order_are_refused(token):
    signed = cms.parse(token)
    attributes = der.parse(signed.signed_bytes).children()
    content = b"".join(one.raw for one in attributes)
    shuffled = b"".join(one.raw for one in reversed(attributes))
    with pytest.raises(der.DerError, match="order"):
        cms.parse(token.replace(content, shuffled))


@pytest.mark.parametrize("twice", ["certificates", "signer_infos"])
def test_parts_given_twice_are_refused(token, twice):
    info = asn1_cms.ContentInfo.load(token)
    parts = list(info["content"][twice])
    with pytest.raises((der.DerError, ValueError)):
        cms.parse(_edited(token, **{twice: parts + parts}))


def test_no_signer_is_refused(token):
    with pytest.raises((der.DerError, ValueError)):
        cms.parse(_edited(token, signer_infos=[]))


def test_missing_attributes_fail(kit, pki, verify, token):
    for name in ("content_type", "message_digest", "signing_certificate_v2"):
        info = asn1_cms.ContentInfo.load(token)
        signer = info["content"]["signer_infos"][0]
        kept = [one for one in signer["signed_attrs"] if one["type"].native != name]
        attributes = asn1_cms.CMSAttributes(kept)
        signer["signed_attrs"] = attributes
        signer["signature"] = kit.raw_sign(pki.tsa, attributes.dump())
        assert verify(info.dump(force=True)).outcome_of("integrity") == "failed", name


def test_no_flipped_byte_of_a_token_holds_unnoticed(verify, token, pki):
    """Certificates a token carries for convenience may differ; nothing else may."""
    spans = [(token.index(one), token.index(one) + len(one)) for one in (pki.tsa.der, pki.ca.der)]
    for place in range(len(token)):
        mutant = token[:place] + bytes((token[place] ^ 0x01,)) + token[place + 1 :]
        if verify(mutant).holds:
            assert any(start <= place < end for start, end in spans), place


def test_random_bytes_never_raise(verify, token):
    dice = random.Random(11)  # noqa: S311  # reproducible damage, no secret
    for _ in range(600):
        mutant = bytearray(token)
        for _ in range(dice.randrange(1, 5)):
            mutant[dice.randrange(len(mutant))] = dice.randrange(256)
        verify(bytes(mutant[: dice.randrange(len(mutant))] if dice.random() < 0.2 else mutant))
    for size in range(40):
        assert not verify(dice.randbytes(size)).holds


# Files.


def test_a_token_file_gets_a_report(kit, pki, token):
    report = report_token(
        token, pki.trust, kit.NOW, stamped=DATA, certificates=[pki.ca.der], crls=pki.crls
    )
    assert (report.kind, report.indication, report.trust) == (
        "token",
        "TOTAL_PASSED",
        "development",
    )


def test_a_token_file_without_revocation_data_is_incomplete(kit, pki, token):
    report = report_token(token, pki.trust, kit.NOW, stamped=DATA)
    assert (report.indication, report.reason) == ("INDETERMINATE", "incomplete")


def test_a_response_file_is_read_like_its_token(kit, pki, token):
    status = tsp.PKIStatusInfo({"status": tsp.PKIStatus("granted")})
    response = tsp.TimeStampResp(
        {"status": status, "time_stamp_token": asn1_cms.ContentInfo.load(token)}
    ).dump()

    assert token_of(response) == token
    assert report_token(response, pki.trust, kit.NOW, stamped=DATA, crls=pki.crls).passed


def test_an_altered_token_file_is_altered(kit, pki, token):
    report = report_token(token, pki.trust, kit.NOW, stamped=b"other", crls=pki.crls)
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"hello", b"\x30\x03\x02\x01\x00"])
def test_other_bytes_are_no_token(pki, data):
    report = report_token(data, pki.trust)
    assert (report.kind, report.indication, report.reason) == ("other", "INDETERMINATE", "not_ours")


def _edited(token, **parts):
    info = asn1_cms.ContentInfo.load(token)
    for name, value in parts.items():
        if value is None:
            del info["content"][name]
        else:
            info["content"][name] = value
    return info.dump(force=True)
