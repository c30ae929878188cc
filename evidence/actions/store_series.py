"""Write one series as its messages arrive: seal, encrypt, insert, in batches of bounded memory.

Batches are sealed beside (``seal.LeafMaker``): while one is being sealed the next one is read, and
the one before encrypted and inserted. At most ``_IN_FLIGHT`` of them are in memory.
"""

from __future__ import annotations

import secrets
from collections import deque
from concurrent.futures import Future
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from evidence import custody, ingest
from evidence.archive.blobs import store_blob
from evidence.archive.insert import MessageRow, insert_messages
from evidence.archive.keys import keyed, message_aad, new_series_key, seal_json
from evidence.formats import canonical
from evidence.formats.series_head import SeriesHead
from evidence.gateways import crypt
from evidence.ingest import Answers, Examination, SeriesEnd, SeriesStart
from evidence.ingest.completeness import Completeness
from evidence.models import Acquisition, Attachment, Blob, Conversation, Series
from evidence.models.ids import opaque_id
from evidence.seal import Leaf, LeafMaker, SeriesSealer
from evidence.select.blocks import BlockMaker
from evidence.values import Actor, Json, Subject
from evidence.values import Message as MessageValue

_BATCH = 1_000
_BATCH_BYTES = 4 << 20
"""A batch ends at so many messages, or at so many bytes of their source."""
_IN_FLIGHT = 3
_LISTED_WARNINGS = 200
"""Warnings of single messages listed in the report; each stands in its message anyway."""


