"""The custody log, page by page: of an organisation, a conversation, a matter, a bundle."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from evidence.access import (
    LogPage,
    export_for,
    log_about,
    log_of,
    matter_for,
    organisation_for,
    series_for,
)
from evidence.actions.open_matter import describe_matter
from evidence.archive.read import describe_series
from evidence.models import Export, Matter, Series
from evidence.web.page import Page

ENTRIES = 50


class _Log(Page):
    """A page of entries, newest first; ``before`` in the query goes on from the last one shown."""

    def shown(
        self, page: LogPage, about: str, name: str, above: tuple[str, str], address: str
    ) -> HttpResponse:
        """Return the page, whose last entry only says that there are more.

        about: kind of what it is about, called ``name`` and found at ``address``. above: name and
        address of the list that is in.
        """
        context = {
            "entries": [logged.entry for _key, logged in page.found[:ENTRIES]],
            "next": page.found[ENTRIES - 1][0] if len(page.found) > ENTRIES else None,
            "is_limited": page.is_limited,
            "about": about,
            "name": name,
            "above": above,
            "address": address,
        }
        return render(self.request, "web/log.html", context)

    def latest(self, thing: Series | Matter | Export) -> LogPage:
        """Return the entries about ``thing`` that are asked for."""
        return log_about(self.person, thing, before=self.before, limit=ENTRIES + 1)

    @property
    def before(self) -> int | None:
        """Return the key of the entry to go on from, None for the latest."""
        before = self.request.GET.get("before", "")
        return int(before) if before.isdecimal() and len(before) < 18 else None


class OrganisationLog(_Log):
    def get(self, request: HttpRequest, organisation_id: str) -> HttpResponse:
        found = organisation_for(self.person, organisation_id)
        page = log_of(self.person, found, before=self.before, limit=ENTRIES + 1)
        above = _("My organisations"), reverse("organisations")
        address = reverse("organisation", args=[found.public_id])
        return self.shown(page, "organisation", found.name, above, address)


class SeriesLog(_Log):
    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        found = series_for(self.person, series_id)
        name = describe_series(found).title or _("Untitled conversation")
        above = _("Conversations"), reverse("conversations")
        address = reverse("stored", args=[found.public_id])
        return self.shown(self.latest(found), "series", name, above, address)


class MatterLog(_Log):
    def get(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        found = matter_for(self.person, matter_id)
        name, above = describe_matter(found)["name"], (_("Matters"), reverse("matters"))
        address = reverse("matter", args=[found.public_id])
        return self.shown(self.latest(found), "matter", name, above, address)


class BundleLog(_Log):
    def get(self, request: HttpRequest, export_id: str) -> HttpResponse:
        found = export_for(self.person, export_id)
        name, above = describe_matter(found.matter)["name"], (_("Bundles"), reverse("exports"))
        address = reverse("export", args=[found.public_id])
        return self.shown(self.latest(found), "bundle", name, above, address)
