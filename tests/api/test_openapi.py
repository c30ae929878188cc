"""The description of the API is checked in, complete, and true."""

from __future__ import annotations

import os
from pathlib import Path

from django.urls import URLPattern

REPOSITORY = Path(__file__).resolve().parents[2]
FILE = REPOSITORY / "evidence" / "api" / "openapi.yaml"
UNDESCRIBED = {"TokenView", "RevokeTokenView", "Nowhere", "Reference", "Description"}


def test_the_description_that_is_checked_in_is_the_one_of_the_code():
    from evidence.api.openapi import description

    found = description()
    if os.environ.get("UPDATE_OPENAPI") == "1":
        FILE.write_bytes(found)
    assert FILE.read_bytes() == found


def test_every_operation_is_described_with_an_example():
    from evidence.api.openapi import schema
    from evidence.api.urls import urlpatterns

    described = schema()
    assert described["openapi"].startswith("3.1")
    names = set()
    for methods in described["paths"].values():
        for method, operation in methods.items():
            names.add(operation["operationId"])
            for kind in operation.get("requestBody", {}).get("content", {}).values():
                assert "examples" in kind, (method, operation["operationId"])
            for status, answer in operation["responses"].items():
                for kind in answer.get("content", {}).values():
                    has_example = "examples" in kind or kind["schema"].get("format") == "binary"
                    assert has_example or status == "4XX", (method, operation)
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        view = getattr(pattern.callback, "cls", None) or pattern.callback.view_class
        if view.__name__ in UNDESCRIBED:
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                assert f"{method}_{view.__name__}" in names, (view, method)


def test_the_description_is_made_without_a_warning(capsys):
    from drf_spectacular.drainage import GENERATOR_STATS

    from evidence.api.openapi import description, schema

    schema.cache_clear()
    GENERATOR_STATS.reset()
    assert description()
    assert capsys.readouterr().err == ""
