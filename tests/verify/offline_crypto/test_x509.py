"""Chains lead to given roots only, through issuers that may issue."""

from __future__ import annotations

import pytest
from cryptography import x509 as reference
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from evidence.verify.offline import der, revocation, x509
from evidence.verify.offline.x509 import Root, Trust, find_chain, parse


def trust_in(*identities, label="configured"):
    return Trust(tuple(Root(one.der, label) for one in identities))


def pool_of(*identities):
    return [parse(one.der) for one in identities]


def test_a_certificate_is_read(kit, pki):
    certificate = parse(pki.ca.der)

    assert certificate.is_ca
    assert certificate.path_length == 0
    assert certificate.may("key_cert_sign")
    assert not certificate.may("digital_signature")
    assert certificate.is_development
    assert certificate.serial == pki.ca.certificate.serial_number
    assert certificate.not_after == pki.ca.certificate.not_valid_after_utc
    assert certificate.fingerprint == pki.ca.certificate.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "rsa3072"])
def test_a_chain_of_any_supported_key_is_found(kit, kind):
    root = kit.identity("R", is_ca=True, key=kit.new_key(kind))
    ca = kit.identity("C", root, is_ca=True, key=kit.new_key(kind), digest=hashes.SHA384())
    leaf = kit.identity("L", ca)
    chain = find_chain(parse(leaf.der), pool_of(ca), trust_in(root), kit.NOW)

    assert chain is not None
    assert [one.raw for one in chain.certificates] == [leaf.der, ca.der, root.der]


def test_a_root_that_is_only_in_the_pool_is_no_anchor(kit, pki):
    other = kit.pki()
    pool = pool_of(pki.ca, pki.root)
    assert find_chain(parse(pki.signer.der), pool, trust_in(other.root), kit.NOW) is None
    assert find_chain(parse(pki.signer.der), pool, Trust(), kit.NOW) is None


def test_an_issuer_that_is_no_authority_is_refused(kit, pki):
    """The mistake of 2002: any certificate issuing further ones."""
    leaf = kit.identity("L", pki.signer)
    pool = pool_of(pki.signer, pki.ca)
    assert find_chain(parse(leaf.der), pool, trust_in(pki.root), kit.NOW) is None


def test_an_issuer_without_the_right_key_usage_is_refused(kit):
    root = kit.identity("R", is_ca=True)
    ca = kit.identity("C", root, is_ca=True, key_usage={"key_cert_sign": False})
    leaf = kit.identity("L", ca)
    assert find_chain(parse(leaf.der), pool_of(ca), trust_in(root), kit.NOW) is None


def test_a_path_longer_than_allowed_is_refused(kit):
    root = kit.identity("R", is_ca=True)
    first = kit.identity("A", root, is_ca=True, pathlen=0)
    second = kit.identity("B", first, is_ca=True)
    leaf = kit.identity("L", second)
    pool = pool_of(first, second)

    assert find_chain(parse(leaf.der), pool, trust_in(root), kit.NOW) is None
    assert find_chain(parse(second.der), pool, trust_in(root), kit.NOW) is not None


def test_an_unknown_critical_extension_is_refused(kit):
    root = kit.identity("R", is_ca=True)
    odd = reference.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    ca = kit.identity("C", root, is_ca=True, extra=odd)
    leaf = kit.identity("L", ca)

    assert parse(ca.der).unknown_critical == ("1.2.3.4",)
    assert find_chain(parse(leaf.der), pool_of(ca), trust_in(root), kit.NOW) is None


