"""What findings say, in the language of the reader: the verifier's sentences and our catalogue."""

from __future__ import annotations

from django.utils.translation import get_language, gettext

from evidence.verify.offline.details import said_again


def spoken(detail: str) -> str:
    """Return ``detail`` in the language of the request; as it is where nothing says it."""
    if (get_language() or "en").startswith("en"):
        return detail
    return said_again(detail, gettext)
