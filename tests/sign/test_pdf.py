from __future__ import annotations

import asyncio
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from asn1crypto import cms, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from evidence.errors import SigningFailed, StampUnavailable, StorageFailed
from evidence.gateways.development_pki import build_crl, build_pair
from evidence.gateways.keys import SealKey
from evidence.gateways.local_authority import LocalAuthority
from evidence.gateways.revocation import FixedRevocation
from evidence.sign.pdf import embedded_certificates, renew_pdf, sign_pdf
from evidence.sign.protocols import Stamp
from evidence.verify.offline.files import trust_of
from evidence.verify.offline.pdf import report_pdf
from tests.pki.world import stampers, write_pdf


def embedded(path, index):
    with path.open("rb") as file:
        signature = PdfFileReader(file).embedded_signatures[index]
        return list(map(int, signature.byte_range)), bytes(signature.pkcs7_content)


def validate(path, pki, at):
    trust = SimpleTrustManager.build(trust_roots=[x509.Certificate.load(pki.root.der)])
    policy = CertValidationPolicySpec(
        trust_manager=trust,
        revinfo_policy=CertRevTrustPolicy(revocation_checking_policy=REQUIRE_REVINFO),
    )
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            policy, key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"})
        )
    )
    with path.open("rb") as file:
        signature = PdfFileReader(file).embedded_signatures[0]
        return asyncio.run(ades.ades_lta_validation(signature, spec))


def test_the_unsigned_bytes_stand_unchanged_at_the_start(sign, unsigned):
    signed, _ = sign()

    assert signed.read_bytes().startswith(unsigned.read_bytes())


def test_the_last_time_stamp_covers_the_file_to_its_last_byte(sign):
    signed, facts = sign()

    (start, first, second, length), _ = embedded(signed, -1)

    assert (start, second + length) == (0, signed.stat().st_size)
    gap = signed.read_bytes()[first:second]
    assert re.fullmatch(rb"<[0-9a-f]{65536}>", gap)
    assert facts.field_name == "TrueThreadTime1"


def test_contents_are_lower_case_hex_with_zeros_behind(sign):
    signed, _ = sign()

    (_, first, second, _), container = embedded(signed, 0)

    der = cms.ContentInfo.load(container).dump()
    digits = signed.read_bytes()[first + 1 : second - 1].decode()
    assert digits == der.hex().ljust(65536, "0")


def test_facts_agree_with_the_file(sign):
    signed, facts = sign()

    data = signed.read_bytes()

    (_, _, second, length), _ = embedded(signed, 0)
    assert facts.sha256 == sha256(data).hexdigest()
    assert facts.size == len(data)
    assert facts.certified_length == second + length


def test_pyhanko_finds_a_passed_lta_signature_that_allows_no_changes(sign, pki, clock):
    signed, _ = sign()

    result = validate(signed, pki, clock.now())

    assert result.ades_subindic.standard_name == "OK"
    assert result.api_status.bottom_line
    assert result.api_status.docmdp_ok
    assert result.api_status.modification_level.name == "LTA_UPDATES"


def test_the_token_inside_the_signature_is_the_stamp_byte_for_byte(sign):
    signed, facts = sign()

    _, container = embedded(signed, 0)

    assert facts.signature_stamp.token in container
    _, token = embedded(signed, 1)
    assert token.startswith(facts.document_stamp.token)


def test_nothing_but_catalog_form_page_and_store_changes_after_certification(sign):
    signed, facts = sign()

    tail = signed.read_bytes()[facts.certified_length :]

    assert tail.count(b"startxref") == 1
    assert b"/Metadata" not in tail
    assert b"/ModDate" not in tail
    assert b"/Version" not in signed.read_bytes()
    assert b"/XRef" not in tail
    assert b"/ObjStm" not in tail


def test_the_visible_stamp_can_be_read_and_embeds_its_font(sign, visible, foreign_tool):
    signed, _ = sign(visible=visible)

    text = subprocess.run([foreign_tool("pdftotext"), signed, "-"], capture_output=True, text=True)
    fonts = subprocess.run([foreign_tool("pdffonts"), signed], capture_output=True, text=True)

    assert "Certified: no changes allowed" in text.stdout
    assert re.search(r"TTSEAL\+\S+ +CID TrueType +Identity-H +yes yes yes", fonts.stdout)