def test_an_issuer_for_another_purpose_is_refused(kit):
    root = kit.identity("R", is_ca=True)
    ca = kit.identity("C", root, is_ca=True, eku=[ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = kit.identity("L", ca)
    find = (parse(leaf.der), pool_of(ca), trust_in(root), kit.NOW)

    assert find_chain(*find, x509.TIME_STAMPING) is None
    assert find_chain(*find) is not None


def test_a_certificate_signed_with_sha1_has_no_chain(kit, monkeypatch):
    root = kit.identity("R", is_ca=True, key=kit.new_key("rsa2048"))
    leaf = kit.identity("L", root)
    assert find_chain(parse(leaf.der), [], trust_in(root), kit.NOW) is not None
    monkeypatch.setattr(x509, "signature_hash", lambda *_: "sha1")
    assert find_chain(parse(leaf.der), [], trust_in(root), kit.NOW) is None


def test_authorities_that_sign_each_other_end_the_search(kit):
    key_a, key_b = kit.new_key(), kit.new_key()
    a = kit.identity("A", is_ca=True, key=key_a)
    b = kit.identity("B", a, is_ca=True, key=key_b)
    loop = kit.identity("A", b, is_ca=True, key=key_a)
    leaf = kit.identity("L", b)
    root = kit.identity("R", is_ca=True)
    assert find_chain(parse(leaf.der), pool_of(loop, b), trust_in(root), kit.NOW) is None


def test_validity_is_asked_separately(kit, pki):
    leaf = parse(pki.signer.der)
    assert x509.outside_validity((leaf,), kit.NOW) is None
    assert "not yet" in str(x509.outside_validity((leaf,), kit.NOW - 400 * kit.DAY))
    assert "expired" in str(x509.outside_validity((leaf,), kit.NOW + 4000 * kit.DAY))


def test_a_flipped_byte_of_a_certificate_never_keeps_its_chain(kit, pki):
    good = pki.signer.der
    for place in range(len(good)):
        mutant = good[:place] + bytes((good[place] ^ 0x01,)) + good[place + 1 :]
        try:
            certificate = parse(mutant)
        except (der.DerError, ValueError, IndexError):
            continue
        assert find_chain(certificate, pool_of(pki.ca), pki.trust, kit.NOW) is None


def test_an_unknown_label_is_our_own_mistake(pki):
    with pytest.raises(ValueError, match="label"):
        Root(pki.root.der, "friendly")


# Revocation.


def status(pki, at, **lists):
    return revocation.status_of(parse(pki.signer.der), parse(pki.ca.der), at, **lists).outcome


def test_a_certificate_on_no_list_is_good(kit, pki):
    assert status(pki, kit.NOW, crls=pki.crls) == "good"


def test_no_list_says_nothing(kit, pki):
    assert status(pki, kit.NOW) == "unknown"
    assert status(pki, kit.NOW, crls=pki.crls[:1]) == "unknown"
    assert status(pki, kit.NOW, crls=[b"junk", b""]) == "unknown"


def test_a_revoked_certificate_is_revoked_from_that_day_on(kit, pki):
    crl = kit.crl(pki.ca, [(pki.signer, kit.NOW)], this=kit.NOW + kit.DAY)
    assert status(pki, kit.NOW + kit.DAY, crls=[crl]) == "revoked"
    assert status(pki, kit.NOW - kit.DAY, crls=[crl]) == "good"


def test_a_revocation_found_wins_over_a_good_answer(kit, pki):
    crl = kit.crl(pki.ca, [(pki.signer, kit.NOW - kit.DAY)])
    assert status(pki, kit.NOW, crls=[*pki.crls, crl]) == "revoked"


def test_an_overdue_list_says_nothing(kit, pki):
    crl = kit.crl(pki.ca, following=kit.NOW - kit.DAY / 2)
    assert status(pki, kit.NOW, crls=[crl]) == "unknown"


def test_a_list_signed_by_another_key_says_nothing(kit, pki):
    crl = kit.crl(pki.ca, key=kit.new_key())
    assert status(pki, kit.NOW, crls=[crl]) == "unknown"


def test_a_flipped_byte_of_a_list_never_makes_it_good(kit, pki):
    crl = kit.crl(pki.ca, [(pki.signer, kit.NOW - kit.DAY)])
    for place in range(len(crl)):
        mutant = crl[:place] + bytes((crl[place] ^ 0x01,)) + crl[place + 1 :]
        assert status(pki, kit.NOW, crls=[mutant]) == "unknown"


def ocsp_answer(kit, pki, *, responder=None, state=ocsp.OCSPCertStatus.GOOD, when=None, age=0):
    responder = responder or pki.ca
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=pki.signer.certificate,
        issuer=pki.ca.certificate,
        algorithm=hashes.SHA256(),
        cert_status=state,
        this_update=kit.NOW - age * kit.DAY,
        next_update=kit.NOW - age * kit.DAY + kit.DAY,
        revocation_time=when,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
    if responder is not pki.ca:
        builder = builder.certificates([responder.certificate])
    answer = builder.sign(responder.key, hashes.SHA256())
    return answer.public_bytes(serialization.Encoding.DER)


def test_an_ocsp_answer_of_the_issuer_counts(kit, pki):
    assert status(pki, kit.NOW, ocsps=[ocsp_answer(kit, pki)]) == "good"
    revoked = ocsp_answer(kit, pki, state=ocsp.OCSPCertStatus.REVOKED, when=kit.NOW - kit.DAY)
    assert status(pki, kit.NOW, ocsps=[revoked]) == "revoked"
    assert status(pki, kit.NOW - 2 * kit.DAY, ocsps=[revoked]) == "good"
    unknown = ocsp_answer(kit, pki, state=ocsp.OCSPCertStatus.UNKNOWN)
    assert status(pki, kit.NOW, ocsps=[unknown]) == "unknown"


def test_an_ocsp_answer_of_an_appointed_responder_counts(kit, pki):
    responder = kit.identity("O", pki.ca, eku=[ExtendedKeyUsageOID.OCSP_SIGNING])
    assert status(pki, kit.NOW, ocsps=[ocsp_answer(kit, pki, responder=responder)]) == "good"


def test_an_ocsp_answer_of_anybody_else_says_nothing(kit, pki):
    stranger = kit.pki()
    appointed_elsewhere = kit.identity("O", stranger.ca, eku=[ExtendedKeyUsageOID.OCSP_SIGNING])
    for responder in (pki.tsa, pki.signer, stranger.ca, appointed_elsewhere):
        answer = ocsp_answer(kit, pki, responder=responder)
        assert status(pki, kit.NOW, ocsps=[answer]) == "unknown"


def test_an_overdue_ocsp_answer_says_nothing(kit, pki):
    assert status(pki, kit.NOW, ocsps=[ocsp_answer(kit, pki, age=9)]) == "unknown"


def test_a_flipped_byte_of_an_ocsp_answer_never_counts(kit, pki):
    answer = ocsp_answer(kit, pki, state=ocsp.OCSPCertStatus.REVOKED, when=kit.NOW - kit.DAY)
    for place in range(len(answer)):
        mutant = answer[:place] + bytes((answer[place] ^ 0x01,)) + answer[place + 1 :]
        assert status(pki, kit.NOW, ocsps=[mutant]) != "good"


def test_an_issuer_whose_key_cannot_be_read_vouches_for_nobody(kit, pki):
    """Its curve's identifier ends in the middle of a number; random damage once met this."""
    curve = bytes.fromhex("06082a8648ce3d030107")
    damaged = pki.ca.der.replace(curve, curve[:-1] + b"\xa9", 1)
    certificate = parse(damaged)

    assert x509.key_strength_problem(certificate) == "malformed key"
    assert find_chain(parse(pki.signer.der), [certificate], trust_in(pki.root), kit.NOW) is None
