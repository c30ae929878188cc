"""``manage.py acquire``: take a chat export into the store."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from evidence.actions.acquire_file import AcquireResult, acquire_file
from evidence.actions.stamp_log import stamp_if_possible
from evidence.errors import IngestRefused
from evidence.gateways.current import current
from evidence.ingest import Answers
from evidence.management.operator import OperatorCommand, answered, operator, organisation_called

ASKED = 3


class Command(OperatorCommand):
    help = (
        "Read a chat export, seal every message and store it. "
        "Exit status: 0 stored, 3 questions must be answered first, 2 refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument("--timezone", help="IANA time zone of the exported times")
        parser.add_argument("--date-order", choices=("dmy", "mdy", "ymd"))
        parser.add_argument("--owner", help="the custodian: whose account the export comes from")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        results: list[AcquireResult] = []

        def work() -> dict[str, Any]:
            path: Path = options["path"]
            if not path.is_file():
                raise IngestRefused(f"no file at {path}", code="file_not_found")
            result = acquire_file(
                organisation=organisation_called(options["owner"]),
                actor=operator(),
                path=path,
                name=path.name,
                answers=Answers(options["timezone"], options["date_order"], options["owner"]),
                at=current().clock.now(),
            )
            if result.acquisition is not None:
                stamp_if_possible(current().clock.now())
            results.append(result)
            return result.report()

        answered(self, options["json"], work)
        result = results[0]
        if not options["json"]:
            self._tell(result.report())
        if result.questions:
            raise SystemExit(ASKED)

    def _tell(self, report: dict[str, Any]) -> None:
        write = self.stdout.write
        for question in report["questions"]:
            option = question["code"].replace("_", "-")
            write(f"Please state --{option}, for example: {', '.join(question['choices'])}")
            for example in question["examples"]:
                write(f"    the file says: {example}")
        if report["questions"]:
            write("Nothing was stored.")
            return
        known = "Known already" if report["recognised"] else "Stored and sealed"
        write(f"{known}: acquisition {report['acquisition']} ({report['format']})")
        for one in report["conversations"]:
            title = one["title"] or "(no title)"
            write(
                f"  {one['id']}  {title}: {one['messages']} messages, "
                f"{one['participants']} participants, {one['first']} to {one['last']}"
            )
        for warning in report["warnings"]:
            write(f"  warning {warning['code']} at {warning['where']}")
        if report["unparsed"]:
            write(
                f"  {report['unparsed']} stretches of the file fit no known form and were "
                "stored as they stand"
            )
