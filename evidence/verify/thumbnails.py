"""A small copy of a stranger's picture: decoded and drawn anew, so that nothing of its file is left.

``make`` runs in a confined child of ``worker`` alone; ``load`` fetches the decoders before the child
gives up loading anything. What comes back is always a plain JPEG, upright, on white, without any of
the details a camera or a program wrote into the file.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 25_000_000
"""Larger files are not tried."""
MAX_PIXELS = 60_000_000
QUALITY = 82
KNOWN = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIF")
MEDIA_TYPES = {
    "JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp",
    "GIF": "image/gif", "BMP": "image/bmp", "HEIF": "image/heic",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """data: a JPEG of ``width`` × ``height`` pixels; media_type: what the picture itself is."""

    data: bytes
    width: int
    height: int
    media_type: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "data": base64.b64encode(self.data).decode(),
            "width": self.width,
            "height": self.height,
            "media_type": self.media_type,
        }


def thumbnail_of(value: dict[str, Any]) -> Thumbnail:
    """Return what ``Thumbnail.to_dict`` wrote; raises KeyError, TypeError or ValueError."""
    data = base64.b64decode(value["data"], validate=True)
    return Thumbnail(data, int(value["width"]), int(value["height"]), str(value["media_type"]))


def load() -> None:
    """Load Pillow with every decoder, so that nothing is loaded later."""
    import PIL.Image
    import PIL.ImageOps
    from pillow_heif import register_heif_opener

    register_heif_opener()
    PIL.Image.init()


def make(data: bytes, edge: int, max_pixels: int) -> Thumbnail | None:
    """Return a copy of ``data`` whose longer side has at most ``edge`` pixels.

    None for a picture of too many pixels. Raises whatever the decoders raise over odd bytes: call it
    in a confined process.
    """
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=KNOWN) as image:
        if image.width * image.height > max_pixels:
            return None
        media_type = MEDIA_TYPES[str(image.format)]
        image.draft("RGB", (edge, edge))
        image.thumbnail((edge, edge), Image.Resampling.BILINEAR, reducing_gap=2.0)
        small = _flat(ImageOps.exif_transpose(image))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY)
    return Thumbnail(out.getvalue(), small.width, small.height, media_type)


def _flat(image: Any) -> Any:
    """Return the picture in RGB, on white where it is see-through."""
    from PIL import Image

    layered = image.convert("RGBA")
    ground = Image.new("RGB", layered.size, "white")
    ground.paste(layered, mask=layered.getchannel("A"))
    return ground
