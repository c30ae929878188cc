"""Small pictures of stored attachments: drawn anew by a confined process whenever one is asked for.

They are kept nowhere, here or in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping

from evidence.archive.blobs import open_blob
from evidence.formats.ranges import sequences
from evidence.models import Blob, Series
from evidence.values import Json, Message, Ranges
from evidence.verify.pool import shared_pool
from evidence.verify.thumbnails import MAX_BYTES

PIXELS = 480
"""The longer side of a thumbnail."""
_PICTURES = frozenset(("image", "sticker"))


def thumbnail(blob: Blob) -> bytes | None:
    """Return a JPEG of our own of the picture in ``blob``; None where there is none to be drawn.

    Raises Corrupt when the stored bytes do not open.
    """
    with open_blob(blob) as stream:
        data = stream.read(MAX_BYTES + 1)
    made = shared_pool().shrink(data, PIXELS)
    return made.data if made else None


def kept_places(series: Series, wanted: Ranges) -> dict[int, frozenset[int]]:
    """Return, by sequence, the places of attachments whose bytes are kept, in one query.

    wanted: the messages of one page.
    """
    found: dict[int, frozenset[int]] = {}
    rows = series.attachments.filter(sequence__in=list(sequences(wanted)), blob__isnull=False)
    for sequence, place in rows.values_list("sequence", "place"):
        found[sequence] = found.get(sequence, frozenset()) | {place}
    return found


def is_picture(attachment: Mapping[str, Json]) -> bool:
    """Return whether the source calls it a picture; what it really is shows when it is drawn."""
    media_type = str(attachment.get("media_type") or "")
    return attachment.get("kind") in _PICTURES or media_type.startswith("image/")


def attachment_name(message: Message | None, place: int) -> str:
    """Return the name an attachment was sent under, fit for a file; "" where it has none."""
    if message is None or place >= len(message.attachments):
        return ""
    facts = message.attachments[place]
    name = facts.get("name") if isinstance(facts, dict) else None
    return str(name or "").replace("/", "_").replace("\\", "_")
