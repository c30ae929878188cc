"""Three numbers to a date: which orders can be meant, and which one a file settles.

Year first with four digits, and dots (``31.12.2023``: the locales that write dots put the day
first; ``23. 12. 31.`` with blanks is Korean, year first) leave no doubt. A two-digit year leads
only where neither other order fits every date, or where the caller knows the locale writes so.
Whether the days of a file run upward is never used to decide: exports are not always in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from evidence.errors import IngestRefused
from evidence.ingest.clock import naive
from evidence.ingest.interface import DATE_ORDERS, Answers, Survey

_CJK = "年년"


@lru_cache(4096)
def date_in(first: str, second: str, third: str, order: str) -> tuple[int, int, int] | None:
    """Return year, month, day; None when there is no such day. Years below 100 are 20xx."""
    a, b, c = int(first), int(second), int(third)
    year, month, day = {"dmy": (c, b, a), "mdy": (c, a, b)}.get(order, (a, b, c))
    if year < 100:
        year += 2000
    return (year, month, day) if naive(year, month, day) else None


@lru_cache(4096)
def fitting(first: str, separator: str, second: str, third: str) -> frozenset[str]:
    """Return the date orders under which three numbers are a date that can exist."""
    spaced = len(separator) > 1
    candidates: tuple[str, ...]
    if len(first) >= 3 or separator[0] in _CJK:
        candidates = ("ymd",)
    elif separator[0] == ".":
        candidates = ("ymd",) if spaced and len(third) < 3 else ("dmy",)
    elif len(third) == 2 and len(first) == 2:
        candidates = DATE_ORDERS
    else:
        candidates = ("dmy", "mdy")
    return frozenset(o for o in candidates if date_in(first, second, third, o) is not None)


class OrderNotes:
    """Gathers the dates of a file and says which orders all of them fit."""

    def __init__(self) -> None:
        self.examples: list[str] = []
        self._fits: frozenset[str] | None = None

    def take(self, fits: frozenset[str], example: str) -> None:
        before = self._fits
        self._fits = fits if before is None else before & fits
        if not self.examples or (self._fits != before and len(self.examples) < 3):
            self.examples.append(example)

    def orders(self, *, year_leads: bool = False) -> tuple[str, ...]:
        """Return the orders in question; empty when the file holds no date.

        Where no single order fits all dates both usual ones are: a person has to say which,
        and the dates that then do not fit are marked ``unreadable_time``.
        """
        if self._fits is None:
            return ()
        fits = [order for order in DATE_ORDERS if order in self._fits]
        if "ymd" in fits and len(fits) > 1:
            fits = ["ymd"] if year_leads else fits[:-1]
        return tuple(fits) or ("dmy", "mdy")


def settled_order(survey: Survey, answers: Answers) -> str:
    """Return the order to read with.

    Raises IngestRefused: ``answers_missing`` while two are possible and none was stated,
    ``date_order_impossible`` when the stated one does not fit the file.
    """
    possible: Iterable[str] = survey.date_orders or DATE_ORDERS[-1:]
    if answers.date_order is None and len(survey.date_orders) > 1:
        raise IngestRefused("two date orders fit", code="answers_missing")
    if answers.date_order is not None and answers.date_order not in possible:
        raise IngestRefused("the file's dates say otherwise", code="date_order_impossible")
    return answers.date_order or next(iter(possible))
