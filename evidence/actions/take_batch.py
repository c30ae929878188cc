"""Take a pushed batch in: exactly once, in its order, or refuse it by name and leave all as it was.

The batch is held against where the stream stands while the stream's row is locked, and everything it
changes commits together: rows, the new head, the custody entry that names it, the stream's position.
So a sender that dies, or hears nothing, asks where the stream stands and goes on from there.

Each entry ``series.sealed`` of a stream says how the tree grew: ``size``, ``root``, and in
``grown_from`` the head before with the consistency proof between the two (RFC 9162 section 2.1.4).
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from evidence import custody
from evidence.actions.announce import announce_growth
from evidence.archive.blobs import store_blob, unreferred_blobs
from evidence.archive.growth import keep_growth
from evidence.archive.insert import MessageRow, insert_messages
from evidence.archive.keys import message_aad, open_json, seal_json, series_key
from evidence.archive.pushed import (
    PARSER_NAME,
    PARSER_VERSION,
    StreamGap,
    StreamState,
    attachment_name,
    batch_facts,
    batch_fingerprint,
    sealed_state,
    stream_state,
)
from evidence.errors import PushRefused
from evidence.formats import canonical, merkle, push
from evidence.formats.series_head import Original, SeriesHead
from evidence.gateways import crypt
from evidence.gateways.current import current
from evidence.ingest.push import PushedPeople, batch_file, rows
from evidence.models import (
    Attachment,
    Blob,
    PushAttachment,
    PushBatch,
    PushKey,
    PushRefusal,
    PushStream,
    Series,
)
from evidence.seal import Leaf, Seal, SeriesSealer
from evidence.select.blocks import BLOCK, add_blocks
from evidence.sign import jws
from evidence.values import Actor, Json, Participant, Subject
from evidence.values import Message as MessageValue

KEPT_REFUSALS = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch. first, last: sequences of its rows, notes of ours included; last is
    below first where it added none. size: rows of the series after it."""

    number: int
    hash: str
    first: int
    last: int
    size: int
    is_repeated: bool = False


class _File(NamedTuple):
    """An attachment whose bytes were handed over before."""

    sequence: int
    place: int
    sha256: str
    size: int


def take_batch(*, stream: PushStream, data: bytes, actor: Actor, at: datetime) -> Taken:
    """Add the batch in ``data`` to ``stream`` and return its place; the same batch again changes
    nothing and gets the same answer.

    Raises PushRefused, after noting it; nothing of the batch is kept then. Codes: batch_malformed,
    batch_forged, batch_foreign, batch_out_of_order, batch_conflicts, batch_chain_broken,
    batch_overlaps, messages_missing, gap_unknown, attachment_missing, attachment_differs, stream_closed.
    """
    number: list[int] = []
    try:
        taken = _take(stream, data, actor, at, number)
    except PushRefused as refused:
        _note_refusal(stream, refused.code, number, at)
        raise
    if not taken.is_repeated:
        custody.sequence_pending()
    return taken


def expected_next(stream: PushStream, state: StreamState) -> dict[str, Any]:
    """Return what the next batch of ``stream`` has to go on from."""
    return {
        "number": stream.batch_count + 1,
        "previous": state.hash,
        "cursor": state.cursor,
    }


def _take(stream: PushStream, data: bytes, actor: Actor, at: datetime, number: list[int]) -> Taken:
    batch = _read(data)
    number.append(batch.envelope.number)
    stream = PushStream.objects.select_related("organisation").get(pk=stream.pk)
    kid = _signer(stream, batch)
    state = stream_state(stream)
    _refuse_foreign(stream, state, batch.envelope)
    known = _known(stream, batch)
    if known is not None:
        return known
    _refuse_misplaced(stream, state, batch)
    blob = store_blob(stream.organisation, io.BytesIO(data), at=at)
    try:
        with transaction.atomic():
            return _append(stream, batch, blob, len(data), kid, actor, at)
    except PushRefused:
        _let_go(stream, blob)
        raise


def _append(
    stream: PushStream, batch: push.Batch, blob: Blob, size: int, kid: str,
    actor: Actor, at: datetime,
) -> Taken:  # fmt: skip
    """Add the batch while the stream is locked: whoever came first stands."""
    locked = (
        PushStream.objects.select_for_update(of=("self",))
        .select_related("organisation", "acquisition", "series__organisation")
        .select_related("series__conversation")
        .get(pk=stream.pk)
    )
    known = _known(locked, batch)
    if known is not None:
        return known
    state = stream_state(locked)
    _refuse_misplaced(locked, state, batch)
    return _Growth(locked, state, batch, at).commit(blob, size, kid, actor)


