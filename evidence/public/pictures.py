"""Pictures of changed pages as the result page shows them: inside the page, kept nowhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from evidence.verify.pictures import Pair


@dataclass(frozen=True, slots=True)
class PicturePair:
    """One page, as first signed and as it is now: addresses that hold the picture itself.

    Empty where there is no such page.
    """

    number: int
    before: str
    after: str


def picture_pair(pair: Pair) -> PicturePair:
    """Return the pictures of one page, ready for the page."""
    return PicturePair(pair.number, _address(pair.before), _address(pair.after))


def _address(picture: bytes | None) -> str:
    return "" if picture is None else f"data:image/png;base64,{base64.b64encode(picture).decode()}"
