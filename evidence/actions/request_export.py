"""Freeze a selection and ask for its bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from evidence import custody
from evidence.actions.party_pictures import freeze_pictures
from evidence.archive.keys import keyed, open_json, seal_json
from evidence.archive.pushed import cut_back, cut_of, is_growing
from evidence.archive.read import describe_series, messages
from evidence.errors import InvalidSelection
from evidence.formats import canonical, manifest, message, ranges
from evidence.gateways.wake import wake
from evidence.models import Export, Job, Matter, Organisation, Selection, Series, User
from evidence.models.ids import opaque_id
from evidence.select import (
    Choice,
    FrozenPart,
    Picked,
    Redaction,
    freeze_part,
    parse_ranges,
    pick,
    rule_of,
)
from evidence.values import Actor, Json, Message, Ranges, Subject

LANGUAGES = ("en", "zh")
JURISDICTIONS = ("cn", "us", "eu")
PAPERS = ("A4", "Letter")
STYLES = ("record", "conversation")
PARTY_BASES = ("", "known", "number", "account", "said", "document", "other")
"""How a requester says they know who is behind an account; "" for not stated."""


@dataclass(frozen=True, slots=True)
class StatedParty:
    """Who the requester says is behind an account. series: its public id; key: as ``p1``."""

    series: str
    key: str
    name: str
    basis: str = ""
    pictures: tuple[str, ...] = ()
    """Ids of the pictures added to say so, in order; a party may have pictures and no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """How the bundle is to be made, and what the requester states; texts may be blank."""

    language: str = "en"
    jurisdiction: str | None = None
    paper: str = "A4"
    style: str = "record"
    requester: str = ""
    purpose: str = ""
    authority: str = ""
    object_of_proof: str = ""
    """What the evidence is offered to show; the purpose stands for it where it is blank."""
    original_carrier: str = ""
    """Where the device or account is that the data came from, and who keeps it."""
    privacy: str = ""
    """On what basis data of third parties is handed over, to whom, and for how long it is kept."""
    parties: tuple[StatedParty, ...] = ()

    def __post_init__(self) -> None:
        for value, allowed in (
            (self.language, LANGUAGES),
            (self.jurisdiction, (None, *JURISDICTIONS)),
            (self.paper, PAPERS),
            (self.style, STYLES),
            *((party.basis, PARTY_BASES) for party in self.parties),
        ):
            if value not in allowed:
                raise InvalidSelection(f"not offered: {value!r}", code="invalid_option")

    def party(self, series: str, key: str) -> StatedParty | None:
        """Return who the requester says is behind the account ``key`` of ``series``."""
        stated = (one for one in self.parties if (one.series, one.key) == (series, key))
        return next(stated, None)


def freeze_selection(
    *,
    organisation: Organisation,
    actor: Actor,
    matter: Matter,
    choices: Sequence[tuple[Series, Choice]],
    at: datetime,
    user: User | None = None,
) -> Selection:
    """Freeze ``choices`` (one per series, in the order of the bundle) and log it.

    Raises InvalidSelection (the caller's fault) when a series stands twice, is not sealed, or a
    choice cannot be frozen as asked.
    """
    return keep_selection(
        organisation=organisation, actor=actor, matter=matter,
        parts=frozen_parts(organisation, choices), at=at, user=user,
    )  # fmt: skip


