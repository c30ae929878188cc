"""Addresses of the service: each surface brings its own list."""

from __future__ import annotations

from importlib.util import find_spec

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from evidence.public.trust import verifier_file

urlpatterns: list[URLPattern | URLResolver] = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin.site.urls),
]


def _add(prefix: str, room: str) -> None:
    if find_spec(f"evidence.{room}") and find_spec(f"evidence.{room}.urls"):
        urlpatterns.append(path(prefix, include(f"evidence.{room}.urls")))


_add("api/v1/", "api")
_add("verify/", "public")
urlpatterns.append(path("verify.pyz", verifier_file, name="verifier"))
urlpatterns.append(path("log/", include("evidence.public.log_urls")))
_add("", "operations")
_add("", "web")
