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