class SeriesWriter:
    """Takes the messages of one series in order; ``seal`` makes the series visible."""

    def __init__(
        self,
        acquisition: Acquisition,
        place: int,
        start: SeriesStart,
        path: Path,
        examination: Examination,
        answers: Answers,
        at: datetime,
        leaves: LeafMaker,
    ) -> None:
        self._acquisition = acquisition
        self._organisation = acquisition.organisation
        self._path = path
        self._examination = examination
        self._answers = answers
        self._at = at
        self._start = start
        self.public_id = opaque_id()
        self._key, wrapped = new_series_key(self._organisation, self.public_id)
        self._encrypt = crypt.sealer(self._key)
        self._conversation = self._found_conversation()
        self._series = Series.objects.create(
            public_id=self.public_id,
            organisation=self._organisation,
            acquisition=acquisition,
            conversation=self._conversation,
            place=place,
            wrapped_key=wrapped,
        )
        self._sealer = SeriesSealer(sm3=settings.TRUETHREAD_SM3)
        self._leaves = leaves
        self._blocks = BlockMaker(self._series)
        self._batch: list[tuple[MessageValue, bytes]] = []
        self._batch_bytes = 0
        self._handed: deque[tuple[list[tuple[MessageValue, bytes]], Future[list[Leaf]]]] = deque()
        self._attachments: list[Attachment] = []
        self._stored_members: dict[str, Blob] = {}
        self._warned: list[dict[str, str]] = []
        self._completeness = Completeness()
        self._ended: list[SeriesEnd] = []
        self.unparsed = 0

    def add(self, message: MessageValue) -> None:
        """Queue ``message`` to be sealed, encrypted and inserted."""
        self._batch.append((message, secrets.token_bytes(32)))
        self._batch_bytes += int(str(message.source["length"]))
        for code in message.warnings:
            if len(self._warned) < _LISTED_WARNINGS:
                where = f"{self.public_id}:{message.sequence}"
                self._warned.append({"code": str(code), "where": where})
        self._keep_attachments(message)
        if len(self._batch) >= _BATCH or self._batch_bytes >= _BATCH_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        self._handed.append((self._batch, self._leaves.ask(self._batch)))
        self._batch, self._batch_bytes = [], 0
        if len(self._handed) >= _IN_FLIGHT:
            self._flush()

    def _keep_attachments(self, message: MessageValue) -> None:
        for place, attachment in enumerate(message.attachments):
            if not isinstance(attachment, dict) or not attachment.get("included"):
                continue
            member = str(attachment["member"])
            if member not in self._stored_members:
                with ingest.member(self._path, member) as stream:
                    self._stored_members[member] = store_blob(
                        self._organisation, stream, at=self._at
                    )
            self._attachments.append(
                Attachment(
                    series_id=self._series.pk,
                    sequence=message.sequence,
                    place=place,
                    blob=self._stored_members[member],
                )
            )

    def _flush(self) -> None:
        """Insert the batch that was handed over first, and the attachments noted so far."""
        batch, leaves = self._handed.popleft()
        insert_messages(
            [
                self._row(message, seed, leaf)
                for (message, seed), leaf in zip(batch, leaves.result(), strict=True)
            ]
        )
        Attachment.objects.bulk_create(self._attachments)
        self._attachments = []

    def _row(self, message: MessageValue, seed: bytes, leaf: Leaf) -> MessageRow:
        self._sealer.take(message, leaf)
        aad = message_aad(self._organisation.public_id, self.public_id, message.sequence)
        sender = int(str(message.sender["key"])[1:]) if message.sender else 0
        moment = _moment(message.time)
        self._blocks.take(sender, moment)
        self._completeness.take(message, moment)
        return MessageRow(
            self._series.pk,
            message.sequence,
            message.kind,
            sender,
            moment,
            leaf.sha256,
            leaf.sm3,
            self._encrypt(seed + leaf.fields, aad),
        )

    def finish(self, end: SeriesEnd) -> None:
        """Insert what is queued; no message follows."""
        self._hand_over()
        while self._handed:
            self._flush()
        self._blocks.write()
        self._ended.append(end)
        self.unparsed = end.unparsed_count

    @property
    def _end(self) -> SeriesEnd:
        """Return how the series ended; ``finish`` came first."""
        return self._ended[0]

    def warnings(self) -> list[dict[str, str]]:
        """Return the warnings of the series and of its messages, each with its place."""
        whole = [
            {"code": w.code, "where": f"{self.public_id}:{w.where}" if w.where else self.public_id}
            for w in self._end.warnings
        ]
        listed = {(w["code"], w["where"]) for w in whole}
        return whole + [w for w in self._warned if (w["code"], w["where"]) not in listed]

    def seal(self, original: bytes, actor: Actor, at: datetime) -> None:
        """Close the tree, write head and facts, log ``series.sealed``; inside a transaction.

        original: the salted commitment to the original the series was read from.
        """
        result = self._sealer.finish()
        if result.size != self._end.message_count:
            raise RuntimeError("the parser counted other messages than it gave")
        series = self._series
        statement = SeriesHead(
            series=self.public_id,
            acquisition=self._acquisition.public_id,
            conversation=self._conversation.public_id,
            size=result.size,
            root=result.root,
            sm3_root=result.sm3_root,
            parser_name=self._examination.parser_name,
            parser_version=self._examination.parser_version,
            timezone=self._answers.timezone,
            date_order=self._answers.date_order,
            original=original,
            members=self._examination.members,
            first_utc=self._end.first_utc,
            last_utc=self._end.last_utc,
        )
        series.size, series.root, series.sm3_root = result.size, result.root, result.sm3_root
        series.head = canonical.dumps(statement.value())
        series.payload = seal_json(self._organisation, self.public_id, "series", self._facts())
        series.first_at, series.last_at = _at(self._end.first_utc), _at(self._end.last_utc)
        series.sealed_at = at
        series.save()
        custody.append(
            event_id=f"series.sealed:{self.public_id}",
            event="series.sealed",
            actor=actor,
            subjects=[
                Subject("series", self.public_id),
                Subject("acquisition", self._acquisition.public_id),
            ],
            details={"head": statement.digest().hex()},
            at=at,
        )

    def _facts(self) -> dict[str, Any]:
        start = self._start
        participants = []
        for participant in self._end.participants:
            stored = asdict(participant)
            stored["details"] = dict(participant.details)
            participants.append(stored)
        return {
            "title": start.title,
            "platform": start.platform,
            "platform_id": start.platform_id,
            "type": start.conversation_type,
            "custodian": self._custodian(),
            "owner_name": start.owner_name,
            "owner_id": start.owner_id,
            "date_order": start.date_order,
            "participants": participants,
            "warnings": self.warnings(),
            "unparsed": self._end.unparsed_count,
            **self._completeness.facts(),
        }

    def _custodian(self) -> str:
        return self._answers.owner or self._start.owner_name or self._organisation.name

    def _found_conversation(self) -> Conversation:
        identity = keyed(
            self._organisation, "conversation", self._start.platform, self._start.identity
        )
        found = Conversation.objects.filter(
            organisation=self._organisation, identity_key=identity
        ).first()
        public_id = found.public_id if found else opaque_id()
        facts: dict[str, Json] = {
            "platform": self._start.platform,
            "title": self._start.title,
            "custodian": self._custodian(),
        }
        payload = seal_json(self._organisation, public_id, "conversation", facts)
        conversation, _ = Conversation.objects.get_or_create(
            organisation=self._organisation,
            identity_key=identity,
            defaults={"public_id": public_id, "payload": payload, "created_at": self._at},
        )
        return conversation


def _moment(time: dict[str, Json] | None) -> datetime | None:
    return _at(str(time["utc"])) if time and time.get("utc") else None


def _at(utc: str | None) -> datetime | None:
    return datetime.fromisoformat(utc.replace("Z", "+00:00")) if utc else None
