"""Each attack on the archive has its name and its code, and nothing is unpacked for any."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from evidence.errors import IngestRefused
from evidence.ingest import Limits, examine, member

CHAT = "31/12/2023, 23:58 - Ana: hello\n31/12/2023, 23:59 - Ben: <Media omitted>\n"


def archive(*entries: tuple[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in entries:
            file.writestr(name, content)
    return buffer.getvalue()


def refusal(tmp_path: Path, data: bytes, limits: Limits | None = None) -> str:
    path = tmp_path / "chat.zip"
    path.write_bytes(data)
    with pytest.raises(IngestRefused) as refused:
        examine(path, path.name, limits)
    return refused.value.code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../../etc/passwd", "zip_path_outside"),
        ("media/../../x.jpg", "zip_path_outside"),
        ("..\\x.jpg", "zip_path_outside"),
        ("/etc/passwd", "zip_path_outside"),
        ("\\\\host\\share", "zip_path_outside"),
        ("C:\\x.jpg", "zip_path_outside"),
        ("c:x.jpg", "zip_path_outside"),
        ("a\nb.jpg", "zip_bad_name"),
        ("inner.zip", "zip_nested_archive"),
        ("media/backup.tar.gz", "zip_nested_archive"),
        ("A.RAR", "zip_nested_archive"),
    ],
)
def test_a_name_that_leads_elsewhere_or_hides_an_archive_is_refused(name, code, tmp_path):
    data = archive(("_chat.txt", CHAT), ("PLACEHOLDER", b"x"))
    if len(name) <= len("PLACEHOLDER"):
        name_bytes, data = name.encode(), archive(("_chat.txt", CHAT), ("P" * len(name), b"x"))
        data = data.replace(b"P" * len(name), name_bytes)
    else:
        data = archive(("_chat.txt", CHAT), (name.replace("\\", "/"), b"x"))
    assert refusal(tmp_path, data) == code


def test_a_nul_inside_a_name_is_refused(tmp_path):
    data = archive(("_chat.txt", CHAT), ("a.jpg-b.exe", b"x")).replace(b"a.jpg-b", b"a.jpg\0b")
    assert refusal(tmp_path, data) == "zip_bad_name"


def test_one_name_twice_is_refused(tmp_path):
    data = archive(("_chat.txt", CHAT), ("_chat.tx2", "other")).replace(b"_chat.tx2", b"_chat.txt")
    assert refusal(tmp_path, data) == "zip_duplicate_name"


def test_a_link_is_refused(tmp_path):
    info = zipfile.ZipInfo("photo.jpg")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("_chat.txt", CHAT)
        file.writestr(info, "/etc/passwd")
    assert refusal(tmp_path, buffer.getvalue()) == "zip_symlink"


def test_an_encrypted_entry_is_refused(tmp_path):
    data = bytearray(archive(("_chat.txt", CHAT)))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert refusal(tmp_path, bytes(data)) == "zip_encrypted"


def test_another_method_than_stored_and_deflated_is_refused(tmp_path):
    data = archive(("_chat.txt", CHAT), method=zipfile.ZIP_BZIP2)
    assert refusal(tmp_path, data) == "zip_unsupported_method"


def test_many_entries_at_one_offset_are_refused(tmp_path):
    """The CVE-2024-0450 class: Python 3.11.7's zipfile reads such a file without complaint."""
    single = archive(("a.txt", CHAT))
    start = single.rindex(b"PK\x01\x02")
    entry = single[start : single.rindex(b"PK\x05\x06")]
    directory = b"".join(entry.replace(b"a.txt", b"%c.txt" % (97 + i)) for i in range(20))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 20, 20, len(directory), start, 0)
    assert refusal(tmp_path, single[:start] + directory + end) in (
        "zip_overlapping_entries",
        "zip_damaged",
    )


def test_an_entry_inside_another_entrys_data_is_refused(tmp_path):
    inner = archive(("b.txt", CHAT), method=zipfile.ZIP_STORED)
    inner_local = inner[: inner.rindex(b"PK\x01\x02")]
    outer = archive(("a.bin", inner_local), method=zipfile.ZIP_STORED)
    at = outer.index(inner_local)
    directory_at = outer.rindex(b"PK\x01\x02")
    first = outer[directory_at : outer.rindex(b"PK\x05\x06")]
    second = bytearray(inner[inner.rindex(b"PK\x01\x02") : inner.rindex(b"PK\x05\x06")])
    second[42:46] = struct.pack("<L", at)
    directory = first + bytes(second)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), directory_at, 0)
    assert refusal(tmp_path, outer[:directory_at] + directory + end) == "zip_overlapping_entries"


def test_a_bomb_by_ratio_is_refused(tmp_path):
    data = archive(("_chat.txt", CHAT), ("zeros.bin", bytes(3_000_000)))
    assert refusal(tmp_path, data) == "zip_ratio"


def test_a_small_but_dense_entry_is_no_bomb(tmp_path):
    path = tmp_path / "chat.zip"
    path.write_bytes(archive(("_chat.txt", CHAT), ("zeros.bin", bytes(900_000))))
    assert examine(path, path.name).format == "whatsapp_zip"


