"""Bundles that were asked for: their progress, their files, cancelling them."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from evidence import custody
from evidence.access import artifact_for, export_for, exports_of, job_for, organisation_to_change
from evidence.actions.advance import ENDED, cancel_export
from evidence.actions.deliver import described, download, released
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import export_request
from evidence.errors import Corrupt
from evidence.front.files import handed_out
from evidence.front.sentences import WORKING_PHASES
from evidence.models import Export, Job
from evidence.web.page import Page

LISTED = 200


class Exports(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        shown = [
            {"export": export, "matter": describe_matter(export.matter)["name"]}
            for export in exports_of(self.person)[:LISTED]
        ]
        return render(request, "web/exports.html", {"exports": shown})


class ExportPage(Page):
    def get(self, request: HttpRequest, export_id: str) -> HttpResponse:
        export = export_for(self.person, export_id)
        options, _actor = export_request(export)
        context = _progress(export.job) | {
            "export": export,
            "options": options,
            "matter": describe_matter(export.matter),
            "facts": described(export),
            "files": released(export),
            "custody": _custody(export),
        }
        return render(request, "web/export.html", context)


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
        cancel_export(job=job, at=timezone.now())
        return redirect("export", export_id=export_id)


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


def _custody(export: Export) -> list[Any]:
    """Return the entries about the bundle, oldest first; an unreadable log shows none."""
    try:
        return [logged.entry for logged in custody.entries_of("bundle", export.public_id)]
    except Corrupt:
        return []
