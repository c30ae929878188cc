"""The formats of review platforms, made from an issued bundle and handed out beside it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.actions.convert_bundle import request_conversion
from evidence.api.exports import ExportView
from evidence.api.idempotency import once
from evidence.errors import InvalidSelection
from evidence.exchange import FORMATS
from evidence.models import Conversion


class FormatRequest(serializers.Serializer[Any]):
    """What comes in: a format, and the time zone of its days where it has days."""

    timezone = serializers.CharField(required=False, default="", allow_blank=True, max_length=64)

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name means something else to serializers."""
        return {"format": serializers.ChoiceField(choices=FORMATS), **super().get_fields()}


def format_answer(asked: Conversion) -> dict[str, Any]:
    """Return what goes out about one format: its state, and once made its name, size and hash."""
    is_ready = asked.state == Conversion.State.READY
    return {
        "format": asked.format,
        "timezone": asked.zone or None,
        "state": asked.state,
        "error": asked.error_code or None,
        "name": asked.name or None,
        "size": asked.size if is_ready else None,
        "sha256": bytes(asked.sha256).hex() if is_ready else None,
    }


class Formats(ExportView):
    def get(self, request: Request, export_id: str) -> Response:
        """Return every format asked for; files that are ready stand among the artifacts too."""
        asked = self.export(export_id).conversions.order_by("pk")
        return Response({"items": [format_answer(one) for one in asked], "next": None})

    @once()
    def post(self, request: Request, export_id: str) -> Response:
        """Ask for a format of an issued bundle; a worker makes it."""
        _ = self.organisation
        export = self.export(export_id)
        asked = FormatRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        if export.issued_at is None:
            raise InvalidSelection("nothing to convert", code="not_issued")
        made = request_conversion(
            export=export, format=given["format"], zone=given["timezone"], at=timezone.now()
        )
        return Response(format_answer(made), status=202, headers={"Retry-After": "1"})
