"""Each attack has its name; the attacker has a genuine time-stamp authority at hand."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from evidence.verify.offline.pdf import report_pdf
from evidence.verify.offline.x509 import Root, Trust


@pytest.fixture(scope="module")
def judge(kit, pki):
    """Judge a file under the test root and expect it not to pass."""

    def of(pdf, trust=pki.trust, at=kit.NOW):
        return report_pdf(pdf, trust, at)

    return of


@pytest.fixture
def update(kit, good, pki):
    return kit.update(good, pki)


def refused(report, *checks):
    """Assert that the report calls the file altered and that each check failed."""
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")
    for check in checks:
        assert "failed" in {one.outcome for one in report.of(check)}, check
    return True


def swap(data, old, new, count=1):
    assert data.count(old) >= 1, old
    return data.replace(old, new, count)


# Honest counterparts.


def test_a_good_file_passes(judge, good):
    report = judge(good)

    assert (report.indication, report.reason, report.trust) == ("TOTAL_PASSED", "ok", "development")
    assert report.of("level")[0].detail == "PAdES B-LTA."


def test_the_handmade_update_passes_when_nothing_is_changed(judge, update):
    assert judge(update.build()).passed


def test_a_renewed_file_passes(judge, kit, good, pki):
    renewed = kit.stamp(good, pki)
    twice = kit.stamp(renewed, pki, field_name="TrueThreadTime3", dss=False)

    assert judge(renewed).passed
    assert judge(twice).passed


def test_a_path_gives_the_verdict_of_its_bytes(judge, good, tmp_path):
    path = tmp_path / "good.pdf"
    path.write_bytes(good)

    assert judge(path).passed


@pytest.mark.parametrize("kind", ["p384", "rsa2048", "rsa3072"])
def test_files_of_other_keys_pass(judge, kit, kind):
    pki = kit.pki(signer={"key": kit.new_key(kind)}, tsa={"key": kit.new_key(kind)})
    for digest in ("sha256", "sha384", "sha512"):
        pdf = kit.sign(kit.unsigned(), pki, digest=digest)
        assert judge(pdf, trust=pki.trust).passed


def test_what_looks_like_a_byte_range_in_an_attachment_is_passed_over(judge, kit, pki):
    decoys = b"".join(b"/ByteRange [0 %d %d %d] " % (n, n + 9, n) for n in range(100, 130))
    pdf = kit.sign(_with_stream(kit.unsigned(), decoys + b"(TrueThreadSeal)"), pki)

    assert pdf.index(b"/ByteRange [0 100") < pdf.index(b"/Type /Sig")
    assert judge(pdf).passed


# Plain alterations.


def test_a_byte_in_a_page_is_noticed(judge, good):
    place = good.index(b"stream\n") + 20
    assert refused(judge(_flip(good, place)), "integrity")


def test_a_byte_in_the_signature_is_noticed(judge, good):
    place = good.index(b"/Contents <30") + 4000
    assert refused(judge(_flip(good, place, 3)), "integrity")


def test_a_byte_in_the_security_store_is_noticed(judge, good):
    place = good.rindex(b"/Certs")
    place = good.rindex(b"stream\n", 0, place) + 60
    assert refused(judge(_flip(good, place)))


def test_a_byte_in_the_last_token_is_noticed(judge, good):
    start = good.rindex(b"/Contents <30") + 11
    for offset in (40, 400, 1400, 2500, 2900):
        assert not judge(_flip(good, start + offset, 1)).passed


def test_upper_case_hex_is_noticed(judge, good):
    start = good.rindex(b"/Contents <30") + 11
    place = re.search(rb"[a-f]", good[start:]).start() + start
    assert not judge(good[:place] + good[place : place + 1].upper() + good[place + 1 :]).passed


def test_a_certificate_slipped_into_the_last_token_is_noticed(judge, kit, pki, good):
    """No digest covers the last token's certificates; even a real one must be accounted for."""
    for extra in (kit.identity("Anybody", is_ca=True), kit.identity("Real", pki.ca)):
        stamper = kit.stamper(pki)
        forged = kit.stamp(good, pki, stamper=kit.stamper(pki, extra=[extra]), dss=False)
        assert kit.stamp(good, pki, stamper=stamper, dss=False) != forged
        assert refused(judge(forged), "structure")


