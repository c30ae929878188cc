"""What must be asked about a file before it is stored, beyond what no parser can go without."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from pathlib import Path

from evidence import ingest
from evidence.front.staging import Asked
from evidence.ingest import Answers, Examination, SeriesEnd

_NUMBERS = re.compile(r"\d+")
_OFFERED_PEOPLE = 40


def asked_about(path: Path, examination: Examination) -> tuple[Asked, ...]:
    """Return the open questions, the parser's own first, then which participant is the owner.

    Reads the file once more only where the source does not say whose account it comes from.
    """
    open_questions = [
        Asked(question.code, question.choices, question.examples)
        for question in ingest.questions(path, examination, Answers())
    ]
    people = _possible_owners(path, examination, open_questions)
    if people:
        open_questions.append(Asked("owner", people))
    return tuple(open_questions)


def _possible_owners(
    path: Path, examination: Examination, open_questions: list[Asked]
) -> tuple[str, ...]:
    """Return names to choose from, most messages first; empty where the source names the owner.

    Names do not depend on how times are read, so any answers do for looking.
    """
    guess = {question.code: question.choices[0] for question in open_questions}
    tentative = Answers(timezone=guess.get("timezone"), date_order=guess.get("date_order"))
    counts: Counter[str] = Counter()
    for event in ingest.read(path, examination, tentative):
        if not isinstance(event, SeriesEnd):
            continue
        if any(person.is_owner for person in event.participants):
            continue
        for person in event.participants:
            counts[person.names[0]] += person.message_count
    return tuple(name for name, _ in counts.most_common(_OFFERED_PEOPLE))


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
