"""Tabs that confirm one draft at the same time, over connections that really run side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from evidence.actions.keep_draft import (
    DraftConfirmed,
    begin_draft,
    change_draft,
    confirm_draft,
)
from evidence.actions.request_export import ExportOptions
from evidence.front.exporting import ask_for_bundle
from evidence.models import Draft, Export
from evidence.select import Choice
from evidence.values import Actor
from tests.patience import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgresql")]


def test_six_tabs_that_confirm_at_once_ask_for_one_bundle(alice, stored):
    series, now = stored(alice), timezone.now()
    draft = begin_draft(organisation=alice.organisation, user=alice.user, state={}, at=now)
    ready = Barrier(6)

    def ask(_state):
        return ask_for_bundle(
            organisation=alice.organisation,
            actor=Actor("person", alice.user.public_id, "alice"),
            user=alice.user,
            matter_name="Loan",
            choices=[(series, Choice())],
            options=ExportOptions(),
            at=now,
        )

    def tab(_number: int) -> str:
        mine = Draft.objects.get(pk=draft.pk)
        ready.wait(PATIENCE)
        try:
            return confirm_draft(draft=mine, ask=ask, at=now).public_id
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = set(threads.map(tab, range(6)))

    assert answers == {Export.objects.get().public_id}
    with pytest.raises(DraftConfirmed):
        change_draft(draft=draft, change=dict.clear, at=now)
