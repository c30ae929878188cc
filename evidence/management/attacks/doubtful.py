"""Files that are not tampered with and must not pass either: bad signers, bombs, other kinds."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime, timedelta

import pikepdf
from asn1crypto import cms
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils.crypt import StandardSecurityHandler
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

from evidence.management.attacks import keys, paper
from evidence.management.attacks.forged import FORGED_TEXT
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.update import (
    Update,
    body_of,
    facts_of,
    packed_update,
    ranges,
    stream,
)
from evidence.verify.offline import Trust, trust_of

DAY = timedelta(days=1)
Made = tuple[bytes, Trust, str]
"""A file, whom to trust, and the reasons (comma between) a verifier may give."""


def signers(now: datetime) -> dict[str, Made]:
    """Return files whose bytes are intact and whose signers or authorities are not all right."""
    plain = paper.plain()
    made: dict[str, Made] = {}

    def add(name: str, pki: keys.Pki, pdf: bytes, reasons: str) -> None:
        made[name] = (pdf, trust_of([pki.root.der]), reasons)

    pki = keys.make_pki(now)
    stranger = keys.make_pki(now, name="Nobody")
    made["signer nobody trusts"] = (
        Maker(stranger).archived(plain), trust_of([pki.root.der]), "signer_not_trusted",
    )  # fmt: skip
    made["no roots given"] = (Maker(pki).archived(plain), Trust(), "signer_not_trusted")
    expired = keys.make_pki(now, signer={"before": now - 9 * DAY, "after": now - DAY})
    add("expired signer", expired, Maker(expired).archived(plain), "signer_not_trusted")
    unborn = keys.make_pki(now, signer={"before": now + DAY})
    add("signer not yet valid", unborn, Maker(unborn).archived(plain), "signer_not_trusted")
    revoked = keys.make_pki(now, revoked=now - 5 * DAY)
    add("revoked signer", revoked, Maker(revoked).archived(plain), "signer_not_trusted")
    server = keys.make_pki(now, signer={"purposes": (ExtendedKeyUsageOID.SERVER_AUTH,)})
    add("signer of web servers", server, Maker(server).archived(plain), "signer_not_trusted")
    clock = keys.make_pki(now, authority={"purposes": (ExtendedKeyUsageOID.CODE_SIGNING,)})
    add("authority of code", clock, Maker(clock).archived(plain), "signer_not_trusted,incomplete")
    add(
        "missing certificates",
        pki,
        Maker(pki).sign(plain, alone=True, stamped=False),
        "signer_not_trusted",
    )
    add("weak digest", pki, weak(Maker(pki), plain), "unreadable")
    large = keys.make_pki(now, kind="p521")
    add("unusual curve", large, Maker(large).archived(plain), "incomplete,signer_not_trusted")
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    limited = keys.make_pki(now, signer={"more": (odd,)})
    add("a condition nobody knows", limited, Maker(limited).archived(plain), "signer_not_trusted")
    walled = x509.NameConstraints([x509.DNSName("example.org")], None)
    fenced = keys.make_pki(now, issuing={"more": (walled,)})
    add(
        "names outside the issuer's bounds",
        fenced,
        Maker(fenced).archived(plain),
        "signer_not_trusted",
    )
    pathless = keys.make_pki(now, issuing={"more": (odd,)})
    add(
        "an issuer under unknown conditions",
        pathless,
        Maker(pathless).archived(plain),
        "signer_not_trusted",
    )
    stale = keys.make_pki(now, authority={"before": now - 9 * DAY, "after": now - DAY})
    add(
        "authority expired before it stamped",
        stale,
        Maker(stale).archived(plain),
        "signer_not_trusted,incomplete,altered",
    )
    add("nothing about revocation", pki, Maker(pki).sign(plain), "incomplete")
    return made


def two_documents() -> dict[str, bytes]:
    """Return unsigned files of which one program shows the one text and another program the other.

    Who signs them signs both: nothing is altered, and nobody can say what was signed.
    """
    page, other = paper.plain(1), FORGED_TEXT
    facts = facts_of(page)
    font = body_of(page, facts.font)
    strange = body_of(page, facts.font, BaseFont=pikepdf.Name.ZapfDingbats)
    return {
        "hybrid, table and stream differ": paper.hybrid(page, other),
        "hybrid, stream and older table differ": paper.hybrid(page, other, in_table=False),
        "hybrid, free in the stream alone": paper.hybrid(page, in_stream="free"),
        "listed twice, the other one first": paper.listed_twice(page, other, is_first=True),
        "listed twice, the other one last": paper.listed_twice(page, other, is_first=False),
        "held twice, the other one first": packed_update(
            page, [(facts.font, strange), (facts.font, font)]
        ),
        "held twice, the other one last": packed_update(
            page, [(facts.font, font), (facts.font, strange)]
        ),
    }


def weak(maker: Maker, pdf: bytes) -> bytes:
    """Return ``pdf`` signed over SHA-1."""
    return maker.sign(pdf, digest="sha1", stamped=False)


def reordered(pdf: bytes, maker: Maker) -> bytes:
    """Write the signed attributes in another order than DER has."""
    return _recoded(pdf, _swap_attributes)


def lengthened(pdf: bytes, maker: Maker) -> bytes:
    """Write the outermost length with one byte more than DER allows."""
    return _recoded(pdf, lambda der: b"\x30\x83\x00" + der[2:])


def _recoded(pdf: bytes, change: Callable[[bytes], bytes]) -> bytes:
    _, before, after, _ = ranges(pdf)[0]
    padded = bytes.fromhex(pdf[before + 1 : after - 1].decode())
    der: bytes = cms.ContentInfo.load(padded).dump()
    digits = change(der).hex().encode().ljust(after - before - 2, b"0")
    return pdf[: before + 1] + digits + pdf[after - 1 :]


def _swap_attributes(der: bytes) -> bytes:
    signer = cms.ContentInfo.load(der)["content"]["signer_infos"][0]
    parts = [one.dump() for one in signer["signed_attrs"]]
    return der.replace(b"".join(parts), b"".join(reversed(parts)))


def bombs() -> dict[str, tuple[bytes, str]]:
    """Return files made to cost much; a verdict must come in time, and never a good one."""
    return {
        "flate bomb": (_flate_bomb(), "no_signature,limits_exceeded,unreadable"),
        "packed table bomb": (_table_bomb(), "limits_exceeded,unreadable"),
        "table leads to itself": (_table_loop(), "no_signature,unreadable,limits_exceeded"),
        "page tree leads to itself": (_kids_loop(), "no_signature,unreadable"),
        "fields lead to themselves": (_fields_loop(), "no_signature,unreadable"),
        "five thousand revisions": (_revisions(5000), "limits_exceeded"),
        "deep nesting": (_nested(), "unreadable,limits_exceeded,no_signature"),
        "a thousand mentions": (_mentions(), "limits_exceeded,altered"),
    }


def _page() -> bytes:
    return paper.plain(1)


def _flate_bomb() -> bytes:
    data = zlib.compress(zlib.compress(b"\0" * 200_000_000, 9), 9)
    entries = b"/Filter [/FlateDecode /FlateDecode]"
    return Update(_page(), {facts_of(_page()).contents: stream(data, entries)}).build()


def _table_bomb() -> bytes:
    page, facts = _page(), facts_of(_page())
    data = zlib.compress(b"\x01" * 60_000_000, 9)
    entries = (
        b"/Type /XRef /Filter /FlateDecode /W [1 4 1] /Size 10000000 /Root %d 0 R" % facts.root
    )
    at = len(page)
    table = b"%d 0 obj\n" % facts.size + stream(data, entries) + b"\nendobj\n"
    return page + table + b"startxref\n%d\n%%%%EOF\n" % at


def _table_loop() -> bytes:
    page = _page()
    first = Update(page, {facts_of(page).size: b"<<>>"}).build()
    start = facts_of(first).start
    return Update(page, {facts_of(page).size: b"<<>>"}, previous=start).build()


def _kids_loop() -> bytes:
    page, facts = _page(), facts_of(_page())
    with pikepdf.open(io.BytesIO(page)) as opened:
        pages = opened.Root.Pages.objgen[0]
    body = b"<< /Type /Pages /Count 1 /Kids [%d 0 R] /Parent %d 0 R >>" % (pages, pages)
    return Update(page, {pages: body, facts.size: b"<<>>"}).build()


def _fields_loop() -> bytes:
    page, facts = _page(), facts_of(_page())
    number = facts.size
    with pikepdf.open(io.BytesIO(page)) as opened:
        pages = opened.Root.Pages.objgen[0]
    root = b"<< /Type /Catalog /Pages %d 0 R /AcroForm << /Fields [%d 0 R] >> >>" % (pages, number)
    field = b"<< /T (a) /FT /Sig /Kids [%d 0 R %d 0 R] >>" % (number, number)
    return Update(page, {facts.root: root, number: field}).build()


def _revisions(count: int) -> bytes:
    out = bytearray(_page())
    facts = facts_of(bytes(out))
    previous = facts.start
    for _ in range(count):
        place = len(out)
        out += b"%d 0 obj\n<<>>\nendobj\n" % facts.size
        start = len(out)
        out += b"xref\n%d 1\n%010d 00000 n \n" % (facts.size, place)
        out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
            facts.size + 1, facts.root, previous, start,
        )  # fmt: skip
        previous = start
    return bytes(out)


def _nested() -> bytes:
    page, facts = _page(), facts_of(_page())
    return Update(page, {facts.root: b"[" * 200_000 + b"]" * 200_000}).build()


def _mentions() -> bytes:
    page, facts = _page(), facts_of(_page())
    loose = b"".join(
        b"%d 0 obj\n<< /ByteRange [0 1 2 3] >>\nendobj\n" % (facts.size + n) for n in range(1000)
    )
    return Update(page + loose, {facts.size: b"<<>>"}).build()


def many_signatures(maker: Maker, count: int = 17) -> bytes:
    """Return a PDF with more signatures than anyone needs."""
    pdf = paper.plain(1)
    for number in range(count):
        pdf = maker.sign(pdf, field=f"S{number}", stamped=False)
    return pdf


def others(maker: Maker) -> dict[str, tuple[bytes, str]]:
    """Return files that carry no signature we could judge."""
    plain = paper.plain()
    signed = maker.archived(plain)
    return {
        "unsigned": (plain, "no_signature"),
        "unsigned around a signed PDF": (
            paper.holding(plain, "inner.pdf", signed),
            "no_signature",
        ),
        "encrypted": (encrypted(plain), "unreadable,no_signature"),
        "encrypted by AES-GCM": (encrypted_newly(plain), "unreadable"),
        "encrypted by AES-GCM, then signed": (signed_encrypted(maker, plain), "unreadable"),
        "encrypted after signing": (encrypted(signed), "unreadable,altered"),
        "an empty field only": (_empty_field(plain), "no_signature"),
        "nothing": (b"", "unreadable,not_ours"),
        "text": (b"Dear court, this is true.\n", "unreadable,not_ours"),
        "only a header": (b"%PDF-1.7\n", "unreadable,no_signature"),
        "ZIP: plain": (_zip({"a.txt": b"a"}), "not_ours,unreadable,altered,incomplete"),
        "ZIP: bomb": (_zip({"a.txt": b"\0" * 50_000_000}), NO_ZIP),
        "ZIP: overlapping": (_overlapping(), NO_ZIP),
        "ZIP: many entries": (_zip({f"{n}.txt": b"" for n in range(1500)}), NO_ZIP),
        "ZIP: paths upwards": (_zip({"../../etc/passwd": b"x"}), NO_ZIP),
        "ZIP: nested": (_zip({"inner.zip": _zip({"a": b"a"})}), NO_ZIP),
    }


NO_ZIP = "not_ours,unreadable,limits_exceeded,altered"


def encrypted(pdf: bytes) -> bytes:
    """Return ``pdf`` encrypted, with an owner's password only."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(out, encryption=pikepdf.Encryption(owner="owner", user="", R=6))
    return out.getvalue()


