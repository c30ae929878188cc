"""Who the caller is to us: person, organisation, rights, limits, usage."""

from __future__ import annotations

from django.db.models import Sum
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import exports_of, matters_of, may_change, series_of
from evidence.api.base import ApiView
from evidence.api.limits import BURST, PER_SECOND


class Me(ApiView):
    def get(self, request: Request) -> Response:
        caller, person, within = self.caller, self.person, self.within
        organisation = within.organisation
        series = series_of(person, within)
        return Response(
            {
                "client": {"kind": caller.kind, "id": caller.id, "label": caller.label},
                "person": {"id": person.public_id, "name": person.get_username()},
                "organisation": {
                    "id": organisation.public_id,
                    "name": organisation.name,
                    "may_change": may_change(person, organisation),
                },
                "scopes": sorted(caller.scopes),
                "matters": None if within.matters is None else sorted(within.matters),
                "limits": {"per_second": PER_SECOND, "burst": BURST},
                "usage": {
                    "conversations": series.count(),
                    "messages": series.aggregate(all=Sum("size"))["all"] or 0,
                    "matters": matters_of(person, within).count(),
                    "exports": exports_of(person, within).count(),
                },
            }
        )
