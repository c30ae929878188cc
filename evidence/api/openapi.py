"""The description of the API (OpenAPI 3.1), derived from the views and one example per operation.

The schema of an answer is read off its example, so the two never disagree. ``openapi.yaml`` beside
this file is what integrators read; a test holds it against what ``description`` returns, and writes
it anew when ``UPDATE_OPENAPI=1``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from evidence.api import (
    acquisitions,
    artifacts,
    conversations,
    exports,
    formats,
    holds,
    log,
    matters,
    me,
    messages,
    root,
    selections,
    verifications,
    webhooks,
)

_NOTHING: Any = object()
"""In place of an example: the answer has no body."""
_ID = "3f2a9c0e5b7d41689a0c1e2f3b4d5a6c"
_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TIME = "2026-03-14T09:26:53Z"
_MATTER = {
    "id": _ID, "name": "Loan", "number": "7 C 12/26", "purpose": "", "authority": "",
    "opened": _TIME,
}  # fmt: skip
_CONVERSATION = {
    "id": _ID, "acquisition": _ID, "title": "Li Lei", "platform": "whatsapp", "type": "direct",
    "messages": 6, "first": _TIME, "last": _TIME, "sealed": _TIME, "root": _HASH,
}  # fmt: skip
_MESSAGE = {
    "sequence": 1, "leaf_hash": _HASH, "erased": False, "kind": "text", "body": "Good morning",
    "time": {"utc": _TIME, "offset": "+01:00"}, "sender": {"key": "p1", "name": "Ana"},
}  # fmt: skip
_PART = {
    "conversation": _ID, "rule": {"messages": "1-3"}, "chosen": "1-3", "messages": 3, "of": 6,
    "contiguous": True, "gaps": 0, "withheld": {"2": ["body"]}, "reasons": {"2": "privilege"},
}  # fmt: skip
_SELECTION = {
    "id": _ID, "matter": _ID, "digest": _HASH, "created": _TIME, "messages": 3, "of": 6,
    "contiguous": True, "gaps": 0, "withheld": 1, "parts": [_PART],
}  # fmt: skip
_FILE = {"name": f"{_ID}.zip", "kind": "zip", "size": 812_345, "sha256": _HASH}
_EXPORT = {
    "id": _ID, "bundle": _ID, "matter": "Loan", "selection": _ID, "state": "ready", "error": None,
    "progress": {"done": 3, "total": 3}, "requested": _TIME, "changed": _TIME, "issued": _TIME,
    "withdrawn": None, "superseded_by": None, "sha256": _HASH, "messages": 3, "of": 6,
    "contiguous": True, "gaps": 0, "withheld": 1, "artifacts": [_FILE],
}  # fmt: skip
_FORMAT = {
    "format": "rsmf", "timezone": "Europe/Madrid", "state": "ready", "error": None,
    "name": f"truethread-{_ID}.rsmf.Europe-Madrid.zip", "size": 41_207, "sha256": _HASH,
}  # fmt: skip
_ENTRY = {
    "number": 1, "previous": None, "log": "truethread.localhost/custody/1", "index": 7,
    "time": _TIME, "event": "export.requested", "purpose": None, "authority": None,
    "actor": {"kind": "client", "id": _ID, "name": "Firm (alice)"}, "details": {"selection": _ID},
    "digest": _HASH,
}  # fmt: skip
_ACQUISITION = {
    "id": _ID, "format": "whatsapp_text", "name": "chat.txt", "size": 512, "sha256": _HASH,
    "answers": {"timezone": "Europe/Madrid"}, "stored": _TIME, "warnings": [], "unparsed": 0,
}  # fmt: skip
_DELIVERED = {
    "acquisition": _ID, "format": "whatsapp_text", "sha256": _HASH, "recognised": False,
    "conversations": [{"id": _ID, "title": "Li Lei", "messages": 6, "participants": 2}],
    "questions": [], "warnings": [], "unparsed": 0,
}  # fmt: skip
_VERDICT = {
    "file": "bundle.zip", "kind": "bundle", "indication": "TOTAL_PASSED", "reason": "ok",
    "trust": "configured", "findings": [], "seconds": "0.42",
}  # fmt: skip
_ME = {
    "client": {"kind": "client", "id": _ID, "label": "Firm"},
    "person": {"id": _ID, "name": "alice"},
    "organisation": {"id": _ID, "name": "Firm", "may_change": True},
    "scopes": ["exports:read"], "matters": None, "limits": {"per_second": 20, "burst": 100},
    "usage": {"conversations": 1, "messages": 6, "matters": 1, "exports": 1},
}  # fmt: skip
_HOLD = {
    "id": _ID, "matter": _ID, "conversations": [_ID], "reason": "claim announced",
    "placed": _TIME, "released": None,
}  # fmt: skip
_CHECKPOINT = {
    "log": "truethread.localhost/custody/1", "epoch": 1, "size": 8, "root": _HASH, "signed": _TIME,
    "note": "truethread.localhost/custody/1\n8\n…", "key": "truethread.localhost/custody/1+…",
}  # fmt: skip
_INCLUSION = {
    "log": "truethread.localhost/custody/1", "index": 3, "size": 8, "digest": _HASH,
    "inclusion": [_HASH],
}  # fmt: skip
_CONSISTENCY = {
    "log": "truethread.localhost/custody/1", "old": 4, "new": 8, "consistency": [_HASH],
}  # fmt: skip
_WEBHOOK = {
    "id": _ID, "url": "https://firm.example/hooks/truethread", "events": ["export.ready"],
    "created": _TIME, "enabled": True, "disabled": None, "disabled_why": None,
    "secrets": [{"id": _ID, "created": _TIME}],
}  # fmt: skip
_WITH_SECRET = {**_WEBHOOK, "secret": "whsec_…"}
_DELIVERY = {
    "id": _ID, "event": _ID, "type": "export.ready", "state": "delivered", "attempts": 1,
    "next": None, "created": _TIME, "ended": _TIME,
}  # fmt: skip
_SENT = {
    **_DELIVERY, "body": '{"type": "export.ready", …}',
    "log": [{"at": _TIME, "status": 204, "error": None, "milliseconds": 41}],
}  # fmt: skip
_PROBLEM = {
    "type": "urn:truethread:problem:not_found", "title": "There is nothing here.", "status": 404,
    "code": "not_found",
}  # fmt: skip


def _page(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next": None}


_OPERATIONS: tuple[tuple[type, str, str, Any, int, Any], ...] = (
    (root.Root, "get", "Name the resources", None, 200, {"matters": "/api/v1/matters"}),
    (me.Me, "get", "Say who asks and what they may", None, 200, _ME),
    (matters.Matters, "get", "List matters", None, 200, _page(_MATTER)),
    (matters.Matters, "post", "Open a matter", matters.MatterRequest, 201, _MATTER),
    (matters.MatterDetail, "get", "Show a matter", None, 200, _MATTER),
    (acquisitions.Acquisitions, "get", "List deliveries", None, 200, _page(_ACQUISITION)),
    (
        acquisitions.Acquisitions, "post", "Deliver a chat export",
        acquisitions.Delivery, 201, _DELIVERED,
    ),
    (acquisitions.AcquisitionDetail, "get", "Show a delivery", None, 200, _ACQUISITION),
    (conversations.Conversations, "get", "List conversations", None, 200, _page(_CONVERSATION)),
    (conversations.ConversationDetail, "get", "Show a conversation", None, 200, _CONVERSATION),
    (messages.Messages, "get", "Read messages", None, 200, _page(_MESSAGE)),
    (selections.Selections, "get", "List selections", None, 200, _page(_SELECTION)),
    (
        selections.Selections, "post", "Freeze a selection",
        selections.SelectionRequest, 201, _SELECTION,
    ),
    (selections.SelectionDetail, "get", "Show a selection", None, 200, _SELECTION),
    (exports.Exports, "get", "List exports", None, 200, _page(_EXPORT)),
    (
        exports.Exports, "post", "Ask for the bundle of a selection",
        exports.ExportOfSelection, 202, _EXPORT,
    ),
    (exports.ExportDetail, "get", "Follow an export", None, 200, _EXPORT),
    (exports.ExportDetail, "delete", "Cancel an export", None, 202, {}),
    (exports.Cancel, "post", "Cancel an export", None, 202, _EXPORT),
    (exports.Retry, "post", "Try a failed export again", None, 202, _EXPORT),
    (exports.Withdraw, "post", "Withdraw a bundle", exports.Withdrawal, 200, _EXPORT),
    (exports.Supersede, "post", "Replace a bundle", exports.Successor, 200, _EXPORT),
    (exports.Custody, "get", "Read the custody of a bundle", None, 200, _page(_ENTRY)),
    (holds.Holds, "get", "List holds", None, 200, _page(_HOLD)),
    (holds.Holds, "post", "Place a hold", holds.HoldRequest, 201, _HOLD),
    (holds.HoldDetail, "get", "Show a hold", None, 200, _HOLD),
    (holds.ReleaseHold, "post", "Release a hold", holds.Release, 200, _HOLD),
    (log.LatestCheckpoint, "get", "Read the latest checkpoint", None, 200, _CHECKPOINT),
    (log.Inclusion, "get", "Prove that an entry is in the log", None, 200, _INCLUSION),
    (log.Consistency, "get", "Prove that the log only grew", None, 200, _CONSISTENCY),
    (webhooks.Webhooks, "get", "List webhooks", None, 200, _page(_WEBHOOK)),
    (
        webhooks.Webhooks, "post", "Create a webhook",
        webhooks.WebhookRequest, 201, _WITH_SECRET,
    ),
    (webhooks.WebhookDetail, "get", "Show a webhook", None, 200, _WEBHOOK),
    (
        webhooks.WebhookDetail, "patch", "Change a webhook",
        webhooks.WebhookChange, 200, _WEBHOOK,
    ),
    (webhooks.WebhookDetail, "delete", "Remove a webhook", None, 204, _NOTHING),
    (webhooks.Secrets, "post", "Make a new secret", None, 201, _WITH_SECRET),
    (webhooks.SecretDetail, "delete", "Retire the former secret", None, 204, _NOTHING),
    (webhooks.Ping, "post", "Try a webhook out", None, 202, _DELIVERY),
    (webhooks.Deliveries, "get", "List what was sent", None, 200, _page(_DELIVERY)),
    (webhooks.DeliveryDetail, "get", "Show what was sent and how it went", None, 200, _SENT),
    (webhooks.Replay, "post", "Send it once more", None, 202, _DELIVERY),
    (formats.Formats, "get", "List formats beside a bundle", None, 200, _page(_FORMAT)),
    (
        formats.Formats, "post", "Ask for a format beside a bundle",
        formats.FormatRequest, 202, _FORMAT,
    ),
    (
        artifacts.Artifacts, "get", "List files with links that live 15 minutes", None, 200,
        _page({**_FILE, "url": "https://evidence.example/api/v1/downloads?link=…",
               "expires": _TIME}),
    ),
    (artifacts.ArtifactFile, "get", "Fetch a file", None, 200, None),
    (artifacts.Download, "get", "Fetch a file by its link", None, 200, None),
    (
        verifications.Verifications, "post", "Have a file verified",
        verifications.Examined, 200, _VERDICT,
    ),
)  # fmt: skip
_KEYED = {
    (formats.Formats, "post"),
    (webhooks.Webhooks, "post"), (webhooks.Secrets, "post"), (webhooks.Ping, "post"),
    (webhooks.Replay, "post"), (holds.Holds, "post"),
    (matters.Matters, "post"), (acquisitions.Acquisitions, "post"),
    (selections.Selections, "post"), (exports.Exports, "post"), (exports.Retry, "post"),
}  # fmt: skip
_QUERY: Mapping[type, tuple[str, ...]] = {
    messages.Messages: ("from", "to", "participant", "text", "after", "limit"),
    artifacts.Download: ("link",),
    log.LatestCheckpoint: ("epoch",), log.Inclusion: ("index", "size", "epoch"),
    log.Consistency: ("old", "new", "epoch"),
    holds.Holds: ("after",), webhooks.Webhooks: ("after",), webhooks.Deliveries: ("after",),
    exports.Custody: ("after",),
    matters.Matters: ("after",), selections.Selections: ("after",), exports.Exports: ("after",),
    acquisitions.Acquisitions: ("after",), conversations.Conversations: ("after",),
}  # fmt: skip


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells the generator what our way of authentication is called."""

    target_class = "evidence.api.base.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def description() -> bytes:
    """Return the description as YAML."""
    return bytes(OpenApiYamlRenderer().render(schema(), renderer_context={}))  # type: ignore[no-untyped-call]


