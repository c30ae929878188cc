"""Conversations as they were delivered: one entry per sealed series."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import series_for, series_of
from evidence.api.base import ApiView, paged
from evidence.api.times import utc
from evidence.archive.read import describe_series
from evidence.models import Series
from evidence.values import Participant


def conversation_answer(series: Series) -> dict[str, Any]:
    """Return what goes out about one conversation in a list."""
    facts = describe_series(series)
    return {
        "id": series.public_id,
        "acquisition": facts.acquisition,
        "title": facts.title,
        "platform": facts.platform,
        "type": facts.type,
        "messages": series.size,
        "first": utc(series.first_at),
        "last": utc(series.last_at),
        "sealed": utc(series.sealed_at),
        "root": bytes(series.root or b"").hex(),
    }


def _participant_answer(participant: Participant) -> dict[str, Any]:
    return {
        "key": participant.key,
        "names": list(participant.names),
        "platform_id": participant.platform_id,
        "is_owner": participant.is_owner,
        "messages": participant.message_count,
    }


class Conversations(ApiView):
    resource = "conversations"

    def get(self, request: Request) -> Response:
        return paged(request, series_of(self.person, self.within), conversation_answer)


class ConversationDetail(ApiView):
    resource = "conversations"

    def get(self, request: Request, conversation_id: str) -> Response:
        series = series_for(self.person, conversation_id, self.within)
        facts = describe_series(series)
        others = series_of(self.person, self.within).filter(conversation=series.conversation)
        return Response(
            conversation_answer(series)
            | {
                "participants": [_participant_answer(one) for one in facts.participants],
                "warnings": facts.warnings,
                "unparsed": facts.unparsed,
                "timezone": facts.timezone,
                "other_deliveries": list(
                    others.exclude(pk=series.pk).values_list("public_id", flat=True)
                ),
            }
        )