def test_a_character_the_stamp_font_lacks_is_drawn_as_its_code_point(
    sign, visible, foreign_tool, font
):
    stamp = type(visible)(box=visible.box, lines=("信证 ok",), font=font)

    signed, _ = sign(visible=stamp)

    text = subprocess.run([foreign_tool("pdftotext"), signed, "-"], capture_output=True, text=True)
    assert "[U+4FE1][U+8BC1] ok" in text.stdout


@pytest.mark.foreign_tool("qpdf")
def test_qpdf_finds_nothing_wrong(sign, visible):
    signed, _ = sign(visible=visible)

    run = subprocess.run(["qpdf", "--check", signed], capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.foreign_tool("pdfsig")
def test_pdfsig_finds_the_signature_valid_and_the_last_one_total(sign):
    signed, _ = sign()

    run = subprocess.run(["pdfsig", "-nocert", signed], capture_output=True, text=True)

    assert "Signature Validation: Signature is Valid." in run.stdout
    assert run.stdout.count("Total document signed") == 1
    assert "ETSI.CAdES.detached" in run.stdout


@pytest.mark.foreign_tool("openssl")
def test_openssl_verifies_the_detached_container(sign, pki, clock, tmp_path):
    signed, _ = sign()
    (_, first, second, length), container = embedded(signed, 0)
    data = signed.read_bytes()
    (tmp_path / "covered").write_bytes(data[:first] + data[second : second + length])
    (tmp_path / "cms").write_bytes(cms.ContentInfo.load(container).dump())

    run = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", tmp_path / "cms", "-binary",
         "-content", tmp_path / "covered", "-CAfile", pki.root_pem, "-purpose", "any",
         "-attime", str(int(clock.now().timestamp())), "-out", "/dev/null"],
        capture_output=True, text=True,
    )  # fmt: skip

    assert run.returncode == 0, run.stderr


@pytest.mark.foreign_tool("openssl")
def test_openssl_verifies_both_tokens(sign, pki, clock, tmp_path):
    signed, facts = sign()
    data = signed.read_bytes()
    (_, first, second, length), _ = embedded(signed, 1)
    _, container = embedded(signed, 0)
    value = cms.ContentInfo.load(container)["content"]["signer_infos"][0]["signature"].native
    covered = data[:first] + data[second : second + length]

    for stamp, content in ((facts.signature_stamp, value), (facts.document_stamp, covered)):
        (tmp_path / "token").write_bytes(stamp.token)
        (tmp_path / "content").write_bytes(content)
        run = subprocess.run(
            ["openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-data",
             tmp_path / "content", "-CAfile", pki.root_pem,
             "-attime", str(int(clock.now().timestamp()))],
            capture_output=True, text=True,
        )  # fmt: skip
        assert "Verification: OK" in run.stdout, run.stderr


def test_an_rsa_key_signs_as_well(sign, pki, clock):
    from cryptography.hazmat.primitives.asymmetric import rsa

    pair = build_pair(
        "seal", issuer=pki.issuing, now=clock.now(),
        key=rsa.generate_private_key(public_exponent=65537, key_size=3072),
    )  # fmt: skip
    signer = SealKey(pair.der, pki.chain, pair.key, FixedRevocation(pki.crls))

    signed, _ = sign(signer=signer)

    assert validate(signed, pki, clock.now()).ades_subindic.standard_name == "OK"


def test_our_own_offline_verifier_agrees_also_after_a_renewal(
    sign, visible, stamper, pki, clock, tmp_path
):
    signed, _ = sign(visible=visible)
    renew_pdf(signed, tmp_path / "renewed.pdf", stamper=stamper)
    trust = trust_of([pki.root.der])

    for path in (signed, tmp_path / "renewed.pdf"):
        findings = {
            finding.check: finding.outcome
            for finding in report_pdf(path, trust, clock.now()).findings
        }
        assert findings.pop("time_independence") == "not_checked"
        assert findings.pop("completeness") == "not_checked"
        assert set(findings.values()) == {"passed"}, findings