def schema() -> dict[str, Any]:
    """Return the description as the JSON object it is."""
    _describe()
    generator = SchemaGenerator(patterns=_patterns())  # type: ignore[no-untyped-call]
    found: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def _patterns() -> list[Any]:
    from django.urls import include, path

    from evidence.api.urls import urlpatterns

    described = {view.__name__ for view, *_ in _OPERATIONS}
    kept = [
        pattern
        for pattern in urlpatterns
        if getattr(getattr(pattern.callback, "cls", None), "__name__", "") in described
    ]
    return [path("api/v1/", include(kept))]


def _describe() -> None:
    for view, method, summary, request, status, example in _OPERATIONS:
        operation = extend_schema(
            operation_id=f"{method}_{view.__name__}",
            summary=summary,
            description=f"{summary}.",
            request=request,
            parameters=_parameters(view, method),
            responses={status: _answer(example), "4XX": _problem()},
        )
        setattr(view, method, operation(getattr(view, method)))


def _parameters(view: type, method: str) -> list[OpenApiParameter]:
    header = OpenApiParameter("Idempotency-Key", str, "header", required=True)
    query = [OpenApiParameter(name, str, "query") for name in _QUERY.get(view, ())]
    if (view, method) in _KEYED:
        return [header]
    return query if method == "get" else []


def _answer(example: Any) -> OpenApiResponse:
    if example is _NOTHING:
        return OpenApiResponse(description="done")
    if example is None:
        return OpenApiResponse({"type": "string", "format": "binary"}, description="the file")
    examples = [OpenApiExample("example", value=example)]
    return OpenApiResponse(_schema(example), description="done", examples=examples)


def _problem() -> OpenApiResponse:
    return OpenApiResponse(_schema(_PROBLEM), description="an RFC 9457 problem")


def _schema(value: Any) -> dict[str, Any]:
    """Return the JSON schema of what ``value`` is an example of."""
    if isinstance(value, Mapping):
        return {
            "type": "object",
            "properties": {name: _schema(one) for name, one in value.items()},
        }
    if isinstance(value, list):
        return {"type": "array", "items": _schema(value[0]) if value else {}}
    kinds: dict[type, str] = {bool: "boolean", int: "integer", str: "string"}
    return {"type": kinds[type(value)]} if type(value) in kinds else {"type": ["string", "null"]}
