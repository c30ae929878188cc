"""The way in: which resources there are; and the answer for addresses that lead nowhere."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.api.base import PublicView
from evidence.errors import NotFound

RESOURCES = (
    "acquisitions", "conversations", "exports", "holds", "log", "matters", "me", "selections",
    "verifications", "webhooks",
)  # fmt: skip


class Root(PublicView):
    def get(self, request: Request) -> Response:
        return Response({name: reverse(f"api-{name}", request=request) for name in RESOURCES})


class Nowhere(PublicView):
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("no such address")
