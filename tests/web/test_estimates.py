"""What the review says of length and size, beside what the bundle then is."""

from __future__ import annotations

import os
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence.actions.acquire_file import acquire_file
from evidence.actions.advance import run_to_end
from evidence.actions.request_export import ExportOptions
from evidence.front.estimates import Estimate, estimate
from evidence.front.exporting import ask_for_bundle
from evidence.ingest import Answers
from evidence.models import Export, Series
from evidence.select import Choice, Redaction, parse_ranges
from evidence.select.freeze import pick
from evidence.values import Actor
from tests.web.test_wizard import RULE, Walk

WHO = Actor("operator", "test")
CHAT = """\
13/01/2024, 08:00 - Ana: VID-1.mp4 (file attached)
13/01/2024, 08:01 - Bo: VID-2.mp4 (file attached)
13/01/2024, 08:02 - Bo: Noon?
13/01/2024, 08:03 - Ana: Yes
"""
LONG = 400_000


@pytest.fixture
def series(alice, tmp_path) -> Series:
    path = tmp_path / "chat.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("_chat.txt", CHAT)
        for number in (1, 2):
            file.writestr(f"VID-{number}.mp4", os.urandom(LONG))
    result = acquire_file(
        organisation=alice.organisation, actor=WHO, path=path, name="chat.zip",
        answers=Answers(timezone="Europe/Madrid", owner="Ana"), at=timezone.now(), user=alice.user,
    )  # fmt: skip
    return Series.objects.get(acquisition=result.acquisition)


def expected(series: Series, choice: Choice) -> Estimate:
    return estimate([(series, choice)], [pick(series, choice, {})], "record", [])


CHOICES = {
    "all": (Choice(), 4 * LONG),
    "what has a video": (Choice(messages=parse_ranges("1-2")), 2 * LONG),
    "one video": (Choice(messages=parse_ranges("2-4")), LONG),
    "words": (Choice(messages=parse_ranges("3-4")), 0),
    "a video withheld": (Choice(redactions={1: Redaction(("attachments",))}), LONG),
    "a message withheld": (Choice(redactions={2: Redaction(("*",))}), LONG),
    "a word withheld": (Choice(redactions={3: Redaction(("body",))}), 2 * LONG),
}


@pytest.mark.parametrize("name", CHOICES)
def test_a_bundle_is_about_as_large_as_was_said(alice, series, name):
    choice, enclosed = CHOICES[name]
    said = expected(series, choice)
    assert said.enclosed == pytest.approx(enclosed, abs=2_000)
    export = ask_for_bundle(
        organisation=alice.organisation, actor=WHO, user=alice.user, matter_name="Loan",
        choices=[(series, choice)], options=ExportOptions(requester="Ana"), at=timezone.now(),
    )  # fmt: skip
    run_to_end(export.job.pk)
    whole = Export.objects.get(pk=export.pk).artifacts.get(kind="zip")
    assert said.octets == pytest.approx(whole.size, rel=0.25)


def test_of_many_attachments_some_speak_for_all(series, monkeypatch):
    exact = expected(series, Choice(messages=parse_ranges("1-2"))).enclosed
    monkeypatch.setattr("evidence.front.estimates._LOOKED_AT", 1)
    assert expected(series, Choice(messages=parse_ranges("1-2"))).enclosed == exact


def test_an_estimate_takes_as_many_queries_for_many_conversations(alice, stored):
    every = [stored(alice, partner=name) for name in ("Bo", "Cy", "Di")]
    choices = [(one, Choice()) for one in every]
    picked = [pick(one, Choice(), {}) for one in every]
    for number in (1, 3):
        with CaptureQueriesContext(connection) as queries:
            estimate(choices[:number], picked[:number], "record", [])
        assert len(queries) == 2


def test_the_review_says_how_large_the_bundle_will_be(alice, series, stored):
    walk = Walk(alice, series)
    walk.to("messages")
    assert "about 2.5 MB, of which originals, attachments" in walk.page("review")
    walk.send("messages", RULE | {"messages": "3-4"})
    page = walk.page("review")
    assert "about 902 kB" in page
    assert "of which originals" not in page
