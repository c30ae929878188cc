"""Verification for programs: anyone, any file, nothing kept; the same engine as the page."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import issued_file
from evidence.actions.verify_file import verify_file
from evidence.api.base import PublicView
from evidence.api.parsing import StrictJsonParser
from evidence.api.times import utc
from evidence.front.files import file_name, received
from evidence.front.limits import LOOKUP_TURNSTILE, VERIFY_TURNSTILE
from evidence.front.people import address_of

_RECEIPT_LIMIT = 5_000_000


class Examined(serializers.Serializer[Any]):
    """What comes in: a file, and the receipt that came beside it; or a SHA-256 alone."""

    file = serializers.FileField(required=False, allow_empty_file=True)
    receipt = serializers.FileField(required=False)
    sha256 = serializers.RegexField(r"\A[0-9a-fA-F]{64}\Z", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("sha256" in attrs):
            raise serializers.ValidationError("either a file or a sha256")
        return attrs


class Verifications(PublicView):
    parser_classes = (MultiPartParser, StrictJsonParser)

    def post(self, request: Request) -> Response:
        """Judge a file; of a hash, say whether a file with it was issued here, which is no verdict."""
        examined = Examined(data=request.data)
        examined.is_valid(raise_exception=True)
        given, address = examined.validated_data, address_of(request._request)
        if "sha256" in given:
            with LOOKUP_TURNSTILE.passed(address):
                return Response(_known(given["sha256"].lower()))
        receipt = given.get("receipt")
        receipt_bytes = receipt.read(_RECEIPT_LIMIT) if receipt is not None else None
        with VERIFY_TURNSTILE.passed(address), received(given["file"]) as path:
            report = verify_file(path=path, name=file_name(given["file"]), receipt=receipt_bytes)
        return Response(report.to_dict())


def _known(sha256: str) -> dict[str, Any]:
    """Return what the log knows of the file with this SHA-256, for anyone who has its bytes."""
    artifact = issued_file(bytes.fromhex(sha256))
    if artifact is None:
        return {"sha256": sha256, "known": False}
    export = artifact.export
    return {
        "sha256": sha256,
        "known": True,
        "bundle": export.public_id,
        "kind": artifact.kind,
        "issued": utc(export.issued_at),
        "withdrawn": utc(export.withdrawn_at),
        "superseded_by": export.superseded_by.public_id if export.superseded_by else None,
    }