def _let_go(stream: PushStream, blob: Blob) -> None:
    """Destroy the bytes of a batch that was refused after all, unless something refers to them."""
    with transaction.atomic():
        PushStream.objects.select_for_update().get(pk=stream.pk)
        names = unreferred_blobs([blob.pk])
    for name in names:
        current().blobs.delete(name)


class _Growth:
    """One batch on its way into the series of a locked stream."""

    def __init__(
        self, stream: PushStream, state: StreamState, batch: push.Batch, at: datetime
    ) -> None:
        self._stream, self._state, self._batch, self._at = stream, state, batch, at
        self._series, self._organisation = stream.series, stream.organisation
        self._facts = open_json(
            self._organisation, self._series.public_id, "series", self._series.payload
        )
        known = (_participant(one) for one in self._facts["participants"])
        self._people = PushedPeople(state.account, known)
        self._before = state.seal()
        self._leaves: list[bytes] = []

    def commit(self, blob: Blob, size: int, kid: str, actor: Actor) -> Taken:
        """Write rows, head, facts, position and the custody entry."""
        state, batch, series = self._state, self._batch, self._series
        old = state.size
        seal = self._store_rows()
        self._note_position(old + 1)
        state.stands_at(seal)
        state.hash = batch.hash.hex()
        state.received_bytes += size
        seed = secrets.token_bytes(32)
        original = Original(
            name=batch_file(batch.envelope.number),
            owner=state.account,
            sha256=batch.hash,
            size=size,
        )
        head = self._head(seal, original.commitment(seed))
        self._store_head(seal, head)
        PushBatch.objects.create(
            stream=self._stream,
            number=batch.envelope.number,
            fingerprint=batch_fingerprint(self._organisation, batch.hash),
            size=seal.size,
            head=series.head,
            blob=blob,
            payload=self._batch_payload(seed, kid, old),
            received_at=self._at,
        )
        self._store_stream(original, seed)
        self._log(actor, head, seal)
        announce_growth(self._stream.acquisition, batch.envelope.number, self._at)
        return Taken(batch.envelope.number, state.hash, old + 1, seal.size, seal.size)

    def _store_rows(self) -> Seal:
        series = self._series
        sealer = SeriesSealer(sm3=settings.TRUETHREAD_SM3, after=self._before)
        encrypt = crypt.sealer(series_key(series))
        tenant, public_id = self._organisation.public_id, series.public_id
        made: list[MessageRow] = []
        files: list[_File] = []
        spoken: list[tuple[str, int]] = []
        for value in self._values():
            seed = secrets.token_bytes(32)
            leaf = sealer.add(value, seed)
            self._leaves.append(leaf.sha256)
            aad = message_aad(tenant, public_id, value.sequence)
            made.append(_row(series, value, leaf, encrypt(seed + leaf.fields, aad)))
            if value.sender is not None:
                spoken.append((str(value.sender["id"]), value.sequence))
            if value.attachments:
                files += _included(value)
        Attachment.objects.bulk_create(self._attachments(files))
        insert_messages(made)
        keep_growth(series, self._state.size, self._leaves)
        self._people.count(spoken)
        seal = sealer.finish()
        if seal.size // BLOCK > self._state.size // BLOCK:
            add_blocks(series, seal.size)
        return seal

    def _values(self) -> Iterator[MessageValue]:
        try:
            yield from rows(self._batch, self._people, self._state.size)
        except ValueError as error:
            raise PushRefused(str(error), code="batch_malformed", where=str(error)) from error

    def _attachments(self, files: Sequence[_File]) -> Iterator[Attachment]:
        """Yield the rows of the included attachments. Raises PushRefused for any not handed over."""
        names = {
            one: attachment_name(self._organisation, one) for one in {file.sha256 for file in files}
        }
        handed = {
            bytes(one.name): one
            for one in PushAttachment.objects.filter(
                stream=self._stream, name__in=list(names.values()), blob__isnull=False
            )
        }
        if missing := sorted(one for one, name in names.items() if name not in handed):
            raise PushRefused(
                "attachments are missing", code="attachment_missing", facts={"missing": missing}
            )
        for file in files:
            kept = handed[names[file.sha256]]
            if kept.size != file.size:
                raise PushRefused("another size than stated", code="attachment_differs")
            yield Attachment(
                series=self._series,
                sequence=file.sequence,
                place=file.place,
                blob_id=kept.blob_id,
            )

    def _note_position(self, row: int) -> None:
        """Move the stream's position; note a gap, or how much of one has come after all."""
        envelope, gaps = self._batch.envelope, self._state.gaps
        if envelope.fills is not None:
            gap = _gap_named(self._state, envelope.fills)
            if gap is None:
                raise RuntimeError("the gap was looked up before")
            gap.filled.append([envelope.cursor.first, envelope.cursor.last, envelope.number])
            return
        if envelope.gap is not None:
            stated = envelope.gap
            gaps.append(StreamGap(stated.first, stated.last, stated.reason, envelope.number, row))
        self._state.cursor = envelope.cursor.last

    def _head(self, seal: Seal, original: bytes) -> SeriesHead:
        series = self._series
        return SeriesHead(
            series=series.public_id,
            acquisition=self._stream.acquisition.public_id,
            conversation=series.conversation.public_id,
            size=seal.size,
            root=seal.root,
            sm3_root=seal.sm3_root,
            parser_name=PARSER_NAME,
            parser_version=PARSER_VERSION,
            timezone=None,
            date_order=None,
            original=original,
            members=self._batch.envelope.number,
            first_utc=seal.first_utc,
            last_utc=seal.last_utc,
        )

    def _store_head(self, seal: Seal, head: SeriesHead) -> None:
        series = self._series
        facts = self._facts | {"participants": [_stored(one) for one in self._people.all()]}
        series.size, series.root, series.sm3_root = seal.size, seal.root, seal.sm3_root
        series.head = canonical.dumps(head.value())
        series.payload = seal_json(self._organisation, series.public_id, "series", facts)
        series.first_at, series.last_at = _at(seal.first_utc), _at(seal.last_utc)
        series.sealed_at = self._at
        series.save(
            update_fields=[
                "size", "root", "sm3_root", "head", "payload", "first_at", "last_at", "sealed_at",
            ]
        )  # fmt: skip

    def _batch_payload(self, seed: bytes, kid: str, old: int) -> bytes:
        envelope = self._batch.envelope
        facts: dict[str, Any] = {
            "hash": self._batch.hash.hex(),
            "seed": seed.hex(),
            "kid": kid,
            "first": old + 1,
            "messages": envelope.count,
            "cursor": envelope.cursor.value(),
            "gap": None if envelope.gap is None else envelope.gap.value(),
            "fills": None if envelope.fills is None else envelope.fills.value(),
            "time": envelope.time,
        }
        where = f"{self._stream.public_id}/{envelope.number}"
        return seal_json(self._organisation, where, "push_batch", facts)

    def _store_stream(self, original: Original, seed: bytes) -> None:
        stream, state, organisation = self._stream, self._state, self._organisation
        stream.batch_count = self._batch.envelope.number
        stream.payload = sealed_state(organisation, stream.public_id, state)
        stream.changed_at = self._at
        stream.save(update_fields=["batch_count", "payload", "changed_at"])
        delivery = stream.acquisition
        report = open_json(organisation, delivery.public_id, "acquisition", delivery.payload)
        report |= {
            "size": state.received_bytes,
            "sha256": original.sha256.hex(),
            "seed": seed.hex(),
            "members": stream.batch_count,
        }
        delivery.payload = seal_json(organisation, delivery.public_id, "acquisition", report)
        delivery.save(update_fields=["payload"])

    def _log(self, actor: Actor, head: SeriesHead, seal: Seal) -> None:
        custody.append(
            event_id=f"series.grown:{head.series}:{head.members}",
            event="series.sealed",
            actor=actor,
            subjects=[
                Subject("series", head.series),
                Subject("acquisition", head.acquisition),
            ],
            details={
                "head": head.digest().hex(),
                "batch": head.members,
                "size": seal.size,
                "root": seal.root.hex(),
                "grown_from": self._grown_from(),
            },
            at=self._at,
        )

    def _grown_from(self) -> Json:
        before = self._before
        if before is None:
            return None
        proof = merkle.growth_proof(before.size, before.frontier, self._leaves)
        return {
            "size": before.size,
            "root": before.root.hex(),
            "consistency": [one.hex() for one in proof],
        }


