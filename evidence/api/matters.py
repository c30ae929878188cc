"""Matters: the cases that selections and bundles belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import matter_for, matters_of
from evidence.actions.open_matter import describe_matter, open_matter
from evidence.api.base import ApiView, paged
from evidence.api.idempotency import once
from evidence.api.times import utc
from evidence.errors import InvalidSelection, NotFound
from evidence.models import Matter


class MatterRequest(serializers.Serializer[Any]):
    """What comes in."""

    name = serializers.CharField(max_length=200)
    number = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    purpose = serializers.CharField(required=False, default="", allow_blank=True, max_length=2_000)
    authority = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)


def matter_answer(matter: Matter) -> dict[str, Any]:
    """Return what goes out about one matter."""
    facts = describe_matter(matter)
    stated = {name: facts[name] for name in ("name", "number", "purpose", "authority")}
    return {"id": matter.public_id, **stated, "opened": utc(matter.created_at)}


class Matters(ApiView):
    resource = "matters"

    def get(self, request: Request) -> Response:
        return paged(request, matters_of(self.person, self.within), matter_answer)

    @once()
    def post(self, request: Request) -> Response:
        """Open a matter; one of that name that the person reaches is returned as it is."""
        _ = self.organisation
        asked = MatterRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        at = timezone.now()
        matter = opened_matter(self, at, **asked.validated_data)
        address = reverse("api-matter", args=[matter.public_id], request=request)
        status = 201 if matter.created_at == at else 200
        return Response(matter_answer(matter), status=status, headers={"Location": address})


def opened_matter(view: ApiView, at: datetime, *, name: str, **stated: str) -> Matter:
    """Return the matter called ``name``, opened now if there is none.

    Raises InvalidSelection for a name that a matter of others has; NotFound for a caller that is
    limited to matters when none of them has that name: it opens no others.
    """
    if view.within.matters is not None:
        return _named(view, name)
    opened = open_matter(
        organisation=view.organisation, actor=view.actor, name=name, at=at, user=view.person,
        **stated,
    )  # fmt: skip
    try:
        return matter_for(view.person, opened.public_id, view.within)
    except NotFound as error:
        raise InvalidSelection("a matter of others", code="matter_name_taken") from error


def _named(view: ApiView, name: str) -> Matter:
    for matter in matters_of(view.person, view.within):
        if describe_matter(matter)["name"] == name:
            return matter
    raise NotFound("no matter within reach has that name")


class MatterDetail(ApiView):
    resource = "matters"

    def get(self, request: Request, matter_id: str) -> Response:
        return Response(matter_answer(matter_for(self.person, matter_id, self.within)))