def keep_asked(
    *,
    organisation: Organisation,
    actor: Actor,
    matter: Matter,
    choices: Sequence[tuple[Series, Choice]],
    at: datetime,
    user: User | None = None,
    picked: Sequence[Picked] = (),
) -> Selection:
    """Store ``choices`` as a selection that is yet to be frozen; quick at any size.

    picked: what ``picked_parts`` gave for them, where the caller has it. Nothing is logged before it
    is frozen (``freeze_asked``). Raises InvalidSelection where ``freeze_selection`` would.
    """
    picked = picked or picked_parts(organisation, choices)
    for _series, choice in _possible(organisation, choices):
        for one in choice.redactions.values():
            closed(one.targets)
    public_id = opaque_id()
    payload: list[Json] = [_asked_part(series, choice) for series, choice in choices]
    with transaction.atomic():
        selection = Selection.objects.create(
            public_id=public_id,
            organisation=organisation,
            matter=matter,
            created_by=user,
            created_at=at,
            payload=seal_json(organisation, public_id, "selection", payload),
            digest=b"",
            disclosed_count=sum(len(one) for one in picked),
            row_count=sum(series.size for series, _ in choices),
            gap_count=sum(one.stretches - 1 for one in picked),
        )
        selection.series.set([series for series, _ in choices])
    return selection


def freeze_asked(selection: Selection, *, actor: Actor, at: datetime) -> None:
    """Freeze what ``keep_asked`` stored, and log it; frozen already, nothing happens.

    Of a series that grows, only what it had when it was asked for is chosen. Raises
    InvalidSelection when the choice cannot be frozen any more.
    """
    if selection.is_frozen:
        return
    parts = frozen_parts(selection.organisation, asked_choices(selection))
    payload = seal_json(selection.organisation, selection.public_id, "selection", _stored(parts))
    digest = manifest.selection_digest([stated(part) for part in parts])
    with transaction.atomic():
        row = Selection.objects.select_for_update().get(pk=selection.pk)
        if not row.is_frozen:
            row.payload, row.digest = payload, digest
            row.save(update_fields=["payload", "digest"])
            _log_frozen(row, parts, actor, at)
    selection.payload, selection.digest = row.payload, row.digest


def asked_choices(selection: Selection) -> list[tuple[Series, Choice]]:
    """Return what was asked for, each series as it stood then."""
    parts = selection_parts(selection)
    related = Series.objects.select_related("organisation", "conversation__organisation")
    found = {one.public_id: one for one in related.filter(selections=selection)}
    for part in parts:
        if "cut" in part and found[part["series"]].erased_at is None:
            cut_back(found[part["series"]], part["cut"])
    return [(found[part["series"]], _asked_choice(part)) for part in parts]


def _asked_part(series: Series, choice: Choice) -> Json:
    asked: dict[str, Json] = {
        "series": series.public_id,
        "rule": rule_of(choice),
        "withheld": {
            str(sequence): list(one.targets) for sequence, one in choice.redactions.items()
        },
        "reasons": {str(sequence): one.reason for sequence, one in choice.redactions.items()},
    }
    if is_growing(series):
        asked["cut"] = cut_of(series)
    return asked


def _asked_choice(part: Mapping[str, Any]) -> Choice:
    rule, reasons = part["rule"], part["reasons"]
    return Choice(
        period_from=datetime.fromisoformat(rule["from"]) if rule["from"] else None,
        period_to=datetime.fromisoformat(rule["to"]) if rule["to"] else None,
        participant=rule["participant"],
        messages=None if rule["messages"] is None else parse_ranges(rule["messages"]),
        context=rule["context"],
        redactions={
            int(sequence): Redaction(tuple(targets), reasons.get(sequence, ""))
            for sequence, targets in part["withheld"].items()
        },
    )


def keep_selection(
    *,
    organisation: Organisation,
    actor: Actor,
    matter: Matter,
    parts: Sequence[FrozenPart],
    at: datetime,
    user: User | None = None,
) -> Selection:
    """Store and log the selection of ``parts``, which ``frozen_parts`` gave."""
    digest = manifest.selection_digest([stated(part) for part in parts])
    public_id = opaque_id()
    with transaction.atomic():
        selection = Selection.objects.create(
            public_id=public_id,
            organisation=organisation,
            matter=matter,
            created_by=user,
            created_at=at,
            payload=seal_json(organisation, public_id, "selection", _stored(parts)),
            digest=digest,
            disclosed_count=sum(len(part.chosen) for part in parts),
            row_count=sum(part.series.size for part in parts),
            gap_count=sum(part.gaps for part in parts),
        )
        selection.series.set([part.series for part in parts])
        _log_frozen(selection, parts, actor, at)
    return selection


