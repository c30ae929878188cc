"""The one shape of an attachment, whatever product mentioned it."""

from __future__ import annotations

import mimetypes

from evidence.ingest.interface import StoredMember
from evidence.values import Json

_KINDS = {
    **dict.fromkeys("jpg jpeg png gif heic heif bmp tif tiff avif".split(), "image"),
    **dict.fromkeys("mp4 mov 3gp avi mkv webm m4v mpg mpeg".split(), "video"),
    **dict.fromkeys("opus ogg oga amr silk m4a aac wav".split(), "voice"),
    **dict.fromkeys("webp tgs".split(), "sticker"),
    "vcf": "contact",
}


def attachment_kind(name: str) -> str:
    """Return the message kind a file name's ending suggests; "file" when none does."""
    return _KINDS.get(name.rpartition(".")[2].lower(), "file")


def media_type(name: str) -> str | None:
    """Return the media type of a file name by Python's own table, not the machine's."""
    return _TYPES.guess_type(name, strict=False)[0]


_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("audio/ogg", ".opus")
_TYPES.add_type("image/webp", ".webp")
_TYPES.add_type("image/heic", ".heic")


def attachment(
    name: str | None,
    kind: str,
    found: StoredMember | None,
    *,
    declared_type: str | None = None,
    declared_size: str | None = None,
    duration: str | None = None,
) -> dict[str, Json]:
    """Return one element of ``Message.attachments``; not included when ``found`` is None."""
    return {
        "name": name,
        "kind": kind,
        "media_type": declared_type or (media_type(name) if name else None),
        "declared_size": declared_size,
        "duration": duration,
        "included": found is not None,
        "member": found.name if found else None,
        "size": found.size if found else None,
        "sha256": found.sha256 if found else None,
    }
