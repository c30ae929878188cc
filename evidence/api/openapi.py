"""The description of the API (OpenAPI 3.1), derived from the views and one example per operation.

The schema of an answer is read off its example, so the two never disagree. ``openapi.yaml`` beside
this file is what integrators read; a test holds it against what ``description`` returns, and writes
it anew when ``UPDATE_OPENAPI=1``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_noop as _
from django.utils.translation import override
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
    push_streams,
    root,
    selections,
    verifications,
    webhooks,
)

FILE = Path(__file__).with_name("openapi.yaml")
"""The description as it is checked in."""
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
_STREAM = {
    "id": _ID, "acquisition": _ID, "conversation": _ID, "provider": "chatcloud",
    "account": "u-ana", "provider_conversation": "c-77", "title": "Li Lei", "created": _TIME,
    "changed": _TIME, "batches": 2, "messages": 5, "root": _HASH,
    "expected": {"number": 3, "previous": _HASH, "cursor": 9},
    "gaps": [{
        "from": 3, "to": 7, "reason": "retention", "batch": 2, "sequence": 4, "open": True,
        "filled": [{"from": 3, "to": 4, "batch": 3}],
    }],
    "keys": [{"kid": "2026-1", "added": _TIME, "retired": None}],
    "refused": [{"code": "batch_out_of_order", "number": 4, "at": _TIME}],
}  # fmt: skip
_BATCH = {
    "number": 2, "hash": _HASH, "kid": "2026-1", "first": 4, "last": 6,
    "cursor": {"from": 7, "to": 9}, "gap": {"from": 3, "to": 7, "reason": "retention"},
    "fills": None, "received": _TIME, "root": _HASH, "head": _HASH,
}  # fmt: skip
_TAKEN = {
    "number": 2, "hash": _HASH, "first": 4, "last": 6, "messages": 6, "repeated": False,
}  # fmt: skip
_GROWTH = {
    "old": {"size": 3, "root": _HASH, "head": _HASH},
    "new": {"size": 6, "root": _HASH, "head": _HASH}, "consistency": [_HASH],
}  # fmt: skip
_NDJSON = {"application/x-ndjson": {"type": "string", "format": "binary"}}
_BYTES = {"application/octet-stream": {"type": "string", "format": "binary"}}
_PROBLEM = {
    "type": "urn:truethread:problem:not_found", "title": "There is nothing here.", "status": 404,
    "code": "not_found",
}  # fmt: skip


def _page(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next": None}


_OPERATIONS: tuple[tuple[type, str, str, Any, int, Any], ...] = (
    (root.Root, "get", _("Name the resources"), None, 200, {"matters": "/api/v1/matters"}),
    (me.Me, "get", _("Say who asks and what they may"), None, 200, _ME),
    (matters.Matters, "get", _("List matters"), None, 200, _page(_MATTER)),
    (matters.Matters, "post", _("Open a matter"), matters.MatterRequest, 201, _MATTER),
    (matters.MatterDetail, "get", _("Show a matter"), None, 200, _MATTER),
    (acquisitions.Acquisitions, "get", _("List deliveries"), None, 200, _page(_ACQUISITION)),
    (
        acquisitions.Acquisitions, "post", _("Deliver a chat export"),
        acquisitions.Delivery, 201, _DELIVERED,
    ),
    (acquisitions.AcquisitionDetail, "get", _("Show a delivery"), None, 200, _ACQUISITION),
    (conversations.Conversations, "get", _("List conversations"), None, 200, _page(_CONVERSATION)),
    (conversations.ConversationDetail, "get", _("Show a conversation"), None, 200, _CONVERSATION),
    (messages.Messages, "get", _("Read messages"), None, 200, _page(_MESSAGE)),
    (selections.Selections, "get", _("List selections"), None, 200, _page(_SELECTION)),
    (
        selections.Selections, "post", _("Freeze a selection"),
        selections.SelectionRequest, 201, _SELECTION,
    ),
    (selections.SelectionDetail, "get", _("Show a selection"), None, 200, _SELECTION),
    (exports.Exports, "get", _("List exports"), None, 200, _page(_EXPORT)),
    (
        exports.Exports, "post", _("Ask for the bundle of a selection"),
        exports.ExportOfSelection, 202, _EXPORT,
    ),
    (exports.ExportDetail, "get", _("Follow an export"), None, 200, _EXPORT),
    (exports.ExportDetail, "delete", _("Cancel an export"), None, 202, _NOTHING),
    (exports.Cancel, "post", _("Cancel an export"), None, 202, _EXPORT),
    (exports.Retry, "post", _("Try a failed export again"), None, 202, _EXPORT),
    (exports.Withdraw, "post", _("Withdraw a bundle"), exports.Withdrawal, 200, _EXPORT),
    (exports.Supersede, "post", _("Replace a bundle"), exports.Successor, 200, _EXPORT),
    (exports.Custody, "get", _("Read the custody of a bundle"), None, 200, _page(_ENTRY)),
    (holds.Holds, "get", _("List holds"), None, 200, _page(_HOLD)),
    (holds.Holds, "post", _("Place a hold"), holds.HoldRequest, 201, _HOLD),
    (holds.HoldDetail, "get", _("Show a hold"), None, 200, _HOLD),
    (holds.ReleaseHold, "post", _("Release a hold"), holds.Release, 200, _HOLD),
    (log.LatestCheckpoint, "get", _("Read the latest checkpoint"), None, 200, _CHECKPOINT),
    (log.Inclusion, "get", _("Prove that an entry is in the log"), None, 200, _INCLUSION),
    (log.Consistency, "get", _("Prove that the log only grew"), None, 200, _CONSISTENCY),
    (webhooks.Webhooks, "get", _("List webhooks"), None, 200, _page(_WEBHOOK)),
    (
        webhooks.Webhooks, "post", _("Create a webhook"),
        webhooks.WebhookRequest, 201, _WITH_SECRET,
    ),
    (webhooks.WebhookDetail, "get", _("Show a webhook"), None, 200, _WEBHOOK),
    (
        webhooks.WebhookDetail, "patch", _("Change a webhook"),
        webhooks.WebhookChange, 200, _WEBHOOK,
    ),
    (webhooks.WebhookDetail, "delete", _("Remove a webhook"), None, 204, _NOTHING),
    (webhooks.Secrets, "post", _("Make a new secret"), None, 201, _WITH_SECRET),
    (webhooks.SecretDetail, "delete", _("Retire the former secret"), None, 204, _NOTHING),
    (webhooks.Ping, "post", _("Try a webhook out"), None, 202, _DELIVERY),
    (webhooks.Deliveries, "get", _("List what was sent"), None, 200, _page(_DELIVERY)),
    (webhooks.DeliveryDetail, "get", _("Show what was sent and how it went"), None, 200, _SENT),
    (webhooks.Replay, "post", _("Send it once more"), None, 202, _DELIVERY),
    (formats.Formats, "get", _("List formats beside a bundle"), None, 200, _page(_FORMAT)),
    (
        formats.Formats, "post", _("Ask for a format beside a bundle"),
        formats.FormatRequest, 202, _FORMAT,
    ),
    (
        artifacts.Artifacts, "get", _("List files with links that live 15 minutes"), None, 200,
        _page({**_FILE, "url": "https://evidence.example/api/v1/downloads?link=…",
               "expires": _TIME}),
    ),
    (artifacts.ArtifactFile, "get", _("Fetch a file"), None, 200, None),
    (artifacts.Download, "get", _("Fetch a file by its link"), None, 200, None),
    (push_streams.PushStreams, "get", _("List push streams"), None, 200, _page(_STREAM)),
    (
        push_streams.PushStreams, "post", _("Register a push stream"),
        push_streams.StreamRequest, 201, _STREAM,
    ),
    (push_streams.PushStreamDetail, "get", _("Say where a push stream stands"), None, 200, _STREAM),
    (push_streams.PushKeys, "post", _("Add a key of the provider"), push_streams.KeyRequest, 201, _STREAM),
    (push_streams.PushBatches, "get", _("List accepted batches"), None, 200, _page(_BATCH)),
    (push_streams.PushBatches, "post", _("Push a batch"), _NDJSON, 201, _TAKEN),
    (
        push_streams.PushConsistency, "get", _("Prove that a later head extends an earlier one"),
        None, 200, _GROWTH,
    ),
    (
        push_streams.PushAttachmentFile, "put", _("Hand over an attachment"), _BYTES, 201,
        {"sha256": _HASH, "size": 812_345},
    ),
    (
        verifications.Verifications, "post", _("Have a file or a hash verified"),
        verifications.Examined, 200, _VERDICT,
    ),
)  # fmt: skip
_KEYED = {
    (formats.Formats, "post"),
    (webhooks.Webhooks, "post"), (webhooks.Secrets, "post"), (webhooks.Ping, "post"),
    (webhooks.Replay, "post"), (holds.Holds, "post"),
    (matters.Matters, "post"), (acquisitions.Acquisitions, "post"),
    (selections.Selections, "post"), (exports.Exports, "post"), (exports.Retry, "post"),
    (push_streams.PushStreams, "post"), (push_streams.PushKeys, "post"),
}  # fmt: skip
_QUERY: Mapping[type, tuple[str, ...]] = {
    messages.Messages: ("from", "to", "participant", "text", "after", "limit"),
    artifacts.Download: ("link",),
    log.LatestCheckpoint: ("epoch",), log.Inclusion: ("index", "size", "epoch"),
    log.Consistency: ("old", "new", "epoch"),
    holds.Holds: ("after",), webhooks.Webhooks: ("after",), webhooks.Deliveries: ("after",),
    push_streams.PushStreams: ("after",), push_streams.PushBatches: ("after",),
    push_streams.PushConsistency: ("old", "new"),
    exports.Custody: ("after",),
    matters.Matters: ("after",), selections.Selections: ("after",), exports.Exports: ("after",),
    acquisitions.Acquisitions: ("after",), conversations.Conversations: ("after",),
}  # fmt: skip


_NUMBERS = {
    (messages.Messages, "after"), (messages.Messages, "limit"),
    (log.LatestCheckpoint, "epoch"), (log.Inclusion, "epoch"), (log.Consistency, "epoch"),
    (log.Inclusion, "index"), (log.Inclusion, "size"), (log.Consistency, "old"),
    (log.Consistency, "new"),
}  # fmt: skip
_NEEDED = ("link", "index", "size", "old", "new")
_ALSO: Mapping[tuple[type, str], tuple[int, ...]] = {
    (matters.Matters, "post"): (200,), (acquisitions.Acquisitions, "post"): (200,),
    (holds.Holds, "post"): (200,),
}  # fmt: skip
"""Other statuses of success: what was asked for is there already."""
_FREE = ("rule", "withheld", "reasons", "details", "answers", "time", "sender", "fills")
"""Objects whose members are not the same each time."""
_NULLABLE = (
    "next", "error", "issued", "withdrawn", "superseded_by", "previous", "purpose", "authority",
    "title", "first", "last", "body", "time", "sender", "released", "disabled", "disabled_why",
    "ended", "status", "timezone", "name", "size", "sha256", "acquisition", "platform", "type",
    "gap", "fills", "conversation", "root", "retired", "number",
)  # fmt: skip
"""Members that can be null."""
_CHOICE = {"matter": _ID, "parts": [{"conversation": _ID, "messages": "1-3", "redact": "2:body"}]}
_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
_LINES = (
    '{"account":"u-ana","conversation":"c-77",…,"stream":"…","time":"2026-03-14T09:26:53Z"}\n'
    "eyJhbGciOiJFZERTQSIs…..hgyY0il_MGCj…\n"
    '{"body":"Good morning","kind":"text","platform_id":"m-1",…}\n'
)
_REQUESTS: Mapping[tuple[type, str], Any] = {
    (matters.Matters, "post"): {"name": "Loan", "number": "7 C 12/26"},
    (acquisitions.Acquisitions, "post"): {
        "file": "(the bytes of WhatsApp Chat with Li Lei.txt)", "timezone": "Europe/Madrid",
        "owner": "Ana",
    },
    (push_streams.PushStreams, "post"): {
        "provider": "chatcloud", "account": "u-ana", "conversation": "c-77", "title": "Li Lei",
        "type": "direct", "key": _JWK, "kid": "2026-1",
    },
    (push_streams.PushKeys, "post"): {"key": _JWK, "kid": "2026-2", "retire": "2026-1"},
    (push_streams.PushBatches, "post"): _LINES,
    (push_streams.PushAttachmentFile, "put"): "(the bytes with this SHA-256)",
    (selections.Selections, "post"): _CHOICE,
    (exports.Exports, "post"): {
        "selection": _ID,
        "options": {
            "language": "en", "formats": ["rsmf"],
            "parties": [{"conversation": _ID, "account": "p1", "name": "Ana Silva", "basis": "known"}],
        },
    },
    (exports.Withdraw, "post"): {"reason": "a name was left in"},
    (exports.Supersede, "post"): {"by": _ID},
    (formats.Formats, "post"): {"format": "rsmf", "timezone": "Europe/Madrid"},
    (holds.Holds, "post"): {"matter": _ID, "conversation": _ID, "reason": "claim announced"},
    (holds.ReleaseHold, "post"): {"reason": "settled"},
    (webhooks.Webhooks, "post"): {
        "url": "https://firm.example/hooks/truethread", "events": ["export.ready"],
    },
    (webhooks.WebhookDetail, "patch"): {"enabled": True},
    (verifications.Verifications, "post"): {"sha256": _HASH},
}  # fmt: skip


class BearerScheme(
    OpenApiAuthenticationExtension  # type: ignore[no-untyped-call]  # its registry has no types
):
    """Tells the generator what our way of authentication is called."""

    target_class = "evidence.api.base.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def description() -> bytes:
    """Return the description as YAML."""
    rendered = OpenApiYamlRenderer().render(  # type: ignore[no-untyped-call]  # published so
        schema(), renderer_context={}
    )
    return bytes(rendered)


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the description as the JSON object it is."""
    with override("en"):
        _describe()
        # The generator is published without types, and so are its methods.
        make: Any = SchemaGenerator
        found: dict[str, Any] = make(patterns=_patterns()).get_schema(request=None, public=True)
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


