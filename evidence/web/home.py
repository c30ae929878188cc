"""The front page and the files to try the service with."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from evidence.errors import NotFound
from evidence.front.files import handed_out
from evidence.front.samples import sample_file, samples


class Home(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "web/home.html", {"samples": samples()})


class SampleFile(View):
    def get(self, request: HttpRequest, code: str) -> FileResponse:
        try:
            sample = sample_file(code)
        except NotFound as error:
            raise Http404 from error
        return handed_out(sample.path.open("rb"), sample.name, sample.path.stat().st_size)
