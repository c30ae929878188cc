"""A PDF as pyHanko reads it: strictly if possible, otherwise with a problem to report."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import (
    DEFAULT_PURPOSE_LIMITS,
    DecodeLimits,
    DecodePurpose,
    DocumentDecodeBudget,
    StreamDecodeLimits,
)
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

MAX_REVISIONS = 32
MAX_SIGNATURES = 16
MAX_UNPACKED = 200_000_000
MAX_LOOKED = 50_000
MAX_TABLE = 3_000_000
"""Bytes of one unpacked cross-reference stream: some 500,000 objects."""

_START = re.compile(rb"startxref\s+(\d{1,12})")
_PREVIOUS = re.compile(rb"/Prev\s+(\d{1,12})")

HARMLESS = ("Illegal generation 65536 for object ID 0",)
"""What strict reading refuses and every other program takes: MuPDF writes its free entry so."""

LIBRARY_ERRORS = (
    PdfReadError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, AssertionError,
    NotImplementedError, OSError,
)  # fmt: skip
"""What pyHanko and its parts raise over odd bytes; RecursionError and MemoryError are limits."""


for _name in ("pyhanko.pdf_utils", "pyhanko.sign", "pyhanko_certvalidator"):
    # They report every odd byte of a stranger's file; what matters becomes a finding.
    logging.getLogger(_name).setLevel(logging.CRITICAL)


_LIMITS = DecodeLimits(
    per_purpose={
        **DEFAULT_PURPOSE_LIMITS,
        DecodePurpose.XREF_STREAM: StreamDecodeLimits(max_ratio=None, max_output_size=MAX_TABLE),
    },
    document_budget=DocumentDecodeBudget(base_allowance=MAX_UNPACKED, max_ratio=0),
)


def in_a_line(error: Exception, limit: int = 200) -> str:
    """Return what a library's error says, its kind in front, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:limit]


class TooLarge(Exception):
    """The file asks for more than we are willing to spend on it."""


class Unreadable(Exception):
    """Neither strict nor lenient reading makes sense of the file."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One PDF, open. problem: why strict reading refused it, empty when it did not."""

    data: bytes
    reader: PdfFileReader
    problem: str = ""


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open the PDF at ``path``; raises TooLarge or Unreadable."""
    yield open_bytes(path.read_bytes())


def open_bytes(data: bytes) -> Opened:
    """Return the PDF in ``data``, opened; raises TooLarge or Unreadable."""
    if _revisions(data) > MAX_REVISIONS:
        raise TooLarge(f"more than {MAX_REVISIONS} revisions")
    try:
        one = _checked(Opened(data, _reader(data, strict=True)))
        if not one.reader.xrefs.hybrid_xrefs_present:
            return one
        # Word writes hybrid files, and strict pyHanko judges none. Those who add one later are
        # caught by ``layout``.
        problem = HARMLESS[0]
    except PdfDecodeLimitError as error:
        raise TooLarge(str(error)) from error
    except LIBRARY_ERRORS as error:
        problem = in_a_line(error, 300)
    harmless = any(one in problem for one in HARMLESS)
    return open_leniently(data, "" if harmless else problem)


def open_leniently(data: bytes, problem: str) -> Opened:
    """Return the PDF, opened with ``problem`` passed over; raises TooLarge or Unreadable."""
    try:
        return _checked(Opened(data, _reader(data, strict=False), problem))
    except PdfDecodeLimitError as error:
        raise TooLarge(str(error)) from error
    except LIBRARY_ERRORS as error:
        raise Unreadable(in_a_line(error, 300)) from error


def first_problem(one: Opened) -> str:
    """Return what strict reading says of the first object it refuses, of at most MAX_LOOKED; empty for none."""
    xrefs, seen = one.reader.xrefs, set[generic.Reference]()
    for number in reversed(range(xrefs.total_revisions)):
        seen.update(xrefs.explicit_refs_in_revision(number))
    for reference in sorted(seen, key=lambda each: each.idnum)[:MAX_LOOKED]:
        try:
            one.reader.get_object(reference)
        except LIBRARY_ERRORS as error:
            return in_a_line(error)
    return ""


def _revisions(data: bytes) -> int:
    """Return how far the chain of tables leads, counted cheaply and at most just over the limit."""
    found = _START.findall(data, max(0, len(data) - 2048))
    start = int(found[-1]) if found else 0
    visited: set[int] = set()
    while 0 < start < len(data) and start not in visited and len(visited) <= MAX_REVISIONS:
        visited.add(start)
        is_table = data.startswith(b"xref", start)
        head = data.find(b"trailer", start) if is_table else start
        if head < 0:
            break
        end = data.find(b"startxref" if is_table else b"stream", head, head + 8192)
        previous = _PREVIOUS.search(data, head, end) if end >= 0 else None
        start = int(previous[1]) if previous else 0
    return len(visited)


def _reader(data: bytes, *, strict: bool) -> PdfFileReader:
    reader = PdfFileReader(BytesIO(data), strict=strict, decode_limits=_LIMITS)
    if reader.encrypted:
        return reader
    reader.root  # noqa: B018  # read now: without a catalog there is nothing to judge
    return reader


def _checked(one: Opened) -> Opened:
    revisions = one.reader.xrefs.total_revisions
    if revisions > MAX_REVISIONS:
        raise TooLarge(f"{revisions} revisions, at most {MAX_REVISIONS} are judged")
    return one
