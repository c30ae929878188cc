"""``manage.py convert``: write the formats of review platforms from a finished bundle."""

from __future__ import annotations

import shutil
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError

from evidence.exchange import FORMATS, NotConvertible, Verified, convert, from_bundle
from evidence.formats.bundle import MESSAGES
from evidence.management.operator import OperatorCommand, answered, trusted
from evidence.verify.offline.bundle import BundleFacts, verify_bundle
from evidence.verify.offline.files import receipt_beside

_DESCRIPTORS = Path("/proc/self/fd")


class Command(OperatorCommand):
    help = (
        "Verify a bundle offline and write what it discloses as RSMF 2.0, Concordance DAT with "
        "Opticon OPT, CASE/UCO JSON-LD or CSV. Needs no stored data; a refusal leaves nothing behind. "
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
    trust, receipt = trusted(options["trust"]), receipt_beside(path)
    out: Path = options["out"].absolute()
    with (
        _held(path) as (file, address),
        tempfile.TemporaryDirectory(prefix=".convert-", dir=_there(out)) as made_in,
    ):
        verified = _verified(verify_bundle(address, trust, receipt=receipt), path.name)
        exchange = from_bundle(file, pages=options["format"] == "dat", verified=verified)
        folder = Path(made_in) / "made"
        try:
            made = convert(exchange, options["format"], folder, zone=options["timezone"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        _move(folder, out)
    files = [options["out"] / one.relative_to(folder) for one in made.files]
    return {
        "bundle": exchange.bundle,
        "format": made.format,
        "folder": str(options["out"]),
        "files": [str(one) for one in files],
        "counts": made.counts,
    }


def _there(folder: Path) -> Path:
    """Return the folder above ``folder`` that exists, on the same disk as it will be."""
    return next(one for one in folder.parents if one.is_dir())


def _move(made: Path, out: Path) -> None:
    """Let ``out`` hold what stands in ``made``, beside what it holds already."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if not out.exists():
        made.rename(out)
        return
    for path in sorted(made.rglob("*")):
        target = out / path.relative_to(made)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        else:
            path.replace(target)


@contextmanager
def _held(path: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open ``path`` once; yield the file, and where others find this very file whatever becomes of
    its name. Where the system has no such folder it is a private copy."""
    with path.open("rb") as file:
        address = _DESCRIPTORS / str(file.fileno())
        if address.exists():
            yield file, address
            return
        with tempfile.NamedTemporaryFile(suffix=path.suffix) as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
            copy.flush()
            with open(copy.name, "rb") as private:
                yield private, Path(copy.name)


def _verified(facts: BundleFacts, name: str) -> Verified:
    """Return what the offline verifier derived from the bundle's lines; refuse what does not pass."""
    report = facts.report(name)
    if report.kind != "bundle" or not report.passed or facts.manifest is None:
        raise NotConvertible(f"{report.indication}, {report.reason}", where=name)
    listed = {entry.path: entry.sha256 for entry in facts.manifest.files}
    return Verified(sha256=listed[MESSAGES], leaf_hashes=facts.leaf_hashes)
