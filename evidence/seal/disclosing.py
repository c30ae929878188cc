"""Write the lines of ``data/messages.jsonl``."""

from __future__ import annotations

from evidence.formats import message
from evidence.formats.message import Withheld
from evidence.values import Message


def disclose(
    series: str,
    row: Message,
    seed: bytes,
    withheld: Withheld | None = None,
    *,
    sm3: bool = False,
) -> bytes:
    """Return the line that shows ``row``, all of it or all but what is withheld, with its line end.

    series: opaque id. withheld: widened here (``Withheld.closed``), so that no other field repeats
    what is hidden; the manifest must state the widened items. sm3: whether the series has an SM3
    tree. The line is **not** checked against the stored leaf hash; self-verification does that.
    """
    values = message.field_values(row)
    if withheld is None or not (withheld.fields or withheld.segments.spans):
        return message.whole_line(series, values, seed) + b"\n"
    return message.partial_line(series, values, seed, withheld.closed(), sm3=sm3) + b"\n"
