"""Messages of a conversation, by period, participant and text, page by page.

Reading is recorded in the custody log: which program showed which stretch to whom, once an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import series_for
from evidence.access.messages import message_numbers
from evidence.actions.log_view import log_view
from evidence.api.base import ApiView
from evidence.archive.read import StoredMessage, describe_series, messages
from evidence.archive.search import Words
from evidence.errors import InvalidSelection
from evidence.formats.message import FIELDS
from evidence.front.exporting import moment
from evidence.front.times import zone_of_days
from evidence.models import Series
from evidence.select.notation import ranges_of

LOOKED_THROUGH = 20_000
"""Messages decrypted for one page at most; a page may so be short and still have a next one."""
_HIDDEN = ("source", "source_text")


class Escaped(JSONRenderer):
    """JSON in ASCII: a chat may hold halves of surrogate pairs, which UTF-8 cannot carry."""

    ensure_ascii = True


class Wanted(serializers.Serializer[Any]):
    """What the address may say."""

    to = serializers.CharField(required=False, max_length=40)
    participant = serializers.CharField(required=False, max_length=200)
    text = serializers.CharField(required=False, max_length=200)
    after = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**53)
    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=500)

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name is a word of Python."""
        return {**super().get_fields(), "from": serializers.CharField(required=False)}


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, and the last number looked at: None when the end was reached."""

    found: list[StoredMessage]
    reached: int | None


def message_answer(stored: StoredMessage) -> dict[str, Any]:
    """Return what goes out about one message: its fields as sealed, without the source slice."""
    known: dict[str, Any] = {"sequence": stored.sequence, "leaf_hash": stored.leaf_hash.hex()}
    if stored.is_erased:
        return known | {"erased": True}
    message = stored.message()
    shown = {name: getattr(message, name) for name in FIELDS if name not in _HIDDEN}
    return shown | known | {"erased": False}


class Messages(ApiView):
    resource = "conversations"
    renderer_classes = (Escaped,)

    def get(self, request: Request, conversation_id: str) -> Response:
        series = series_for(self.person, conversation_id, self.within)
        wanted = Wanted(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        page = _page(series, wanted.validated_data)
        if page.found:
            first, last = page.found[0].sequence, page.found[-1].sequence
            log_view(series=series, actor=self.actor, first=first, last=last, at=timezone.now())
        following = None
        if page.reached is not None:
            query = {**request.query_params.dict(), "after": page.reached}
            following = f"{request.path}?{urlencode(query)}"
        return Response({"items": [message_answer(one) for one in page.found], "next": following})


def _page(series: Series, wanted: dict[str, Any]) -> Page:
    facts = describe_series(series)
    zone = zone_of_days(series, facts)
    participants = None
    if name := wanted.get("participant"):
        known = [one.key for one in facts.participants if name == one.key or name in one.names]
        if not known:
            raise InvalidSelection("no such participant", code="unknown_participant")
        participants = [int(key[1:]) for key in known]
    numbers = message_numbers(
        series,
        after=wanted["after"],
        period_from=moment(wanted.get("from"), zone),
        period_to=moment(wanted.get("to"), zone, is_end=True),
        participants=participants,
    )
    text, limit = wanted.get("text", ""), wanted["limit"]
    return _searched(series, list(numbers[: (LOOKED_THROUGH if text else limit) + 1]), text, limit)


def _searched(series: Series, numbers: list[int], text: str, limit: int) -> Page:
    """Return up to ``limit`` of ``numbers`` whose text fits; the last number only shows that
    there is more."""
    most = LOOKED_THROUGH if text else limit
    words = Words(text)
    found: list[StoredMessage] = []
    for stored in messages(series, ranges_of(numbers[:most])):
        if text and not _fits(stored, words):
            continue
        found.append(stored)
        if len(found) == limit:
            is_last = stored.sequence == numbers[-1]
            return Page(found, None if is_last else stored.sequence)
    return Page(found, numbers[most - 1] if len(numbers) > most else None)


def _fits(stored: StoredMessage, words: Words) -> bool:
    if stored.is_erased or not words.may_stand_in(stored.fields):
        return False
    return words.stand_in(stored.message().body)