def operations() -> list[dict[str, Any]]:
    """Return every operation as people read it: address, method, sentence, examples, parameters."""
    found = []
    for address, methods in schema()["paths"].items():
        for method, operation in methods.items():
            found.append({"address": address, "method": method, **operation})
    return found


def _describe() -> None:
    for view, method, summary, request, status, example in _OPERATIONS:
        more = {code: _answer(example) for code in _ALSO.get((view, method), ())}
        operation = extend_schema(
            operation_id=f"{method}_{view.__name__}",
            summary=summary,
            description=f"{summary}.",
            request=request,
            parameters=_parameters(view, method),
            examples=_asked(view, method),
            responses={
                (status, "application/octet-stream") if example is None else status: _answer(
                    example
                ),
                **more,
                ("4XX", "application/problem+json"): _problem(),
            },
        )
        setattr(view, method, operation(getattr(view, method)))


def _parameters(view: type, method: str) -> list[OpenApiParameter]:
    header = OpenApiParameter(
        "Idempotency-Key", {"type": "string", "pattern": "^[!-~]{1,200}$"}, "header", required=True
    )
    query = [
        OpenApiParameter(
            name,
            {"type": "integer", "minimum": 0} if (view, name) in _NUMBERS else str,
            "query",
            required=name in _NEEDED,
        )
        for name in _QUERY.get(view, ())
    ]
    if (view, method) in _KEYED:
        return [header]
    return query if method == "get" else []