def _log_frozen(
    selection: Selection, parts: Sequence[FrozenPart], actor: Actor, at: datetime
) -> None:
    custody.append(
        event_id=f"selection.frozen:{selection.public_id}",
        event="selection.frozen",
        actor=actor,
        subjects=[
            Subject("matter", selection.matter.public_id),
            *(Subject("series", part.series.public_id) for part in parts),
        ],
        details={"selection": selection.public_id, "digest": bytes(selection.digest).hex()},
        at=at,
    )


def frozen_parts(
    organisation: Organisation, choices: Sequence[tuple[Series, Choice]]
) -> list[FrozenPart]:
    """Return what ``choices`` mean, without storing anything; takes its time where many stretches
    are chosen, or where something is withheld that any of the chosen messages may quote."""
    return [
        without_quotes(freeze_part(series, choice, _names(series)))
        for series, choice in _possible(organisation, choices)
    ]


def picked_parts(
    organisation: Organisation, choices: Sequence[tuple[Series, Choice]]
) -> list[Picked]:
    """Return which messages each of ``choices`` means; quick at any size. Raises InvalidSelection
    where ``frozen_parts`` would."""
    return [
        pick(series, choice, _names(series)) for series, choice in _possible(organisation, choices)
    ]


def _possible(
    organisation: Organisation, choices: Sequence[tuple[Series, Choice]]
) -> Sequence[tuple[Series, Choice]]:
    """Return ``choices``. Raises InvalidSelection for conversations nothing can be chosen from."""
    if not choices:
        raise InvalidSelection("no conversation is chosen", code="nothing_selected")
    if len({series.pk for series, _ in choices}) != len(choices):
        raise InvalidSelection("a conversation is chosen twice", code="series_twice")
    for series, _choice in choices:
        if series.organisation_id != organisation.pk or series.sealed_at is None:
            raise InvalidSelection("not a stored conversation", code="unknown_conversation")
        if series.erased_at is not None:
            raise InvalidSelection("this conversation was erased", code="conversation_erased")
    return choices


def _names(series: Series) -> dict[str, list[str]]:
    return {p.key: list(p.names) for p in describe_series(series).participants}


def without_quotes(part: FrozenPart) -> FrozenPart:
    """Return ``part`` with every quote of a withheld body withheld too, for the same reason."""
    withheld, reasons = dict(part.withheld), dict(part.reasons)
    for sequence, quoted in quotes_of(part.series, part.withheld, part.chosen):
        if "*" not in withheld.get(sequence, ()):
            withheld[sequence] = (*withheld.get(sequence, ()), "reply_to")
            reasons.setdefault(sequence, part.reasons.get(quoted, ""))
    return replace(part, withheld=withheld, reasons=reasons)


def quotes_of(
    series: Series, withheld: Mapping[int, Sequence[str]], among: Ranges
) -> list[tuple[int, int]]:
    """Return (sequence, the message it quotes) for those ``among`` the messages of ``series`` that
    quote one whose body is withheld. Opens every one of them, unless no body is withheld."""
    hidden = ranges.of(seq for seq, targets in withheld.items() if _hides_body(targets))
    if not hidden.spans:
        return []
    originals = [one.message() for one in messages(series, hidden) if not one.is_erased]
    found = []
    for stored in messages(series, among):
        if stored.is_erased or b'"reply_to":null' in stored.fields:
            continue
        quoted = _quoted(stored.message(), originals)
        if quoted is not None:
            found.append((stored.sequence, quoted))
    return found


def _hides_body(targets: Sequence[str]) -> bool:
    return any(target == "*" or target.partition(":")[0] == "body" for target in targets)


