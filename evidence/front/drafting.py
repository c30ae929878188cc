"""What a draft means: which messages it chooses, what it withholds, what it states."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from evidence.actions.party_pictures import PictureFacts
from evidence.actions.request_export import ExportOptions, StatedParty, picked_parts
from evidence.archive.read import describe_series
from evidence.front.exporting import Choices, moment
from evidence.front.times import zone_of_days
from evidence.models import Series
from evidence.select import Choice, Picked, Redaction, parse_ranges

State = dict[str, Any]

BASES: dict[str, Promise] = {
    "": gettext_lazy("not stated"),
    "known": gettext_lazy("known to me in person"),
    "number": gettext_lazy("by telephone number"),
    "account": gettext_lazy("by account name or number"),
    "said": gettext_lazy("says so in the conversation"),
    "document": gettext_lazy("by a contract or another document"),
    "other": gettext_lazy("otherwise"),
}
"""How a person says they know who is behind an account."""


def mark(value: object) -> str:
    """Return a short mark of ``value``, by which a form knows what it was filled in upon."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def rule_of(state: State, series: Series) -> dict[str, str]:
    """Return what was filled in to choose messages of ``series``; empty means all."""
    found: dict[str, str] = state.get("messages", {}).get(series.public_id, {})
    return found


def redactions_of(state: State, series: Series) -> dict[int, Redaction]:
    """Return what is to be withheld in ``series``."""
    found = state.get("redaction", {}).get(series.public_id, {})
    return {
        int(number): Redaction(tuple(one["targets"]), one["reason"])
        for number, one in found.items()
    }


def rule_choice(series: Series, rule: dict[str, str]) -> Choice:
    """Return the choice ``rule`` states, withholding nothing. Raises InvalidSelection."""
    zone = zone_of_days(series, describe_series(series))
    context = rule.get("context") or "0"
    return Choice(
        period_from=moment(rule.get("period_from"), zone),
        period_to=moment(rule.get("period_to"), zone, is_end=True),
        participant=rule.get("participant") or None,
        messages=parse_ranges(rule["messages"]) if rule.get("messages") else None,
        context=int(context) if context.isdecimal() else -1,
    )


def chosen_by(series: Series, rule: dict[str, str]) -> Picked:
    """Return the messages ``rule`` chooses in ``series``. Raises InvalidSelection."""
    (picked,) = picked_parts(series.organisation, [(series, rule_choice(series, rule))])
    return picked


def choices_of(state: State, series: Sequence[Series]) -> tuple[Choices, list[Picked]]:
    """Return what the draft chooses, and which messages that is. Raises InvalidSelection.

    What is withheld of messages that are no longer chosen is left out, and kept in the draft.
    """
    choices, picked = [], []
    for one in series:
        chosen = chosen_by(one, rule_of(state, one))
        withheld = {seq: what for seq, what in redactions_of(state, one).items() if seq in chosen}
        choices.append((one, replace(rule_choice(one, rule_of(state, one)), redactions=withheld)))
        picked.append(chosen)
    return choices, picked


def options_of(
    state: State, series: Sequence[Series], pictures: Sequence[PictureFacts] = ()
) -> ExportOptions:
    """Return what the draft states about the bundle. Raises InvalidSelection.

    pictures: those added to the draft, of whatever conversation.
    """
    purpose, authority = state.get("purpose", {}), state.get("authority", {})
    return ExportOptions(
        language=purpose.get("language") or "en",
        jurisdiction=purpose.get("jurisdiction") or None,
        paper=purpose.get("paper") or "A4",
        style=purpose.get("style") or "record",
        requester=authority.get("requester", ""),
        purpose=purpose.get("purpose", "").strip(),
        authority=authority.get("authority", ""),
        object_of_proof=purpose.get("object_of_proof", ""),
        original_carrier=authority.get("original_carrier", ""),
        privacy=authority.get("privacy", ""),
        parties=stated_parties(state, series, pictures),
    )


def stated_parties(
    state: State, series: Sequence[Series], pictures: Sequence[PictureFacts] = ()
) -> tuple[StatedParty, ...]:
    """Return who the draft says is behind which account, and by what pictures."""
    given = state.get("parties", {})
    beside: dict[tuple[str, str], tuple[str, ...]] = {}
    for picture in pictures:
        place = (picture.series, picture.party)
        beside[place] = (*beside.get(place, ()), picture.id)
    stated = {
        (one.public_id, key): found
        for one in series
        for key, found in given.get(one.public_id, {}).items()
    }
    shown = {one.public_id for one in series}
    places = [*stated, *(place for place in beside if place not in stated and place[0] in shown)]
    return tuple(
        StatedParty(
            *place,
            stated.get(place, {}).get("name", ""),
            stated.get(place, {}).get("basis", ""),
            beside.get(place, ()),
        )
        for place in places
        if stated.get(place, {}).get("name") or place in beside
    )
