"""The custody log, page by page: of an organisation, a conversation, a matter, a bundle."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from evidence.access import (
    export_for,
    log_about,
    log_of,
    matter_for,
    organisation_for,
    series_for,
)
from evidence.actions.open_matter import describe_matter
from evidence.archive.read import describe_series
from evidence.custody import Logged
from evidence.web.page import Page

ENTRIES = 50


class _Log(Page):
    """A page of entries, newest first; ``before`` in the query goes on from the last one shown."""

    def shown(
        self, request: HttpRequest, found: list[tuple[int, Logged]], **more: Any
    ) -> HttpResponse:
        """Return the page of ``found``, which may have one entry more than it shows."""
        context = {
            "entries": [logged.entry for _key, logged in found[:ENTRIES]],
            "next": found[ENTRIES - 1][0] if len(found) > ENTRIES else None,
        }
        return render(request, "web/log.html", context | more)

    @property
    def window(self) -> dict[str, Any]:
        """Return which entries are asked for."""
        before = self.request.GET.get("before", "")
        is_number = before.isdecimal() and len(before) < 18
        return {"before": int(before) if is_number else None, "limit": ENTRIES + 1}


class OrganisationLog(_Log):
    def get(self, request: HttpRequest, organisation_id: str) -> HttpResponse:
        organisation = organisation_for(self.person, organisation_id)
        return self.shown(
            request,
            log_of(self.person, organisation, **self.window),
            about="organisation",
            name=organisation.name,
            above=(_("My organisations"), reverse("organisations")),
            address=reverse("organisation", args=[organisation.public_id]),
        )


class SeriesLog(_Log):
    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series = series_for(self.person, series_id)
        return self.shown(
            request,
            log_about(self.person, series, **self.window),
            about="series",
            name=describe_series(series).title or _("Untitled conversation"),
            above=(_("Conversations"), reverse("conversations")),
            address=reverse("stored", args=[series.public_id]),
        )


class MatterLog(_Log):
    def get(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        matter = matter_for(self.person, matter_id)
        return self.shown(
            request,
            log_about(self.person, matter, **self.window),
            about="matter",
            name=describe_matter(matter)["name"],
            above=(_("Matters"), reverse("matters")),
            address=reverse("matter", args=[matter.public_id]),
        )


class BundleLog(_Log):
    def get(self, request: HttpRequest, export_id: str) -> HttpResponse:
        export = export_for(self.person, export_id)
        return self.shown(
            request,
            log_about(self.person, export, **self.window),
            about="bundle",
            name=describe_matter(export.matter)["name"],
            above=(_("Bundles"), reverse("exports")),
            address=reverse("export", args=[export.public_id]),
        )