def test_the_stamp_may_stand_on_a_later_page(sign, visible, foreign_tool):
    later = replace(visible, page=1)

    signed, _ = sign(visible=later)

    text = subprocess.run(
        [foreign_tool("pdftotext"), "-f", "2", "-l", "2", signed, "-"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Certified: no changes allowed" in text.stdout


def test_renewal_appends_one_update_and_covers_everything_again(
    sign, stamper, pki, clock, tmp_path
):
    signed, facts = sign()
    renewed = tmp_path / "renewed.pdf"
    clock.advance(timedelta(minutes=5))

    again = renew_pdf(signed, renewed, stamper=stamper, crls=pki.crls)

    (_, _, second, length), _ = embedded(renewed, -1)
    assert renewed.read_bytes().startswith(signed.read_bytes())
    assert second + length == renewed.stat().st_size
    assert (again.field_name, again.certified_length) == ("TrueThreadTime2", facts.certified_length)
    assert validate(renewed, pki, clock.now()).ades_subindic.standard_name == "OK"


def test_twelve_renewals_each_add_one_small_update(sign, stamper, pki, clock, tmp_path):
    current, facts = sign()
    for number in range(2, 14):
        clock.advance(timedelta(seconds=10))
        following = tmp_path / f"{number}.pdf"
        facts = renew_pdf(current, following, stamper=stamper)
        assert facts.field_name == f"TrueThreadTime{number}"
        assert following.stat().st_size - current.stat().st_size < 70_000
        current = following

    assert validate(current, pki, clock.now()).api_status.bottom_line


def test_certificates_for_a_renewal_can_be_read_back(sign, pki):
    signed, _ = sign()

    assert set(embedded_certificates(signed)) == {
        pki.seal.der, pki.issuing.der, pki.root.der, pki.tsa.der,
    }  # fmt: skip


class Switching:
    """A list whose first authority answers once and is gone afterwards."""

    def __init__(self, *stampers):
        self.stampers = list(stampers)

    def stamp(self, digest: bytes) -> Stamp:
        chosen = self.stampers.pop(0) if len(self.stampers) > 1 else self.stampers[0]
        return chosen.stamp(digest)


def test_fail_over_between_the_two_stamps_still_covers_the_second_authority(sign, pki, clock):
    second = build_pair("tsa", issuer=pki.issuing, now=clock.now())
    other = stampers(pki, clock, LocalAuthority(second, (pki.issuing.der,), clock))

    signed, facts = sign(stamper=Switching(stampers(pki, clock), other))

    assert second.der in embedded_certificates(signed)
    assert facts.signature_stamp.certificates[0] == pki.tsa.der
    assert facts.document_stamp.certificates[0] == second.der
    (_, _, end, length), _ = embedded(signed, -1)
    assert end + length == signed.stat().st_size
    assert validate(signed, pki, clock.now()).ades_subindic.standard_name == "OK"


def changed_signer(pki, clock, *, pair=None, crls=None):
    pair = pair or pki.seal
    return SealKey(pair.der, pki.chain, pair.key, FixedRevocation(crls or pki.crls))


def revoked(pki, clock):
    crl = build_crl(pki.issuing, now=clock.now(), revoked=(pki.seal.certificate,))
    return changed_signer(pki, clock, crls=(crl, pki.crls[1]))


def expired(pki, clock):
    past = clock.now() - timedelta(days=30)
    pair = build_pair("seal", issuer=pki.issuing, now=past, lifetime=timedelta(days=1))
    return changed_signer(pki, clock, pair=pair)


def without_lists(pki, clock):
    return SealKey(pki.seal.der, pki.chain, pki.seal.key, FixedRevocation(()))


def of_a_stranger(pki, clock):
    stranger = build_pair("root", issuer=None, now=clock.now())
    pair = build_pair("seal", issuer=stranger, now=clock.now())
    return changed_signer(pki, clock, pair=pair)


@pytest.mark.parametrize("spoil", [revoked, expired, without_lists, of_a_stranger])
def test_a_seal_certificate_that_is_not_good_signs_nothing(spoil, sign, pki, clock, tmp_path):
    with pytest.raises(SigningFailed):
        sign(signer=spoil(pki, clock))

    assert not (tmp_path / "signed.pdf").exists()


class Silent:
    def stamp(self, digest: bytes) -> Stamp:
        raise StampUnavailable("nobody answers")


def test_without_a_time_stamp_there_is_no_file_at_all(sign, tmp_path):
    with pytest.raises(StampUnavailable):
        sign(stamper=Silent())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["unsigned.pdf"]


def test_a_second_stamp_that_fails_leaves_no_file_either(sign, stamper, tmp_path):
    with pytest.raises(StampUnavailable):
        sign(stamper=Switching(stamper, Silent()))

    assert sorted(path.name for path in tmp_path.iterdir()) == ["unsigned.pdf"]


def test_a_file_signed_in_place_begins_with_what_was_drawn(sign, unsigned, tmp_path):
    drawn = unsigned.read_bytes()

    signed, facts = sign(consume=True)

    assert [path.name for path in tmp_path.iterdir()] == [signed.name]
    assert signed.read_bytes().startswith(drawn)
    assert facts.sha256 == sha256(signed.read_bytes()).hexdigest()


def test_a_stamp_that_fails_in_place_leaves_no_file_at_all(sign, stamper, tmp_path):
    with pytest.raises(StampUnavailable):
        sign(stamper=Switching(stamper, Silent()), consume=True)

    assert list(tmp_path.iterdir()) == []


def test_a_signed_file_is_not_signed_again(sign, signer, stamper, clock, tmp_path):
    signed, _ = sign()

    with pytest.raises(SigningFailed, match="already has a signature field"):
        sign_pdf(
            signed, tmp_path / "twice.pdf",
            signer=signer, stamper=stamper, reason="again", at=clock.now(),
        )  # fmt: skip


def test_a_file_that_is_not_ours_is_not_renewed(unsigned, stamper, tmp_path):
    with pytest.raises(SigningFailed, match="our certification signature"):
        renew_pdf(unsigned, tmp_path / "renewed.pdf", stamper=stamper)


@pytest.mark.parametrize("junk", [b"", b"%PDF-1.7\n", b"not a PDF" * 100])
def test_junk_is_refused_as_a_document(junk, signer, stamper, clock, tmp_path):
    (tmp_path / "junk.pdf").write_bytes(junk)

    with pytest.raises(SigningFailed):
        sign_pdf(
            tmp_path / "junk.pdf", tmp_path / "signed.pdf",
            signer=signer, stamper=stamper, reason="junk", at=clock.now(),
        )  # fmt: skip


def test_a_folder_that_cannot_be_written_is_a_storage_failure(
    unsigned, signer, stamper, clock, tmp_path
):
    with pytest.raises(StorageFailed):
        sign_pdf(
            unsigned, tmp_path / "missing" / "signed.pdf",
            signer=signer, stamper=stamper, reason="nowhere", at=clock.now(),
        )  # fmt: skip


def test_signing_works_inside_a_running_event_loop(sign):
    async def inside() -> Path:
        return sign()[0]

    assert asyncio.run(inside()).exists()


def test_memory_stays_flat_while_a_large_file_is_signed(signer, stamper, clock, tmp_path):
    import tracemalloc

    big = write_pdf(tmp_path / "big.pdf", pages=1)
    padding = b"% " + b"x" * 1_000_000 + b"\n"
    head, tail = big.read_bytes()[:9], big.read_bytes()[9:]
    shift = 40 * len(padding)
    with big.open("wb") as file:
        file.write(head)
        for _ in range(40):
            file.write(padding)
        file.write(shifted(tail, shift))

    tracemalloc.start()
    sign_pdf(
        big, tmp_path / "signed.pdf",
        signer=signer, stamper=stamper, reason="large", at=clock.now(),
    )  # fmt: skip
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert big.stat().st_size > 40_000_000
    assert peak < 12_000_000


def shifted(tail: bytes, by: int) -> bytes:
    """Move every offset of a classic xref table by ``by`` bytes."""
    tail = re.sub(
        rb"^(\d{10}) (\d{5}) n", lambda m: b"%010d %s n" % (int(m[1]) + by, m[2]), tail,
        flags=re.MULTILINE,
    )  # fmt: skip
    return re.sub(rb"startxref\n(\d+)", lambda m: b"startxref\n%d" % (int(m[1]) + by), tail)
