"""A PDF as pyHanko reads it: strictly if possible, otherwise with a problem to report."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

MAX_REVISIONS = 32
MAX_SIGNATURES = 16
MAX_UNPACKED = 200_000_000

LIBRARY_ERRORS = (
    PdfReadError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, AssertionError,
    NotImplementedError, OSError,
)  # fmt: skip
"""What pyHanko and its parts raise over odd bytes; RecursionError and MemoryError are limits."""


for _name in ("pyhanko.pdf_utils", "pyhanko.sign", "pyhanko_certvalidator"):
    # They report every odd byte of a stranger's file; what matters becomes a finding.
    logging.getLogger(_name).setLevel(logging.CRITICAL)


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
    try:
        return _checked(Opened(data, _reader(data, strict=True)))
    except PdfDecodeLimitError as error:
        raise TooLarge(str(error)) from error
    except LIBRARY_ERRORS as error:
        problem = f"{type(error).__name__}: {error}"[:300]
    try:
        return _checked(Opened(data, _reader(data, strict=False), problem))
    except PdfDecodeLimitError as error:
        raise TooLarge(str(error)) from error
    except LIBRARY_ERRORS as error:
        raise Unreadable(f"{type(error).__name__}: {error}"[:300]) from error


def _reader(data: bytes, *, strict: bool) -> PdfFileReader:
    budget = DocumentDecodeBudget(base_allowance=MAX_UNPACKED, max_ratio=0)
    reader = PdfFileReader(
        BytesIO(data), strict=strict, decode_limits=DecodeLimits(document_budget=budget)
    )
    if reader.encrypted:
        return reader
    reader.root  # noqa: B018  # read now: without a catalog there is nothing to judge
    return reader


def _checked(one: Opened) -> Opened:
    revisions = one.reader.xrefs.total_revisions
    if revisions > MAX_REVISIONS:
        raise TooLarge(f"{revisions} revisions, at most {MAX_REVISIONS} are judged")
    return one
