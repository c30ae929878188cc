"""The description is true: whatever it allows is answered as it says, for owner, colleague, stranger."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from evidence.actions.create_api_token import create_api_token
from evidence.actions.take_turn import Turn

pytestmark = pytest.mark.long

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
schemathesis.serializer.alias("application/x-ndjson", "application/octet-stream")


@pytest.fixture
def in_this_thread() -> Iterator[None]:
    """Let requests through the WSGI door share the connection of the test, as Django's client does."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.fixture
def described(monkeypatch, in_this_thread):
    """The description with our WSGI application behind it, and nobody asking too often."""
    from django.core.wsgi import get_wsgi_application

    from evidence.api import limits
    from evidence.api.openapi import schema

    monkeypatch.setattr(limits, "turn_of", lambda caller: Turn(True, 99))
    found = schemathesis.openapi.from_dict(schema())
    found.app = closing_bodies(get_wsgi_application())
    return found


def closing_bodies(application):
    """Close the body of each request, which the client that made it up leaves open."""

    def answer(environ, start_response):
        with closing(environ["wsgi.input"]), closing(application(environ, start_response)) as parts:
            return [b"".join(parts)]

    return answer


def ask_everything(described, programs, mode: GenerationMode, ids, most: int) -> list[str]:
    """Send made-up requests to each operation; return what does not fit."""
    troubles: list[str] = []
    for result in described.get_all_operations():
        try:
            troubles += ask_one(result.ok(), programs, mode, ids, most)
        except Unsatisfiable:
            continue  # nothing can be wrong with a request that has no parts
    return troubles


def ask_one(operation, programs, mode: GenerationMode, ids, most: int) -> list[str]:
    """Send up to ``most`` requests to ``operation``, each as every program."""
    troubles: list[str] = []
    places = count()

    @hypothesis_settings(
        max_examples=most, deadline=None, derandomize=True, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case) -> None:
        if next(places) % 2 == 0:
            # Every second request is about what is there.
            for name in set(ids) & set(case.path_parameters or {}):
                case.path_parameters[name] = ids[name]
        for who, secret in programs.items():
            answer = case.call(headers={"Authorization": f"Bearer {secret}"})
            try:
                case.validate_response(answer, checks=CHECKS)
            except BaseExceptionGroup as group:
                told = "; ".join(str(one)[:400] for one in group.exceptions)
                troubles.append(f"{who}: {operation.label}: {told}")

    ask()
    return troubles


def test_whatever_the_description_allows_is_answered_as_it_says(
    alice, bob, charlie, issued, pushed, described, now
):
    stream, _ = pushed(alice, 2)
    export = issued(alice)
    series = export.selection.series.get()
    programs = {
        actor.user.username: create_api_token(
            user=actor.user, organisation=actor.organisation, label="Firm", at=now
        )[1]
        for actor in (alice, bob, charlie)
    }
    ids = {
        "export_id": export.public_id, "conversation_id": series.public_id,
        "acquisition_id": series.acquisition.public_id, "matter_id": export.matter.public_id,
        "selection_id": export.selection.public_id, "stream_id": stream.public_id,
        "name": export.artifacts.get(kind="receipt").name,
    }  # fmt: skip
    most = 25 if os.environ.get("SWEEPS") == "1" else 2
    troubles = []
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        troubles += ask_everything(described, programs, mode, ids, most)
    assert troubles == []
