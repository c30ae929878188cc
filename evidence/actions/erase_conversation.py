"""Erase a conversation: destroy its contents and seeds, and the originals it came from.

What stays is what proves nothing about anybody: leaf hashes, heads, the log. Bundles already issued
stay as they are and still verify. Two things can stand in the way: a hold on the conversation (it is
refused), and a hold on another conversation of the same original (the original stays until that hold
is released and erasing is asked for again; the plan and the log say so).

The keys go first and at once: each series gets a fresh one, a file loses the row with its own. From
then on nobody can open a message, nor read one through this service; the rows, which are as many as
the messages, are emptied in the background (``empty_rows``). SQLite overwrites what it frees. What
backups, SQLite's write-ahead file and PostgreSQL's dead rows hold is gone when those are.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from evidence import custody
from evidence.actions import workspace
from evidence.actions.empty_rows import overwrite_what_is_freed
from evidence.actions.party_pictures import destroy_pictures
from evidence.archive.blobs import open_blob, unreferred_blobs
from evidence.archive.keys import keyed, new_series_key, seal_json
from evidence.archive.pushed import StreamState, sealed_state
from evidence.archive.read import describe_acquisition, describe_conversation
from evidence.errors import NotErasable, StorageFailed
from evidence.gateways.current import current
from evidence.models import (
    Acquisition,
    Attachment,
    Blob,
    Comparison,
    Conversation,
    Export,
    Hold,
    MessageBlock,
    PartyPicture,
    PushAttachment,
    PushBatch,
    PushStream,
    Series,
)
from evidence.values import Actor, Subject

NAMED = 20
"""Other conversations of an original that a plan names; an original may hold thousands."""


@dataclass(frozen=True, slots=True)
class Original:
    """A delivered file that holds the conversation. others: what else came in it, still stored, the
    first ``NAMED`` of ``other_count``."""

    acquisition: str
    name: str
    is_held: bool
    others: tuple[dict[str, str | None], ...]
    other_count: int


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What erasing would destroy, what it would leave, and what stands in its way.

    bundles: issued ones that show some of it; they are not touched. hindrance: an error code or "".
    """

    conversation: str
    series: tuple[str, ...]
    messages: int
    originals: tuple[Original, ...]
    bundles: tuple[str, ...]
    hindrance: str
    pictures: int = 0
    """Added beside participants on the way to a bundle."""

    def value(self) -> dict[str, Any]:
        """Return the JSON object that the command prints."""
        return asdict(self)


def plan_erasure(conversation: Conversation) -> ErasurePlan:
    """Return what ``erase_conversation`` would do now. Changes nothing."""
    living = _living(conversation)
    exports = Export.objects.filter(selection__series__conversation=conversation).distinct()
    return ErasurePlan(
        conversation=conversation.public_id,
        series=tuple(living.values_list("public_id", flat=True)),
        messages=sum(living.values_list("size", flat=True)),
        originals=tuple(_described(one, conversation) for one in _deliveries(conversation)),
        bundles=tuple(exports.filter(issued_at__isnull=False).values_list("public_id", flat=True)),
        hindrance=_hindrance(conversation),
        pictures=PartyPicture.objects.filter(series__in=living).count(),
    )


def save_originals(
    *, conversation: Conversation, folder: Path, actor: Actor, at: datetime
) -> list[Path]:
    """Copy the originals into ``folder`` before they are destroyed; return the files, each logged.

    Raises StorageFailed when the folder cannot be written, Corrupt when an original does not open.
    """
    saved = []
    for acquisition in _deliveries(conversation):
        name = Path(describe_acquisition(acquisition)["name"]).name or "original"
        target = folder / acquisition.public_id / name
        _copy(acquisition, target)
        with transaction.atomic():
            custody.append(
                event_id=f"original.downloaded:{acquisition.public_id}:{secrets.token_hex(4)}",
                event="original.downloaded",
                actor=actor,
                subjects=[Subject("acquisition", acquisition.public_id)],
                details={},
                at=at,
            )
        saved.append(target)
    custody.sequence_pending()
    return saved


def erase_conversation(
    *, conversation: Conversation, actor: Actor, reason: str, at: datetime
) -> ErasurePlan:
    """Erase ``conversation`` with every series of it, log it, and return what was done.

    Whoever calls it has the rows emptied afterwards: the background worker does. Called again it
    destroys originals that a hold has let go since, or does nothing. Raises
    NotErasable while a hold covers it or an export of it is being made; nothing is deleted then.
    The caller has checked that ``actor`` may do this.
    """
    overwrite_what_is_freed()
    with transaction.atomic():
        conversation = Conversation.objects.select_for_update().get(pk=conversation.pk)
        plan = plan_erasure(conversation)
        if plan.hindrance:
            raise NotErasable(conversation.public_id, code=plan.hindrance)
        free = [one.acquisition for one in plan.originals if not one.is_held]
        if not plan.series and not free:
            return plan
        names = _destroy(conversation, free, at)
        _log(conversation, plan, free, actor, reason, at)
    for name in names:
        current().blobs.delete(name)
    custody.sequence_pending()
    return plan


def _living(conversation: Conversation) -> QuerySet[Series]:
    rows = conversation.series.filter(sealed_at__isnull=False, erased_at__isnull=True)
    return rows.select_related("organisation").order_by("pk")


def _deliveries(conversation: Conversation) -> list[Acquisition]:
    """Return the deliveries whose originals hold the conversation: same bytes, any reading."""
    blobs = Blob.objects.filter(acquisitions__series__conversation=conversation)
    found = Acquisition.objects.filter(original__in=blobs, stored_at__isnull=False).distinct()
    return list(found.select_related("organisation", "original__organisation").order_by("pk"))


