"""The command line of ``verify.pyz``.

Prints one JSON object a file, or the verdict in words; ends with 0 only when every file is
TOTAL_PASSED, 1 otherwise, 2 when it was called wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ...formats import checkpoint
from . import x509
from .bundle_tokens import read_pem
from .extract import extract_signatures
from .files import trust_of, verify
from .report import Report, failed, make_report
from .sentences import in_words


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
    if options.extract:
        return _extract(options.extract, options.files)
    try:
        trust = _trust(options.trust)
        witnesses = [checkpoint.read_vkey(text) for text in options.witness]
    except (OSError, ValueError) as error:
        _print(f"verify.pyz: {error}", sys.stderr)
        return 2
    all_passed = True
    for name in options.files:
        report = _verify(name, trust, witnesses)
        _print(report.to_json() if options.json else in_words(report, options.language))
        all_passed = all_passed and report.passed
    return 0 if all_passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify.pyz",
        description="Check evidence bundles, their PDFs, receipts and time-stamps, offline.",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="ZIP, unpacked folder, PDF, …")
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PEM",
        help="certificates you trust to name signers and time-stamp authorities",
    )
    parser.add_argument(
        "--witness", action="append", default=[], metavar="VKEY", help="a log witness you trust"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a file and line")
    parser.add_argument("--language", choices=("en", "zh"), default="en")
    parser.add_argument(
        "--extract", metavar="DIR", help="write the signatures of a PDF there, for other tools"
    )
    return parser


def _trust(paths: Sequence[str]) -> x509.Trust:
    roots: list[bytes] = []
    for path in paths:
        found = read_pem(Path(path).read_bytes())
        if not found:
            raise ValueError(f"{path} holds no certificate in PEM form")
        for certificate in found:
            x509.parse(certificate)
        roots += found
    return trust_of(roots)


def _verify(name: str, trust: x509.Trust, witnesses: Sequence[checkpoint.VerifierKey]) -> Report:
    try:
        return verify(name, trust=trust, witnesses=witnesses)
    except OSError as error:
        detail = f"The file cannot be opened: {error.strerror or error}."
        finding = failed("readable", detail)
        return make_report(name, "other", [finding], required=frozenset({"readable"}))


def _extract(folder: str, files: Sequence[str]) -> int:
    if len(files) != 1:
        _print("verify.pyz: --extract takes one PDF", sys.stderr)
        return 2
    try:
        names = extract_signatures(Path(files[0]).read_bytes(), folder)
    except (OSError, ValueError) as error:
        _print(f"verify.pyz: {error}", sys.stderr)
        return 1
    for name in names:
        _print(str(Path(folder, name)))
    return 0


def _print(text: str, stream: object = None) -> None:
    """Print whatever the terminal can show; odd characters become escapes, never a crash."""
    out = sys.stdout if stream is None else sys.stderr
    encoding = out.encoding or "utf-8"
    out.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
