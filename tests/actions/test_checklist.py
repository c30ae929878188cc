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
from evidence.select import Choice, parse_ranges
from tests.actions.conftest import OPERATOR


@dataclass(frozen=True)
class Issued:
    """An issued bundle as a reader sees it: text of its PDF without spaces, manifest, files."""

    text: str
    manifest: dict[str, Any]
    names: frozenset[str]
    copies: dict[str, bool]

    def lacks(self, *phrases: str) -> list[str]:
        """Return the phrases the PDF does not hold."""
        return [one for one in phrases if "".join(one.split()) not in self.text]


@pytest.fixture
def issued(ask, tmp_path: Path) -> Issued:
    if shutil.which("pdftotext") is None:
        pytest.skip("foreign tool missing: pdftotext")
    export = ask(
        Choice(messages=parse_ranges("1-2")), requester="Jane Doe, Example LLP",
        authority="Written consent", jurisdiction="us",
    )  # fmt: skip
    run_to_end(export.job.pk)
    export.refresh_from_db()
    answer = deliver(export=export, folder=tmp_path, actor=OPERATOR, at=timezone.now())
    with zipfile.ZipFile(answer["zip"]) as archive:
        pdf = tmp_path / "evidence.pdf"
        pdf.write_bytes(archive.read("data/evidence.pdf"))
        manifest = json.loads(archive.read("data/manifest.json"))
        names = frozenset(archive.namelist())
    exchange = from_bundle(Path(answer["zip"]))
    copies = {}
    for format in FORMATS:
        convert(exchange, format, tmp_path / format)
        copies[format] = any(file.is_file() for file in (tmp_path / format).rglob("*"))
    command = ["pdftotext", "-raw", "-enc", "UTF-8", str(pdf), "-"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8")
    return Issued("".join(text.split()), manifest, names, copies)


def test_an_issued_bundle_holds_the_twenty_points_of_the_checklist(issued: Issued):
    manifest, names = issued.manifest, issued.names
    part, series = manifest["selection"]["parts"][0], manifest["series"][0]
    found: dict[str, bool] = {}

    def point(name: str, *phrases: str, holds: bool = True) -> None:
        found[name] = holds and not issued.lacks(*phrases)

    point(
        "1 id, matter, pages, Bates range, language",
        manifest["bundle"],
        "Loan",
        "TT-000001",
        "Page 1 of",
        holds=manifest["language"] == "en",
    )
    point("2 requester and authority", "Jane Doe, Example LLP", "Written consent")
    point("3 evidence list", "Evidence list", "Name of evidence")
    point("4 parties", "Participants", "identity not verified", holds=bool(series["participants"]))
    point("5 source", "Source format", "WhatsApp text export", holds="original" in series)
    point("6 original carrier", "Original device or account")
    point("7 acquisition record", "Delivered by", "Each of", "entered into the append-only")
    point("8 complete or excerpt", "messages no. 1-2", holds=part["n_disclosed"] == 2)
    point("9 per message", "+", "Each row: number, date and time with offset from UTC")
    point(
        "10 hashes and how to recompute",
        "RFC 9162",
        "Selection digest",
        "SHA-256",
        holds="README.txt" in names,
    )
    point(
        "11 time source",
        "Time-stamp authority",
        "NOT independent",
        holds=any(name.startswith("data/tokens/") for name in names),
    )
    point(
        "12 seal and certificates",
        "Electronic seal",
        holds="data/certificates/log-key.json" in names,
    )
    point(
        "13 custody log", "Custody log", "acquisition.received", holds="data/custody.jsonl" in names
    )
    point("14 changes", "No text was changed, corrected, translated or normalised")
    point("15 limits", "What it does not prove")
    point("16 neutrality", "Position of the issuer")
    point("17 certificates", holds=any(name.startswith("data/drafts/us-902-14") for name in names))
    point("18 verification", "verify.pyz", "/verify/", holds="verify.pyz" in names)
    point("19 privacy", "Third parties' data")
    point("20 machine copies", holds={"data/messages.jsonl", "data/proofs.json"} <= names
          and all(issued.copies.values()) and {"rsmf", "dat", "case"} <= set(issued.copies))  # fmt: skip

    assert len(found) == 20
    assert [name for name, held in found.items() if not held] == []