def test_padding_other_than_zeros_is_noticed(judge, good):
    place = good.rindex(b"0>\n/ByteRange")
    assert refused(judge(good[:place] + b"1" + good[place + 1 :]), "structure")


@pytest.mark.parametrize("tail", [b"\n", b" ", b"%", b"x", b"%%EOF\n", b"\x00" * 100])
def test_appended_bytes_are_noticed(judge, good, tail):
    assert refused(judge(good + tail), "coverage")


def test_a_cut_off_end_is_noticed(judge, good):
    assert refused(judge(good[:-1]), "coverage")
    assert refused(judge(good[:-3000]), "structure")


def test_a_file_without_its_time_stamp_revision_is_incomplete_not_passed(judge, good):
    end = [found.end() for found in re.finditer(rb"%%EOF\n", good)][1]
    report = judge(good[:end])

    assert (report.indication, report.reason) == ("INDETERMINATE", "incomplete")
    assert report.of("integrity")[0].outcome == "passed"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Reason (Sealed conversation evidence)", b"/Reason (Signed conversation evidence)"),
        (b"/Name (TrueThread)", b"/Name (TrueThrust)"),
        (b"/P 1", b"/P 3"),
        (b"/SubFilter /ETSI.CAdES.detached", b"/SubFilter /adbe.pkcs7.detached"),
    ],
)
def test_a_changed_value_in_the_signature_dictionary_is_noticed(judge, good, old, new):
    assert refused(judge(swap(good, old, new)), "integrity")


# Universal signature forgery: parts of the signature taken away.


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (rb"/Contents <3[0-9a-f]+>", b"/Contents null"),
        (rb"/Contents <3[0-9a-f]+>", b"/Contents <>"),
        (rb"/Contents <3[0-9a-f]+>", b"/Contents <00>"),
        (rb"/Contents <3[0-9a-f]+>", b""),
        (rb"/ByteRange \[0 \d+ \d+ \d+\]", b""),
        (rb"/ByteRange \[0 \d+ \d+ \d+\]", b"/ByteRange null"),
        (rb"/ByteRange \[0 \d+ \d+ \d+\]", b"/ByteRange []"),
        (rb"/ByteRange \[0 \d+ \d+ \d+\]", b"/ByteRange [0 -1 5 10]"),
        (rb"/ByteRange \[0 \d+ \d+ \d+\]", b"/ByteRange [0 0 0 0]"),
    ],
)
@pytest.mark.parametrize("count", [1, 0], ids=["seal", "all"])
def test_universal_signature_forgery_is_noticed(judge, good, pattern, new, count):
    assert refused(judge(re.sub(pattern, new, good, count=count)), "integrity")


def test_a_swapped_byte_range_is_noticed(judge, good):
    found = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", good)
    before, after, length = found.groups()
    for forged in (
        b"/ByteRange [%s %s 0 %s]" % (after, length, before),
        b"/ByteRange [0 %s %s %s]" % (before, before, length),
        b"/ByteRange [1 %s %s %s]" % (before, after, length),
        b"/ByteRange [0 %s %s %s]" % (before, after, b"%d" % (int(length) - 1)),
    ):
        assert refused(judge(swap(good, found[0], forged.ljust(len(found[0])))), "integrity")


# Incremental saving and signature wrapping, with a fresh token over the forged file.


def test_a_new_token_over_a_forged_page_is_noticed(judge, update, good):
    """The incremental page replacement of ISA, then an honest time-stamp over everything."""
    page = update.number_of(b"/Type /Page\n")
    update.edit(page, b"/Contents 8 0 R", b"/Contents 99 0 R")
    update.objects.append((99, b"<<\n/Length 11\n>>\nstream\nI owe you 9\nendstream"))
    update.trailer = re.sub(rb"/Size \d+", b"/Size 100", update.trailer)

    assert refused(judge(update.build()), "revisions", "docmdp")


def test_a_replaced_content_stream_is_noticed(judge, update):
    update.objects.append((8, b"<<\n/Length 11\n>>\nstream\nI owe you 9\nendstream"))
    assert refused(judge(update.build()), "revisions")


