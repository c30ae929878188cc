"""Our own PDFs once more, in a parser of other people's: qpdf, by way of pikepdf.

The offline verifier reads our PDFs by a grammar of its own, and of the sealed part only what it needs.
Here every object of every PDF is read by qpdf, without unpacking any: it must have no doubt about a
single one and see exactly the signatures the offline verifier judged, each in the same field, over
the same bytes, with the same container. ``verify.pyz`` cannot do this, so the finding is ours alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from evidence.verify.offline.bundle import Limits
from evidence.verify.offline.bundle_source import FolderSource, Region, ZipSource
from evidence.verify.offline.marks import Mark
from evidence.verify.offline.report import Finding, Report, failed, not_checked, passed
from evidence.verify.pdf.opened import TooLarge
from evidence.verify.pdf.second import SecondReading, Seen, read

CHECK = "second_parser"


def second_findings(report: Report, path: Path) -> Iterator[Finding]:
    """Yield what qpdf says about the PDFs ``report`` judged, one finding each, in file order.

    report: of the offline verifier on one of our PDFs or bundles at ``path``. Total, apart from
    OSError of an unreadable path.
    """
    try:
        for name, pdf in _pdfs(report, path):
            yield _finding(name, pdf)
    except ValueError:
        yield _unread("")


@dataclass(frozen=True, slots=True)
class _Pdf:
    """One PDF of ours: where its bytes lie, and the signatures the offline verifier saw."""

    region: Region
    marks: tuple[Mark, ...]

    def seen(self) -> frozenset[Seen]:
        return frozenset(
            Seen(one.where.rpartition(": ")[2], one.byte_range, one.contents) for one in self.marks
        )

    def bytes(self) -> bytes:
        with Path(self.region.path).open("rb") as file:
            file.seek(self.region.offset)
            return file.read(self.region.size)


def _pdfs(report: Report, path: Path) -> Iterator[tuple[str, _Pdf]]:
    """Yield name (empty for a PDF alone) and place of every PDF with a signature that was judged.

    Raises ValueError for a container that cannot be opened.
    """
    marks: dict[str, tuple[Mark, ...]] = {}
    for mark in report.marks:
        name = mark.where.rpartition(": ")[0]
        marks[name] = (*marks.get(name, ()), mark)
    if not marks:
        raise ValueError("no signature was judged")
    if report.kind == "pdf":
        yield "", _Pdf(Region(str(path), 0, path.stat().st_size), marks[""])
        return
    source = (FolderSource if path.is_dir() else ZipSource)(
        str(path), max_members=Limits().max_members
    )
    with closing(source):
        for name, own in marks.items():
            yield name, _Pdf(source.region(name), own)


def _finding(name: str, pdf: _Pdf) -> Finding:
    try:
        data = pdf.bytes()
        found = read(data)
        if found.signatures != pdf.seen():
            detail = "Two programs do not see the same signatures in this file."
            return failed(CHECK, detail, name)
        if found.warnings:
            return _doubted(name, found, data, pdf.marks)
    except TooLarge as error:
        detail = f"Too large to judge: {error}."
        return not_checked(CHECK, detail, name, reason="limits_exceeded")
    except (RecursionError, MemoryError):
        detail = "Too large or too deep to judge."
        return not_checked(CHECK, detail, name, reason="limits_exceeded")
    detail = f"A second program reads all of it without doubt and sees the same {len(pdf.marks)} signature(s)."
    return passed(CHECK, detail, name)


def _doubted(name: str, found: SecondReading, data: bytes, marks: tuple[Mark, ...]) -> Finding:
    """Tell an alteration from a defect the file had already when it was sealed."""
    detail = f"The file is malformed: {'; '.join(found.warnings)[:300]}."
    sealed_end = min(one.covers for one in marks)
    if read(data[:sealed_end]).warnings:
        return not_checked(CHECK, detail, name, reason="unreadable")
    return failed(CHECK, detail, name)


def _unread(name: str) -> Finding:
    detail = "There is no signature that two programs could have read."
    return not_checked(CHECK, detail, name)
