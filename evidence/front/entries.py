"""What the custody log says of one thing, for its page."""

from __future__ import annotations

from typing import Any

from evidence.access import log_about
from evidence.access.people import Person
from evidence.errors import Corrupt
from evidence.models import Export, Matter, Series

LATEST = 50


def latest_about(person: Person, thing: Series | Matter | Export) -> dict[str, Any]:
    """Return what a page shows of the log of ``thing``: ``entries``, the latest, newest first;
    ``has_earlier`` ones; ``is_unreadable``, where the log does not open; ``is_limited`` to what the
    person reaches."""
    try:
        page = log_about(person, thing, limit=LATEST + 1)
    except Corrupt:
        return {"entries": [], "has_earlier": False, "is_unreadable": True}
    return {
        "entries": [logged.entry for _key, logged in page.found[:LATEST]],
        "has_earlier": len(page.found) > LATEST,
        "is_unreadable": False,
        "is_limited": page.is_limited,
    }