def _described(acquisition: Acquisition, conversation: Conversation) -> Original:
    others = (
        Conversation.objects.filter(series__acquisition=acquisition, series__erased_at__isnull=True)
        .exclude(pk=conversation.pk)
        .select_related("organisation")
        .distinct()
        .order_by("pk")
    )
    return Original(
        acquisition=acquisition.public_id,
        name=describe_acquisition(acquisition)["name"],
        is_held=Hold.objects.filter(conversation__in=others, released_at=None).exists(),
        others=tuple(
            {"id": one.public_id, "title": describe_conversation(one)["title"]}
            for one in others[:NAMED]
        ),
        other_count=others.count(),
    )


def _hindrance(conversation: Conversation) -> str:
    if Hold.objects.filter(conversation=conversation, released_at=None).exists():
        return NotErasable.code
    unfinished = Export.objects.exclude(job__phase__in=workspace.ENDED)
    if unfinished.filter(selection__series__conversation=conversation).exists():
        return "export_unfinished"
    return ""


def _destroy(conversation: Conversation, free: list[str], at: datetime) -> list[str]:
    """Destroy contents; return the names of files nobody refers to any more."""
    living = list(_living(conversation))
    deliveries = Acquisition.objects.filter(public_id__in=free).select_related("organisation")
    blobs = set(deliveries.values_list("original", flat=True))
    attachments = Attachment.objects.filter(series__in=living, blob__isnull=False)
    blobs |= set(attachments.values_list("blob", flat=True))
    attachments.update(blob=None)
    for pushed in (PushBatch, PushAttachment):
        kept = pushed.objects.filter(stream__series__in=living, blob__isnull=False)
        blobs |= set(kept.values_list("blob", flat=True))
        kept.update(blob=None)
    PushBatch.objects.filter(stream__series__in=living).update(payload=b"")
    Comparison.objects.filter(Q(series__in=living) | Q(other__in=living)).delete()
    MessageBlock.objects.filter(series__in=living).delete()
    for series in living:
        _blank_series(series, at)
    for stream in PushStream.objects.filter(series__in=living).select_related(
        "organisation", "acquisition__organisation"
    ):
        _blank_stream(stream)
    for acquisition in deliveries:
        _blank_delivery(acquisition)
    _blank_conversation(conversation, at)
    destroy_pictures(PartyPicture.objects.filter(series__in=living))
    return unreferred_blobs(blobs)


def _blank_series(series: Series, at: datetime) -> None:
    facts: dict[str, Any] = {
        "title": None, "platform": _platform(series.conversation), "type": None, "custodian": "",
        "participants": [], "warnings": [], "unparsed": 0,
    }  # fmt: skip
    series.payload = seal_json(series.organisation, series.public_id, "series", facts)
    _, series.wrapped_key = new_series_key(series.organisation, series.public_id)
    series.first_at = series.last_at = None
    series.erased_at = at
    series.save(update_fields=["payload", "wrapped_key", "first_at", "last_at", "erased_at"])


def _blank_stream(stream: PushStream) -> None:
    """Let go of who pushed what; it takes no further batch, a new stream can be registered."""
    organisation, public_id = stream.organisation, stream.public_id
    blank = StreamState(provider="", account="", conversation="", title=None, type="", cursor=0)
    stream.payload = sealed_state(organisation, public_id, blank)
    stream.identity_key = keyed(organisation, "erased", public_id)
    stream.save(update_fields=["payload", "identity_key"])
    _blank_delivery(stream.acquisition)


def _blank_delivery(acquisition: Acquisition) -> None:
    """Let go of the original. Delivered again, the same bytes are a new acquisition."""
    organisation, public_id = acquisition.organisation, acquisition.public_id
    acquisition.original = None
    acquisition.fingerprint = keyed(organisation, "erased", public_id)
    if not acquisition.series.filter(erased_at__isnull=True).exists():
        stated = describe_acquisition(acquisition)
        blank: dict[str, Any] = {"name": "", "size": 0, "sha256": "", "seed": "", "warnings": []}
        blank["answers"] = {**stated["answers"], "owner": None}
        facts = {**stated, **blank}
        acquisition.payload = seal_json(organisation, public_id, "acquisition", facts)
    acquisition.save(update_fields=["original", "fingerprint", "payload"])


def _blank_conversation(conversation: Conversation, at: datetime) -> None:
    facts = {"platform": _platform(conversation), "title": None, "custodian": ""}
    organisation, public_id = conversation.organisation, conversation.public_id
    conversation.payload = seal_json(organisation, public_id, "conversation", facts)
    conversation.erased_at = conversation.erased_at or at
    conversation.save(update_fields=["payload", "erased_at"])


def _platform(conversation: Conversation) -> str:
    return str(describe_conversation(conversation)["platform"])


def _log(
    conversation: Conversation,
    plan: ErasurePlan,
    free: list[str],
    actor: Actor,
    reason: str,
    at: datetime,
) -> None:
    custody.append(
        event_id=f"conversation.erased:{secrets.token_hex(16)}",
        event="conversation.erased",
        actor=actor,
        subjects=[
            *(Subject("series", one) for one in plan.series),
            *(Subject("acquisition", one) for one in free),
        ],
        details={
            "conversation": conversation.public_id,
            "messages": plan.messages,
            "originals": list(free),
            "kept": [one.acquisition for one in plan.originals if one.is_held],
            "bundles": list(plan.bundles),
        },
        purpose=reason or None,
        at=at,
    )


def _copy(acquisition: Acquisition, target: Path) -> None:
    blob = acquisition.original
    if blob is None:
        raise RuntimeError("a delivery whose original was destroyed is not listed")
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_blob(blob) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageFailed(str(error)) from error
