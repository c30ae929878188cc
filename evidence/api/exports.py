"""Exports: ask for a bundle, follow it, fetch its files."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, TypeAlias

from django.http import FileResponse
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import artifact_for, export_for, exports_of, series_for
from evidence.actions.advance import ENDED, cancel_export
from evidence.actions.deliver import described, download
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import ExportOptions
from evidence.api.base import ApiView, paged
from evidence.api.times import utc
from evidence.archive.read import describe_series
from evidence.front.exporting import ask_for_export, moment
from evidence.front.files import handed_out
from evidence.front.times import zone_of_days
from evidence.models import Export, Job, Series
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


class Options(serializers.Serializer[Any]):
    """How the bundle is to be made and what it is to state."""

    language = serializers.ChoiceField(required=False, default="en", choices=("en", "zh"))
    jurisdiction = serializers.ChoiceField(
        required=False, allow_null=True, choices=("cn", "us", "eu")
    )
    paper = serializers.ChoiceField(required=False, default="A4", choices=("A4", "Letter"))
    requester = serializers.CharField(required=False, allow_blank=True, max_length=200)
    purpose = serializers.CharField(required=False, allow_blank=True, max_length=2_000)
    authority = serializers.CharField(required=False, allow_blank=True, max_length=200)

    def get_fields(self) -> dict[str, _Field]:
        """Add the field whose name means something else to serializers."""
        style = serializers.ChoiceField(
            required=False, default="record", choices=("record", "conversation")
        )
        return {**super().get_fields(), "style": style}


class ExportRequest(serializers.Serializer[Any]):
    """What comes in."""

    matter = serializers.CharField(max_length=200)
    selection = serializers.ListField(child=Part(), min_length=1, max_length=500)
    options = Options(required=False)


def export_answer(export: Export) -> dict[str, Any]:
    """Return what goes out about an export: its state, and once issued its files."""
    job = export.job
    return {
        "id": export.public_id,
        "matter": describe_matter(export.matter)["name"],
        "state": job.phase,
        "error": job.error_code or None,
        "progress": {"done": job.done_units, "total": job.total_units},
        "requested": utc(export.created_at),
        "changed": utc(job.changed_at),
        "withdrawn": utc(export.withdrawn_at),
        "superseded_by": export.superseded_by.public_id if export.superseded_by else None,
    } | described(export)


class Exports(ApiView):
    def get(self, request: Request) -> Response:
        rows = exports_of(self.person, self.within).select_related("superseded_by")
        return paged(request, rows, export_answer)

    def post(self, request: Request) -> Response:
        organisation = self.organisation
        asked = ExportRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        export = ask_for_export(
            organisation=organisation,
            actor=self.actor,
            user=self.person,
            matter_name=given["matter"],
            choices=[self._choice(part) for part in given["selection"]],
            options=ExportOptions(**given.get("options", {})),
            at=timezone.now(),
        )
        address = reverse("api-export", args=[export.public_id], request=request)
        return Response(export_answer(export), status=202, headers={"Location": address})

    def _choice(self, part: dict[str, Any]) -> tuple[Series, Choice]:
        series = series_for(self.person, part["conversation"], self.within)
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


class ExportDetail(ApiView):
    def get(self, request: Request, export_id: str) -> Response:
        export = export_for(self.person, export_id, self.within)
        files = described(export)["artifacts"]
        for file in files:
            place = [export.public_id, file["name"]]
            file["url"] = reverse("api-artifact", args=place, request=request)
        headers = {} if export.job.phase in ENDED else {"Retry-After": "1"}
        return Response(export_answer(export) | {"artifacts": files}, headers=headers)

    def delete(self, request: Request, export_id: str) -> Response:
        """Cancel the work; a bundle already issued stays."""
        _ = self.organisation
        job: Job = export_for(self.person, export_id, self.within).job
        cancel_export(job=job, at=timezone.now())
        return Response(status=202)


class ArtifactFile(ApiView):
    def get(self, request: Request, export_id: str, name: str) -> FileResponse:
        artifact = artifact_for(self.person, export_id, name, self.within)
        opened = download(artifact=artifact, actor=self.actor, at=timezone.now())
        answer = handed_out(opened, artifact.name, artifact.size)
        answer.headers["Repr-Digest"] = _digest_header(bytes(artifact.sha256))
        return answer


def _digest_header(sha256: bytes) -> str:
    """Return the value of RFC 9530's ``Repr-Digest``."""
    return f"sha-256=:{b64encode(sha256).decode()}:"
