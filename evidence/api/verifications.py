"""Verification for programs: anyone, any file, nothing kept; the same engine as the page."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.actions.verify_file import verify_file
from evidence.api.base import PublicView
from evidence.front.files import file_name, received
from evidence.front.limits import VERIFY_TURNSTILE
from evidence.front.people import address_of

_RECEIPT_LIMIT = 5_000_000


class Examined(serializers.Serializer[Any]):
    """What comes in: a file, and the receipt that came beside it."""

    file = serializers.FileField(allow_empty_file=True)
    receipt = serializers.FileField(required=False)


class Verifications(PublicView):
    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> Response:
        examined = Examined(data=request.data)
        examined.is_valid(raise_exception=True)
        file, receipt = examined.validated_data["file"], examined.validated_data.get("receipt")
        receipt_bytes = receipt.read(_RECEIPT_LIMIT) if receipt is not None else None
        address = address_of(request._request)
        with VERIFY_TURNSTILE.passed(address), received(file) as path:
            report = verify_file(path=path, name=file_name(file), receipt=receipt_bytes)
        return Response(report.to_dict())
