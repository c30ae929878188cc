"""Bundles that were asked for: their progress, their files, cancelling them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access import (
    artifact_for,
    export_for,
    exports_of,
    job_for,
    may_change,
    organisation_of,
    organisation_to_change,
)
from evidence.access.drafts import open_drafts_of
from evidence.actions.advance import ENDED, cancel_export
from evidence.actions.deliver import described, download, released
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import export_request, retry_export
from evidence.actions.withdraw_bundle import supersede_bundle, withdraw_bundle
from evidence.archive.read import describe_conversation
from evidence.errors import InvalidSelection
from evidence.front.entries import latest_about
from evidence.front.files import handed_out
from evidence.front.sentences import WORKING_PHASES, error_sentence
from evidence.front.step_up import step_up
from evidence.models import Export, Job, Series
from evidence.render.qr import qr_path
from evidence.web.page import Page

LISTED = 50
"""Bundles on one page."""
TITLES = 3
"""Conversations of a bundle that a table names."""
OFFERED = 100
"""Newer bundles to choose from where one takes the place of another."""


class Exports(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        found = exports_of(self.person, organisation_of(self.person))
        context = shown_bundles(found, request.GET.get("page"))
        for one in context["bundles"]:
            one["matter"] = describe_matter(one["export"].matter)["name"]
        return render(request, "web/exports.html", context)


def shown_bundles(exports: QuerySet[Export], number: str | None) -> dict[str, Any]:
    """Return a page of ``exports``, and ``bundles``: what a table says of each one on it, the
    export and of which conversations it is."""
    related = Series.objects.select_related("conversation__organisation").order_by("pk")
    named = exports.prefetch_related(Prefetch("selection__series", queryset=related))
    page = Paginator(named, LISTED).get_page(number)
    shown = []
    for export in page:
        chosen = list(export.selection.series.all())
        kept = [one for one in chosen if one.erased_at is None]
        titles = [describe_conversation(one.conversation)["title"] for one in kept[:TITLES]]
        shown.append(
            {
                "export": export,
                "titles": titles,
                "more": len(kept) - len(titles),
                "erased": len(chosen) - len(kept),
                "is_running": export.job.phase not in ENDED,
            }
        )
    return {"bundles": shown, "page": page}


class ExportPage(Page):
    def get(self, request: HttpRequest, export_id: str) -> HttpResponse:
        export = export_for(self.person, export_id)
        options, _actor = export_request(export)
        newer = self._newer(export)
        context = _progress(export.job) | {
            "export": export,
            "options": options,
            "matter": describe_matter(export.matter),
            "facts": described(export),
            "files": released(export),
            "may_change": may_change(self.person, export.organisation),
            "newer": newer,
            "newer_is_cut": len(newer) == OFFERED,
            "draft": open_drafts_of(self.person).filter(export=export).first(),
            **latest_about(self.person, export),
        }
        if export.issued_at is not None:
            address = (
                f"{settings.TRUETHREAD_PUBLIC_URL}{reverse('verify')}?bundle={export.public_id}"
            )
            side, path = qr_path(address)
            context |= {"verify_address": address, "qr_side": side, "qr_path": path}
        return render(request, "web/export.html", context)

    def _newer(self, export: Export) -> list[Export]:
        """Return the later bundles of the matter that may take the place of this one."""
        if export.issued_at is None:
            return []
        later = exports_of(self.person).filter(matter=export.matter, pk__gt=export.pk)
        return list(later.filter(issued_at__isnull=False, withdrawn_at=None)[:OFFERED])


class Withdraw(Page):
    """Withdrawing is said for ever on the verification page; it takes nothing back."""

    def post(self, request: HttpRequest, export_id: str) -> HttpResponse:
        export = export_for(self.person, export_id)
        organisation_to_change(self.person, export.organisation)
        reason = request.POST.get("reason", "").strip()[:500]
        try:
            if request.POST.get("sure") != "yes":
                messages.error(request, _("Please tick that you are sure."))
            else:
                step_up(request)
                withdraw_bundle(export=export, actor=self.actor, reason=reason, at=timezone.now())
                messages.success(request, _("The bundle was withdrawn."))
        except InvalidSelection as error:
            messages.error(request, error_sentence(error))
        return redirect("export", export_id=export_id)


class Supersede(Page):
    """Naming the bundle that takes the place of this one."""

    def post(self, request: HttpRequest, export_id: str) -> HttpResponse:
        export = export_for(self.person, export_id)
        organisation_to_change(self.person, export.organisation)
        newer = export_for(self.person, request.POST.get("by", ""))
        try:
            if newer.pk < export.pk:
                raise InvalidSelection("an older bundle", code="cannot_supersede")
            step_up(request)
            supersede_bundle(export=export, by=newer, actor=self.actor, at=timezone.now())
            messages.success(request, _("The newer bundle was named."))
        except InvalidSelection as error:
            messages.error(request, error_sentence(error))
        return redirect("export", export_id=export_id)


class Progress(Page):
    """The moving part of the page: asked for again and again until the job has ended."""

    def get(self, request: HttpRequest, export_id: str) -> HttpResponse:
        job = job_for(self.person, export_id)
        if job.phase in ENDED:
            # The whole page changes now: tell the browser's helper to load it again.
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "web/_progress.html", _progress(job))


class Cancel(Page):
    def post(self, request: HttpRequest, export_id: str) -> HttpResponse:
        job = job_for(self.person, export_id)
        organisation_to_change(self.person, job.export.organisation)
        cancel_export(job=job, actor=self.actor, at=timezone.now())
        return redirect("export", export_id=export_id)


class Retry(Page):
    """Asking again for what failed or was cancelled: a new bundle of the same choice."""

    def post(self, request: HttpRequest, export_id: str) -> HttpResponse:
        export = export_for(self.person, export_id)
        organisation_to_change(self.person, export.organisation)
        step_up(request)
        try:
            again = retry_export(
                export=export, actor=self.actor, at=timezone.now(), user=self.person
            )
        except InvalidSelection as error:
            messages.error(request, error_sentence(error))
            return redirect("export", export_id=export_id)
        return redirect("export", export_id=again.public_id)


class Download(Page):
    def get(self, request: HttpRequest, export_id: str, name: str) -> FileResponse:
        artifact = artifact_for(self.person, export_id, name)
        opened = download(artifact=artifact, actor=self.actor, at=timezone.now())
        return handed_out(opened, artifact.name, artifact.size)


def _progress(job: Job) -> dict[str, Any]:
    """Return the phases, each marked ``done``, ``now`` or ``later``."""
    place = WORKING_PHASES.index(job.phase) if job.phase in WORKING_PHASES else len(WORKING_PHASES)
    marks = [
        (phase, "done" if at < place else "now" if at == place else "later")
        for at, phase in enumerate(WORKING_PHASES)
    ]
    return {"job": job, "phases": marks, "place": place, "is_running": job.phase not in ENDED}
