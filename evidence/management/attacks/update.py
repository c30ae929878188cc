"""An attacker's incremental update, written by hand: any object, any table, any end."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any

import pikepdf

_START = re.compile(rb"startxref\s+(\d+)")
_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass
class Update:
    """``build`` appends the objects behind ``before`` with a cross-reference table."""

    before: bytes
    objects: dict[int, bytes] = field(default_factory=dict)
    end: bytes = b"%%EOF\n"
    unlisted: bool = False
    """Write an empty table, so that only a repairing program sees the objects."""
    rows: bytes = b""
    """What stands in the empty table."""
    places: dict[int, int] = field(default_factory=dict)
    """Entries that lead somewhere else than to an object written here."""
    root: int = 0
    previous: int = -1
    trailer: bytes = b""
    freed: tuple[int, ...] = ()

    def build(self) -> bytes:
        facts = facts_of(self.before)
        out = bytearray(self.before if self.before.endswith(b"\n") else self.before + b"\n")
        places = dict(self.places)
        for number, body in self.objects.items():
            places[number] = len(out)
            out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
        start = len(out)
        out += b"xref\n" + self.rows
        if not self.unlisted:
            rows = {number: b"%010d 00000 n \n" % place for number, place in places.items()}
            rows |= {number: b"0000000000 00001 f \n" for number in self.freed}
            for number, row in sorted(rows.items()):
                out += b"%d 1\n" % number + row
        size = max([facts.size, *(number + 1 for number in places)])
        previous = facts.start if self.previous == -1 else self.previous
        root = self.root or facts.root
        out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %d" % (size, root, previous)
        out += facts.identity + self.trailer + b" >>\nstartxref\n%d\n" % start
        return bytes(out) + self.end


@dataclass(frozen=True)
class Facts:
    """What an attacker reads off a file before he writes behind it."""

    size: int
    root: int
    start: int
    identity: bytes
    page: int
    contents: int
    font: int
    form: int
    fields: tuple[int, ...]


def facts_of(pdf: bytes) -> Facts:
    """Return numbers of objects and places in ``pdf``."""
    with pikepdf.open(io.BytesIO(pdf), suppress_warnings=True) as opened:
        page = opened.pages[0].obj
        contents = page.get("/Contents")
        if isinstance(contents, pikepdf.Array):
            contents = contents[0]
        font = _first_font(page)
        form = opened.Root.get("/AcroForm")
        fields = tuple(one.objgen[0] for one in form.Fields) if form is not None else ()
        identity = opened.trailer.get("/ID")
        return Facts(
            size=int(opened.trailer.Size),
            root=opened.Root.objgen[0],
            start=int(_START.findall(pdf)[-1]),
            identity=b" /ID " + identity.unparse() if identity is not None else b"",
            page=page.objgen[0],
            contents=contents.objgen[0] if contents is not None else 0,
            font=font,
            form=form.objgen[0] if form is not None else 0,
            fields=fields,
        )


def _first_font(page: Any) -> int:
    try:
        return int(next(iter(page.Resources.Font.as_dict().values())).objgen[0])
    except (AttributeError, StopIteration):
        return 0


def body_of(pdf: bytes, number: int, **changes: object) -> bytes:
    """Return the body of a dictionary object as text, with keys set or (None) removed."""
    with pikepdf.open(io.BytesIO(pdf), suppress_warnings=True) as opened:
        value = opened.get_object(number, 0)
        for key, new in changes.items():
            name = f"/{key}"
            if new is None:
                if name in value:
                    del value[name]
            else:
                value[name] = new
        return bytes(value.unparse(resolved=True))


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """Return a stream object's body."""
    return b"<< " + entries + b" /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"


def ranges(pdf: bytes) -> list[tuple[int, int, int, int]]:
    """Return the byte ranges of signatures in ``pdf``, in file order."""
    found = [tuple(map(int, one)) for one in _RANGE.findall(pdf)]
    return [(a, b, c, d) for a, b, c, d in found]
