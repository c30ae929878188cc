from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from evidence.render.exhibit import AttachmentFile, Limits
from evidence.render.images import TURNS, PictureFailed, annex_picture, small_picture, thumbnail

CAP = 50_000_000


def encoded(image: Image.Image, kind: str, **save: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **save)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG", "HEIF"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_common_pictures_become_thumbnails(kind: str, mode: str):
    data = encoded(Image.new(mode, (2000, 1000), "white"), kind)

    picture = thumbnail(data, CAP)

    assert (picture.width, picture.height) == (560, 280)
    assert picture.jpeg


def test_transparency_is_laid_on_white():
    data = encoded(Image.new("RGBA", (40, 40), (255, 0, 0, 0)), "PNG")

    with Image.open(io.BytesIO(thumbnail(data, CAP).data)) as shown:
        assert min(shown.convert("L").getextrema()) > 250


@pytest.mark.parametrize("turn", sorted(TURNS))
def test_orientation_is_applied_to_thumbnails_and_kept_for_the_annex(turn: int):
    exif = Image.Exif()
    exif[274] = turn
    data = encoded(Image.new("RGB", (1600, 1200), "grey"), "JPEG", exif=exif)

    small, large = thumbnail(data, CAP), annex_picture(data, CAP, CAP)

    upright = turn < 5
    assert (small.width > small.height) is upright
    assert (large.width > large.height) is upright
    assert large.data is data


def test_a_heic_photo_is_drawn_in_row_and_annex_and_said_to_be_converted(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    data = encoded(Image.new("RGB", (1600, 1200), "grey"), "HEIF")
    attachment, file = samples.picture("IMG_0042.HEIC", data)
    attachment["media_type"] = "image/heic"
    rows = [samples.whole(samples.message(1, None, kind="image", attachments=[attachment]), file)]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    with pikepdf.open(made.master.path) as pdf:
        widths = [
            int(item.Width)
            for item in pdf.objects
            if isinstance(item, pikepdf.Stream) and item.get("/Filter") == "/DCTDecode"
        ]
    assert sorted(widths) == [560, 1600]
    assert "Converted or scaled down for print" in text_of(made.master.path)


def test_pictures_stand_with_their_own_rows_however_many_are_decoded_ahead(
    render: Callable[..., Any], samples: Any
):
    def rows() -> Any:
        for sequence in range(1, 31):
            data = samples.photo(1200 + sequence, 900)
            attachment, file = samples.picture(f"{sequence}.jpg", data)
            message = samples.message(sequence, None, kind="image", attachments=[attachment])
            yield samples.whole(message, file)

    first = render(samples.exhibit(rows=rows), "first")
    second = render(samples.exhibit(rows=rows), "second")

    assert first.master.path.read_bytes() == second.master.path.read_bytes()
    with pikepdf.open(first.master.path) as pdf:
        drawn = [
            int(item.Width)
            for item in pdf.objects
            if isinstance(item, pikepdf.Stream) and int(item.get("/Width", 0)) > 1200
        ]
    assert drawn == list(range(1201, 1231))


def test_a_jpeg_passes_untouched_into_the_annex(render: Callable[..., Any], samples: Any):
    data = samples.photo(900, 700)
    attachment, file = samples.picture(data=data)
    rows = [samples.whole(samples.message(1, None, kind="image", attachments=[attachment]), file)]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    with pikepdf.open(made.master.path) as pdf:
        streams = [item for item in pdf.objects if isinstance(item, pikepdf.Stream)]
        assert sum(bytes(s.read_raw_bytes()) == data for s in streams) == 1


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\0" * 50, b"GIF89a" + b"\xff" * 9]
)
def test_broken_bytes_fail_by_name(data: bytes):
    with pytest.raises(PictureFailed):
        small_picture(data, CAP)


def test_a_picture_over_the_pixel_cap_is_not_decoded():
    data = encoded(Image.new("1", (9000, 9000)), "PNG")

    with pytest.raises(PictureFailed, match="too large"):
        thumbnail(data, 1_000_000)


def test_a_broken_picture_makes_a_row_that_says_so(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    attachment, _ = samples.picture()
    file = AttachmentFile(load=lambda: b"broken", path="data/attachments/x.jpg")
    rows = [samples.whole(samples.message(1, None, kind="image", attachments=[attachment]), file)]

    text = text_of(render(samples.exhibit(rows=lambda: iter(rows)), limits=Limits()).master.path)

    assert "This picture cannot be drawn (unreadable)" in text


def test_the_row_names_the_page_of_its_attachment(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    made = render(samples.exhibit())

    pages = text_of(made.master.path).split("\f")
    annex = next(page for page in pages if "Annex: attachments" in page and "Attachment to" in page)
    label = annex.split()[-1]
    assert any(f"Annex, page {label}" in " ".join(page.split()) for page in pages)
