"""A PDF file written front to back: ReportLab's objects, our own numbering, nothing kept.

ReportLab's own document holds every page until it is saved, so memory grows with length. Here each
object goes to disk when it is complete; only its offset stays. What ReportLab gets wrong for
PDF/A-3 and for strict verifiers is right by construction: version 1.7, one classic cross-reference
table, an end of line before ``endstream``, no object streams, no encryption, no font that is not
embedded, no clock.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from reportlab.pdfbase import pdfdoc

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
COMPRESSION = 3
"""Level 4 takes 3 % more of the whole time and saves 2 % of the file, level 6 8 % and 5 %."""
_PLAIN = pdfdoc.DummyDoc()


class Ref(pdfdoc.PDFObject):  # type: ignore[misc]  # ReportLab ships no types
    """A reference to an object by number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def format(self, document: object) -> bytes:
        """Return ``n 0 R``."""
        return b"%d 0 R" % self.number


class Raw(pdfdoc.PDFObject):  # type: ignore[misc]  # ReportLab ships no types
    """Bytes that are PDF syntax already."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def format(self, document: object) -> bytes:
        """Return the bytes as they are."""
        return self.data


def name(text: str) -> Raw:
    """Return a name object; unlike ReportLab's it escapes ``/`` too."""
    safe = [c if "!" <= c <= "~" and c not in "%()<>{}[]#/" else f"#{ord(c):02x}" for c in text]
    return Raw(("/" + "".join(safe)).encode("ascii"))


def text(value: str) -> Raw:
    """Return a text string: UTF-16BE with a byte order mark, in hex, so no byte needs escaping."""
    data = value.encode("utf-16-be", "replace")
    return Raw(b"<FEFF" + data.hex().upper().encode("ascii") + b">")


def array_of(items: Sequence[Any]) -> Any:
    """Return an array object of ``items``."""
    return pdfdoc.PDFArrayCompact(list(items))


def dictionary(entries: Mapping[str, Any]) -> bytes:
    """Return the bytes of a dictionary; keys without slash, values ReportLab objects or numbers."""
    found: bytes = pdfdoc.PDFDictionary(dict(entries)).format(_PLAIN)
    return found


def nested(entries: Mapping[str, Any]) -> Raw:
    """Return a dictionary to stand inside another."""
    return Raw(dictionary(entries))


def number(value: float) -> bytes:
    """Return ``value`` with at most two decimals and no useless zeros."""
    return b"%d" % value if value == int(value) else b"%.2f" % value


class StreamedPdf:
    """One PDF being written to ``path``. Numbers are reserved first, objects put in any order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = path.open("wb")
        self._file.write(HEADER)
        self.size = len(HEADER)
        self._offsets = array("Q", [0])

    def reserve(self) -> int:
        """Return the number of an object to be put later."""
        self._offsets.append(0)
        return len(self._offsets) - 1

    def put(self, number: int, body: bytes) -> None:
        """Write object ``number``; each number is put exactly once."""
        if self._offsets[number]:
            raise ValueError(f"object {number} was put before")
        self._offsets[number] = self.size
        self._write(b"%d 0 obj\n%s\nendobj\n" % (number, body))

    def add(self, body: bytes) -> int:
        """Write an object under a new number and return that."""
        number = self.reserve()
        self.put(number, body)
        return number

    def put_stream(
        self, number: int, entries: Mapping[str, Any], data: bytes, *, compress: bool = True
    ) -> None:
        """Write a stream; ``compress`` deflates it, otherwise ``entries`` names its filter."""
        head = dict(entries)
        if compress:
            data = zlib.compress(data, COMPRESSION)
            head["Filter"] = name("FlateDecode")
        head["Length"] = len(data)
        self.put(number, b"%s\nstream\n%s\nendstream" % (dictionary(head), data))

    def add_stream(self, entries: Mapping[str, Any], data: bytes, *, compress: bool = True) -> int:
        """Write a stream under a new number and return that."""
        number = self.reserve()
        self.put_stream(number, entries, data, compress=compress)
        return number

    def put_content(self, number: int, data: bytes) -> None:
        """Write a page's content stream: the fast way for the many."""
        packed = zlib.compress(data, COMPRESSION)
        self.put(
            number,
            b"<</Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream" % (len(packed), packed),
        )

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file = self.path.open("ab")
        self._file.write(data)
        self.size += len(data)

    def release(self) -> None:
        """Close the file until the next object is put."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def finish(self, *, root: int, info: int, file_id: bytes) -> None:
        """Write cross-reference table and trailer and close the file.

        file_id: 16 bytes, a function of what is exhibited, so equal input gives equal bytes.
        """
        missing = [n for n, offset in enumerate(self._offsets) if n and not offset]
        if missing:
            raise RuntimeError(f"objects reserved but never put: {missing[:5]}")
        start = self.size
        self._write(b"xref\n0 %d\n0000000000 65535 f \n" % len(self._offsets))
        self._write(b"".join(b"%010d 00000 n \n" % o for o in self._offsets[1:]))
        label = Raw(b"<" + file_id.hex().encode("ascii") + b">")
        trailer = pdfdoc.PDFTrailer(
            startxref=start,
            Size=len(self._offsets),
            Root=Ref(root),
            Info=Ref(info),
            ID=array_of([label, label]),
        )
        self._write(trailer.format(_PLAIN))
        self.release()
