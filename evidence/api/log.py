"""The custody log for programs: its latest checkpoint, and proofs against it; public, as ``/log/`` is.

What a proof says is checked by the program itself: RFC 9162 section 2.1.3 (inclusion) and 2.1.4
(consistency) over the SHA-256 tree whose root the checkpoint states.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import custody
from evidence.api.base import PublicView
from evidence.api.times import utc
from evidence.custody import tiles
from evidence.errors import NotFound
from evidence.models import Checkpoint

_MOST = 2**53


class _Place(serializers.Serializer[Any]):
    epoch = serializers.IntegerField(required=False, min_value=1, max_value=_MOST)


class InclusionQuery(_Place):
    """Of which entry, and in the tree of which size."""

    index = serializers.IntegerField(min_value=0, max_value=_MOST)
    size = serializers.IntegerField(min_value=1, max_value=_MOST)


class ConsistencyQuery(_Place):
    """Between which two sizes."""

    old = serializers.IntegerField(min_value=1, max_value=_MOST)
    new = serializers.IntegerField(min_value=1, max_value=_MOST)


class LatestCheckpoint(PublicView):
    def get(self, request: Request) -> Response:
        """Return the latest signed note of the log, with what stands in it."""
        wanted = _Place(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        found = tiles.latest_checkpoint(wanted.validated_data.get("epoch"))
        return Response(
            {
                "log": found.epoch.origin,
                "epoch": found.epoch.number,
                "size": found.size,
                "root": bytes(found.root).hex(),
                "signed": utc(found.created_at),
                "note": bytes(found.note).decode(),
                "key": found.epoch.vkey,
            }
        )


class Inclusion(PublicView):
    def get(self, request: Request) -> Response:
        """Return the proof that entry ``index`` is in the tree of ``size`` entries."""
        wanted = InclusionQuery(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        index, size = given["index"], given["size"]
        published = _published(given.get("epoch"), size)
        if index >= size:
            raise NotFound("no such entry in a tree of that size")
        leaf = custody.entry(index, published.epoch).digest
        proof = custody.inclusion(index, size, published.epoch)
        return Response(
            {
                "log": published.epoch.origin,
                "index": index,
                "size": size,
                "digest": leaf.hex(),
                "inclusion": [one.hex() for one in proof],
            }
        )


class Consistency(PublicView):
    def get(self, request: Request) -> Response:
        """Return the proof that the tree of ``old`` entries is a prefix of that of ``new``."""
        wanted = ConsistencyQuery(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        old, new = given["old"], given["new"]
        published = _published(given.get("epoch"), new)
        if old > new:
            raise NotFound("a tree never shrinks")
        proof = custody.consistency(old, new, published.epoch)
        return Response(
            {
                "log": published.epoch.origin,
                "old": old,
                "new": new,
                "consistency": [one.hex() for one in proof],
            }
        )


def _published(epoch: int | None, size: int) -> Checkpoint:
    """Return the latest checkpoint; NotFound when the log has not signed for ``size`` yet."""
    latest = tiles.latest_checkpoint(epoch)
    if size > latest.size:
        raise NotFound(f"{latest.size} entries are published")
    return latest
