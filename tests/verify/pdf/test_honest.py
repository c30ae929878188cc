"""Intact must be said of intact files, whoever made them."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import timedelta

import pikepdf
import pytest
from pyhanko.sign.fields import MDPPerm

from evidence.management.attacks.update import Update, ranges, stream
from evidence.verify.offline import Trust

PASSING = (
    "approval B-LTA", "renewed twice", "certified P=1", "certified P=2", "certified P=3",
    "form filled at P=2, then archived", "form filled at P=2, signed by the second",
    "form filled before the second signature", "two signers", "three signers, visible",
    "linearised", "object and cross-reference streams", "linearised with streams",
    "rewritten by qpdf", "rewritten by pyHanko", "a signed PDF inside", "PKCS#7, not PAdES",
    "SHA-512", "hybrid, as Word writes it", "free entry as MuPDF writes it",
)  # fmt: skip
INTACT_IN_PART = {
    "approval B-B": "revocation",
    "approval B-T": "revocation",
    "approval B-LT": "ades",
    "approval B-LTA, store renewed behind": "coverage",
    "form filled at P=2": "coverage",
    "time-stamp only": "signer",
}


@pytest.mark.parametrize("name", PASSING)
def test_an_honest_archived_file_passes_in_total(name, honest_files, verdict, now):
    at = now + timedelta(days=10 if "renewed" in name else 1)
    report = verdict(honest_files[name], at=at)

    assert (report.indication, report.reason, report.trust) == ("TOTAL_PASSED", "ok", "configured")
    assert all(one.outcome == "passed" for one in report.of("integrity"))
    assert report.of("ours")[0].outcome == "not_checked"


@pytest.mark.parametrize("name", INTACT_IN_PART)
def test_what_is_not_proved_keeps_an_honest_file_from_passing_but_not_intact(
    name, honest_files, verdict
):
    report = verdict(honest_files[name])

    assert (report.indication, report.reason) == ("INDETERMINATE", "incomplete")
    assert all(one.outcome == "passed" for one in report.of("integrity"))
    assert "not_checked" in {one.outcome for one in report.of(INTACT_IN_PART[name])}
    assert not any(one.outcome == "failed" for one in report.findings)


def test_every_honest_file_is_named_in_one_of_the_lists(honest_files):
    assert set(PASSING) | set(INTACT_IN_PART) == set(honest_files)


def test_without_roots_a_file_is_intact_and_its_signer_not_trusted(honest_files, verdict):
    report = verdict(honest_files["approval B-LTA"], roots=Trust())

    assert (report.indication, report.reason) == ("INDETERMINATE", "signer_not_trusted")
    assert all(one.outcome == "passed" for one in report.of("integrity"))
    assert report.trust == "none"


def test_what_later_revisions_did_is_told_by_object_and_page(honest_files, verdict):
    findings = verdict(honest_files["form filled at P=2"]).of("revisions")

    assert findings[0].where == "revision 4, page 1"
    assert "form field" in findings[0].detail


def test_a_leaf_that_signs_twice_is_trusted_for_each_signature(honest_files, verdict):
    report = verdict(honest_files["three signers, visible"])

    assert len(report.of("chain")) == 3
    assert {one.where for one in report.of("chain")} == {"Signature1", "Signature2", "Signature3"}


def test_files_of_other_writers_pass(maker, verdict, tmp_path):
    import fpdf
    import typst

    document = fpdf.FPDF()
    document.add_page()
    document.set_font("helvetica", size=12)
    document.cell(text="I agree.")
    source = tmp_path / "agreed.typ"
    source.write_text("= I agree\n#pagebreak() To everything.", encoding="utf-8")

    for pdf in (bytes(document.output()), typst.compile(str(source))):
        for certify in (None, 1):
            data = maker.archived(pdf, certify=MDPPerm(certify) if certify else None)
            assert verdict(data).indication == "TOTAL_PASSED"


@pytest.mark.foreign_tool("qpdf")
@pytest.mark.parametrize("mode", ["--qdf", "--object-streams=generate", "--linearize"])
def test_files_rewritten_by_the_qpdf_command_pass(mode, maker, kit, verdict, tmp_path):
    (tmp_path / "in.pdf").write_bytes(kit.paper.plain())
    subprocess.run(["qpdf", mode, "in.pdf", "out.pdf"], cwd=tmp_path, check=True)

    data = maker.archived((tmp_path / "out.pdf").read_bytes())
    assert verdict(data).indication == "TOTAL_PASSED"


def test_a_table_that_leads_to_the_blank_before_an_object_leads_to_the_object(kit, maker, verdict):
    """Some producers count so, in what they sign too; no program reads anything else there."""
    plain = kit.paper.plain(1)
    signed = maker.sign(plain)
    at = signed.index(b"xref\n", signed.index(b"/ByteRange"))
    row = re.compile(rb"(\d{10}) 00000 n")
    early = signed[:at] + row.sub(lambda one: b"%010d 00000 n" % (int(one[1]) - 1), signed[at:])
    (whole,) = ranges(early)
    honest = kit.forged.resigned(early, whole, whole[1], whole[2], maker)

    assert verdict(honest).reason == "incomplete"
    assert verdict(maker.stamp(honest)).reason == "incomplete"
    assert verdict(kit.forged.isa(honest, maker)).reason == "altered"


def signed_up_to(maker, kit, end):
    """Return a page signed up to and with ``end``, which comes after its last %%EOF."""
    signed = maker.sign(kit.paper.plain(1), stamped=False).rstrip(b"\n") + end
    ((_, before, after, _),) = ranges(signed)
    whole = (0, before, after, len(signed) - after)
    old = re.search(rb"/ByteRange\s*\[[^\]]*\]\s*", signed)
    new = (b"/ByteRange [%d %d %d %d]" % whole).ljust(len(old[0]))
    changed = signed[: old.start()] + new + signed[old.end() :]
    return kit.forged.resigned(changed, whole, before, after, maker)


@pytest.mark.parametrize("end", [b"", b"\r", b"\r\n", b"\n\n", b" \n", b"\x00"])
def test_blanks_behind_the_end_that_are_signed_along_say_nothing(end, kit, maker, verdict):
    signed = signed_up_to(maker, kit, end)

    assert verdict(signed).reason == "incomplete"
    assert verdict(maker.stamp(signed)).reason == "incomplete"
    assert verdict(signed + b"\n").reason == "altered"
    assert verdict(kit.forged.isa(signed, maker)).reason == "altered"
    assert verdict(kit.forged.stamp_over_empty_table(signed, maker)).reason == "altered"


def test_a_program_may_state_anew_that_it_saved_and_nothing_else(kit, maker, verdict, now):
    """Acrobat and pyHanko restate producer and times when they append a time-stamp."""
    signed = maker.sign(described(kit.paper.plain(), b"Contract", b"2026-01-01T00:00:00Z"))
    saved = maker.stamp(redescribed(signed, b"Contract", b"2026-02-02T00:00:00Z"))
    renamed = maker.stamp(redescribed(signed, b"Deed of gift", b"2026-02-02T00:00:00Z"))

    at = now + timedelta(minutes=1)
    assert verdict(saved, at=at).reason == "ok"
    assert verdict(renamed, at=at).reason == "altered"


def _xmp(title: bytes, saved: bytes) -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        b'syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        b'xmlns:xmp="http://ns.adobe.com/xap/1.0/"><dc:title>%s</dc:title><xmp:ModifyDate>%s'
        b"</xmp:ModifyDate></rdf:Description></rdf:RDF></x:xmpmeta>"
    ) % (title, saved)


def described(pdf: bytes, title: bytes, saved: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.Root.Metadata = opened.make_stream(
            _xmp(title, saved), Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML
        )
        opened.save(out, deterministic_id=True)
    return out.getvalue()


def redescribed(pdf: bytes, title: bytes, saved: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.Root.Metadata.objgen[0]
    body = stream(_xmp(title, saved), b"/Type /Metadata /Subtype /XML")
    return Update(pdf, {number: body}).build()
