"""Where an entry's time may lie: the rule that keeps time in step with the order of the log.

An entry keeps the time of its act. It stands after every checkpoint that does not hold it and
before every one that does, and the tokens of those say when, independently of our clock. The
inequality is part of the format (``formats.custody``), since verifiers apply it too. Entries
between the same two tokens are ordered by their place alone.

Held when events are appended and tokens are stored, and checked again by ``recheck_custody``.
"""

from __future__ import annotations

from datetime import datetime

from evidence.formats.custody import CLOCK_TOLERANCE, LONGEST_ACT


def fits(time: datetime, *, after: datetime | None, before: datetime | None) -> bool:
    """Return whether ``time`` lies between its neighbouring tokens, as far as there are any.

    after: genTime of the latest token over a checkpoint without the entry. before: genTime of the
    earliest token over one that holds it. All aware.
    """
    return (after is None or after - LONGEST_ACT <= time) and (
        before is None or time <= before + CLOCK_TOLERANCE
    )
