"""The custody log for anyone to read: C2SP tlog-tiles, and proofs ready made.

The address of a log is ``/log/<epoch>/``; ``/log/`` alone is the epoch that is written now. What
can never change under its address may be kept for ever: tiles and checkpoints of a stated size, where
the epoch stands in the path. Under ``/log/`` alone a new epoch can take the place of the old one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from evidence import custody
from evidence.custody import tiles
from evidence.errors import EvidenceError, NotFound
from evidence.formats.tiles import read_path
from evidence.models import Checkpoint

logger = logging.getLogger(__name__)

FOR_EVER = "public, max-age=31536000, immutable"
A_MINUTE = "public, max-age=60"
NEVER = "no-store"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z", re.ASCII)

P = ParamSpec("P")


def _public(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Let ``view`` answer GET and HEAD alone; what is not there gets the page of any wrong address."""

    @require_safe
    @wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(*args, **kwargs)
        except (NotFound, ValueError) as error:
            raise Http404 from error
        except EvidenceError as error:
            logger.warning("the public log could not be served: %s", error)
            return JsonResponse({"error": error.code}, status=503)

    return answered


@_public
def checkpoint(request: HttpRequest, epoch: int | None = None) -> HttpResponse:
    """Answer with the latest signed note, cosignatures included."""
    return _answer(bytes(tiles.latest_checkpoint(epoch).note), TEXT, NEVER)


@_public
def checkpoint_of_size(request: HttpRequest, size: int, epoch: int | None = None) -> HttpResponse:
    """Answer with the note that was signed at ``size`` entries."""
    return _answer(bytes(tiles.checkpoint_of_size(size, epoch).note), TEXT, _kept(epoch))


@_public
def tile(request: HttpRequest, rest: str, epoch: int | None = None) -> HttpResponse:
    """Answer with a hash tile or an entry bundle."""
    wanted = read_path(f"tile/{rest}")
    return _answer(tiles.tile_bytes(tiles.latest_checkpoint(epoch), wanted), BYTES, _kept(epoch))


@_public
def inclusion(request: HttpRequest, epoch: int | None = None) -> HttpResponse:
    """Answer with the proof that entry ``index`` is in the tree of ``size`` (RFC 9162 2.1.3)."""
    index, size = _number(request, "index"), _number(request, "size")
    published = _published(epoch, size)
    leaf = custody.entry(index, published.epoch).digest
    proof = custody.inclusion(index, size, published.epoch)
    value = {"index": index, "size": size, "digest": leaf.hex(), "inclusion": _hex(proof)}
    return _json(published, value, epoch)


@_public
def consistency(request: HttpRequest, epoch: int | None = None) -> HttpResponse:
    """Answer with the proof that the tree of ``old`` is a prefix of that of ``new``."""
    old, new = _number(request, "old"), _number(request, "new")
    published = _published(epoch, new)
    proof = custody.consistency(old, new, published.epoch)
    return _json(published, {"old": old, "new": new, "consistency": _hex(proof)}, epoch)


def _published(epoch: int | None, size: int) -> Checkpoint:
    """Return the latest checkpoint; NotFound when the log has not signed for ``size`` yet."""
    latest = tiles.latest_checkpoint(epoch)
    if size > latest.size:
        raise NotFound(f"{latest.size} entries are published")
    return latest


def _number(request: HttpRequest, name: str) -> int:
    """Return a number of the query; ValueError when it is absent or spelt otherwise."""
    text = request.GET.get(name, "")
    if not _NUMBER.match(text):
        raise ValueError(f"{name} is not a number")
    return int(text)


def _hex(hashes: list[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _json(published: Checkpoint, value: dict[str, object], epoch: int | None) -> HttpResponse:
    answer = JsonResponse({"log": published.epoch.origin} | value)
    answer.headers["Cache-Control"] = _kept(epoch)
    return answer


def _kept(epoch: int | None) -> str:
    return A_MINUTE if epoch is None else FOR_EVER


def _answer(data: bytes, content_type: str, kept: str) -> HttpResponse:
    return HttpResponse(data, content_type=content_type, headers={"Cache-Control": kept})
