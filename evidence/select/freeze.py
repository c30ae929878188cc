"""Freeze a choice: from a rule to ranges, with what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from evidence.errors import InvalidSelection
from evidence.models import Message, Series
from evidence.select.choice import Choice
from evidence.select.notation import merged, ranges_of
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


def freeze_part(series: Series, choice: Choice, participants: dict[str, list[str]]) -> FrozenPart:
    """Return what ``choice`` means in ``series`` now and for ever: its rows never change.

    Of a series that grows, only what it has at the size of ``series`` is chosen.

    participants: participant key → names, to find a participant by name.
    Raises InvalidSelection (the caller's fault) when nothing is chosen, a number lies outside
    the series, or something is withheld that is not chosen.
    """
    chosen = _chosen(series, choice, participants)
    if not chosen.spans:
        raise InvalidSelection("no message fits the choice", code="nothing_selected")
    for sequence in choice.redactions:
        if sequence not in chosen:
            raise InvalidSelection(
                f"message {sequence} is withheld but not chosen",
                code="redaction_outside_selection",
                where=str(sequence),
            )
    return FrozenPart(
        series=series,
        rule=_rule(choice),
        chosen=chosen,
        withheld={seq: redaction.targets for seq, redaction in choice.redactions.items()},
        reasons={seq: redaction.reason for seq, redaction in choice.redactions.items()},
    )


def _chosen(series: Series, choice: Choice, participants: dict[str, list[str]]) -> Ranges:
    by_rule = _by_rule(series, choice, participants)
    if choice.messages is not None:
        _refuse_outside(series, choice.messages)
        by_rule = choice.messages if by_rule is None else _intersection(by_rule, choice.messages)
    if by_rule is None:
        by_rule = Ranges(((1, series.size),) if series.size else ())
    return _widened(by_rule, choice.context, series.size)


def _by_rule(series: Series, choice: Choice, participants: dict[str, list[str]]) -> Ranges | None:
    """Return what period and participant choose, None when neither is stated."""
    condition = Q(series=series, sequence__lte=series.size)
    if choice.period_from is not None:
        condition &= Q(occurred_at__gte=choice.period_from)
    if choice.period_to is not None:
        condition &= Q(occurred_at__lt=choice.period_to)
    if choice.participant is not None:
        condition &= Q(participant__in=_numbers(choice.participant, participants))
    if choice.period_from is None and choice.period_to is None and choice.participant is None:
        return None
    rows = Message.objects.filter(condition).order_by("sequence")
    return ranges_of(list(rows.values_list("sequence", flat=True).iterator(10_000)))


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


def _intersection(one: Ranges, other: Ranges) -> Ranges:
    spans = []
    left, right = list(one.spans), list(other.spans)
    while left and right:
        first = max(left[-1][0], right[-1][0])
        last = min(left[-1][1], right[-1][1])
        if first <= last:
            spans.append((first, last))
        (left if left[-1][0] > right[-1][0] else right).pop()
    return merged(spans)


def _widened(ranges: Ranges, context: int, size: int) -> Ranges:
    if context < 0:
        raise InvalidSelection("context is negative", code="invalid_context")
    return merged([(max(1, a - context), min(size, b + context)) for a, b in ranges.spans])


def _rule(choice: Choice) -> dict[str, Json]:
    return {
        "from": choice.period_from.isoformat() if choice.period_from else None,
        "to": choice.period_to.isoformat() if choice.period_to else None,
        "participant": choice.participant,
        "messages": None if choice.messages is None else str(choice.messages),
        "context": choice.context,
    }