# --- what is refused ----------------------------------------------------------------------------


def _read(data: bytes) -> push.Batch:
    try:
        return push.read_batch(data)
    except ValueError as error:
        raise PushRefused(str(error), code="batch_malformed", where=str(error)) from error


def _signer(stream: PushStream, batch: push.Batch) -> str:
    """Return the id of the registered key that signed. Raises PushRefused ``batch_forged``."""
    kid = jws.key_id(batch.signature)
    key = PushKey.objects.filter(stream=stream, kid=kid or "").first()
    is_repeat = key is not None and key.retired_at is not None and _known(stream, batch)
    if key is None or (key.retired_at is not None and not is_repeat):
        raise PushRefused("signed by no key of this stream", code="batch_forged")
    if not jws.is_signed(batch.line, batch.signature, key.key):
        raise PushRefused("the signature does not fit", code="batch_forged")
    return key.kid


def _refuse_foreign(stream: PushStream, state: StreamState, envelope: push.Envelope) -> None:
    named = (envelope.stream, envelope.provider, envelope.account, envelope.conversation)
    if named != (stream.public_id, state.provider, state.account, state.conversation):
        raise PushRefused("the batch is for another stream", code="batch_foreign")


def _known(stream: PushStream, batch: push.Batch) -> Taken | None:
    found = PushBatch.objects.filter(
        stream=stream, fingerprint=batch_fingerprint(stream.organisation, batch.hash)
    ).first()
    if found is None:
        return None
    found.stream = stream
    facts = batch_facts(found)
    first = facts["first"]
    return Taken(found.number, facts["hash"], first, found.size, found.size, is_repeated=True)


