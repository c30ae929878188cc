"""``manage.py verify``: judge bundles, receipts, tokens and any signed PDF, offline."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from evidence.management.operator import OperatorCommand, trusted
from evidence.verify import engine, offline
from evidence.verify.offline.report import failed, make_report
from evidence.verify.offline.sentences import in_words


class Command(OperatorCommand):
    help = (
        "Check files completely and offline. Without --trust the roots of this deployment count. "
        "Exit status: 0 when every file is TOTAL_PASSED, 1 otherwise."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument(
            "--trust", nargs="+", action="extend", default=[], type=Path, metavar="PEM"
        )
        parser.add_argument("--language", choices=("en", "zh"), default="en")
        parser.add_argument("--json", action="store_true", help="print one JSON object per file")

    def handle(self, *args: object, **options: Any) -> None:
        trust = trusted(options["trust"])
        all_passed = True
        for path in options["paths"]:
            report = _report(path, trust)
            all_passed = all_passed and report.passed
            text = report.to_json() if options["json"] else in_words(report, options["language"])
            self.stdout.write(text)
        if not all_passed:
            raise SystemExit(1)


def _report(path: Path, trust: offline.Trust) -> offline.Report:
    try:
        return engine.verify(path, trust=trust)
    except OSError as error:
        finding = failed("recognised", f"The file cannot be read: {error.strerror}.")
        return make_report(str(path), "other", [finding], required=frozenset({"recognised"}))
