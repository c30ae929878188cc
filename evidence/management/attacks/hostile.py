"""Files made to cost much, signed ones among them: there everything has to be read.

Their makers may know this program. None may pass, and each must end within the limits of a page; the
bench prints which costs most.
"""

from __future__ import annotations

import io
import zlib
from datetime import timedelta

import pikepdf

from evidence.management.attacks import doubtful, keys, paper
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.update import (
    Update,
    body_of,
    facts_of,
    ranges,
    stream,
    with_entry,
)

PDF, ZIP = ".pdf", ".zip"
OURS = b"%PDF-1.7\n(TrueThreadSeal)\n"
"""The name of our seal: such a file goes to the verifier of our own."""


def files(maker: Maker) -> dict[str, tuple[bytes, str]]:
    """Return every hostile file by name, with the ending of its own; made in ten seconds where nothing else runs."""
    return small(maker) | large(maker)


def small(maker: Maker) -> dict[str, tuple[bytes, str]]:
    """Return those that are meant to be refused before they cost anything."""
    made = {name: (data, PDF) for name, (data, _) in doubtful.bombs().items()}
    made |= {
        name: (data, ZIP)
        for name, (data, _) in doubtful.others(maker).items()
        if name.startswith("ZIP")
    }
    return made | {name: (data, PDF) for name, data in (_ours() | _broken(maker)).items()}


def large(maker: Maker) -> dict[str, tuple[bytes, str]]:
    """Return those in which there is much to read, and nothing that forbids it."""
    return {name: (data, PDF) for name, data in _much(maker).items()}


def _ours() -> dict[str, bytes]:
    """Return what is named ours, is not, and goes on for long."""
    claims = b"".join(b"/ByteRange [0 %d %d 9]\n" % (n + 1, n + 99) for n in range(20_000))
    whole = paper.plain(1)
    return {
        "20,000 ranges": OURS + claims,
        "20,000 ranges, somebody else's": whole + claims,
        "5,000 ends": OURS + claims + b"startxref\n30\n%%EOF\n" * 5_000,
        "a range over nothing": OURS + b"/ByteRange [0 9 20 30]" + b" " * 5_000_000,
        "a range that never ends": OURS + b"/ByteRange [0" + b" " * 2_000_000,
        "200,000 beginnings of a range": OURS + b"/ByteRange" * 200_000,
        "200,000 beginnings of an object": OURS + b"1 0 obj\n" * 200_000,
        "100,000 lists in each other": OURS + b"/ByteRange [" + b"[" * 100_000,
    }


def _broken(maker: Maker) -> dict[str, bytes]:
    """Return what begins as a signed file."""
    plain = maker.archived(paper.plain(1))
    big = zlib.compress(bytes(190_000_000), 9)
    return {
        "17 signatures": doubtful.many_signatures(maker),
        "a signed page tree that leads to itself": _tree_loop(plain),
        "deep nesting behind a signature": _nested(plain),
        "a description that unpacks without end": _described(plain, big),
        "a store of small values": _stored(plain, [zlib.compress(_values(3_000_000), 9)]),
        "a store of a thousand lists": _stored(plain, _lists(maker)),
        "a maze of certificates": _stored(maker.sign(paper.plain(1)), _maze(maker, 16)),
        "a container of nested values": _contained(plain, _deep(7_000)),
    }


def _much(maker: Maker) -> dict[str, bytes]:
    plain = maker.archived(paper.plain(1))
    big = zlib.compress(bytes(190_000_000), 9)
    return {
        "16 signatures over 400 pages": many_signed(maker, 400, 16),
        "16 signatures over 2,000 fields": _many(maker, _form(2_000), 16),
        "29 revisions of 300 pages": _rewritten(maker.sign(paper.plain(300)), 28),
        "2,000 fields filled in": _filled(maker, 2_000),
        "a table of 400,000 objects": maker.sign(_many_objects(400_000)),
        "30,000 annotations": maker.sign(_annotated(30_000)),
        "a store that unpacks without end": _stored(plain, [big] * 20),
    }


def many_signed(maker: Maker, pages: int, count: int) -> bytes:
    """Return ``pages`` pages signed ``count`` times."""
    return _many(maker, paper.plain(pages), count)


def _many(maker: Maker, pdf: bytes, count: int) -> bytes:
    for number in range(count):
        pdf = maker.sign(pdf, field=f"S{number}", stamped=False)
    return pdf