def _asked(view: type, method: str) -> list[OpenApiExample]:
    """Return the example of what comes in, for each kind of body the view reads."""
    value = _REQUESTS.get((view, method))
    if value is None:
        return []
    parsers: Sequence[Any] = getattr(view, "parser_classes", ())
    return [
        OpenApiExample("example", value=value, request_only=True, media_type=one.media_type)
        for one in parsers
    ]


def _answer(example: Any) -> OpenApiResponse:
    if example is _NOTHING:
        return OpenApiResponse(description="done")
    if example is None:
        return OpenApiResponse({"type": "string", "format": "binary"}, description="the file")
    examples = [OpenApiExample("example", value=example, response_only=True)]
    return OpenApiResponse(_schema(example), description="done", examples=examples)


def _problem() -> OpenApiResponse:
    return OpenApiResponse(
        {**_schema(_PROBLEM), "required": list(_PROBLEM)},
        description="an RFC 9457 problem",
        examples=[OpenApiExample("example", value=_PROBLEM, response_only=True)],
    )


def _schema(value: Any, name: str = "") -> dict[str, Any]:
    """Return the JSON schema of what ``value``, called ``name``, is an example of."""
    if name in _FREE and isinstance(value, Mapping | None):
        return {"type": ["object", "null"]} if name in _NULLABLE else {"type": "object"}
    if isinstance(value, Mapping):
        found: dict[str, Any] = {
            "type": "object",
            "properties": {key: _schema(one, key) for key, one in value.items()},
        }
    elif isinstance(value, list):
        found = {"type": "array", "items": _schema(value[0]) if value else {}}
    else:
        kinds: dict[type, str] = {bool: "boolean", int: "integer", str: "string"}
        found = {"type": kinds.get(type(value), "string")}
    if value is None or name in _NULLABLE:
        found["type"] = [found["type"], "null"]
    return found
