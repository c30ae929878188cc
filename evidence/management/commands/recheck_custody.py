"""``manage.py recheck_custody``: walk the whole custody log and every seal again."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from evidence.archive.read import messages
from evidence.custody import recheck
from evidence.custody.findings import RecheckReport
from evidence.gateways.current import current
from evidence.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Re-derive every hash of the custody log and of every series from raw rows. "
        "Names what does not fit, the first entry first, and ends with 1 if anything does not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--log-only", action="store_true", help="leave out the seals of stored series"
        )
        parser.add_argument(
            "--against", metavar="NOTE", type=Path, action="append", default=[],
            help="also compare with this published checkpoint, for example "
            "data/checkpoints/prepared.txt of a bundle; may be repeated",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        report = recheck(
            None if options["log_only"] else messages,
            outside=[_read(path) for path in options["against"]],
            roots=current().roots,
        )
        if options["json"]:
            self.stdout.write(json.dumps(report.value(), ensure_ascii=False))
        else:
            self._tell(report)
        if not report.holds:
            sys.exit(1)

    def _tell(self, report: RecheckReport) -> None:
        self.stdout.write(
            f"{report.entries} entries, {report.checkpoints} checkpoints, {report.stamps} tokens, "
            f"{report.series} series with {report.messages} messages ({report.erased} erased), "
            f"{report.pending} events queued; {report.seconds:.1f} s"
        )
        for left_out in report.not_checked:
            self.stdout.write(f"not checked: {left_out}")
        for problem in report.problems:
            self.stdout.write(f"DOES NOT FIT  {problem.code}  {problem.where}  {problem.detail}")
        if report.holds:
            self.stdout.write("Everything that was checked fits.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
