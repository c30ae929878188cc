"""What a bundle must contain for a court, twenty points, each found in an issued bundle."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.actions.advance import run_to_end
from evidence.actions.deliver import deliver
from evidence.exchange import FORMATS, convert, from_bundle
from evidence.render import pdfa
from evidence.select import Choice, parse_ranges
from tests.actions.conftest import OPERATOR


@dataclass(frozen=True)
class Issued:
    """An issued bundle as a reader sees it: text of its PDF without spaces, manifest, files."""

    text: str
    manifest: dict[str, Any]
    first: dict[str, Any]
    """The first message of messages.jsonl."""
    draft: str
    """Text of the certificate under rule 902(14)."""
    names: frozenset[str]
    copies: dict[str, bool]
    broken: list[str]
    """Rules of PDF/A-3u the signed master breaks."""

    def lacks(self, *phrases: str) -> list[str]:
        """Return the phrases the PDF does not hold."""
        return [one for one in phrases if "".join(one.split()) not in self.text]


@pytest.fixture
def issued(ask, tmp_path: Path, settings) -> Issued:
    if shutil.which("pdftotext") is None:
        pytest.skip("foreign tool missing: pdftotext")
    settings.TRUETHREAD_NEUTRALITY = "No interest in any outcome. ISO/IEC 27001, no. 4711."
    export = ask(
        Choice(messages=parse_ranges("1-2")), requester="Jane Doe, Example LLP",
        authority="Written consent", jurisdiction="us", purpose="Repayment of a loan",
        object_of_proof="That the loan was agreed on",
        original_carrier="Pixel 7 of Alice, kept by her lawyer",
        privacy="Consent of both sides; for the court; five years",
    )  # fmt: skip
    run_to_end(export.job.pk)
    export.refresh_from_db()
    answer = deliver(export=export, folder=tmp_path, actor=OPERATOR, at=timezone.now())
    with zipfile.ZipFile(answer["zip"]) as archive:
        pdf = tmp_path / "evidence.pdf"
        pdf.write_bytes(archive.read("data/evidence.pdf"))
        manifest = json.loads(archive.read("data/manifest.json"))
        first = json.loads(archive.read("data/messages.jsonl").splitlines()[0])
        draft = tmp_path / "draft.pdf"
        draft.write_bytes(archive.read("data/drafts/us-902-14.pdf"))
        names = frozenset(archive.namelist())
    exchange = from_bundle(Path(answer["zip"]))
    copies = {}
    for format in FORMATS:
        convert(exchange, format, tmp_path / format)
        copies[format] = any(file.is_file() for file in (tmp_path / format).rglob("*"))
    return Issued(_read(pdf), manifest, first, _read(draft), names, copies, pdfa.check(pdf))


def _read(pdf: Path) -> str:
    """Return the text of ``pdf`` without spaces."""
    command = ["pdftotext", "-raw", "-enc", "UTF-8", str(pdf), "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return "".join(done.stdout.decode("utf-8").split())


def test_an_issued_bundle_holds_the_twenty_points_and_keeps_the_rules_of_pdf_a_when_signed(
    issued: Issued,
):
    """Each point by what it must say of this very bundle: a heading alone proves nothing."""
    manifest, names, first = issued.manifest, issued.names, issued.first["fields"]
    part, series = manifest["selection"]["parts"][0], manifest["series"][0]
    head = series["head"]
    sizes = {file["path"]: file["sha256"] for file in manifest["files"]}
    found: dict[str, list[str]] = {}

    def point(name: str, *phrases: str, holds: bool = True) -> None:
        found[name] = issued.lacks(*phrases) + ([] if holds else ["(not in the bundle)"])

    point(
        "1 id, matter, version, pages, Bates range, language",
        manifest["bundle"], "Loan", "bundle format 1", "pages, TT-000001 to TT-0000", "Page 1 of",
        holds=manifest["language"] == "en",
    )  # fmt: skip
    point("2 requester and authority", "Jane Doe, Example LLP", "Written consent")
    point(
        "3 evidence list", "Name of evidence", "That the loan was agreed on",
        "electronic original, 1", "Submitted by (signature or seal)",
    )  # fmt: skip
    point(
        "4 parties", first["sender"]["name"], "identity not verified by this service",
        holds=first["sender"]["name"] in json.dumps(series["participants"], ensure_ascii=False),
    )  # fmt: skip
    point(
        "5 source", "WhatsApp text export", "held by the issuer; not disclosed",
        holds=len(head["source"]["original"]) == 64,
    )  # fmt: skip
    point(
        "6 original carrier",
        "Pixel 7 of Alice, kept by her lawyer (stated by Jane Doe, Example LLP)",
    )
    point(
        "7 acquisition record", "Delivered by", "Upload of an exported file", head["parser"]["name"],
        "1. Original stored byte for byte", "0 fitted no known form", "Time-stamped", "Python",
    )  # fmt: skip
    point(
        "8 complete or excerpt", "messages no. 1-2", f"2 shown of {head['size']} delivered",
        f"positions 1 to 2 of {head['size']}", "Other series held", head["root"],
        holds=part["n_disclosed"] == 2,
    )  # fmt: skip
    point(
        "9 per message", first["body"], first["time"]["offset"], first["time"]["utc"][:4],
        "first half of the leaf hash",
        holds={"time_raw", "reply_to", "edits", "deletion", "reactions", "source_text"} <= set(first),
    )  # fmt: skip
    point(
        "10 hashes and how to recompute", "SHA-256 (FIPS 180-4)", "RFC 9162",
        manifest["selection"]["digest"], sizes["data/messages.jsonl"],
        holds="README.txt" in names,
    )  # fmt: skip
    point(
        "11 time source", "local development authority", "time is NOT independent",
        holds=any(name.endswith(".tst") for name in names),
    )  # fmt: skip
    point(
        "12 seal and certificates", "Sealed by", "PAdES B-LTA",
        holds={"data/certificates/seal-chain.pem", "data/certificates/stamp-1.crl"} <= names,
    )  # fmt: skip
    point(
        "13 custody log", "acquisition.received", "series.sealed", "export.prepared",
        "Repayment of a loan", holds="data/custody.jsonl" in names,
    )  # fmt: skip
    point("14 changes", "No text was changed, corrected, translated or normalised", "Withheld")
    point(
        "15 limits", "Who typed the messages; what was deleted or edited before delivery",
        "No independent witness has co-signed",
    )  # fmt: skip
    point("16 neutrality and certificates", "No interest in any outcome. ISO/IEC 27001, no. 4711.")
    found["17 legal certificates"] = [
        phrase
        for phrase in (
            "penaltyofperjury",
            "902(14)",
            sizes["data/messages.jsonl"],
            manifest["bundle"],
        )
        if phrase not in issued.draft
    ]
    point(
        "18 verification", "run verify.pyz on any computer",
        f"/verify/?bundle={manifest['bundle']}", holds="verify.pyz" in names,
    )  # fmt: skip
    point("19 privacy", "Consent of both sides; for the court; five years")
    point(
        "20 machine copies",
        holds={"data/messages.jsonl", "data/proofs.json"} <= names
        and all(issued.copies.values())
        and {"rsmf", "dat", "case"} <= set(issued.copies),
    )

    assert len(found) == 20
    assert {name: lacking for name, lacking in found.items() if lacking} == {}
    assert issued.broken == []


def test_what_nobody_stated_is_printed_as_not_stated(ask, tmp_path: Path):
    if shutil.which("pdftotext") is None:
        pytest.skip("foreign tool missing: pdftotext")
    export = ask(Choice(messages=parse_ranges("1")))
    run_to_end(export.job.pk)
    export.refresh_from_db()
    answer = deliver(export=export, folder=tmp_path, actor=OPERATOR, at=timezone.now())
    with zipfile.ZipFile(answer["zip"]) as archive:
        archive.extract("data/evidence.pdf", tmp_path)

    text = _read(tmp_path / "data" / "evidence.pdf")

    for label in ("Originaldeviceoraccount", "Positionoftheissuer", "Thirdparties'data"):
        assert f"{label}notstated" in text