def encrypted_newly(pdf: bytes) -> bytes:
    """Return ``pdf`` encrypted as PDF 2.0 allows since ISO/TS 32003: by AES-GCM, with a MAC over it."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    handler = StandardSecurityHandler.build_from_pw("owner", "", use_gcm=True)
    writer._assign_security_handler(handler)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def signed_encrypted(maker: Maker, pdf: bytes) -> bytes:
    """Return ``pdf`` encrypted by AES-GCM and then signed, whole and unchanged."""
    writer = IncrementalPdfFileWriter(io.BytesIO(encrypted_newly(pdf)))
    writer.encrypt("")
    out = io.BytesIO()
    metadata = PdfSignatureMetadata(field_name="Signature1")
    PdfSigner(metadata, maker.pki.simple_signer()).sign_pdf(writer, output=out)
    return out.getvalue()


def _empty_field(pdf: bytes) -> bytes:
    from evidence.management.attacks.honest import with_empty_field

    return with_empty_field(pdf, "Waiting", (50, 50, 100, 80))


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, 8, 9)
    return out.getvalue()


def _overlapping() -> bytes:
    """Return a ZIP whose central directory names the same bytes a thousand times."""
    one = _zip({"a.txt": b"\0" * 1_000_000})
    start = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry = one[start:end]
    central = b"".join(entry.replace(b"a.txt", b"%05d" % number) for number in range(1000))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1000, 1000, len(central), start, 0)
    return one[:start] + central + tail
