"""The one ZIP that names and contents can have."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats import bundle
from evidence.formats.bundle import NotCanonical, TooLarge

EXAMPLE = bytes.fromhex(
    "504b0304 1400 0008 0000 0000 2100 f9efbe71 01000000 01000000 0100 0000 61 62"
    "504b0102 1400 1400 0008 0000 0000 2100 f9efbe71 01000000 01000000 0100 0000 0000 0000 0000 00000000 00000000 61"
    "504b0506 0000 0000 0100 0100 2f000000 20000000 0000"
)


def written(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    size = bundle.write_zip(out, {name: (len(data), _once(data)) for name, data in members.items()})
    assert size == len(out.getvalue())
    return out.getvalue()


def _once(data: bytes) -> Any:
    return lambda: iter([data] if data else [])


def read(data: bytes, **limits: int) -> dict[str, bytes]:
    file = io.BytesIO(data)
    members = bundle.read_zip(file, len(data), **limits)
    return {member.name: b"".join(bundle.content(file, member)) for member in members}


names = st.from_regex(r"[a-z]{1,3}(/[a-z0-9_-]{1,3}){0,2}", fullmatch=True)
contents = st.dictionaries(names, st.binary(max_size=50), max_size=6)


def allowed(members: dict[str, bytes]) -> bool:
    try:
        bundle.check_names(members)
    except ValueError:
        return False
    return True


def test_the_worked_example_is_what_is_written() -> None:
    assert written({"a": b"b"}) == EXAMPLE
    assert read(EXAMPLE) == {"a": b"b"}


@given(contents.filter(allowed))
def test_what_is_written_is_read_back_here_and_by_python(members: dict[str, bytes]) -> None:
    data = written(members)
    assert read(data) == members
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == members
        assert archive.namelist() == sorted(members)


@given(contents.filter(allowed), st.data())
def test_every_other_byte_is_refused(members: dict[str, bytes], data: st.DataObject) -> None:
    good = written(members)
    mutant = bytearray(good)
    mutant[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(NotCanonical):
        read(bytes(mutant))


@given(contents.filter(allowed), st.binary(min_size=1, max_size=40), st.data())
def test_inserted_and_removed_bytes_are_refused(
    members: dict[str, bytes], extra: bytes, data: st.DataObject
) -> None:
    good = written(members)
    place = data.draw(st.integers(0, len(good)))
    shorter = good[:place] + good[place + len(extra) :]
    for other in (good[:place] + extra + good[place:], shorter):
        if other != good:
            with pytest.raises((NotCanonical, TooLarge)):
                read(other)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_one_of_two_errors(data: bytes) -> None:
    try:
        read(data)
    except (NotCanonical, TooLarge):
        return
    assert written(read(data)) == data


def archive(change: Any = None, **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **options) as file:
        for name in ("a", "b"):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr, info.create_system = 0, 0
            info.flag_bits = 0x0800
            if change:
                change(info)
            file.writestr(info, b"content")
    return out.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        lambda info: setattr(info, "date_time", (1981, 1, 1, 0, 0, 0)),
        lambda info: setattr(info, "comment", b"hidden"),
        lambda info: setattr(info, "external_attr", 0o777 << 16),
        lambda info: setattr(info, "create_system", 3),
        lambda info: setattr(info, "compress_type", zipfile.ZIP_DEFLATED),
        lambda info: setattr(info, "extra", b"\xfe\xca\x04\x00abcd"),
    ],
)
def test_what_other_programs_write_is_refused(change: Any) -> None:
    with pytest.raises(NotCanonical):
        read(archive(change))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "../a",
        "a/../b",
        "a//b",
        ".a",
        "a/.b",
        "a\\b",
        "C:a",
        "ä",
        "a b",
        "a\0",
        "x" * 201,
    ],
)
def test_a_name_that_may_not_stand_in_a_bundle_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        written({name: b""})


@pytest.mark.parametrize("pair", [("a", "A"), ("a", "a/b"), ("x/y", "X/y/z")])
def test_names_that_would_collide_on_a_disk_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        written({name: b"" for name in pair})


def test_a_content_of_another_size_than_stated_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        bundle.write_zip(io.BytesIO(), {"a": (5, _once(b"1234"))})


def test_overlapping_members_are_refused() -> None:
    data = bytearray(written({"a": b"same", "b": b"same"}))
    start = data.rindex(b"PK\x01\x02")
    data[start + 42 : start + 46] = b"\0\0\0\0"
    with pytest.raises(NotCanonical):
        read(bytes(data))


def test_more_members_than_the_limit_are_refused_before_they_are_read() -> None:
    data = written({f"f{number}": b"" for number in range(20)})
    with pytest.raises(TooLarge):
        read(data, max_members=19)


class Sparse(io.RawIOBase):
    """A file of zeros in which only what was written and is no zero is kept."""

    def __init__(self) -> None:
        self.at = self.end = 0
        self.kept: dict[int, bytes] = {}

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset if whence == 0 else self.end + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def write(self, data: Any) -> int:
        if data.strip(b"\0"):
            self.kept[self.at] = bytes(data)
        self.at += len(data)
        self.end = max(self.end, self.at)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        out = bytearray(size)
        for start, data in self.kept.items():
            low, high = max(start, self.at), min(start + len(data), self.at + size)
            if low < high:
                out[low - self.at : high - self.at] = data[low - start : high - start]
        self.at += size
        return bytes(out)


@pytest.mark.sweep
def test_members_beyond_four_gigabytes_use_zip64_and_come_back() -> None:
    size = 0xFFFFFFFF
    block = bytes(1 << 24)

    def zeros() -> Iterator[bytes]:
        left = size
        while left:
            yield block[: min(left, len(block))]
            left -= min(left, len(block))

    file: Any = Sparse()
    total = bundle.write_zip(file, {"a": (size, zeros), "b": (3, _once(b"abc"))})
    members = bundle.read_zip(file, total)
    assert [(member.name, member.size) for member in members] == [("a", size), ("b", 3)]
    with zipfile.ZipFile(_whole_tail(file, total)) as archive:
        assert [(info.filename, info.file_size) for info in archive.infolist()] == [
            ("a", size),
            ("b", 3),
        ]
        assert archive.read("b") == b"abc"


class _whole_tail(io.RawIOBase):
    """A seekable reading view of ``Sparse`` for ``zipfile``."""

    def __init__(self, inner: Any, total: int) -> None:
        self.inner, self.total, self.at = inner, total, 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.total)[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, size: int = -1) -> bytes:
        size = self.total - self.at if size < 0 else min(size, self.total - self.at)
        self.inner.seek(self.at)
        self.at += size
        return bytes(self.inner.read(size))


def test_a_hundred_thousand_members_use_the_zip64_end_record() -> None:
    members = {f"f{number:06d}": b"" for number in range(70_000)}
    data = written(members)
    assert read(data).keys() == members.keys()
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert len(file.namelist()) == 70_000


def test_places_of_untouched_bytes_come_back() -> None:
    path = bundle.attachment_path("0" * 32, 17, 2, "Photo.JPEG")
    assert path.endswith("/17-2.jpeg")
    assert bundle.read_attachment_path(path) == ("0" * 32, 17, 2)
    assert bundle.original_path("1" * 32, "weird.n@me").endswith(".bin")
    assert bundle.read_original_path(bundle.original_path("1" * 32, "x.zip")) == "1" * 32
    with pytest.raises(ValueError, match="attachment"):
        bundle.read_attachment_path(path + "/x")