def _quoted(row: Message, originals: Sequence[Message]) -> int | None:
    """Return the sequence of the withheld message that ``row`` quotes, None when it quotes none."""
    reply = row.reply_to
    if reply is None or not reply.get("quote"):
        return None
    quote = str(reply["quote"])
    for original in originals:
        if reply.get("sequence") == original.sequence:
            return original.sequence
        if original.platform_id and reply.get("platform_id") == original.platform_id:
            return original.sequence
        if original.body and (quote in original.body or original.body in quote):
            return original.sequence
    return None


def stated(part: FrozenPart) -> manifest.Part:
    """Return the part as the manifest states it, with everything withheld that would give the
    rest away. Raises InvalidSelection for a redaction that is not possible."""
    return manifest.Part(
        series=part.series.public_id,
        rule=rule_text(part.rule),
        n_rows=part.series.size,
        disclosed=part.chosen,
        withheld={seq: closed(targets).items() for seq, targets in sorted(part.withheld.items())},
        reasons=dict(sorted(part.reasons.items())),
    )


def rule_text(rule: Mapping[str, Json]) -> str:
    """Return the rule as the manifest states it: ``all``, or ``name=value`` joined by ``; ``."""
    given = [f"{name}={value}" for name, value in rule.items() if value]
    return "; ".join(given) or "all"


def _stored(parts: Sequence[FrozenPart]) -> list[Json]:
    return [_stored_part(part) for part in parts]


def _stored_part(part: FrozenPart) -> Json:
    stored: dict[str, Json] = {
        "series": part.series.public_id,
        "rule": part.rule,
        "chosen": str(part.chosen),
        "withheld": {str(seq): list(items) for seq, items in stated(part).withheld.items()},
        "reasons": {str(seq): text for seq, text in part.reasons.items()},
    }
    if is_growing(part.series):
        stored["cut"] = cut_of(part.series)
    return stored


def closed(targets: Sequence[str], reason: str = "") -> message.Withheld:
    """Return what withholding ``targets`` really takes out. Raises InvalidSelection."""
    try:
        return message.Withheld.parse(list(targets), reason).closed()
    except ValueError as error:
        raise InvalidSelection(str(error), code="invalid_redaction") from error


def selection_parts(selection: Selection) -> list[dict[str, Any]]:
    """Return the frozen parts in order: ``series``, ``rule``, ``chosen``, ``withheld``,
    ``reasons``, and of a series that grows ``cut``: where it stood then. ``chosen`` is missing
    until the selection is frozen."""
    parts: list[dict[str, Any]] = open_json(
        selection.organisation, selection.public_id, "selection", selection.payload
    )
    return parts


def request_key(
    organisation: Organisation,
    matter: Matter,
    parts: Sequence[FrozenPart],
    options: ExportOptions,
    actor: Actor,
) -> bytes:
    """Return the key by which the same request is known again."""
    values: Json = [stated(part).value() for part in parts]
    return keyed(
        organisation,
        "export",
        matter.public_id,
        canonical.dumps(values).decode(),
        json.dumps(asdict(options), sort_keys=True),
        f"{actor.kind}:{actor.id}",
    )


def asked_key(
    organisation: Organisation,
    matter: Matter,
    choices: Sequence[tuple[Series, Choice]],
    options: ExportOptions,
    actor: Actor,
) -> bytes:
    """Return the key by which the same request is known again before it is frozen."""
    return keyed(
        organisation,
        "export asked",
        matter.public_id,
        json.dumps([_asked_part(series, choice) for series, choice in choices], sort_keys=True),
        json.dumps(asdict(options), sort_keys=True),
        f"{actor.kind}:{actor.id}",
    )


def unfinished_export(organisation: Organisation, key: bytes) -> Export | None:
    """Return the export of that request which is not finished or not yet handed over."""
    return (
        Export.objects.filter(organisation=organisation, request_key=key, delivered_at=None)
        .exclude(job__phase__in=[Job.Phase.FAILED, Job.Phase.CANCELLED])
        .order_by("-pk")
        .first()
    )