def test_a_page_replaced_in_a_revision_before_the_token_is_noticed(judge, kit, good, pki):
    body = re.search(rb"\n8 0 obj\n", good)
    assert body is not None
    out = good + b"8 0 obj\n<<\n/Length 3\n>>\nstream\nBT \nendstream\nendobj\n"
    start = len(out)
    previous = re.findall(rb"startxref\n(\d+)", good)[-1]
    trailer = re.findall(rb"trailer\n<<(.*?)>>\nstartxref", good, re.DOTALL)[-1]
    trailer = re.sub(rb"/Prev \d+", b"/Prev " + previous, trailer)
    out += b"xref\n8 1\n%010d 00000 n \n" % len(good)
    out += b"trailer\n<<" + trailer + b">>\nstartxref\n%d\n%%%%EOF\n" % start

    assert refused(judge(kit.stamp(out, pki)), "revisions")
    assert refused(judge(out), "revisions", "coverage")


def test_a_byte_range_stretched_over_an_empty_xref_tail_is_noticed(judge, good):
    """ISA-B: replacement objects, an empty table and no %%EOF; two libraries accept it."""
    start = len(good) + 60
    forged = good + b"8 0 obj\n<</Length 3>>\nstream\nBT \nendstream\nendobj\n".ljust(60)
    forged += b"xref\ntrailer <</Root 1 0 R>>\nstartxref %d" % start
    assert refused(judge(forged), "coverage", "revisions")

    found = re.findall(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]", good)[-1]
    old = b"/ByteRange [0 %s %s %s]" % found
    stretched = b"/ByteRange [0 %s %s %d]" % (found[0], found[1], len(forged) - int(found[1]))
    assert refused(judge(swap(forged, old, stretched)), "revisions")


def test_an_empty_xref_tail_under_a_fresh_token_is_noticed(judge, update):
    forged = b"8 0 obj\n<</Length 3>>\nstream\nBT \nendstream\nendobj\n"
    start = len(update.before) + len(forged)
    update.before += forged + b"xref\ntrailer <</Root 1 0 R>>\nstartxref %d\n" % start

    assert refused(judge(update.build()), "revisions")


def test_an_unknown_object_is_noticed(judge, update):
    update.objects.append((90, b"<<\n/S /JavaScript\n/JS (app.alert\\(1\\))\n>>"))
    update.trailer = re.sub(rb"/Size \d+", b"/Size 91", update.trailer)
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Type /Catalog", b"/Type /Catalog\n/OpenAction << /S /JavaScript /JS (1) >>"),
        (b"/Type /Catalog", b"/Type /Catalog\n/Collection << >>"),
        (b"/PageMode /UseNone", b"/PageMode /FullScreen"),
        (b"/DocMDP 18 0 R", b"/DocMDP 27 0 R"),
        (b"/Names 11 0 R", b"/Names << >>"),
        (b"/Pages 2 0 R", b"/Pages 3 0 R"),
        (b"/AcroForm 16 0 R", b"/AcroForm << /Fields [ 17 0 R 27 0 R 30 0 R ] /SigFlags 3 >>"),
        (b"/AcroForm 16 0 R", b""),
        (b"/DSS 26 0 R", b""),
        (b"/DSS 26 0 R", b"/DSS 11 0 R"),
        (b"/Extensions <<", b"/Extensions <<\n/EVIL << /X 1 >>"),
    ],
)
def test_a_changed_catalog_is_noticed(judge, update, old, new):
    update.edit(1, old, new)
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize(
    ("key", "body"),
    [
        (b"/Extensions", b"<<\n/Type /Extensions\n>>"),
        (b"/DSS", b"<<\n/Type /DSS\n>>"),
        (b"/AcroForm", b"<<\n/Fields [ 17 0 R 27 0 R 30 0 R ]\n/SigFlags 3\n>>"),
    ],
)
def test_an_old_object_made_part_of_the_catalog_is_noticed(judge, update, key, body):
    """Page content declared to be, say, the list of extensions, and emptied on the way."""
    update.edit(1, b"/Type /Catalog", b"/Type /Catalog")
    catalog = dict(update.objects)[1]
    pattern = key + rb" (?:\d+ 0 R|<<.*?\]\n>>)"
    changed = re.sub(pattern, key + b" 8 0 R", catalog, flags=re.DOTALL)
    assert changed != catalog
    update.edit(1, catalog, changed)
    update.objects.append((8, body))
    assert refused(judge(update.build()), "revisions")


def test_a_list_of_annotations_lent_from_an_old_object_is_noticed(judge, update):
    page = update.number_of(b"/Type /Page\n")
    update.edit(page, b"/Annots [ 17 0 R 27 0 R 30 0 R ]", b"/Annots 13 0 R")
    update.objects.append((13, b"[ 17 0 R 27 0 R 30 0 R ]"))
    assert refused(judge(update.build()), "revisions")


