"""Exports: ask for a bundle, follow it, change your mind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence import custody
from evidence.access import export_for, exports_of
from evidence.access.messages import selection_for
from evidence.actions.advance import ENDED, cancel_export
from evidence.actions.convert_bundle import request_conversions
from evidence.actions.deliver import described
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import (
    PARTY_BASES,
    ExportOptions,
    request_export,
    retry_export,
)
from evidence.actions.withdraw_bundle import supersede_bundle, withdraw_bundle
from evidence.api.base import ApiView, paged
from evidence.api.idempotency import once
from evidence.api.matters import opened_matter
from evidence.api.selections import Part, choices_of
from evidence.api.times import utc
from evidence.errors import InvalidSelection
from evidence.exchange import FORMATS
from evidence.front.exporting import ask_for_export, each_once, party_of
from evidence.models import Export, Job, Series

_ENTRIES = 100


class Party(serializers.Serializer[Any]):
    """Who is stated to be behind an account: its key, the platform's id, or a name only one has."""

    conversation = serializers.RegexField(r"\A[0-9a-f]{32}\Z")
    account = serializers.CharField(max_length=200)
    name = serializers.CharField(max_length=200)
    basis = serializers.ChoiceField(
        required=False, default="", allow_blank=True, choices=[one for one in PARTY_BASES if one]
    )


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
    object_of_proof = serializers.CharField(required=False, allow_blank=True, max_length=2_000)
    original_carrier = serializers.CharField(required=False, allow_blank=True, max_length=500)
    privacy = serializers.CharField(required=False, allow_blank=True, max_length=2_000)
    formats = serializers.ListField(
        child=serializers.ChoiceField(choices=FORMATS), required=False, max_length=len(FORMATS)
    )
    parties = serializers.ListField(child=Party(), required=False, max_length=500)

    def get_fields(self) -> dict[str, Any]:
        """Add the field whose name means something else to serializers."""
        style = serializers.ChoiceField(
            required=False, default="record", choices=("record", "conversation")
        )
        return {**super().get_fields(), "style": style}


class ExportRequest(serializers.Serializer[Any]):
    """The short way in: a matter by name, and what is chosen."""

    matter = serializers.CharField(max_length=200)
    selection = serializers.ListField(child=Part(), min_length=1, max_length=500)
    options = Options(required=False)


class ExportOfSelection(serializers.Serializer[Any]):
    """The way in with a selection frozen before, by its id."""

    selection = serializers.RegexField(r"\A[0-9a-f]{32}\Z")
    options = Options(required=False)


