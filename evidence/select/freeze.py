"""Freeze a choice: from a rule to ranges, with what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass

from evidence.errors import InvalidSelection
from evidence.models import Series
from evidence.select.blocks import Wanted, marks_of
from evidence.select.choice import Choice
from evidence.select.picked import Picked
from evidence.values import Json, Ranges


@dataclass(frozen=True, slots=True)
class FrozenPart:
    """The frozen choice in one series.

    chosen: every chosen sequence, withheld ones included. gaps: runs of messages between the
    first and the last chosen one that are not included.
    """

    series: Series
    rule: dict[str, Json]
    chosen: Ranges
    withheld: dict[int, tuple[str, ...]]
    reasons: dict[int, str]

    @property
    def gaps(self) -> int:
        return len(self.chosen.spans) - 1


def pick(series: Series, choice: Choice, participants: dict[str, list[str]]) -> Picked:
    """Return which messages ``choice`` means in ``series``; quick at any size. Raises as
    ``freeze_part`` does."""
    picked = _picked(series, choice, participants)
    if not picked.bits:
        raise InvalidSelection("no message fits the choice", code="nothing_selected")
    for sequence in choice.redactions:
        if sequence not in picked:
            raise InvalidSelection(
                f"message {sequence} is withheld but not chosen",
                code="redaction_outside_selection",
                where=str(sequence),
            )
    return picked


def freeze_part(series: Series, choice: Choice, participants: dict[str, list[str]]) -> FrozenPart:
    """Return what ``choice`` means in ``series`` now and for ever: its rows never change.

    Of a series that grows, only what it has at the size of ``series`` is chosen.

    participants: participant key → names, to find a participant by name.
    Raises InvalidSelection (the caller's fault) when nothing is chosen, a number lies outside
    the series, or something is withheld that is not chosen.
    """
    return FrozenPart(
        series=series,
        rule=rule_of(choice),
        chosen=pick(series, choice, participants).ranges(),
        withheld={seq: redaction.targets for seq, redaction in choice.redactions.items()},
        reasons={seq: redaction.reason for seq, redaction in choice.redactions.items()},
    )


def _picked(series: Series, choice: Choice, participants: dict[str, list[str]]) -> Picked:
    picked = _by_rule(series, choice, participants)
    if choice.messages is not None:
        _refuse_outside(series, choice.messages)
        named = Picked.of(choice.messages)
        picked = named if picked is None else picked & named
    if picked is None:
        picked = Picked.of(Ranges(((1, series.size),) if series.size else ()))
    if choice.context < 0:
        raise InvalidSelection("context is negative", code="invalid_context")
    return picked.widened(choice.context, series.size)


def _by_rule(series: Series, choice: Choice, participants: dict[str, list[str]]) -> Picked | None:
    """Return what period and participant choose, None when neither is stated."""
    senders = None
    if choice.participant is not None:
        senders = _numbers(choice.participant, participants)
    wanted = Wanted(choice.period_from, choice.period_to, senders)
    if not wanted.has_period and senders is None:
        return None
    return Picked.marked(marks_of(series, wanted))


def _numbers(wanted: str, participants: dict[str, list[str]]) -> list[int]:
    keys = [key for key, names in participants.items() if wanted == key or wanted in names]
    if not keys:
        raise InvalidSelection(
            "no participant of that key or name", code="unknown_participant", where="participant"
        )
    return [int(key[1:]) for key in keys]


def _refuse_outside(series: Series, messages: Ranges) -> None:
    if messages.spans and messages.spans[-1][1] > series.size:
        raise InvalidSelection(
            f"the series has {series.size} messages",
            code="message_out_of_range",
            where=str(messages.spans[-1][1]),
        )


def rule_of(choice: Choice) -> dict[str, Json]:
    """Return the rule of ``choice`` as a selection keeps it."""
    return {
        "from": choice.period_from.isoformat() if choice.period_from else None,
        "to": choice.period_to.isoformat() if choice.period_to else None,
        "participant": choice.participant,
        "messages": None if choice.messages is None else str(choice.messages),
        "context": choice.context,
    }
