"""``manage.py convert``: write the formats of review platforms from a finished bundle."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evidence.exchange import FORMATS, NotConvertible, Verified, convert, from_bundle
from evidence.formats.bundle import MESSAGES
from evidence.gateways.current import current
from evidence.management.operator import answered
from evidence.verify import offline
from evidence.verify.offline.bundle import verify_bundle
from evidence.verify.offline.bundle_tokens import read_pem
from evidence.verify.offline.files import receipt_beside


class Command(BaseCommand):
    help = (
        "Verify a bundle offline and write what it discloses as RSMF 2.0, Concordance DAT with "
        "Opticon OPT, CASE/UCO JSON-LD or CSV. Needs no stored data. "
        "Exit status: 0 written, 2 refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bundle", type=Path)
        parser.add_argument("--format", required=True, choices=FORMATS)
        parser.add_argument("--out", required=True, type=Path, help="folder; made when missing")
        parser.add_argument(
            "--timezone", help="IANA zone of days and local times; default: as stated, or UTC"
        )
        parser.add_argument(
            "--trust", nargs="+", action="extend", default=[], type=Path, metavar="PEM",
            help="roots to verify under instead of those of this deployment",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        answer: dict[str, Any] = {}

        def work() -> dict[str, Any]:
            answer.update(_convert(options))
            return answer

        answered(self, options["json"], work)
        if not options["json"]:
            counts = ", ".join(f"{count} {name}" for name, count in answer["counts"].items())
            self.stdout.write(f"{answer['format']}: {counts}, in {answer['folder']}")


def _convert(options: dict[str, Any]) -> dict[str, Any]:
    path: Path = options["bundle"]
    if not path.is_file():
        raise NotConvertible(f"no file at {path}", code="file_not_found")
    verified = _verified(path, _trust(options["trust"]))
    exchange = from_bundle(path, pages=options["format"] == "dat", verified=verified)
    try:
        made = convert(exchange, options["format"], options["out"], zone=options["timezone"])
    except ValueError as error:
        raise CommandError(str(error)) from error
    return {
        "bundle": exchange.bundle,
        "format": made.format,
        "folder": str(options["out"]),
        "files": [str(one) for one in made.files],
        "counts": made.counts,
    }


def _verified(path: Path, trust: offline.Trust) -> Verified:
    """Return what the offline verifier derived from the bundle's lines; refuse what does not pass."""
    facts = verify_bundle(path, trust, receipt=receipt_beside(path))
    report = facts.report(str(path))
    if report.kind != "bundle" or not report.passed or facts.manifest is None:
        raise NotConvertible(f"{report.indication}, {report.reason}", where=path.name)
    listed = {entry.path: entry.sha256 for entry in facts.manifest.files}
    return Verified(sha256=listed[MESSAGES], leaf_hashes=facts.leaf_hashes)


def _trust(paths: list[Path]) -> offline.Trust:
    if not paths:
        return offline.trust_of(current().roots)
    roots: list[bytes] = []
    for path in paths:
        try:
            found = read_pem(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        if not found:
            raise CommandError(f"{path} holds no certificate in PEM form")
        roots += found
    return offline.trust_of(roots)