def test_absurd_declared_sizes_are_refused_before_anything_is_read(tmp_path):
    data = bytearray(archive(("_chat.txt", CHAT), ("big.bin", b"x")))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 0xFFFFFFFE)
    assert refusal(tmp_path, bytes(data), Limits(max_total_bytes=1 << 30)) == "zip_too_large"


def test_too_many_entries_are_refused(tmp_path):
    data = archive(*((f"{i}.jpg", b"x") for i in range(30)))
    assert refusal(tmp_path, data, Limits(max_entries=29)) == "zip_too_many_entries"


def test_a_directory_that_contradicts_a_local_header_is_refused(tmp_path):
    data = bytearray(archive(("_chat.txt", CHAT)))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<L", 10)
    assert refusal(tmp_path, bytes(data)) == "zip_damaged"


@pytest.mark.parametrize("declared", [10, 10_000])
def test_an_entry_that_lies_about_its_size_in_both_places_is_refused_while_reading(
    declared, tmp_path
):
    data = bytearray(archive(("_chat.txt", CHAT)))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = data[22:26] = struct.pack("<L", declared)
    assert refusal(tmp_path, bytes(data)) == "zip_lying_size"


def test_a_wrong_checksum_is_refused(tmp_path):
    data = bytearray(archive(("_chat.txt", CHAT), method=zipfile.ZIP_STORED))
    data[data.index(b"hello")] ^= 1
    assert refusal(tmp_path, bytes(data)) == "zip_damaged"


@pytest.mark.parametrize("cut", [1, 5, 22, 40, 100])
def test_a_cut_archive_is_refused(cut, tmp_path):
    data = archive(("_chat.txt", CHAT))
    assert refusal(tmp_path, data[:-cut]) == "zip_damaged"


def test_an_archive_that_counts_wrong_is_refused(tmp_path):
    data = bytearray(archive(("_chat.txt", CHAT), ("a.jpg", b"x")))
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<2H", 1, 1)
    assert refusal(tmp_path, bytes(data)) == "zip_damaged"


def test_an_archive_with_zip64_fields_and_data_descriptors_is_read(tmp_path):
    path = tmp_path / "WhatsApp Chat - Ana.zip"

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open(zipfile.ZipInfo("_chat.txt"), "w", force_zip64=True) as entry:
            entry.write(CHAT.encode())
        file.writestr("photo.jpg", b"\xff\xd8")
    path.write_bytes(pipe.getvalue())

    assert examine(path, path.name).format == "whatsapp_zip"
    with member(path, "photo.jpg") as stream:
        assert stream.read() == b"\xff\xd8"


def test_a_member_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "chat.zip"
    path.write_bytes(archive(("_chat.txt", CHAT)))

    with pytest.raises(IngestRefused) as refused, member(path, "../chat.zip"):
        pass

    assert refused.value.code == "not_in_archive"


def test_two_chats_without_a_well_known_name_are_refused(tmp_path):
    data = archive(("a.txt", CHAT), ("b.txt", CHAT))
    assert refusal(tmp_path, data) == "several_chats_in_archive"


def test_a_chat_attached_to_a_chat_is_an_attachment(tmp_path):
    path = tmp_path / "chat.zip"
    path.write_bytes(archive(("WhatsApp Chat with Ben.txt", CHAT), ("x/_chat.txt", CHAT)))
    assert examine(path, path.name).member == "x/_chat.txt"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"PK\x05\x06" + bytes(18), "unknown_format"),
        (bytes(range(256)) * 40, "unknown_format"),
        (b"%PDF-1.7\n", "unknown_format"),
        (b"{}", "unknown_format"),
        (b"[1, 2]", "unknown_format"),
        (b"hello\n", "unknown_format"),
        (b"\xff\xfe", "unknown_format"),
        (b"2023-10-12 10:00:01 - INFO - started: yes\n", "unknown_format"),
        (b"[2019-12-24, 12:23] Jane Doe: Hello\n", "unknown_format"),
    ],
)
def test_junk_is_refused_with_a_code(data, code, tmp_path):
    path = tmp_path / "delivered"
    path.write_bytes(data)
    with pytest.raises(IngestRefused) as refused:
        examine(path, path.name)
    assert refused.value.code == code


def large_archive(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive as the standard library writes it from 2 GiB on: a plain end and a ZIP64 end."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 60)
    data = archive(("_chat.txt", CHAT), ("IMG-1.jpg", b"x"))
    assert b"PK\x06\x06" in data
    assert b"PK\x06\x07" in data
    return data


def test_an_archive_with_a_plain_and_a_zip64_end_that_agree_is_read(tmp_path, monkeypatch):
    path = tmp_path / "chat.zip"
    path.write_bytes(large_archive(monkeypatch))
    with zipfile.ZipFile(path) as file:
        assert len(file.namelist()) == 2
    assert examine(path, path.name).format == "whatsapp_zip"


@pytest.mark.parametrize("field", [8, 10, 12, 16], ids=["here", "count", "length", "start"])
def test_two_ends_of_directory_that_disagree_are_refused(field, tmp_path, monkeypatch):
    data = bytearray(large_archive(monkeypatch))
    data[data.rindex(b"PK\x05\x06") + field] ^= 1
    assert refusal(tmp_path, bytes(data)) == "zip_damaged"
