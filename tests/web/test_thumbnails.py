"""Attached pictures on the conversation page and in the steps: small, drawn anew, never what is withheld."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from evidence.actions.acquire_file import acquire_file
from evidence.front.files import UNDRAWN
from evidence.ingest import Answers
from evidence.models import CustodyPending, Membership, Series
from evidence.values import Actor
from tests.web.test_wizard import Walk, text_of

CHAT = """\
13/01/2024, 08:00 - Ana: IMG-1.jpg (file attached)
13/01/2024, 08:01 - Bo: IMG-2.jpg (file attached)
13/01/2024, 08:02 - Bo: PTT-3.opus (file attached)
13/01/2024, 08:03 - Bo: Noon?
"""
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1200, 900), "red").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def series(alice, tmp_path):
    path = tmp_path / "chat.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("_chat.txt", CHAT)
        file.writestr("IMG-1.jpg", photo())
        file.writestr("IMG-2.jpg", SVG)
        file.writestr("PTT-3.opus", b"OggS")
    result = acquire_file(
        organisation=alice.organisation, actor=Actor("person", alice.user.public_id), path=path,
        name="chat.zip", answers=Answers(timezone="Europe/Madrid", owner="Ana"),
        at=timezone.now(), user=alice.user,
    )  # fmt: skip
    return Series.objects.get(acquisition=result.acquisition)


def address(series, sequence: int = 1) -> str:
    return f"/conversations/{series.public_id}/messages/{sequence}/attachments/0/small"


def test_a_picture_is_shown_small_and_nothing_else_of_its_file(alice, series):
    answer = alice.client.get(address(series))

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert max(Image.open(io.BytesIO(answer.content)).size) == 480
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Content-Disposition"] == 'inline; filename="attachment-1-1.jpg"'
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("sequence", [2, 3])
def test_what_cannot_be_drawn_is_a_plain_sign(alice, series, sequence):
    answer = alice.client.get(address(series, sequence))

    assert (answer.status_code, answer["Content-Type"]) == (200, "image/svg+xml")
    assert answer.content == UNDRAWN
    assert b"alert" not in answer.content


def test_colleague_and_auditor_see_it_and_strangers_learn_nothing(alice, bob, charlie, series):
    assert bob.client.get(address(series)).status_code == 200
    Membership.objects.filter(user=bob.user).update(role=Membership.Role.AUDITOR)
    assert bob.client.get(address(series)).status_code == 200
    assert charlie.client.get(address(series)).status_code == 404
    assert Client().get(address(series)).status_code == 302
    for missing in (4, 99):
        assert alice.client.get(address(series, missing)).status_code == 404


def test_looking_is_logged_although_the_page_was_not_opened(alice, series):
    CustodyPending.objects.all().delete()
    alice.client.get(address(series))

    assert CustodyPending.objects.filter(event="conversation.viewed").count() == 1


def test_the_page_shows_pictures_and_names_what_is_heard(alice, series):
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/"))

    assert f'src="{address(series)}"' in page
    assert f'src="{address(series, 3)}"' not in page
    assert "Voice message" in page
    assert "PTT-3.opus" in page


@pytest.mark.parametrize("what", ["attachments", "whole"])
def test_what_is_withheld_has_no_thumbnail_in_what_the_other_side_sees(alice, series, what):
    walk = Walk(alice, series)
    walk.to("messages")
    assert address(series) in walk.page("redaction")
    walk.send("redaction", {"message": "1", what: "1", "reason": "private", "go": "withhold"})

    page = walk.page("redaction")

    shown = re.findall(r"/messages/(\d+)/attachments/", page)
    assert "1" not in shown
    assert "2" in shown
    assert "IMG-1" not in page


def test_the_number_of_queries_does_not_grow_with_attachments(
    alice, series, django_assert_max_num_queries
):
    alice.client.get(f"/conversations/{series.public_id}/")
    with django_assert_max_num_queries(30):
        alice.client.get(f"/conversations/{series.public_id}/")
