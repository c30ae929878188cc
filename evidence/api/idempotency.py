"""``Idempotency-Key``: required where a POST creates something.

The key belongs to one client and one request: method, address and what was sent. For a file the
digest covers name and bytes, so another boundary around the same file is the same request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.actions.answer_once import Answer, Asked, answer_once
from evidence.api.callers import Caller
from evidence.errors import InvalidSelection
from evidence.models import Organisation

_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_KEPT_HEADERS = ("Location", "Retry-After")


class _View(Protocol):
    @property
    def caller(self) -> Caller: ...
    @property
    def organisation(self) -> Organisation: ...


_AnyView = TypeVar("_AnyView", bound=_View)
_Post = Callable[..., Response]


def once(*, in_one: bool = True) -> Callable[[_Post], _Post]:
    """Let a ``post`` run once per key; its JSON answer is given again to repeats.

    in_one: as in ``actions.answer_once``.
    """

    def decorate(post: _Post) -> _Post:
        @wraps(post)
        def wrapped(view: _View, request: Request, *args: Any, **named: Any) -> Response:
            digest = _digest(request, view.caller.bounds.matters)
            asked = Asked(view.organisation, view.caller.key, _key(request), digest)

            def work() -> Answer:
                answer = post(view, request, *args, **named)
                headers = {name: answer[name] for name in _KEPT_HEADERS if name in answer}
                return Answer(answer.status_code, headers, answer.data)

            given = answer_once(asked, work, at=timezone.now(), in_one=in_one)
            return _response(given)

        return wrapped

    return decorate


def _response(given: Answer) -> Response:
    headers = dict(given.headers)
    if given.is_repeated:
        headers["Idempotent-Replayed"] = "true"
    kind = None if given.status < 400 else "application/problem+json"
    return Response(given.body, status=given.status, headers=headers, content_type=kind)


def _key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise InvalidSelection("no key", code="idempotency_key_missing")
    if not _KEY.fullmatch(key):
        raise InvalidSelection("no such key", code="idempotency_key_invalid")
    return key


def _digest(request: Request, matters: frozenset[str] | None) -> str:
    """Return the SHA-256 of what the request asks for, independent of how it is written.

    matters: how far the token reaches; another token of the same client gets no answer beyond its own.
    """
    data = request.data
    fields = data.lists() if hasattr(data, "lists") else data
    value = (
        [[name, [_field(one) for one in values]] for name, values in sorted(fields)]
        if hasattr(data, "lists")
        else data
    )
    reach = None if matters is None else sorted(matters)
    asked = [request.method, request.path, value, reach]
    text = json.dumps(asked, sort_keys=True, ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


def _field(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return str(value)
    digest = sha256()
    for piece in value.chunks():
        digest.update(piece)
    value.seek(0)
    return {"name": value.name, "sha256": digest.hexdigest()}
