"""An attacker's incremental update, written by hand: any object, any table, any end."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Sequence
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


def with_entry(body: bytes, more: bytes) -> bytes:
    """Return a dictionary's body with more entries in front of its own."""
    return body.replace(b"<<", b"<< " + more + b" ", 1)


def packed_update(
    pdf: bytes, packed: Sequence[tuple[int, bytes]], plain: dict[int, bytes] | None = None
) -> bytes:
    """Return ``pdf`` with an update in a cross-reference stream, some objects in an object stream.

    packed: number and body; of a number given twice the table names the first.
    """
    facts, plain = facts_of(pdf), plain or {}
    holder = max([facts.size - 1, *(number for number, _ in packed), *plain]) + 1
    heads, bodies = b"", b""
    for number, body in packed:
        heads += b"%d %d " % (number, len(bodies))
        bodies += body + b" "
    entries = b"/Type /ObjStm /N %d /First %d" % (len(packed), len(heads))
    out = bytearray(pdf)
    rows: dict[int, bytes] = {}
    for at, (number, _) in enumerate(packed):
        rows.setdefault(number, b"\x02%s%c" % (holder.to_bytes(4, "big"), at))
    for number, body in {**plain, holder: stream(heads + bodies, entries)}.items():
        rows[number] = b"\x01%s\x00" % len(out).to_bytes(4, "big")
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table, start = holder + 1, len(out)
    rows[table] = b"\x01%s\x00" % start.to_bytes(4, "big")
    index = b" ".join(b"%d 1" % number for number in sorted(rows))
    entries = b"/Type /XRef /W [1 4 1] /Index [%s] /Size %d /Root %d 0 R /Prev %d" % (
        index, table + 1, facts.root, facts.start,
    ) + facts.identity  # fmt: skip
    out += b"%d 0 obj\n" % table + stream(b"".join(rows[one] for one in sorted(rows)), entries)
    return bytes(out) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """Return a stream object's body."""
    return b"<< " + entries + b" /Length %d >>\nstream\n" % len(data) + data + b"\nendstream"


def ranges(pdf: bytes) -> list[tuple[int, int, int, int]]:
    """Return the byte ranges of signatures in ``pdf``, in file order."""
    found = [tuple(map(int, one)) for one in _RANGE.findall(pdf)]
    return [(a, b, c, d) for a, b, c, d in found]


_OBJECT = re.compile(rb"(?m)^(\d+) 0 obj\b")
_ROW = re.compile(rb"\d{10}( \d{5} n)")
_CONTENTS = re.compile(rb"/Contents\s*<([0-9a-fA-F]+)>")


def relisted(pdf: bytes, start: int) -> bytes:
    """Return ``pdf`` with table and startxref of its last revision fitted to where things now stand.

    start: where the revision begins; it has a classic table. A stretch of the table that names
    objects which are not there stays as it is.
    """
    tail = pdf[start:]
    table = tail.rindex(b"xref\n", 0, tail.rindex(b"startxref"))
    places = {int(one[1]): start + one.start() for one in _OBJECT.finditer(tail, 0, table)}
    lines, number = tail[table:].split(b"\n"), 0
    for index, line in enumerate(lines):
        head = re.fullmatch(rb"(\d+) (\d+) ?", line)
        if head:
            number = int(head[1])
        elif _ROW.match(line):
            if number in places:
                lines[index] = b"%010d" % places[number] + line[10:]
            number += 1
        elif line.startswith(b"trailer"):
            break
    rest = b"\n".join(lines)
    end = rest.rindex(b"startxref")
    rest = rest[:end] + re.sub(rb"\d+", b"%d" % (start + table), rest[end:], count=1)
    return pdf[:start] + tail[:table] + rest


def restamped(pdf: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Return ``pdf`` with a fresh token in its last time-stamp, over everything up to the end.

    What an attacker can do to any last revision he has changed: the signature of an authority proves
    when, never that the change was allowed. ask: SHA-256 of what is stamped → token, DER.
    """
    gap = list(_CONTENTS.finditer(pdf))[-1]
    before, after = gap.start(1) - 1, gap.end(1) + 1
    found = list(re.finditer(rb"/ByteRange\s*\[[^\]]*\]\s*", pdf))[-1]
    numbers = b"/ByteRange [0 %d %d %d]" % (before, after, len(pdf) - after)
    if len(numbers) > len(found[0]):
        raise ValueError("no room for the range")
    ranged = pdf[: found.start()] + numbers.ljust(len(found[0])) + pdf[found.end() :]
    token = ask(hashlib.sha256(ranged[:before] + ranged[after:]).digest())
    digits = token.hex().encode().ljust(after - before - 2, b"0")
    return ranged[: before + 1] + digits + ranged[after - 1 :]