class Withdrawal(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class Successor(serializers.Serializer[Any]):
    by = serializers.RegexField(r"\A[0-9a-f]{32}\Z")


def export_answer(export: Export) -> dict[str, Any]:
    """Return what goes out about an export: its state, and once issued its files."""
    job = export.job
    return {
        "id": export.public_id,
        "matter": describe_matter(export.matter)["name"],
        "selection": export.selection.public_id,
        "state": job.phase,
        "error": job.error_code or None,
        "progress": {"done": job.done_units, "total": job.total_units},
        "requested": utc(export.created_at),
        "changed": utc(job.changed_at),
        "withdrawn": utc(export.withdrawn_at),
        "superseded_by": export.superseded_by.public_id if export.superseded_by else None,
    } | described(export)


class ExportView(ApiView):
    """What views of exports share."""

    resource = "exports"

    def export(self, export_id: str) -> Export:
        return export_for(self.person, export_id, self.within)

    def accepted(self, request: Request, export: Export) -> Response:
        """Return 202 with the state of ``export`` and where to follow it."""
        address = reverse("api-export", args=[export.public_id], request=request)
        headers = {"Location": address, "Retry-After": "1"}
        return Response(export_answer(export), status=202, headers=headers)


class Exports(ExportView):
    def get(self, request: Request) -> Response:
        rows = exports_of(self.person, self.within).select_related("superseded_by")
        return paged(request, rows, export_answer)

    @once()
    def post(self, request: Request) -> Response:
        _ = self.organisation
        given = request.data if isinstance(request.data, dict) else {}
        if isinstance(given.get("selection"), str):
            return self.accepted(request, self._of_selection(request))
        return self.accepted(request, self._of_choice(request))

    def _of_selection(self, request: Request) -> Export:
        asked = ExportOfSelection(data=request.data)
        asked.is_valid(raise_exception=True)
        given, at = asked.validated_data, timezone.now()
        selection = selection_for(self.person, given["selection"], self.within)
        options, formats = _options(given, list(selection.series.all()))
        export = request_export(
            selection=selection,
            actor=self.actor,
            options=options,
            at=at,
            user=self.person,
        )
        request_conversions(export=export, formats=formats, at=at)
        return export

    def _of_choice(self, request: Request) -> Export:
        asked = ExportRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        given, at = asked.validated_data, timezone.now()
        choices = choices_of(self.person, self.within, given["selection"])
        options, formats = _options(given, [series for series, _ in choices])
        opened_matter(
            self, at, name=given["matter"], purpose=options.purpose, authority=options.authority
        )
        export = ask_for_export(
            organisation=self.organisation,
            actor=self.actor,
            user=self.person,
            matter_name=given["matter"],
            choices=choices,
            options=options,
            at=at,
        )
        request_conversions(export=export, formats=formats, at=at)
        return export


def _options(given: dict[str, Any], chosen: Sequence[Series]) -> tuple[ExportOptions, list[str]]:
    """Return how the bundle is to be made, and the formats wanted beside it.

    Raises InvalidSelection for a party in a conversation that is not ``chosen``.
    """
    options = dict(given.get("options", {}))
    formats: list[str] = options.pop("formats", [])
    by_id = {one.public_id: one for one in chosen}
    parties = []
    for party in options.pop("parties", []):
        series = by_id.get(party["conversation"])
        if series is None:
            raise InvalidSelection("not chosen", code="unknown_conversation")
        parties.append(party_of(series, party["account"], party["name"], party["basis"]))
    return ExportOptions(**options, parties=each_once(parties)), formats


class ExportDetail(ExportView):
    def get(self, request: Request, export_id: str) -> Response:
        export = self.export(export_id)
        files = described(export)["artifacts"]
        for file in files:
            place = [export.public_id, file["name"]]
            file["url"] = reverse("api-artifact", args=place, request=request)
        headers = {} if export.job.phase in ENDED else {"Retry-After": "1"}
        return Response(export_answer(export) | {"artifacts": files}, headers=headers)

    def delete(self, request: Request, export_id: str) -> Response:
        """Cancel the work; a bundle already issued stays."""
        _ = self.organisation
        job: Job = self.export(export_id).job
        cancel_export(job=job, actor=self.actor, at=timezone.now())
        return Response(status=202)


class Cancel(ExportView):
    def post(self, request: Request, export_id: str) -> Response:
        """Stop the work before its next phase; a bundle already issued stays."""
        _ = self.organisation
        job: Job = self.export(export_id).job
        cancel_export(job=job, actor=self.actor, at=timezone.now())
        return self.accepted(request, self.export(export_id))


class Retry(ExportView):
    @once()
    def post(self, request: Request, export_id: str) -> Response:
        """Ask again, as a new export of the same selection, for one that failed or was stopped."""
        _ = self.organisation
        export = self.export(export_id)
        again = retry_export(export=export, actor=self.actor, at=timezone.now(), user=self.person)
        return self.accepted(request, again)


class Withdraw(ExportView):
    def post(self, request: Request, export_id: str) -> Response:
        """Mark an issued bundle as withdrawn; it still verifies, and verification says so."""
        _ = self.organisation
        export = self.export(export_id)
        asked = Withdrawal(data=request.data)
        asked.is_valid(raise_exception=True)
        reason = asked.validated_data["reason"]
        withdraw_bundle(export=export, actor=self.actor, reason=reason, at=timezone.now())
        return Response(export_answer(self.export(export_id)))


class Supersede(ExportView):
    def post(self, request: Request, export_id: str) -> Response:
        """Say that another issued bundle of the same matter takes this one's place."""
        _ = self.organisation
        export = self.export(export_id)
        asked = Successor(data=request.data)
        asked.is_valid(raise_exception=True)
        by = self.export(asked.validated_data["by"])
        supersede_bundle(export=export, by=by, actor=self.actor, at=timezone.now())
        return Response(export_answer(self.export(export_id)))


class Custody(ExportView):
    def get(self, request: Request, export_id: str) -> Response:
        """Return what the log says about a bundle, from its request on."""
        export = self.export(export_id)
        custody.sequence_pending(wait=False)
        logged = list(custody.entries_of("bundle", export.public_id))
        after = _number(request.query_params.get("after"))
        page = logged[after : after + _ENTRIES]
        more = len(logged) > after + _ENTRIES
        return Response(
            {
                "items": [_entry_answer(one, export.public_id) for one in page],
                "next": f"{request.path}?after={after + _ENTRIES}" if more else None,
            }
        )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 16 else 0


def _entry_answer(logged: custody.Logged, bundle: str) -> dict[str, Any]:
    """Return an entry without the subjects beside the bundle."""
    entry = logged.entry
    own = next(one for one in entry.subjects if one.key == ("bundle", bundle))
    return {
        "number": own.number,
        "previous": own.previous.hex() if own.previous else None,
        "log": entry.log,
        "index": entry.index,
        "time": entry.time,
        "event": entry.event,
        "actor": {"kind": entry.actor.kind, "id": entry.actor.id, "name": entry.actor.name},
        "purpose": entry.purpose,
        "authority": entry.authority,
        "details": dict(entry.details),
        "digest": logged.digest.hex(),
    }
