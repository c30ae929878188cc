"""Strangers' pictures are drawn anew in confined processes; whatever is odd gives no picture."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from evidence.verify import pool
from evidence.verify.thumbnails import MAX_BYTES

register_heif_opener()
GPS = b"place-and-time-of-the-photographer"


@pytest.fixture(scope="module")
def workers():
    made = pool.Pool(1)
    yield made
    made.close()


def picture(kind: str = "PNG", size=(400, 200), mode: str = "RGB", **more) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, (200, 30, 30, 0)[: len(mode)]).save(out, kind, **more)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=("JPEG",))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """Return a PNG of few bytes that claims 60,000 × 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = (
        chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("GIF", "image/gif"),
     ("HEIF", "image/heic")],
)  # fmt: skip
def test_a_picture_comes_back_small_as_a_jpeg_of_our_own(workers, kind, media_type):
    made = workers.shrink(picture(kind), 100)

    assert (made.width, made.height, made.media_type) == (100, 50, media_type)
    assert opened(made.data).size == (100, 50)


def test_nothing_that_was_written_into_the_file_is_left(workers):
    exif = Image.Exif()
    exif[0x010E] = GPS.decode()
    data = picture("JPEG", exif=exif, comment=GPS)
    assert GPS in data

    made = workers.shrink(data, 100)

    assert GPS not in made.data
    assert not opened(made.data).getexif()


def test_a_picture_that_lies_on_its_side_stands_upright(workers):
    exif = Image.Exif()
    exif[0x0112] = 6

    made = workers.shrink(picture("JPEG", exif=exif), 100)

    assert (made.width, made.height) == (50, 100)


def test_what_is_seen_through_stands_on_white(workers):
    made = workers.shrink(picture("PNG", mode="RGBA"), 100)

    assert opened(made.data).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"GIF89a" + bytes(40),
        picture()[:-40], bomb(), bytes(MAX_BYTES + 1), picture("TIFF"),
    ],
    ids=["empty", "svg", "postscript", "damaged", "cut off", "bomb", "large", "another kind"],
)  # fmt: skip
def test_what_is_no_picture_of_ours_gives_none_and_the_worker_lives_on(workers, data):
    assert workers.shrink(data, 100) is None
    assert workers.shrink(picture(), 100) is not None


def test_a_picture_that_takes_too_long_is_given_up(workers):
    slow = pool.Bounds(cpu_seconds=1, wall_seconds=0)

    assert workers.shrink(picture(size=(3000, 3000)), 2900, bounds=slow) is None
