"""What the reader takes, and how it ends on files made to hurt."""

from __future__ import annotations

import time
import tracemalloc
import zlib

import pytest

from evidence.verify.offline.pdf import report_pdf
from evidence.verify.offline.pdf_reader import (
    Document,
    LimitExceeded,
    Name,
    Parser,
    PdfError,
    Ref,
    String,
    open_revision,
    unpack,
)
from tests.patience import FOREVER


def read(data, comments=False):
    parser = Parser(data, 0, len(data), comments=comments)
    return parser.value()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"12", 12),
        (b"-12", -12),
        (b"+1.5", 1.5),
        (b".5", 0.5),
        (b"5.", 5.0),
        (b"true", True),
        (b"null", None),
        (b"/Name", "Name"),
        (b"/A#20B", "A B"),
        (b"/", ""),
        (b"7 0 R", Ref(7, 0)),
        (b"[1 2 R 3 0 R]", None),
        (b"[1/A(b)<63>]", None),
        (b"<</A 1/B[2]>>", {"A": 1, "B": [2]}),
    ],
)
def test_values_are_read(data, value):
    if data.startswith(b"[1 2"):
        assert read(data) == [Ref(1, 2), Ref(3, 0)]
    elif data.startswith(b"[1/"):
        assert [getattr(one, "value", one) for one in read(data)] == [1, "A", b"b", b"c"]
    else:
        assert read(data) == value


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"(a(b)c)", b"a(b)c"),
        (rb"(\(\)\\\n\053\53\5x)", b"()\\\n+" + b"+" + b"\x05x"),
        (b"(a\\\r\nb)", b"ab"),
        (b"(a\r\nb\rc)", b"a\nb\nc"),
        (b"<6 1 6>", b"a`"),
        (b"<>", b""),
    ],
)
def test_strings_are_read(data, value):
    found = read(data)
    assert isinstance(found, String)
    assert (found.value, found.start, found.end) == (value, 0, len(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"(", b"(a", b"(\\", b"<6", b"<6g>", b"[", b"[1", b"<<", b"<</A>>", b"<</A 1/A 2>>",
     b"<<1 2>>", b"truex", b"1x", b"--1", b"1.2.3", b"% c\n1", b"/A#2", b"R", b")", b">"],
)  # fmt: skip
def test_broken_values_are_refused(data):
    with pytest.raises(PdfError):
        read(data)


@pytest.mark.parametrize("data", [b"[" * 5000, b"<</A" * 5000, b"(" * 5000])
def test_deep_nesting_is_refused(data):
    with pytest.raises(PdfError):
        read(data)


def test_comments_are_white_space_only_where_allowed():
    assert read(b"% c\n1", comments=True) == 1


def test_names_are_not_strings():
    assert isinstance(read(b"/A"), Name)
    assert not isinstance(read(b"/A"), String)


def document(objects, trailer=b"/Root 1 0 R"):
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(places) + 1, trailer, start,
    )  # fmt: skip
    return bytes(out)


def test_a_small_document_is_read():
    data = document(
        [b"<</Type/Catalog/A 2 0 R>>", b"<</Length 3 0 R>>\nstream\nabc\nendstream", b"3"]
    )
    found = open_revision(data, len(data))

    assert isinstance(found, Document)
    assert found.stream_bytes(found.get(found.catalog["A"])) == b"abc"
    assert found.get(Ref(99, 0)) is None
    assert found.get(Ref(2, 1)) is None


def test_an_object_that_refers_to_itself_is_refused():
    data = document([b"<</Type/Catalog>>", b"<</Length 2 0 R>>\nstream\nabc\nendstream"])
    with pytest.raises(PdfError, match="itself"):
        open_revision(data, len(data)).get(Ref(2, 0))


@pytest.mark.parametrize("trailer", [b"/Root 1 0 R/XRefStm 9", b"/Root 1 0 R/Encrypt 1 0 R"])
def test_hybrid_and_encrypted_files_are_refused(trailer):
    data = document([b"<</Type/Catalog>>"], trailer)
    with pytest.raises(PdfError, match="not part"):
        open_revision(data, len(data))


def test_a_loop_of_cross_reference_tables_is_refused():
    data = document([b"<</Type/Catalog>>"], b"/Root 1 0 R/Prev 0000")
    start = data.index(b"xref\n0")
    data = data.replace(b"/Prev 0000", b"/Prev %04d" % start)
    with pytest.raises(PdfError, match="backwards"):
        open_revision(data, len(data))


def test_bombs_are_refused_before_they_unpack():
    bomb = zlib.compress(bytes(50_000_000), 9)
    tracemalloc.start()
    with pytest.raises(LimitExceeded):
        unpack(bomb, 1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert unpack(zlib.compress(b"abc"), 3) == b"abc"
    with pytest.raises(PdfError):
        unpack(zlib.compress(b"abc") + b"junk", 99)
    with pytest.raises(PdfError):
        unpack(b"junk", 99)


def test_a_bomb_as_manifest_is_too_large_to_judge(kit, pki):
    from evidence.verify.offline import pdf_reader

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf_reader.Document.stream_bytes, "__defaults__", (1000,))
        pdf = kit.sign(kit.unsigned(manifest=b" " * 100_000), pki)
        report = report_pdf(pdf, pki.trust, kit.NOW)
    assert (report.indication, report.reason) == ("INDETERMINATE", "limits_exceeded")


def test_thousands_of_revisions_are_too_many(kit, pki, good):
    """Hundreds of honest time-stamps cost nobody more than the cap allows."""
    pdf = good
    for index in range(18):
        pdf = kit.stamp(pdf, pki, field_name=f"TrueThreadTime{index + 2}", dss=False)

    assert report_pdf(pdf, pki.trust, kit.NOW).reason == "limits_exceeded"


def test_hostile_files_end_quickly(pki, kit):
    head = b"%PDF-1.7\n(TrueThreadSeal)\n"
    ranges = head + b"".join(b"/ByteRange [0 %d %d 9]\n" % (n + 1, n + 99) for n in range(20_000))
    files = [
        ranges,
        ranges + b"startxref\n30\n%%EOF\n" * 5000,
        head + b"/ByteRange [0 9 20 30]" + b" " * 5_000_000,
        head + b"/ByteRange" * 200_000,
        head + b"/ByteRange [0" + b" " * 2_000_000,
        head + b"1 0 obj\n" * 200_000,
    ]
    for data in files:
        started = time.process_time()
        assert not report_pdf(data, pki.trust, kit.NOW).passed
        assert time.process_time() - started < FOREVER


def test_an_own_file_of_2000_pages_passes(kit, pki, tmp_path):
    path = tmp_path / "large.pdf"
    path.write_bytes(kit.sign(kit.unsigned(pages=2000), pki))

    assert report_pdf(path, pki.trust, kit.NOW).passed
