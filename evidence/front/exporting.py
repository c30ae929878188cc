"""From what a person asked for to an export: the same steps for pages and API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from evidence.access import matters_of
from evidence.actions.open_matter import matters_called, open_matter
from evidence.actions.request_export import (
    ExportOptions,
    StatedParty,
    asked_key,
    frozen_parts,
    keep_asked,
    keep_selection,
    picked_parts,
    request_export,
    request_key,
    unfinished_export,
)
from evidence.archive.read import describe_series
from evidence.errors import InvalidSelection
from evidence.models import Export, Organisation, Series, User
from evidence.select import Choice, Picked
from evidence.values import Actor

Choices = Sequence[tuple[Series, Choice]]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a choice comes to: ``chosen`` of ``rows`` messages, with ``gaps`` left-out stretches.

    withheld: as asked for; what quotes it is withheld besides, and found when it is frozen.
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
    return count_of(choices, picked_parts(organisation, choices))


def count_of(choices: Choices, picked: Sequence[Picked]) -> Counted:
    """Return the same where it is known which messages each of ``choices`` means."""
    return Counted(
        chosen=sum(len(one) for one in picked),
        rows=sum(series.size for series, _ in choices),
        gaps=sum(one.stretches - 1 for one in picked),
        withheld=sum(len(choice.redactions) for _, choice in choices),
        first=picked[0].first if len(picked) == 1 else 0,
        last=picked[0].last if len(picked) == 1 else 0,
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
    parts = frozen_parts(organisation, choices)
    key = request_key(organisation, matter, parts, options, actor)
    found = unfinished_export(organisation, key)
    if found is not None:
        return found
    selection = keep_selection(
        organisation=organisation, actor=actor, matter=matter, parts=parts, at=at, user=user
    )
    return request_export(
        selection=selection, actor=actor, options=options, at=at, key=key, user=user
    )


def ask_for_bundle(
    *,
    organisation: Organisation,
    actor: Actor,
    user: User,
    matter_name: str,
    choices: Choices,
    options: ExportOptions,
    at: datetime,
    picked: Sequence[Picked] = (),
) -> Export:
    """Return the export of what was asked for, whose job freezes the choice first; quick at any
    size. Asking twice before it is done gives the same one.

    picked: which messages ``choices`` mean, where the caller knows. Raises InvalidSelection, also
    for a matter the person does not work on.
    """
    require_own_name(organisation, user, matter_name)
    matter = open_matter(
        organisation=organisation,
        actor=actor,
        name=matter_name,
        purpose=options.purpose,
        authority=options.authority,
        at=at,
        user=user,
    )
    key = asked_key(organisation, matter, choices, options, actor)
    found = unfinished_export(organisation, key)
    if found is not None:
        return found
    selection = keep_asked(
        organisation=organisation, actor=actor, matter=matter, choices=choices, at=at, user=user,
        picked=picked,
    )  # fmt: skip
    return request_export(
        selection=selection, actor=actor, options=options, at=at, key=key, user=user
    )


def require_own_name(organisation: Organisation, user: User, matter_name: str) -> None:
    """Raise InvalidSelection where a matter of that name is there and ``user`` does not work on it:
    a bundle takes its page numbers, and stands where those who do see it."""
    mine = matters_of(user).values("pk")
    if matters_called(organisation, matter_name).exclude(pk__in=mine).exists():
        raise InvalidSelection("a matter of others", code="matter_name_taken")


def party_of(series: Series, account: str, name: str, basis: str = "") -> StatedParty:
    """Return who is stated to be behind ``account`` in ``series``.

    account: the key of a participant (``p1``), the platform's id of one, or a name only one has. Raises
    InvalidSelection ``unknown_participant`` where that names nobody, or several.
    """
    people = describe_series(series).participants
    for found in (
        [one.key for one in people if one.key == account],
        [one.key for one in people if one.platform_id == account],
        [one.key for one in people if account in one.names],
    ):
        if len(found) == 1:
            return StatedParty(series.public_id, found[0], name, basis)
        if found:
            break
    raise InvalidSelection("nobody, or several", code="unknown_participant", where=account[:200])


def each_once(parties: Sequence[StatedParty]) -> tuple[StatedParty, ...]:
    """Return ``parties``. Raises InvalidSelection where two are stated for one account."""
    if len({(one.series, one.key) for one in parties}) != len(parties):
        raise InvalidSelection("two for one account", code="party_twice")
    return tuple(parties)


def moment(text: str | None, zone: tzinfo, *, is_end: bool = False) -> datetime | None:
    """Return the moment ``text`` names, read in ``zone`` unless it states its own offset.

    is_end: a bare date means the end of that day. Raises InvalidSelection for what is no time, or one
    that has none in UTC.
    """
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=zone)
        if is_end and _is_date(text):
            found += timedelta(days=1)
        found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidSelection(f"not a time: {text!r}", code="invalid_time", where=text) from error
    return found


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
