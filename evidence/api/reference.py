"""The reference page of the API, for people: from the description, without a script, from here alone."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views import View

from evidence.api.openapi import FILE, operations

_PREFIX = "/api/v1/"


class Reference(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in operations():
            resource = one["address"].removeprefix(_PREFIX).partition("/")[0]
            groups[resource].append(_shown(one))
        context = {"groups": dict(groups), "prefix": _PREFIX}
        return render(request, "api/reference.html", context)


class Description(View):
    def get(self, request: HttpRequest) -> FileResponse:
        """Return the description as it is checked in."""
        return FileResponse(FILE.open("rb"), content_type="application/yaml")


def _shown(operation: dict[str, Any]) -> dict[str, Any]:
    status, answer = _success(operation["responses"])
    sentence = operation["summary"]
    return {
        "id": operation["operationId"],
        "method": operation["method"].upper(),
        "address": operation["address"],
        "sentence": gettext(sentence),
        "is_public": not operation.get("security"),
        "parameters": [
            {
                "name": one["name"],
                "where": one["in"],
                "is_needed": bool(one.get("required")),
            }
            for one in operation.get("parameters", ())
        ],
        "fields": _fields(operation),
        "asked": _example(operation.get("requestBody", {})),
        "status": status,
        "answer": _example(answer),
        "is_file": "binary" in json.dumps(answer),
    }


def _success(responses: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    status = next(code for code in responses if code.startswith("2"))
    return status, responses[status]


def _example(body: dict[str, Any]) -> str:
    """Return the example of a body as people read it, "" where there is none."""
    for kind in body.get("content", {}).values():
        for example in kind.get("examples", {}).values():
            value = example["value"]
            return (
                value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
            )
    return ""


def _fields(operation: dict[str, Any]) -> list[str]:
    """Return the kinds a body may have."""
    return list(operation.get("requestBody", {}).get("content", {}))
