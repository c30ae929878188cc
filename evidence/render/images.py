"""Pictures: emoji strikes, thumbnails and annex pictures as image XObjects.

Attachment bytes are a stranger's: Pillow is given a pixel cap of our own before it decodes, and
whatever goes wrong in it makes a row that says so, never a failed export.
"""

from __future__ import annotations

import io
import zlib
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import Any

from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from evidence.render.fonts import Face
from evidence.render.pdf import Ref, StreamedPdf, array_of, name

THUMBNAIL_PIXELS = 560
THUMBNAIL_QUALITY = 80
SMALL_EDGE, SMALL_BYTES = 1_000, 250_000
"""A JPEG up to this size stands in the row as it is, and once in the file for row and annex."""
LARGE_PIXELS = 30_000_000
_ONE_LARGE = Lock()
"""Larger pictures that are decoded whole are decoded one at a time: each takes 4 bytes a pixel."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF")


register_heif_opener()


@dataclass(frozen=True, slots=True)
class Picture:
    """An image ready to embed. ``width`` and ``height`` as displayed, in pixels.

    data: a JPEG file, or raw samples to be deflated when ``mode`` says so.
    turn: EXIF orientation 1 to 8 still to be applied when drawing.
    untouched: ``data`` is the file as it was given.
    """

    data: bytes
    width: int
    height: int
    jpeg: bool
    grey: bool = False
    turn: int = 1
    untouched: bool = False


class PictureFailed(Exception):
    """The picture cannot be drawn; the message says why, in one English word."""


def emoji_xobject(pdf: StreamedPdf, face: Face, glyph: int) -> int:
    """Embed the bitmap strike of an emoji and return its object number."""
    blob = face.font.get_glyph_color_png(glyph)
    with Image.open(io.BytesIO(bytes(blob.data)), formats=("PNG",)) as strike:
        image = strike.convert("RGBA")
    return _add_rgba(pdf, image)


def _add_rgba(pdf: StreamedPdf, image: Image.Image) -> int:
    mask = pdf.add_stream(
        _entries(image.width, image.height, "DeviceGray"), image.getchannel("A").tobytes()
    )
    entries = _entries(image.width, image.height, "DeviceRGB") | {"SMask": Ref(mask)}
    return pdf.add_stream(entries, image.convert("RGB").tobytes())


def _entries(width: int, height: int, space: str) -> dict[str, Any]:
    return {
        "Type": name("XObject"),
        "Subtype": name("Image"),
        "Width": width,
        "Height": height,
        "ColorSpace": name(space),
        "BitsPerComponent": 8,
    }


def add_picture(pdf: StreamedPdf, picture: Picture) -> int:
    """Embed a picture and return its object number."""
    swapped = picture.turn >= 5
    width, height = picture.width, picture.height
    if swapped:
        width, height = height, width
    entries = _entries(width, height, "DeviceGray" if picture.grey else "DeviceRGB")
    if picture.jpeg:
        entries["Filter"] = name("DCTDecode")
        return pdf.add_stream(entries, picture.data, compress=False)
    entries["Filter"] = array_of([name("FlateDecode")])
    return pdf.add_stream(entries, zlib.compress(picture.data, 6), compress=False)


def small_picture(data: bytes, max_pixels: int) -> Picture:
    """Return what stands in the row: ``data`` itself where it is a small JPEG, else a thumbnail."""
    if len(data) <= SMALL_BYTES:
        image = _open(data, max_pixels)
        with image:
            if max(image.size) <= SMALL_EDGE and _passes(image):
                return _untouched(data, image)
    return thumbnail(data, max_pixels)


def _passes(image: Any) -> bool:
    """Return whether a PDF can hold the file as it is."""
    return image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")


def _untouched(data: bytes, image: Any) -> Picture:
    turn = _orientation(image)
    width, height = image.size
    if turn >= 5:
        width, height = height, width
    return Picture(data, width, height, True, image.mode == "L", turn, untouched=True)


def thumbnail(data: bytes, max_pixels: int, edge: int = THUMBNAIL_PIXELS) -> Picture:
    """Return a small upright JPEG of ``data``; raises PictureFailed.

    ``draft`` lets libjpeg decode at a fraction of the size; orientation is applied to the small
    picture, because applying it first would decode the whole.
    """
    image = _open(data, max_pixels)
    large = image.format != "JPEG" and image.width * image.height > LARGE_PIXELS
    with _ONE_LARGE if large else nullcontext():
        return _shrunk(image, edge)


def _shrunk(image: Any, edge: int) -> Picture:
    try:
        image.draft("RGB", (edge * 5 // 4, edge * 5 // 4))
        image.thumbnail((edge, edge), Image.Resampling.BILINEAR, reducing_gap=2.0)
        image = _flat(ImageOps.exif_transpose(image))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=THUMBNAIL_QUALITY)
    except _TROUBLE as error:
        raise PictureFailed("damaged") from error
    finally:
        image.close()
    return Picture(out.getvalue(), image.width, image.height, True, image.mode == "L")


def annex_picture(data: bytes, max_pixels: int, max_bytes: int) -> Picture:
    """Return ``data`` for the annex: a JPEG untouched, anything else as samples or JPEG.

    A picture larger than ``max_bytes`` is scaled down; its original is in the bundle.
    """
    image = _open(data, max_pixels)
    with image:
        if _passes(image) and len(data) <= max_bytes:
            return _untouched(data, image)
    return thumbnail(data, max_pixels, 2400)


def _open(data: bytes, max_pixels: int) -> Any:
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except _TROUBLE as error:
        raise PictureFailed("unreadable") from error
    if image.width * image.height > max_pixels:
        image.close()
        raise PictureFailed("too large")
    return image


_TROUBLE = (
    OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, MemoryError,
    EOFError, ZeroDivisionError, RuntimeError, UnidentifiedImageError, Image.DecompressionBombError,
)  # fmt: skip


def _orientation(image: Image.Image) -> int:
    try:
        turn = int(image.getexif().get(274, 1) or 1)
    except _TROUBLE:
        return 1
    return turn if 1 <= turn <= 8 else 1


def _flat(image: Image.Image) -> Image.Image:
    """Return the picture on white, in RGB or grey."""
    if image.mode in ("RGB", "L"):
        return image
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        ground = Image.new("RGB", layered.size, "white")
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    return image.convert("RGB")


def configure() -> None:
    """Set Pillow's own guards for this process: our cap decides, cut-off files are not drawn."""
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False


TURNS: dict[int, tuple[float, float, float, float, float, float]] = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}
"""Matrix within the unit square for each EXIF orientation."""
