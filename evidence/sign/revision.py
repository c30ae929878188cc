"""One incremental update holding one signature, written in place with a classic xref table.

Every update ends with the signature's own bytes: nothing of ours ever follows a signature
inside its revision, so the last one covers the file from the first byte to the last.

Left alone on purpose: /Info, the XMP packet and /Version. pyHanko would rewrite them in every
update; then a later update would touch more than the strict grammar of ``verify`` allows, and
a PDF/A-3 file would claim PDF 2.0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup

RESERVED_HEX_DIGITS = 64 * 1024
"""Room for /Contents: 32 KB of DER, written as lower-case hex and padded with zeros."""

CHUNK = 1024 * 1024


class UpdateWriter(IncrementalPdfFileWriter):
    """pyHanko's incremental writer, which keeps its hands off the document's metadata."""

    def _update_meta(self) -> None:
        """Leave /Info and XMP as the renderer wrote them."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """Where one signature lies in the file, and what it signs."""

    digest: bytes
    """SHA-256 over the /ByteRange, 32 raw bytes."""
    start: int
    """Offset of the ``<`` that opens /Contents."""
    end: int
    """Offset after the ``>`` that closes it."""
    length: int
    """Length of the file that ends with this update."""


def write(
    writer: IncrementalPdfFileWriter,
    *,
    field: SigFieldSpec,
    setup: Callable[[], SigObjSetup],
) -> Reserved:
    """Append ``writer``'s changes with a new, still empty signature field and hash the result.

    The file the writer reads from is extended in place; memory does not grow with its size.
    """
    embedder = PdfCMSEmbedder(new_field_spec=field)
    steps: Any = embedder.write_cms(field_name=field.sig_field_name, writer=writer)
    next(steps)
    steps.send(setup())
    prepared, output = steps.send(
        SigIOSetup(md_algorithm="sha256", in_place=True, chunk_size=CHUNK)
    )
    steps.close()
    return Reserved(
        digest=prepared.document_digest,
        start=prepared.reserved_region_start,
        end=prepared.reserved_region_end,
        length=output.seek(0, 2),
    )


def fill(file: BinaryIO, reserved: Reserved, container: bytes) -> None:
    """Write the DER ``container`` into its reserved place, lower-case hex, zeros behind it.

    Raises ValueError when it does not fit.
    """
    digits = container.hex().encode("ascii")
    room = reserved.end - reserved.start - 2
    if len(digits) > room:
        raise ValueError(f"signature needs {len(digits)} hex digits, {room} are reserved")
    file.seek(reserved.start + 1)
    file.write(digits.ljust(room, b"0"))
