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
from evidence.archive.keys import keyed, open_json, seal_json
from evidence.archive.pushed import cut_of, is_growing
from evidence.archive.read import describe_series, messages
from evidence.errors import InvalidSelection
from evidence.formats import canonical, manifest, message, ranges
from evidence.gateways.wake import wake
from evidence.models import Export, Job, Matter, Organisation, Selection, Series, User
from evidence.models.ids import opaque_id
from evidence.select import Choice, FrozenPart, freeze_part
from evidence.values import Actor, Json, Message, Subject

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
    parts = frozen_parts(organisation, choices)
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
        custody.append(
            event_id=f"selection.frozen:{public_id}",
            event="selection.frozen",
            actor=actor,
            subjects=[
                Subject("matter", matter.public_id),
                *(Subject("series", part.series.public_id) for part in parts),
            ],
            details={"selection": public_id, "digest": digest.hex()},
            at=at,
        )
    return selection


def frozen_parts(
    organisation: Organisation, choices: Sequence[tuple[Series, Choice]]
) -> list[FrozenPart]:
    """Return what ``choices`` mean, without storing anything."""
    if not choices:
        raise InvalidSelection("no conversation is chosen", code="nothing_selected")
    if len({series.pk for series, _ in choices}) != len(choices):
        raise InvalidSelection("a conversation is chosen twice", code="series_twice")
    parts = []
    for series, choice in choices:
        if series.organisation_id != organisation.pk or series.sealed_at is None:
            raise InvalidSelection("not a stored conversation", code="unknown_conversation")
        if series.erased_at is not None:
            raise InvalidSelection("this conversation was erased", code="conversation_erased")
        names = {p.key: list(p.names) for p in describe_series(series).participants}
        parts.append(without_quotes(freeze_part(series, choice, names)))
    return parts


def without_quotes(part: FrozenPart) -> FrozenPart:
    """Return ``part`` with every quote of a withheld body withheld too, for the same reason."""
    hidden = {
        seq: closed(targets) for seq, targets in part.withheld.items() if _hides_body(targets)
    }
    if not hidden:
        return part
    rows = messages(part.series, ranges.of(sorted(hidden)))
    originals = [stored.message() for stored in rows if not stored.is_erased]
    withheld, reasons = dict(part.withheld), dict(part.reasons)
    for stored in messages(part.series, part.chosen):
        if stored.is_erased or b'"reply_to":null' in stored.fields:
            continue
        quoted = _quoted(stored.message(), originals)
        if quoted is not None and "*" not in withheld.get(stored.sequence, ()):
            withheld[stored.sequence] = (*withheld.get(stored.sequence, ()), "reply_to")
            reasons.setdefault(stored.sequence, part.reasons.get(quoted, ""))
    return replace(part, withheld=withheld, reasons=reasons)


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
    ``reasons``, and of a series that grows ``cut``: where it stood then."""
    parts: list[dict[str, Any]] = open_json(
        selection.organisation, selection.public_id, "selection", selection.payload
    )
    return parts


def request_key(
    organisation: Organisation,
    matter: Matter,
    choices: Sequence[tuple[Series, Choice]],
    options: ExportOptions,
    actor: Actor,
) -> bytes:
    """Return the key by which the same request is known again."""
    values: Json = [stated(part).value() for part in frozen_parts(organisation, choices)]
    return keyed(
        organisation,
        "export",
        matter.public_id,
        canonical.dumps(values).decode(),
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
    where a broker is set, and find the job by themselves otherwise.
    """
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
        job = Job.objects.create(export=export, created_at=at, changed_at=at)
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
                "digest": bytes(selection.digest).hex(),
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

    Raises InvalidSelection (``not_retryable``) unless ``export`` failed or was cancelled.
    """
    if export.job.phase not in (Job.Phase.FAILED, Job.Phase.CANCELLED):
        raise InvalidSelection(export.job.phase, code="not_retryable")
    options, _actor = export_request(export)
    return request_export(
        selection=export.selection, actor=actor, options=options, at=at,
        key=bytes(export.request_key), user=user,
    )  # fmt: skip


def export_request(export: Export) -> tuple[ExportOptions, Actor]:
    """Return what was asked for and who asked."""
    state = open_json(export.organisation, export.public_id, "export", export.payload)
    options = dict(state["options"])
    options["parties"] = tuple(StatedParty(**party) for party in options.get("parties", ()))
    return ExportOptions(**options), Actor(**state["actor"])
