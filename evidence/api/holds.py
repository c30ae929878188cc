"""Holds: while one stands, the conversation it covers and its original are not destroyed."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import conversation_for, hold_for, holds_of, matter_for, series_of
from evidence.actions.holds import describe_hold, place_hold, release_hold
from evidence.api.base import ApiView, paged
from evidence.api.idempotency import once
from evidence.api.times import utc
from evidence.models import Hold


class HoldRequest(serializers.Serializer[Any]):
    """What comes in: which matter holds which conversation, and why."""

    matter = serializers.RegexField(r"\A[0-9a-f]{32}\Z")
    conversation = serializers.RegexField(r"\A[0-9a-f]{32}\Z")
    reason = serializers.CharField(max_length=500)


class Release(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class HoldView(ApiView):
    """What views of holds share."""

    resource = "holds"

    def answer(self, hold: Hold) -> dict[str, Any]:
        """Return what goes out about a hold; ``conversations`` are the deliveries it covers."""
        covered = series_of(self.person, self.within).filter(conversation=hold.conversation_id)
        return {
            "id": hold.public_id,
            "matter": hold.matter.public_id,
            "conversations": list(covered.values_list("public_id", flat=True)),
            "reason": describe_hold(hold)["reason"],
            "placed": utc(hold.placed_at),
            "released": utc(hold.released_at),
        }

    def shown(self, hold_id: str) -> dict[str, Any]:
        return self.answer(hold_for(self.person, hold_id, self.within))


class Holds(HoldView):
    def get(self, request: Request) -> Response:
        return paged(request, holds_of(self.person, self.within), self.answer)

    @once(in_one=False)
    def post(self, request: Request) -> Response:
        """Place a hold; where this matter holds the conversation already, that hold is returned."""
        _ = self.organisation
        asked = HoldRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given, at = asked.validated_data, timezone.now()
        hold = place_hold(
            matter=matter_for(self.person, given["matter"], self.within),
            conversation=conversation_for(self.person, given["conversation"], self.within),
            actor=self.actor,
            reason=given["reason"],
            at=at,
            user=self.person,
        )
        address = reverse("api-hold", args=[hold.public_id], request=request)
        status = 201 if hold.placed_at == at else 200
        return Response(self.shown(hold.public_id), status=status, headers={"Location": address})


class HoldDetail(HoldView):
    def get(self, request: Request, hold_id: str) -> Response:
        return Response(self.shown(hold_id))


class ReleaseHold(HoldView):
    def post(self, request: Request, hold_id: str) -> Response:
        """Release a hold; a second call changes nothing."""
        _ = self.organisation
        hold = hold_for(self.person, hold_id, self.within)
        asked = Release(data=request.data)
        asked.is_valid(raise_exception=True)
        reason = asked.validated_data["reason"]
        release_hold(hold=hold, actor=self.actor, reason=reason, at=timezone.now())
        return Response(self.shown(hold_id))
