"""Deliveries: hand a chat export in, see what was recognised."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import acquisition_for, acquisitions_of, matter_for, series_of
from evidence.actions.acquire_file import AcquireResult, acquire_file
from evidence.api.base import ApiView, paged
from evidence.api.conversations import conversation_answer
from evidence.api.errors import problem
from evidence.api.idempotency import once
from evidence.api.times import utc
from evidence.archive.read import describe_acquisition
from evidence.errors import InvalidSelection
from evidence.front.files import file_name, received
from evidence.front.sentences import code_sentence
from evidence.ingest import Answers
from evidence.models import Acquisition, Matter


class Delivery(serializers.Serializer[Any]):
    """What comes in: the file as exported, and answers to what it does not say."""

    file = serializers.FileField(allow_empty_file=True)
    timezone = serializers.CharField(required=False, max_length=64)
    date_order = serializers.ChoiceField(required=False, choices=("dmy", "mdy", "ymd"))
    owner = serializers.CharField(required=False, max_length=200)
    matter = serializers.RegexField(r"\A[0-9a-f]{32}\Z", required=False)


def acquisition_answer(acquisition: Acquisition) -> dict[str, Any]:
    """Return what goes out about one delivery, without its conversations."""
    facts = describe_acquisition(acquisition)
    return {
        "id": acquisition.public_id,
        "format": acquisition.format,
        "name": facts["name"],
        "size": facts["size"],
        "sha256": facts["sha256"],
        "answers": facts["answers"],
        "stored": utc(acquisition.stored_at),
        "warnings": facts["warnings"],
        "unparsed": acquisition.unparsed_count,
    }


class Acquisitions(ApiView):
    resource = "acquisitions"
    parser_classes = (MultiPartParser,)

    def get(self, request: Request) -> Response:
        return paged(request, acquisitions_of(self.person, self.within), acquisition_answer)

    @once(in_one=False)
    def post(self, request: Request) -> Response:
        organisation = self.organisation
        delivery = Delivery(data=request.data)
        delivery.is_valid(raise_exception=True)
        given = delivery.validated_data
        matter = self._matter(given.get("matter"))
        with received(given["file"]) as path:
            result = acquire_file(
                organisation=organisation,
                actor=self.actor,
                path=path,
                name=file_name(given["file"]),
                answers=Answers(given.get("timezone"), given.get("date_order"), given.get("owner")),
                at=timezone.now(),
                user=self.person,
                matter=matter,
            )
        return _answer(request, result)

    def _matter(self, matter_id: str | None) -> Matter | None:
        """Return what the delivery is for. A caller that is limited to matters must say it; where it
        has one only, that is meant."""
        allowed = self.within.matters
        if matter_id is None and allowed is not None and len(allowed) == 1:
            (matter_id,) = allowed
        if matter_id is None and allowed is not None:
            raise InvalidSelection("for which matter", code="matter_missing")
        return matter_for(self.person, matter_id, self.within) if matter_id else None


def _answer(request: Request, result: AcquireResult) -> Response:
    """Return 201 for new, 200 for recognised, 422 with the questions that are still open."""
    report = result.report()
    if result.acquisition is None:
        title = code_sentence("questions_open")
        return problem(422, "questions_open", title, questions=report["questions"])
    address = reverse("api-acquisition", args=[result.acquisition.public_id], request=request)
    status = 200 if result.recognised else 201
    return Response(report, status=status, headers={"Location": address})


class AcquisitionDetail(ApiView):
    resource = "acquisitions"

    def get(self, request: Request, acquisition_id: str) -> Response:
        acquisition = acquisition_for(self.person, acquisition_id, self.within)
        series = series_of(self.person, self.within).filter(acquisition=acquisition)
        conversations = [conversation_answer(one) for one in series.order_by("place")]
        return Response(acquisition_answer(acquisition) | {"conversations": conversations})
