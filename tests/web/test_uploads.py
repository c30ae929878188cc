"""Files on their way in: in pieces, asked about, stored by a worker, by whoever sent them."""

from __future__ import annotations

import threading
from hashlib import sha256

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evidence.actions import keep_upload, lease, take_upload
from evidence.actions.take_upload import run_upload
from evidence.errors import StorageFailed
from evidence.models import Acquisition, CustodyEntry, Message, Series, Upload
from evidence.tasks import store_all, waiting_uploads
from evidence.web import uploads

ANSWERS = {"timezone": "Europe/Madrid", "owner": "Ana"}


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(keep_upload, "PIECE", 100)
    monkeypatch.setattr(uploads, "PIECE", 100)


@pytest.fixture
def left_to_the_worker(monkeypatch):
    monkeypatch.setattr(uploads, "STORED_AT_ONCE", -1)


def begin(actor, data: bytes, **more: str) -> dict:
    form = {"name": "WhatsApp Chat with Li Lei.txt", "size": len(data), "mark": "1-2"} | more
    return actor.client.post("/upload/begin/", form).json()


def send(actor, state: dict, data: bytes, offset: int):
    return actor.client.patch(
        state["to"], data[offset : offset + 100], content_type="application/octet-stream",
        headers={"Upload-Offset": str(offset)},
    )  # fmt: skip


def sent(actor, text: str) -> Upload:
    """Send a whole chat in pieces; return its upload."""
    data = text.encode()
    state = begin(actor, data)
    for offset in range(0, len(data), 100):
        state = send(actor, state, data, offset).json()
    return Upload.objects.get(public_id=state["id"])


def answered(actor, text: str) -> Upload:
    upload = sent(actor, text)
    run_upload(upload.pk)
    actor.client.post(f"/upload/{upload.public_id}/", ANSWERS)
    upload.refresh_from_db()
    return upload


def test_a_file_sent_in_pieces_is_stored_byte_for_byte(alice, chat_text, content):
    upload = answered(alice, chat_text)
    assert upload.phase == Upload.Phase.STORED
    acquisition = upload.acquisition
    original = alice.client.get(f"/acquisitions/{acquisition.public_id}/original")
    assert content(original) == chat_text.encode()


def test_a_lost_connection_costs_one_piece(alice, chat_text):
    data = chat_text.encode()
    state = begin(alice, data)
    send(alice, state, data, 0)

    again = begin(alice, data)

    assert (again["id"], again["received"]) == (state["id"], 100)
    assert again["chain"] == sha256(bytes(32) + sha256(data[:100]).digest()).hexdigest()


def test_another_file_of_the_same_name_begins_afresh(alice, chat_text):
    data = chat_text.encode()
    state = begin(alice, data)
    assert begin(alice, data, fresh="yes")["id"] != state["id"]
    assert begin(alice, data, mark="3-4")["id"] != state["id"]
    assert begin(alice, data + b"x")["id"] != state["id"]


@pytest.mark.parametrize("offset", [100, 200, 7, -1])
def test_a_piece_that_does_not_follow_is_refused_and_says_where_to_go_on(alice, chat_text, offset):
    data = chat_text.encode()
    state = begin(alice, data)
    answer = send(alice, state, data, offset)
    assert (answer.status_code, answer.json()["received"]) == (409, 0)


def test_the_same_piece_twice_is_kept_once(alice, chat_text):
    data = chat_text.encode()
    state = begin(alice, data)
    assert send(alice, state, data, 0).status_code == 200
    twice = send(alice, state, data, 0)
    assert (twice.status_code, twice.json()["received"]) == (409, 100)


