"""From what a person asked for to an export: the same steps for pages and API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import (
    ExportOptions,
    freeze_selection,
    frozen_parts,
    request_export,
    request_key,
    unfinished_export,
)
from evidence.errors import InvalidSelection
from evidence.models import Export, Organisation, Series, User
from evidence.select import Choice
from evidence.values import Actor

Choices = Sequence[tuple[Series, Choice]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a choice comes to: ``chosen`` of ``rows`` messages, with ``gaps`` left-out stretches.

    first, last: the span of a choice in one series, 0 where there are several.
    """

    chosen: int
    rows: int
    gaps: int
    withheld: int
    first: int
    last: int

    @property
    def is_contiguous(self) -> bool:
        return self.gaps == 0


def counted(organisation: Organisation, choices: Choices) -> Counted:
    """Return what ``choices`` come to, without storing anything. Raises InvalidSelection."""
    parts = frozen_parts(organisation, choices)
    spans = parts[0].chosen.spans if len(parts) == 1 else ()
    return Counted(
        chosen=sum(len(part.chosen) for part in parts),
        rows=sum(part.series.size for part in parts),
        gaps=sum(part.gaps for part in parts),
        withheld=sum(len(part.withheld) for part in parts),
        first=spans[0][0] if spans else 0,
        last=spans[-1][1] if spans else 0,
    )


def ask_for_export(
    *,
    organisation: Organisation,
    actor: Actor,
    user: User,
    matter_name: str,
    choices: Choices,
    options: ExportOptions,
    at: datetime,
) -> Export:
    """Return the export of what was asked for; asking twice before it is done gives the same one.

    Raises InvalidSelection, the caller's fault.
    """
    matter = open_matter(
        organisation=organisation,
        actor=actor,
        name=matter_name,
        purpose=options.purpose,
        authority=options.authority,
        at=at,
        user=user,
    )
    key = request_key(organisation, matter, choices, options, actor)
    found = unfinished_export(organisation, key)
    if found is not None:
        return found
    selection = freeze_selection(
        organisation=organisation, actor=actor, matter=matter, choices=choices, at=at, user=user
    )
    return request_export(
        selection=selection, actor=actor, options=options, at=at, key=key, user=user
    )


def moment(text: str | None, zone: tzinfo, *, is_end: bool = False) -> datetime | None:
    """Return the moment ``text`` names, read in ``zone`` unless it states its own offset.

    is_end: a bare date means the end of that day. Raises InvalidSelection for what is no time.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidSelection(f"not a time: {text!r}", code="invalid_time", where=text) from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone)
    return found + timedelta(days=1) if is_end and _is_date(text) else found


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
