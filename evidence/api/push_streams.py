"""Push streams: a provider hands conversations over batch by batch; ``PUSH.md`` explains them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, BinaryIO, cast

from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import organisation_to_change
from evidence.access.pushed import push_stream_for, push_streams_of
from evidence.actions.open_push_stream import (
    TYPES,
    Pushed,
    add_push_key,
    open_push_stream,
    store_push_attachment,
)
from evidence.actions.take_batch import Taken, expected_next, take_batch
from evidence.api.base import PAGE, ApiView, paged
from evidence.api.idempotency import once
from evidence.api.parsing import StrictJsonParser
from evidence.api.times import utc
from evidence.archive.growth import consistency
from evidence.archive.pushed import StreamGap, batch_facts, stream_state
from evidence.errors import InvalidSelection, NotAllowed, NotFound, PushRefused
from evidence.formats import canonical, push, series_head
from evidence.models import PushBatch, PushStream

_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECE = 1 << 20


class StreamRequest(serializers.Serializer[Any]):
    """What comes in to register a stream."""

    provider = serializers.CharField(max_length=100)
    account = serializers.CharField(max_length=200)
    conversation = serializers.CharField(max_length=200)
    title = serializers.CharField(required=False, max_length=200)
    type = serializers.ChoiceField(required=False, choices=TYPES, default="unknown")
    custodian = serializers.CharField(required=False, max_length=200, default="")
    start = serializers.IntegerField(required=False, min_value=0, max_value=2**53 - 1, default=0)
    key = serializers.DictField(child=serializers.JSONField())
    kid = serializers.CharField(required=False, max_length=200, default="")


class KeyRequest(serializers.Serializer[Any]):
    """What comes in to add a key, and to retire an older one with it."""

    key = serializers.DictField(child=serializers.JSONField())
    kid = serializers.CharField(required=False, max_length=200, default="")
    retire = serializers.CharField(required=False, max_length=200, default="")


class BatchParser(BaseParser):
    """Hands the bytes of a batch on as they came."""

    media_type = "application/x-ndjson"

    def parse(
        self, stream: Any, media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        return bytes(stream.read(push.MAX_BYTES + 1))


class BytesParser(BaseParser):
    """Hands the body on unread."""

    media_type = "application/octet-stream"

    def parse(
        self, stream: Any, media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        return stream


def stream_answer(stream: PushStream) -> dict[str, Any]:
    """Return what goes out about one stream; ``expected`` is where the next batch goes on."""
    state = stream_state(stream)
    return {
        "id": stream.public_id,
        "acquisition": stream.acquisition.public_id,
        "conversation": stream.series.public_id if stream.batch_count else None,
        "provider": state.provider,
        "account": state.account,
        "provider_conversation": state.conversation,
        "title": state.title,
        "created": utc(stream.created_at),
        "changed": utc(stream.changed_at),
        "batches": stream.batch_count,
        "messages": state.size,
        "root": state.root or None,
        "expected": expected_next(stream, state),
        "gaps": [_gap(gap) for gap in state.gaps],
        "keys": [
            {"kid": key.kid, "added": utc(key.added_at), "retired": utc(key.retired_at)}
            for key in stream.keys.order_by("pk")
        ],
        "refused": [
            {"code": one.code, "number": one.number, "at": utc(one.at)}
            for one in stream.refusals.order_by("-pk")[:20]
        ],
    }


def _gap(gap: StreamGap) -> dict[str, Any]:
    return {
        "from": gap.first, "to": gap.last, "reason": gap.reason, "batch": gap.batch,
        "sequence": gap.row, "open": gap.is_open,
        "filled": [{"from": one, "to": last, "batch": batch} for one, last, batch in gap.filled],
    }  # fmt: skip


class _StreamView(ApiView):
    resource = "push"

    def stream(self, stream_id: str) -> PushStream:
        return push_stream_for(self.person, stream_id, self.within)

    def stream_to_change(self, stream_id: str) -> PushStream:
        """Return the stream; NotAllowed for those who only read."""
        stream = self.stream(stream_id)
        organisation_to_change(self.person, self.within)
        return stream


class PushStreams(_StreamView):
    def get(self, request: Request) -> Response:
        return paged(request, push_streams_of(self.person, self.within), stream_answer)

    @once(in_one=False)
    def post(self, request: Request) -> Response:
        organisation = self.organisation
        if self.within.matters is not None:
            raise NotAllowed("limited to matters", code="insufficient_scope")
        asked = StreamRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        key, kid = given.pop("key"), given.pop("kid")
        stream = open_push_stream(
            organisation=organisation,
            actor=self.actor,
            pushed=Pushed(**given),
            key=key,
            kid=kid,
            at=timezone.now(),
            user=self.person,
        )
        address = reverse("api-push-stream", args=[stream.public_id], request=request)
        return Response(stream_answer(stream), status=201, headers={"Location": address})


class PushStreamDetail(_StreamView):
    def get(self, request: Request, stream_id: str) -> Response:
        return Response(stream_answer(self.stream(stream_id)))


class PushKeys(_StreamView):
    @once(in_one=False)
    def post(self, request: Request, stream_id: str) -> Response:
        stream = self.stream_to_change(stream_id)
        asked = KeyRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        add_push_key(
            stream=stream, actor=self.actor, at=timezone.now(), **dict(asked.validated_data)
        )
        return Response(stream_answer(stream), status=201)


class PushBatches(_StreamView):
    parser_classes = (BatchParser,)

    def get(self, request: Request, stream_id: str) -> Response:
        stream = self.stream(stream_id)
        after = _number(request, "after")
        rows = PushBatch.objects.filter(stream=stream, number__gt=after).order_by("number")
        found = list(rows[: PAGE + 1])
        following = None
        if len(found) > PAGE:
            following = f"{request.path}?after={found[PAGE - 1].number}"
        return Response({"items": [_batch(stream, one) for one in found[:PAGE]], "next": following})

    def post(self, request: Request, stream_id: str) -> Response:
        stream = self.stream_to_change(stream_id)
        sent: Any = request.data
        data = sent if isinstance(sent, bytes) else b""
        taken = take_batch(stream=stream, data=data, actor=self.actor, at=timezone.now())
        return Response(_taken(taken), status=200 if taken.is_repeated else 201)


def _taken(taken: Taken) -> dict[str, Any]:
    return {
        "number": taken.number,
        "hash": taken.hash,
        "first": taken.first,
        "last": taken.last,
        "messages": taken.size,
        "repeated": taken.is_repeated,
    }


def _batch(stream: PushStream, batch: PushBatch) -> dict[str, Any]:
    batch.stream = stream
    facts = batch_facts(batch)
    head = series_head.read(canonical.loads(bytes(batch.head)))
    return {
        "number": batch.number,
        "hash": facts["hash"],
        "kid": facts["kid"],
        "first": facts["first"],
        "last": batch.size,
        "cursor": facts["cursor"],
        "gap": facts["gap"],
        "fills": facts["fills"],
        "received": utc(batch.received_at),
        "root": head.root.hex(),
        "head": head.digest().hex(),
    }


class PushConsistency(_StreamView):
    def get(self, request: Request, stream_id: str) -> Response:
        stream = self.stream(stream_id)
        old, new = (self._head(stream, _number(request, name)) for name in ("old", "new"))
        if old.size > new.size:
            raise InvalidSelection("old is newer", code="invalid_range")
        proof = consistency(stream.series, old.size, new.size)
        return Response(
            {
                "old": {"size": old.size, "root": old.root.hex(), "head": old.digest().hex()},
                "new": {"size": new.size, "root": new.root.hex(), "head": new.digest().hex()},
                "consistency": [one.hex() for one in proof],
            }
        )

    def _head(self, stream: PushStream, number: int) -> series_head.SeriesHead:
        found = PushBatch.objects.filter(stream=stream, number=number).first()
        if found is None:
            raise NotFound("no such batch")
        return series_head.read(canonical.loads(bytes(found.head)))


class PushAttachmentFile(_StreamView):
    parser_classes = (BytesParser, StrictJsonParser)

    def put(self, request: Request, stream_id: str, digest: str) -> Response:
        stream = self.stream_to_change(stream_id)
        if not _SHA256.fullmatch(digest):
            raise NotFound("no such hash")
        with tempfile.TemporaryFile() as file:
            size = _received(request, file, digest)
            file.seek(0)
            is_new = store_push_attachment(
                stream=stream,
                sha256=digest,
                data=cast("BinaryIO", file),
                size=size,
                at=timezone.now(),
            )
        return Response({"sha256": digest, "size": size}, status=201 if is_new else 200)


def _received(request: Request, file: Any, stated: str) -> int:
    """Copy the body into ``file`` and return its size. Raises PushRefused for another hash."""
    digest, size = sha256(), 0
    stream = request.data
    while hasattr(stream, "read") and (piece := stream.read(_PIECE)):
        digest.update(piece)
        file.write(piece)
        size += len(piece)
    if digest.hexdigest() != stated:
        raise PushRefused("other bytes", code="attachment_differs")
    return size


def _number(request: Request, name: str) -> int:
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InvalidSelection(f"{name} is a number", code="invalid_range")
    return int(text)