def request_export(
    *,
    selection: Selection,
    actor: Actor,
    options: ExportOptions,
    at: datetime,
    key: bytes = b"",
    user: User | None = None,
) -> Export:
    """Ask for the bundle of ``selection``: create export and job, log it, and return the export.

    Nothing runs yet; whoever advances the job makes the bundle. Workers are woken after the commit
    where a broker is set, and find the job by themselves otherwise. A selection that is not frozen
    yet is frozen by the job first. Raises InvalidSelection (``conversation_erased``) where there is
    nothing left to make a bundle of.
    """
    if selection.series.filter(erased_at__isnull=False).exists():
        raise InvalidSelection("a conversation was erased", code="conversation_erased")
    organisation, public_id = selection.organisation, opaque_id()
    state = {"options": asdict(options), "actor": asdict(actor)}
    with transaction.atomic():
        export = Export.objects.create(
            public_id=public_id,
            organisation=organisation,
            matter=selection.matter,
            selection=selection,
            created_by=user,
            created_at=at,
            request_key=key,
            payload=seal_json(organisation, public_id, "export", state),
        )
        phase = Job.Phase.PREPARING if selection.is_frozen else Job.Phase.FREEZING
        job = Job.objects.create(export=export, phase=phase, created_at=at, changed_at=at)
        freeze_pictures(export, [one for party in options.parties for one in party.pictures])
        transaction.on_commit(partial(wake, job.pk), robust=True)
        custody.append(
            event_id=f"export.requested:{public_id}",
            event="export.requested",
            actor=actor,
            subjects=[
                Subject("bundle", public_id),
                Subject("matter", selection.matter.public_id),
            ],
            details={
                "selection": selection.public_id,
                **({"digest": bytes(selection.digest).hex()} if selection.is_frozen else {}),
                "language": options.language,
                "jurisdiction": options.jurisdiction,
            },
            purpose=options.purpose or None,
            authority=options.authority or None,
            at=at,
        )
    return export


def retry_export(*, export: Export, actor: Actor, at: datetime, user: User | None = None) -> Export:
    """Ask again, as a new export of the same selection and options; return the new one.

    A draft that led to ``export`` leads to the new one. Raises InvalidSelection (``not_retryable``)
    unless ``export`` failed or was cancelled.
    """
    if export.job.phase not in (Job.Phase.FAILED, Job.Phase.CANCELLED):
        raise InvalidSelection(export.job.phase, code="not_retryable")
    options, _actor = export_request(export)
    with transaction.atomic():
        again = request_export(
            selection=export.selection, actor=actor, options=options, at=at,
            key=bytes(export.request_key), user=user,
        )  # fmt: skip
        export.drafts.update(export=again)
    return again


def export_request(export: Export) -> tuple[ExportOptions, Actor]:
    """Return what was asked for and who asked."""
    state = _state(export)
    options = dict(state["options"])
    options["parties"] = tuple(
        StatedParty(**party | {"pictures": tuple(party.get("pictures", ()))})
        for party in options.get("parties", ())
    )
    return ExportOptions(**options), Actor(**state["actor"])


def note_cancelled(export: Export, actor: Actor) -> None:
    """Keep who asked that the work on ``export`` stop; inside the transaction that asks."""
    state = _state(export) | {"cancelled_by": asdict(actor)}
    export.payload = seal_json(export.organisation, export.public_id, "export", state)
    export.save(update_fields=["payload"])


def cancelled_by(export: Export) -> Actor | None:
    """Return who asked that the work on ``export`` stop, None where nobody did."""
    found = _state(export).get("cancelled_by")
    return Actor(**found) if found else None


def _state(export: Export) -> dict[str, Any]:
    found: dict[str, Any] = open_json(
        export.organisation, export.public_id, "export", export.payload
    )
    return found