def _rewritten(pdf: bytes, count: int) -> bytes:
    """Write every page again, as it was, in each of ``count`` revisions."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        pages = {one.obj.objgen[0]: bytes(one.obj.unparse(resolved=True)) for one in opened.pages}
    for _ in range(count):
        pdf = Update(pdf, pages).build()
    return pdf


def _form(count: int) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(paper.form())) as opened:
        form, page = opened.Root.AcroForm, opened.pages[0].obj
        for number in range(count):
            field = opened.make_indirect(
                pikepdf.Dictionary(
                    FT=pikepdf.Name.Tx, T=pikepdf.String(f"f{number}"), Subtype=pikepdf.Name.Widget,
                    Type=pikepdf.Name.Annot, Rect=pikepdf.Array([0, 0, 9, 9]), P=page,
                )
            )  # fmt: skip
            form.Fields.append(field)
            page.Annots.append(field)
        opened.save(out, deterministic_id=True)
    return out.getvalue()


def _filled(maker: Maker, count: int) -> bytes:
    """Fill in every field after signing, then have it stamped."""
    signed = maker.sign(_form(count))
    filled = {}
    with pikepdf.open(io.BytesIO(signed)) as opened:
        for one in opened.Root.AcroForm.Fields:
            if one.get("/FT") == "/Tx":
                one.V = pikepdf.String("9000")
                filled[one.objgen[0]] = bytes(one.unparse(resolved=True))
    return maker.stamp(Update(signed, filled).build())


def _many_objects(count: int) -> bytes:
    """Return a page with ``count`` objects more, so small that they cost little but their entry."""
    pdf = paper.plain(1)
    size, out = facts_of(pdf).size, bytearray(pdf)
    rows = bytearray()
    for number in range(size, size + count):
        rows += b"%010d 00000 n \n" % len(out)
        out += b"%d 0 obj\nnull\nendobj\n" % number
    start = len(out)
    out += b"xref\n%d %d\n" % (size, count) + rows
    out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        size + count, facts_of(pdf).root, facts_of(pdf).start, start,
    )  # fmt: skip
    return bytes(out)


def _annotated(count: int) -> bytes:
    pdf = paper.plain(1)
    facts = facts_of(pdf)
    note = b"<< /Type /Annot /Subtype /Square /Rect [0 0 9 9] /P %d 0 R >>" % facts.page
    numbers = range(facts.size, facts.size + count)
    listed = b"/Annots [%s]" % b" ".join(b"%d 0 R" % number for number in numbers)
    page = with_entry(body_of(pdf, facts.page), listed)
    return Update(pdf, {facts.page: page, **dict.fromkeys(numbers, note)}).build()


def _tree_loop(pdf: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        number = opened.Root.Pages.objgen[0]
    listed = b"/Kids [%s]" % (b"%d 0 R " % number * 5_000)
    return Update(pdf, {number: with_entry(body_of(pdf, number, Kids=None), listed)}).build()


def _nested(pdf: bytes) -> bytes:
    facts = facts_of(pdf)
    page = with_entry(body_of(pdf, facts.page), b"/Deep " + b"[" * 200_000 + b"]" * 200_000)
    return Update(pdf, {facts.page: page}).build()


def _described(pdf: bytes, packed: bytes) -> bytes:
    facts = facts_of(pdf)
    root = with_entry(body_of(pdf, facts.root, Metadata=None), b"/Metadata %d 0 R" % facts.size)
    said = stream(packed, b"/Type /Metadata /Subtype /XML /Filter /FlateDecode")
    return Update(pdf, {facts.root: root, facts.size: said}).build()


def _stored(pdf: bytes, packed: list[bytes]) -> bytes:
    """Put ``packed`` into the security store, as certificates and as lists of revoked ones."""
    facts = facts_of(pdf)
    numbers = range(facts.size, facts.size + len(packed))
    listed = b" ".join(b"%d 0 R" % number for number in numbers)
    store = b"/DSS << /Certs [%s] /CRLs [%s] /OCSPs [%s] >>" % (listed, listed, listed)
    root = with_entry(body_of(pdf, facts.root, DSS=None), store)
    held = {
        number: stream(data, b"/Filter /FlateDecode")
        for number, data in zip(numbers, packed, strict=True)
    }
    return Update(pdf, {facts.root: root, **held}).build()


def _values(count: int) -> bytes:
    body = b"\x05\x00" * count
    return b"\x30\x84" + len(body).to_bytes(4, "big") + body


def _lists(maker: Maker) -> list[bytes]:
    pki, hour = maker.pki, timedelta(hours=1)
    lists = (keys.make_crl(pki.issuing, pki.now + n * hour) for n in range(500))
    more = (keys.make_crl(pki.root, pki.now + n * hour) for n in range(500))
    return [zlib.compress(one) for one in (*lists, *more)]


def _maze(maker: Maker, count: int) -> list[bytes]:
    """Return certificates of issuers who all certify each other and the signer's issuer."""
    pki = maker.pki
    middle = pki.issuing
    people = [keys.make_identity(f"Maze {n}", None, pki.now, is_ca=True) for n in range(count)]
    made = [keys.cross_certified(middle, one, pki.now) for one in people]
    made += [
        keys.cross_certified(one, other, pki.now)
        for one in people
        for other in people
        if one is not other
    ]
    return [zlib.compress(one) for one in made]


def _contained(pdf: bytes, der: bytes) -> bytes:
    """Put ``der`` where the first signature's container is."""
    _, before, after, _ = ranges(pdf)[0]
    digits = der.hex().encode().ljust(after - before - 2, b"0")
    return pdf[: before + 1] + digits[: after - before - 2] + pdf[after - 1 :]


def _deep(count: int) -> bytes:
    der = b"\x05\x00"
    for _ in range(count):
        length = len(der)
        head = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2, "big")
        der = b"\x30" + head + der
    return der
