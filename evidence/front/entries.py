"""What the custody log says of one thing, for its page."""

from __future__ import annotations

from evidence import custody
from evidence.errors import Corrupt
from evidence.formats.custody import Entry
from evidence.models import Matter, Series

LATEST = 50


def latest_about(kind: str, row: Matter | Series) -> list[Entry]:
    """Return the latest entries about ``row``, newest first; an unreadable log shows none.

    kind: what the log calls it, ``matter`` or ``series``.
    """
    rows = type(row)._default_manager.filter(pk=row.pk).values_list("public_id", flat=True)
    try:
        found = custody.entries_about({kind: rows}, limit=LATEST)
    except Corrupt:
        return []
    return [logged.entry for _number, logged in found]
