"""``manage.py check_rsmf``: check RSMF files of anybody against the schema and beyond it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from evidence.exchange import Problem, check_rsmf
from evidence.management.operator import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Check RSMF files (.rsmf), their archives (.zip) or manifests (.json), 1.0 and 2.0. "
        "Exit status: 0 when no file has an error, 1 otherwise; warnings alone do not fail."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--json", action="store_true", help="print one JSON object per file")

    def handle(self, *args: object, **options: Any) -> None:
        failed = False
        for path in options["paths"]:
            problems = _problems(path)
            failed = failed or any(one.level == "error" for one in problems)
            self._tell(path, problems, options["json"])
        if failed:
            raise SystemExit(1)

    def _tell(self, path: Path, problems: list[Problem], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_value(path, problems), ensure_ascii=False))
            return
        self.stdout.write(f"{path}: {_verdict(problems)}")
        for one in problems:
            self.stdout.write(f"  {one.level}: {one.code}: {one.where or '-'}: {one.sentence}")


def _problems(path: Path) -> list[Problem]:
    try:
        return check_rsmf(path.name, path.read_bytes())
    except OSError as error:
        return [Problem("unreadable", "error", path.name, f"It cannot be read: {error.strerror}.")]


def _verdict(problems: list[Problem]) -> str:
    if any(one.level == "error" for one in problems):
        return "failed"
    return "passed with warnings" if problems else "passed"


def _value(path: Path, problems: list[Problem]) -> dict[str, object]:
    listed = [
        {"code": one.code, "level": one.level, "where": one.where, "sentence": one.sentence}
        for one in problems
    ]
    return {"file": str(path), "verdict": _verdict(problems), "problems": listed}