def test_an_added_annotation_is_noticed(judge, update):
    page = update.number_of(b"/Type /Page\n")
    note = b"<<\n/Type /Annot\n/Subtype /FreeText\n/Rect [ 9 9 300 300 ]\n/Contents (paid)\n>>"
    update.edit(page, b"30 0 R ]", b"30 0 R 90 0 R ]")
    update.objects.append((90, note))
    update.trailer = re.sub(rb"/Size \d+", b"/Size 91", update.trailer)
    assert refused(judge(update.build()), "revisions")


def test_an_annotation_in_place_of_the_field_is_noticed(judge, update):
    page = update.number_of(b"/Type /Page\n")
    update.edit(page, b"17 0 R 27 0 R 30 0 R", b"17 0 R 30 0 R")
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"17 0 R 27 0 R 30 0 R", b"27 0 R 30 0 R"),
        (b"17 0 R 27 0 R 30 0 R", b"17 0 R 30 0 R"),
        (b"17 0 R 27 0 R 30 0 R", b"30 0 R 27 0 R 17 0 R"),
        (b"17 0 R 27 0 R 30 0 R", b"17 0 R 27 0 R 30 0 R 30 0 R"),
        (b"17 0 R 27 0 R 30 0 R", b"17 0 R 27 0 R"),
        (b"/SigFlags 3", b"/SigFlags 3\n/NeedAppearances true"),
        (b"/SigFlags 3", b"/SigFlags 0"),
        (b"/SigFlags 3", b"/SigFlags 3\n/XFA (x)"),
    ],
)
def test_a_changed_form_is_noticed(judge, update, old, new):
    update.edit(16, old, new)
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 300 300 ]"),
        (b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 0 0 ]\n/AP << /N 8 0 R >>"),
        (b"/TU (Timestamp)", b"/TU (Checked by the court)"),
        (b"(TrueThreadTime2)", b"(TrueThreadSeal)"),
        (b"(TrueThreadTime2)", b"(TrueThreadTime1)"),
        (b"(TrueThreadTime2)", b"(Forged text)"),
        (b"/FT /Sig", b"/FT /Tx"),
        (b"/FT /Sig", b"/FT /Sig\n/AA << >>"),
        (b"/V 31 0 R", b"/V 28 0 R"),
        (b"/V 31 0 R", b"/V 18 0 R"),
        (b"/V 31 0 R", b""),
        (b"/P 3 0 R", b"/P 2 0 R"),
    ],
)
def test_a_time_stamp_field_with_something_else_is_noticed(judge, update, old, new):
    update.edit(30, old, new)
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/Type /DocTimeStamp", b"/Type /Sig"),
        (b"/SubFilter /ETSI.RFC3161", b"/SubFilter /ETSI.CAdES.detached"),
        (b"/SubFilter /ETSI.RFC3161", b"/SubFilter /ETSI.RFC3161\n/Reason (paid in full)"),
        (b"/SubFilter /ETSI.RFC3161", b"/SubFilter /ETSI.RFC3161\n/Name (The Court)"),
    ],
)
def test_a_second_signature_or_a_text_in_the_stamp_is_noticed(judge, update, old, new):
    update.edit(31, old, new)
    assert refused(judge(update.build()), "revisions")


def test_a_second_signature_by_another_signer_is_noticed(judge, kit, good, pki, monkeypatch):
    import io

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    other = kit.identity("Second", pki.ca)
    signer = signers.SimpleSigner(
        signing_cert=other.asn1, signing_key=other.key_info, cert_registry=None
    )
    out = io.BytesIO()
    metadata = signers.PdfSignatureMetadata(
        field_name="Second", md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    monkeypatch.setattr(signers.PdfSigner, "_enforce_certification_constraints", lambda *_: None)
    signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(good)), metadata, signer, output=out)

    assert refused(judge(out.getvalue()), "revisions")


# The table and the bytes between.


def test_an_xref_entry_pointing_elsewhere_is_noticed(judge, update):
    page = update.number_of(b"/Type /Page\n")
    update.table = lambda rows: re.sub(rb"(\n%d 1\n)\d{10}" % page, rb"\g<1>0000000099", rows)
    assert refused(judge(update.build()), "revisions")