def test_a_disk_that_refuses_a_piece_is_told_and_the_piece_can_be_sent_again(
    alice, chat_text, monkeypatch
):
    data = chat_text.encode()
    state = begin(alice, data)

    def full(*args, **kwargs):
        raise StorageFailed("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(keep_upload.incoming, "keep_piece", full)
        assert send(alice, state, data, 0).status_code == 507
    assert send(alice, state, data, 0).json()["received"] == 100


def test_a_large_file_is_read_and_stored_by_the_worker(alice, chat_text, left_to_the_worker):
    upload = sent(alice, chat_text)
    page = f"/upload/{upload.public_id}/"
    assert upload.phase == Upload.Phase.READING
    assert b"the work goes on without it" in alice.client.get(page).content
    store_all(threading.Event())
    assert b"Europe/Madrid" in alice.client.get(page).content

    alice.client.post(page, ANSWERS)

    upload.refresh_from_db()
    assert (upload.phase, upload.total_units) == (Upload.Phase.STORING, 6)
    assert not Series.objects.exists()
    assert store_all(threading.Event()) == 1
    assert "/acquisitions/" in alice.client.get(page)["Location"]
    assert Series.objects.get().size == 6


def test_several_files_of_one_form_are_all_taken_in(alice, chat_text):
    files = [
        SimpleUploadedFile("a.txt", chat_text.encode()),
        SimpleUploadedFile("b.txt", b"\0 nothing"),
    ]
    answer = alice.client.post("/upload/", {"file": files}, follow=True)
    page = answer.content.decode()
    assert "a.txt" in page
    assert "Waits for your answers" in page
    assert "none of the chat exports" in page


def test_a_file_nobody_can_store_is_given_up_and_can_be_tried_again(
    alice, chat_text, left_to_the_worker, monkeypatch
):
    class PowerCut(BaseException):
        pass

    def cut(*args, **kwargs):
        raise PowerCut

    upload = sent(alice, chat_text)
    with monkeypatch.context() as patched:
        patched.setattr(take_upload.ingest, "examine", cut)
        for _ in range(lease.MOST_ATTEMPTS):
            with pytest.raises(PowerCut):
                run_upload(upload.pk)
        run_upload(upload.pk)
    upload.refresh_from_db()
    assert (upload.phase, upload.error_code) == (Upload.Phase.FAILED, "given_up")

    alice.client.post(f"/upload/{upload.public_id}/retry/")

    assert run_upload(upload.pk).phase == Upload.Phase.ASKING


def test_cancelled_while_it_is_stored_nothing_stays(alice, chat_text, monkeypatch, settings):
    from evidence.actions import acquire_file

    monkeypatch.setattr(acquire_file, "_TOLD_EVERY", 2)
    monkeypatch.setattr(uploads, "STORED_AT_ONCE", -1)
    upload = sent(alice, chat_text)
    run_upload(upload.pk)
    alice.client.post(f"/upload/{upload.public_id}/", ANSWERS)
    alice.client.post(f"/upload/{upload.public_id}/drop/")

    assert run_upload(upload.pk).phase == Upload.Phase.CANCELLED

    assert not Acquisition.objects.exists()
    assert not Message.objects.exists()
    assert not (settings.TRUETHREAD_VAR_DIR / "incoming" / upload.public_id).exists()
    assert alice.client.get(f"/upload/{upload.public_id}/").status_code == 404


def test_answers_that_cannot_be_are_asked_for_again(alice, chat_text):
    upload = sent(alice, chat_text)
    page = f"/upload/{upload.public_id}/"
    answer = alice.client.post(page, ANSWERS | {"timezone": "Nowhere/Town"})
    assert answer.status_code == 400
    assert "not a time zone we know" in answer.content.decode()
    assert alice.client.post(page, ANSWERS)["Location"] == page
    assert Acquisition.objects.filter(stored_at__isnull=False).count() == 1


def test_what_was_delivered_before_is_recognised(alice, chat_text):
    answered(alice, chat_text)
    upload = answered(alice, chat_text)
    page = alice.client.get(f"/upload/{upload.public_id}/", follow=True).content.decode()
    assert "delivered this very file before" in page
    assert Acquisition.objects.count() == 1
    assert CustodyEntry.objects.filter(event="acquisition.received").count() == 1


def test_the_list_of_files_on_their_way_costs_the_same_for_one_and_for_many(
    alice, chat_text, django_assert_num_queries
):
    sent(alice, chat_text)
    for many in (0, 3):
        for _ in range(many):
            begin(alice, chat_text.encode(), fresh="yes")
        with django_assert_num_queries(6):
            alice.client.get("/upload/list/")


def test_the_sweep_finds_files_that_nobody_works_on(alice, chat_text, left_to_the_worker, now):
    upload = sent(alice, chat_text)
    assert waiting_uploads(now) == [upload.pk]
    run_upload(upload.pk)
    assert waiting_uploads(now) == []


def test_what_nobody_comes_back_for_is_forgotten(alice, chat_text, settings, now):
    from datetime import timedelta

    upload = sent(alice, chat_text)
    keep_upload.sweep_uploads(now)
    assert Upload.objects.exists()
    Upload.objects.filter(pk=upload.pk).update(changed_at=now - timedelta(days=2))
    keep_upload.sweep_uploads(now)
    assert not Upload.objects.exists()
    assert not (settings.TRUETHREAD_VAR_DIR / "incoming" / upload.public_id).exists()
