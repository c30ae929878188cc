"""``manage.py attack``: every tampered and honest file, and what four verifiers say about it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
import tempfile
import time
import warnings
import zipfile
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from django.core.management.base import BaseCommand
from django.utils import timezone
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature, async_validate_pdf_timestamp
from pyhanko_certvalidator import ValidationContext

from evidence.formats.bundle import MASTER
from evidence.management.attacks.table import Sample, all_samples, is_right, word_of
from evidence.verify import engine

TOOL_SECONDS = 20


class Command(BaseCommand):
    help = (
        "Build honest, forged and doubtful files of every known kind and print what is expected, "
        "what we say, and what pyHanko alone and pdfsig say (of a bundle: of its signed PDF). Exit status: 0 when no altered file "
        "is called intact and no honest one altered, 1 otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quick", action="store_true", help="forge fewer kinds of files")
        parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the files there")

    def handle(self, *args: object, **options: Any) -> None:
        logging.disable(logging.CRITICAL)
        wrong: list[str] = []
        counted: Counter[str] = Counter()
        fooled: Counter[str] = Counter()
        now = timezone.now().replace(microsecond=0)
        self._row("file", "expected", "ours", "pyHanko", "pdfsig", "s")
        with tempfile.TemporaryDirectory() as name:
            folder = options["keep"] or Path(name)
            folder.mkdir(parents=True, exist_ok=True)
            for number, sample in enumerate(all_samples(now, is_quick=options["quick"])):
                path = folder / f"{number:04}{sample.ending}"
                path.write_bytes(sample.data)
                started = time.perf_counter()
                report = engine.verify(path, trust=sample.trust, at=sample.at)
                seconds = time.perf_counter() - started
                ours = word_of(report.indication, report.reason)
                signed = path if sample.ending == ".pdf" else _master(path)
                others = {"pyHanko": _pyhanko(signed, sample), "pdfsig": _pdfsig(signed)}
                is_good = is_right(sample, report.indication, report.reason)
                if not is_good:
                    wrong.append(f"{sample.name}: {report.indication} {report.reason}")
                counted[sample.expected] += 1
                fooled.update(
                    who for who, word in others.items()
                    if word == "valid" and sample.expected == "altered"
                )  # fmt: skip
                mark = "" if is_good else "  <-- WRONG"
                self._row(
                    sample.name, sample.expected, ours, *others.values(), f"{seconds:.2f}{mark}"
                )
        self._sum_up(counted, fooled, wrong)

    def _sum_up(self, counted: Counter[str], fooled: Counter[str], wrong: list[str]) -> None:
        total = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
        self.stdout.write(f"\n{sum(counted.values())} files: {total}.")
        for who in ("pyHanko", "pdfsig"):
            self.stdout.write(f"Altered files {who} calls valid: {fooled[who]}.")
        self.stdout.write(f"Wrong verdicts of ours: {len(wrong)}.")
        for line in wrong:
            self.stdout.write(f"  {line}")
        if wrong:
            raise SystemExit(1)

    def _row(self, *cells: str) -> None:
        name, expected, ours, pyhanko, pdfsig, seconds = cells
        self.stdout.write(
            f"{name[:58]:58} {expected:9} {ours:16} {pyhanko:9} {pdfsig:9} {seconds}".rstrip()
        )


def _master(path: Path) -> Path | None:
    """Return the signed PDF out of a bundle, which is all that other verifiers can judge of it."""
    try:
        with zipfile.ZipFile(path) as archive:
            data = archive.read(MASTER)
    except (OSError, ValueError, KeyError, NotImplementedError, RuntimeError, zipfile.BadZipFile):
        return None
    master = path.with_suffix(".pdf")
    master.write_bytes(data)
    return master


def _pyhanko(path: Path | None, sample: Sample) -> str:
    """Return what pyHanko says when asked the plain way: every signature's bottom line."""
    if path is None or sample.name.startswith("bomb"):
        return "-"
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader = PdfFileReader(file)
            signatures = reader.embedded_signatures
            if not signatures:
                return "none"
            good = all(asyncio.run(_holds(one, sample)) for one in signatures)
            return "valid" if good else "invalid"
    except Exception:
        return "error"


async def _holds(signature: Any, sample: Sample) -> bool:
    roots = [asn1_x509.Certificate.load(root.certificate) for root in sample.trust.roots]
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=sample.at)
    if signature.sig_object_type == "/DocTimeStamp":
        status = await async_validate_pdf_timestamp(signature, context)
        return bool(status.valid and status.intact)
    return bool((await async_validate_pdf_signature(signature, context)).bottom_line)


def _pdfsig(path: Path | None) -> str:
    """Return what poppler's pdfsig says: "valid" when it calls each plain signature valid."""
    tool = shutil.which("pdfsig")
    if tool is None or path is None:
        return "-"
    try:
        done = subprocess.run(  # noqa: S603  # a foreign tool on a file of our own making
            [tool, "-nocert", str(path)],
            capture_output=True, text=True, errors="replace", timeout=TOOL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "time-out"
    said = [line for line in done.stdout.splitlines() if "Signature Validation:" in line]
    if not said:
        return "none"
    plain = [line for line in said if "Unimplemented" not in line and "not yet" not in line]
    return "valid" if plain and all("Signature is Valid" in line for line in plain) else "invalid"