def test_an_xref_entry_for_an_old_object_is_noticed(judge, update):
    update.table = lambda rows: rows + b"8 1\n0000000099 00000 n \n"
    assert refused(judge(update.build()), "revisions")


def test_a_freed_object_is_noticed(judge, update):
    update.table = lambda rows: rows + b"8 1\n0000000000 00001 f \n"
    assert refused(judge(update.build()), "revisions")


def test_an_object_left_out_of_the_table_is_noticed(judge, update):
    update.table = lambda rows: re.sub(rb"30 1\n.{20}", b"", rows, flags=re.DOTALL)
    assert refused(judge(update.build()), "revisions")


def test_a_duplicated_object_is_noticed(judge, update):
    update.objects.append(update.objects[0])
    assert refused(judge(update.build()), "revisions")


def test_a_hybrid_xref_is_noticed(judge, update):
    update.trailer = swap(update.trailer, b"/Size", b"/XRefStm 99\n/Size")
    assert refused(judge(update.build()), "revisions")


def test_an_object_stream_revision_is_noticed(judge, update):
    inner = b"8 0 << /Length 0 >>"
    body = b"<<\n/Type /ObjStm\n/N 1\n/First 4\n/Length %d\n>>\nstream\n%s\nendstream"
    update.objects.append((90, body % (len(inner), inner)))
    update.trailer = re.sub(rb"/Size \d+", b"/Size 91", update.trailer)
    assert refused(judge(update.build()), "revisions")


def test_a_cross_reference_stream_is_noticed(judge, good):
    body = b"<< /Type /XRef /Size 40 /W [1 2 1] /Root 1 0 R /Length 4 >>\nstream\nabcd\nendstream"
    forged = good + b"40 0 obj\n" + body + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(good)
    assert refused(judge(forged), "revisions")


@pytest.mark.parametrize(
    "between", [b"% comment\n", b"\n", b" ", b"garbage\n", b"8 0 obj null endobj "]
)
def test_bytes_between_objects_are_noticed(judge, update, between):
    update.between = between
    assert refused(judge(update.build()), "revisions")


def test_a_comment_inside_an_object_is_noticed(judge, update):
    update.edit(1, b"/Type /Catalog", b"/Type % hidden\n/Catalog")
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize("end", [b"%%EOF", b"%%EOF\n\n", b"%%EOF\n%\n", b"%%EOF\r\n", b"\n%%EOF\n"])
def test_another_end_of_the_revision_is_noticed(judge, update, end):
    update.end = end
    assert refused(judge(update.build()), "revisions")


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (rb"/Prev \d+", b"/Prev 9"),
        (rb"/Prev \d+", b""),
        (rb"/Root 1 0 R", b"/Root 11 0 R"),
        (rb"/Info 9 0 R", b"/Info 10 0 R"),
        (rb"/Size \d+", b"/Size 5"),
        (rb"/Size \d+", b"/Size 5000"),
        (rb"/Size", b"/Encrypt << >>\n/Size"),
        (rb"/Size", b"/Extra (x)\n/Size"),
        (rb"/ID \[ <..", b"/ID [ <00"),
    ],
)
def test_a_changed_trailer_is_noticed(judge, update, pattern, new):
    update.trailer = re.sub(pattern, new, update.trailer, count=1)
    assert refused(judge(update.build()), "revisions")


def test_a_revision_without_a_time_stamp_is_noticed(judge, good):
    start = len(good)
    previous = re.findall(rb"startxref\n(\d+)", good)[-1]
    trailer = re.findall(rb"trailer\n(<<.*?>>)\nstartxref", good, re.DOTALL)[-1]
    trailer = re.sub(rb"/Prev \d+", b"/Prev " + previous, trailer)
    forged = good + b"xref\n0 0\ntrailer\n" + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % start
    assert refused(judge(forged), "revisions")


def test_more_certificates_and_lists_are_no_harm(judge, kit, pki, good):
    more = kit.Pki(pki.root, pki.ca, pki.signer, pki.tsa, [*pki.crls, *kit.pki().crls])
    assert judge(kit.stamp(good, more)).passed


def test_a_store_entry_that_is_an_old_object_is_noticed(judge, update):
    update.objects.append(
        (26, b"<<\n/Certs [ 20 0 R 21 0 R 22 0 R 23 0 R 8 0 R ]\n/CRLs [ 24 0 R 25 0 R ]\n>>")
    )
    assert refused(judge(update.build()), "revisions")


