"""Selections: what was chosen of which conversations, frozen once and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import Within, matter_for, series_for
from evidence.access.messages import selection_for, selections_of
from evidence.actions.request_export import freeze_selection, selection_parts
from evidence.api.base import ApiView, paged
from evidence.api.idempotency import once
from evidence.api.times import utc
from evidence.archive.read import describe_series
from evidence.front.exporting import moment
from evidence.front.times import zone_of_days
from evidence.models import Selection, Series, User
from evidence.select import Choice, parse_ranges, parse_redactions

_Field: TypeAlias = "serializers.Field[Any, Any, Any, Any]"


class Part(serializers.Serializer[Any]):
    """The choice in one conversation; what is left out does not limit."""

    conversation = serializers.RegexField(r"\A[0-9a-f]{32}\Z")
    participant = serializers.CharField(required=False, allow_null=True, max_length=200)
    messages = serializers.CharField(required=False, allow_null=True, max_length=100_000)
    redact = serializers.CharField(required=False, default="", allow_blank=True, max_length=100_000)
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)

    def get_fields(self) -> dict[str, _Field]:
        """Add the fields whose names mean something else to Python or to serializers."""
        more: dict[str, _Field] = {
            name: serializers.CharField(required=False, allow_null=True, max_length=40)
            for name in ("from", "to")
        }
        more["context"] = serializers.IntegerField(
            required=False, default=0, min_value=0, max_value=1000
        )
        return {**super().get_fields(), **more}


class SelectionRequest(serializers.Serializer[Any]):
    """What comes in."""

    matter = serializers.RegexField(r"\A[0-9a-f]{32}\Z")
    parts = serializers.ListField(child=Part(), min_length=1, max_length=500)


def choices_of(
    person: User, within: Within, parts: Sequence[dict[str, Any]]
) -> list[tuple[Series, Choice]]:
    """Return what valid ``parts`` mean. Raises NotFound for a conversation the person has not."""
    return [_choice(person, within, part) for part in parts]


def _choice(person: User, within: Within, part: dict[str, Any]) -> tuple[Series, Choice]:
    series = series_for(person, part["conversation"], within)
    zone = zone_of_days(series, describe_series(series))
    messages = part.get("messages")
    return series, Choice(
        period_from=moment(part.get("from"), zone),
        period_to=moment(part.get("to"), zone, is_end=True),
        participant=part.get("participant"),
        messages=parse_ranges(messages) if messages else None,
        context=part["context"],
        redactions=parse_redactions(part["redact"], part["reason"]),
    )


def selection_answer(selection: Selection) -> dict[str, Any]:
    """Return what goes out about a selection: ``messages`` of ``of``, and what is missing."""
    parts = selection_parts(selection)
    sizes = {one.public_id: one.size for one in selection.series.all()}
    return {
        "id": selection.public_id,
        "matter": selection.matter.public_id,
        "digest": bytes(selection.digest).hex(),
        "created": utc(selection.created_at),
        "messages": selection.disclosed_count,
        "of": selection.row_count,
        "contiguous": selection.gap_count == 0,
        "gaps": selection.gap_count,
        "withheld": sum(len(part["withheld"]) for part in parts),
        "parts": [_part_answer(part, sizes[part["series"]]) for part in parts],
    }


def _part_answer(part: dict[str, Any], size: int) -> dict[str, Any]:
    ranges = parse_ranges(part["chosen"])
    return {
        "conversation": part["series"],
        "rule": part["rule"],
        "chosen": part["chosen"],
        "messages": len(ranges),
        "of": size,
        "contiguous": len(ranges.spans) == 1,
        "gaps": len(ranges.spans) - 1,
        "withheld": part["withheld"],
        "reasons": part["reasons"],
    }


class Selections(ApiView):
    resource = "selections"

    def get(self, request: Request) -> Response:
        found = selections_of(self.person, self.within).prefetch_related("series")
        return paged(request, found, selection_answer)

    @once()
    def post(self, request: Request) -> Response:
        organisation = self.organisation
        asked = SelectionRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        selection = freeze_selection(
            organisation=organisation,
            actor=self.actor,
            matter=matter_for(self.person, given["matter"], self.within),
            choices=choices_of(self.person, self.within, given["parts"]),
            at=timezone.now(),
            user=self.person,
        )
        address = reverse("api-selection", args=[selection.public_id], request=request)
        return Response(selection_answer(selection), status=201, headers={"Location": address})


class SelectionDetail(ApiView):
    resource = "selections"

    def get(self, request: Request, selection_id: str) -> Response:
        return Response(selection_answer(selection_for(self.person, selection_id, self.within)))