def _refuse_misplaced(stream: PushStream, state: StreamState, batch: push.Batch) -> None:
    code = _misplaced(stream, state, batch.envelope)
    if code:
        facts = {"expected": expected_next(stream, state)}
        raise PushRefused(f"batch {batch.envelope.number}", code=code, facts=facts)


def _misplaced(stream: PushStream, state: StreamState, envelope: push.Envelope) -> str:
    """Return what is wrong with the place of a batch that is new, "" when it is the next one."""
    following = stream.batch_count + 1
    if Series.objects.filter(pk=stream.series_id, erased_at__isnull=False).exists():
        return "stream_closed"
    if envelope.number > following:
        return "batch_out_of_order"
    if envelope.number < following:
        return "batch_conflicts"
    if (None if envelope.previous is None else envelope.previous.hex()) != state.hash:
        return "batch_chain_broken"
    if envelope.fills is not None:
        return _misfilled(state, envelope.fills, envelope.cursor)
    first = envelope.gap.first if envelope.gap is not None else envelope.cursor.first
    if first < state.cursor:
        return "batch_overlaps"
    return "messages_missing" if first > state.cursor else ""


def _misfilled(state: StreamState, fills: push.Positions, cursor: push.Positions) -> str:
    gap = _gap_named(state, fills)
    if gap is None:
        return "gap_unknown"
    taken = any(first < cursor.last and cursor.first < last for first, last, _ in gap.filled)
    return "batch_overlaps" if taken else ""


def _gap_named(state: StreamState, fills: push.Positions) -> StreamGap | None:
    wanted = (fills.first, fills.last)
    return next((gap for gap in state.gaps if (gap.first, gap.last) == wanted), None)


def _note_refusal(stream: PushStream, code: str, number: Sequence[int], at: datetime) -> None:
    PushRefusal.objects.create(
        stream=stream, code=code, number=number[0] if number else None, at=at
    )
    kept = PushRefusal.objects.filter(stream=stream).order_by("-pk")
    oldest = list(kept.values_list("pk", flat=True)[KEPT_REFUSALS : KEPT_REFUSALS + 1])
    if oldest:
        kept.filter(pk__lte=oldest[0]).delete()


# --- rows ---------------------------------------------------------------------------------------


def _row(series: Series, value: MessageValue, leaf: Leaf, payload: bytes) -> MessageRow:
    sender = value.sender
    return MessageRow(
        series.pk,
        value.sequence,
        value.kind,
        int(str(sender["key"])[1:]) if sender else 0,
        _at(str(value.time["utc"])) if value.time else None,
        leaf.sha256,
        leaf.sm3,
        payload,
    )


def _included(value: MessageValue) -> list[_File]:
    return [
        _File(value.sequence, place, str(one["sha256"]), int(str(one["size"])))
        for place, one in enumerate(value.attachments)
        if isinstance(one, dict) and one["included"]
    ]


def _participant(stored: dict[str, Any]) -> Participant:
    return Participant(**{**stored, "names": tuple(stored["names"])})


def _stored(participant: Participant) -> dict[str, Any]:
    found = asdict(participant)
    found["details"] = dict(participant.details)
    return found


def _at(utc: str | None) -> datetime | None:
    return datetime.fromisoformat(utc) if utc else None