def test_a_store_that_loses_its_lists_is_noticed(judge, update):
    update.objects.append((26, b"<<\n/Certs [ 20 0 R 21 0 R 22 0 R 23 0 R ]\n>>"))
    assert refused(judge(update.build()), "revisions")


def test_a_store_entry_that_is_no_der_is_noticed(judge, update):
    update.objects.append(
        (26, b"<<\n/Certs [ 20 0 R 21 0 R 22 0 R 23 0 R 32 0 R ]\n/CRLs [ 24 0 R 25 0 R ]\n>>")
    )
    update.objects.append((32, b"<<\n/Length 4\n>>\nstream\n%PDF\nendstream"))
    update.trailer = re.sub(rb"/Size \d+", b"/Size 33", update.trailer)
    assert refused(judge(update.build()), "revisions")


# Signers and authorities.


def test_another_signer_is_intact_but_not_trusted(judge, kit, pki):
    stranger = kit.pki(signer={"policy": None}, tsa={"policy": None})
    report = judge(kit.sign(kit.unsigned(), stranger))

    assert (report.indication, report.reason, report.trust) == (
        "INDETERMINATE", "signer_not_trusted", "none",
    )  # fmt: skip
    assert {one.outcome for one in report.of("integrity")} == {"passed"}


def test_a_development_chain_without_its_root_is_named_so(judge, good):
    report = judge(good, trust=Trust())
    assert (report.indication, report.reason, report.trust) == (
        "INDETERMINATE", "development_trust", "none",
    )  # fmt: skip


def test_a_root_inside_the_file_is_no_anchor(judge, kit, good):
    other = kit.pki()
    assert not judge(good, trust=other.trust).passed


def test_a_signer_expired_at_the_time_of_the_seal_fails(judge, kit):
    expired = kit.pki(signer={"after": kit.NOW - timedelta(hours=1)})
    report = judge(_sign(kit, expired), trust=expired.trust)
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "signer_not_trusted")
    assert report.of("validity")[0].outcome == "failed"


def test_a_signer_revoked_before_the_seal_fails(judge, kit):
    revoked = kit.pki(revoked=kit.NOW - timedelta(hours=30))
    report = judge(_sign(kit, revoked), trust=revoked.trust)

    assert (report.indication, report.reason) == ("TOTAL_FAILED", "signer_not_trusted")
    assert report.of("revocation")[0].outcome == "failed"


def test_a_signer_revoked_after_the_seal_still_stands(judge, kit):
    pki = kit.pki()
    revoked = [(pki.signer, kit.NOW + kit.DAY)]
    late = kit.crl(pki.ca, revoked, this=kit.NOW + 2 * kit.DAY, following=kit.NOW + 9 * kit.DAY)
    pdf = kit.sign(kit.unsigned(), pki)
    pki.crls = [pki.crls[0], late]
    renewed = kit.stamp(pdf, pki, at=kit.NOW + 3 * kit.DAY)

    assert judge(renewed, trust=pki.trust, at=kit.NOW + 4 * kit.DAY).passed


def test_an_authority_without_the_right_purpose_fails(judge, kit):
    from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

    for tsa in (
        {"eku": [Purpose.CODE_SIGNING]},
        {"eku": [Purpose.TIME_STAMPING, Purpose.CODE_SIGNING]},
        {"eku_critical": False},
    ):
        wrong = kit.pki(tsa=tsa)
        report = judge(_sign(kit, wrong), trust=wrong.trust)
        assert not report.passed
        assert report.of("time_stamp")[0].outcome == "failed"


def test_a_later_token_of_an_unknown_authority_is_not_trusted(judge, kit, update):
    update.stamper = kit.pki().tsa
    report = judge(update.build())
    assert report.indication != "TOTAL_PASSED"
    assert report.of("time_stamp")[1].outcome == "not_checked"


def test_a_file_past_the_life_of_its_last_token_asks_for_renewal(judge, kit, good):
    report = judge(good, at=kit.NOW + 2000 * kit.DAY)
    assert report.indication == "INDETERMINATE"
    assert "No longer verifiable unaided" in report.of("time_stamp")[0].detail


def test_a_weak_digest_is_named(judge, kit):
    pki = kit.pki()
    pdf = kit.sign(kit.unsigned(), pki, stamper=kit.stamper(pki, digest="sha1"))
    report = judge(pdf, trust=pki.trust)

    assert report.indication == "INDETERMINATE"
    assert "weaker than SHA-256" in report.of("time_stamp")[0].detail


