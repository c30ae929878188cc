"""How a date in a file reads under an order of day, month and year."""

from __future__ import annotations

import re
from datetime import date

_NUMBERS = re.compile(r"\d+")


def date_read_as(example: str, order: str) -> date | None:
    """Return the date at the start of ``example`` as ``order`` ("dmy", "mdy", "ymd") reads it."""
    numbers = [int(number) for number in _NUMBERS.findall(example)[:3]]
    if len(numbers) < len(order):
        return None
    parts = dict(zip(order, numbers, strict=True))
    year = parts["y"] + 2000 if parts["y"] < 100 else parts["y"]
    try:
        return date(year, parts["m"], parts["d"])
    except ValueError:
        return None