def test_a_signature_that_certifies_less_than_no_changes_fails(judge, kit, pki):
    from pyhanko.sign.fields import MDPPerm

    pdf = kit.sign(kit.unsigned(), pki, permissions=MDPPerm.ANNOTATE)
    assert refused(judge(pdf), "docmdp")


def test_an_approval_signature_in_the_field_of_the_seal_fails(judge, kit, pki):
    assert refused(judge(kit.sign(kit.unsigned(), pki, certify=False)), "structure")


def test_only_the_expected_signer_passes_where_one_is_expected(judge, pki, good):
    import hashlib

    mine = hashlib.sha256(pki.signer.der).hexdigest()
    roots = pki.trust.roots
    assert judge(good, trust=Trust(roots, frozenset({mine}))).passed
    report = judge(good, trust=Trust(roots, frozenset({"00" * 32})))
    assert (report.indication, report.reason) == ("INDETERMINATE", "signer_not_trusted")


def test_a_development_certificate_is_never_shown_as_public(judge, pki, good):
    trust = Trust((Root(pki.root.der, "public"),))
    assert judge(good, trust=trust).trust == "development"


# Other files.


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_ours"),
        (b"hello", "not_ours"),
        (b"%PDF-1.7\n%%EOF\n", "no_signature"),
        (b"%PDF-1.7\n(TrueThreadSeal)", "altered"),
        (b"%PDF-1.7\n/ByteRange [0 1 2 3]", "not_ours"),
        (b"%PDF-1.7\n(TrueThreadSeal)/ByteRange [" + b"[" * 100_000, "altered"),
        (b"%PDF-1.7\n(TrueThreadSeal)" + b"/ByteRange [0 9 10 1]" * 10_000, "altered"),
    ],
)
def test_any_bytes_get_a_verdict(judge, data, reason):
    report = judge(data)
    assert report.reason == reason
    assert not report.passed


def test_an_unsigned_pdf_of_ours_has_no_signature(judge, kit):
    assert judge(kit.unsigned()).reason == "no_signature"


def test_a_signed_pdf_of_somebody_else_is_not_ours_but_intact(judge, kit, pki):
    pdf = kit.sign(kit.unsigned(), pki, field_name="Signature1", time_name="Time")
    report = judge(pdf)

    assert (report.indication, report.reason) == ("INDETERMINATE", "not_ours")
    assert [one.outcome for one in report.of("integrity")] == ["passed", "passed"]


def test_an_altered_pdf_of_somebody_else_is_altered(judge, kit, pki):
    pdf = kit.sign(kit.unsigned(), pki, field_name="Signature1", time_name="Time")
    assert refused(judge(swap(pdf, b"(TrueThread)", b"(TrueThrust)")), "integrity")


def test_a_volume_alone_is_intact_but_incomplete(judge, kit, pki):
    note = b'{"bundle":"00","format":"truethread/volume/v1","of":3,"selection":"00","volume":2}'
    pdf = kit.sign(kit.embed(kit.plain(), {"volume.json": note}), pki)
    report = judge(pdf)

    assert (report.indication, report.reason) == ("INDETERMINATE", "incomplete")
    assert report.of("completeness")[0].detail == "Intact, incomplete: volume 2 of 3."


def test_a_master_of_several_volumes_alone_is_incomplete(judge, kit, pki):
    manifest = kit.MANIFEST.replace(b'"volumes":[', b'"volumes":[{"path":"data/evidence-002.pdf"},')
    report = judge(kit.sign(kit.unsigned(manifest=manifest), pki))

    assert (report.indication, report.reason) == ("INDETERMINATE", "incomplete")
    assert report.of("completeness")[0].detail == "Intact, incomplete: volume 1 of 2."


def _flip(data, place, mask=0x01):
    return data[:place] + bytes((data[place] ^ mask,)) + data[place + 1 :]


def _sign(kit, pki):
    return kit.sign(kit.unsigned(), pki)


def _with_stream(pdf, data):
    """Return ``pdf`` with an uncompressed stream, as a picture's metadata might be."""
    import io

    from pyhanko.pdf_utils.generic import StreamObject
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer

    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.stream_xrefs = False
    writer.add_object(StreamObject(stream_data=data))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
