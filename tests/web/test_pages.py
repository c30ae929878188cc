"""The pages through the browser's eyes: from sign-up to a downloaded bundle."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from evidence import custody
from evidence.actions.advance import run_to_end
from evidence.errors import Corrupt
from evidence.models import ApiToken, Job, Membership, Series
from evidence.render.qr import qr_path


def text_of(answer) -> str:
    return answer.content.decode()


def chat_file(text: str, name: str = "WhatsApp Chat with Li Lei.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), content_type="text/plain")


@pytest.mark.django_db
def test_the_front_page_names_the_doors_and_says_what_is_missing(client):
    page = text_of(client.get("/"))
    for word in ("Make evidence", "Verify evidence", "Connect a law firm", "make demo"):
        assert word in page


@pytest.mark.django_db
def test_the_language_can_be_switched_and_is_kept(client):
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    page = text_of(client.get("/"))
    assert '<html lang="zh-Hans">' in page
    assert "三个入口" in page


@pytest.mark.django_db
def test_a_sample_that_was_never_made_is_not_found(client):
    assert client.get("/samples/good").status_code == 404
    assert client.get("/samples/passwd").status_code == 404


def test_an_upload_asks_what_the_file_does_not_say_and_stores_the_answers(alice, chat_text):
    asked = alice.client.post("/upload/", {"file": chat_file(chat_text)})
    page = text_of(alice.client.get(asked["Location"]))
    assert "Europe/Madrid" in page
    assert 'name="owner"' in page
    assert 'name="date_order"' not in page
    assert not Series.objects.exists()

    answer = alice.client.post(
        asked["Location"], {"timezone": "Europe/Madrid", "owner": "Ana"}, follow=True
    )

    assert "Stored and sealed" in text_of(answer)
    assert Series.objects.get().size == 6
    assert alice.client.get(asked["Location"])["Location"].startswith("/acquisitions/")


def test_an_unanswered_question_stores_nothing(alice, chat_text):
    asked = alice.client.post("/upload/", {"file": chat_file(chat_text)})
    answer = alice.client.post(asked["Location"], {"timezone": ""})
    assert answer.status_code == 400
    assert not Series.objects.exists()


def test_an_upload_that_waits_is_unreadable_on_disk(alice, chat_text, settings):
    alice.client.post("/upload/", {"file": chat_file(chat_text)})
    incoming = settings.TRUETHREAD_VAR_DIR / "incoming"
    files = [one for one in incoming.rglob("*") if one.is_file()]
    assert files
    assert all(b"euros" not in file.read_bytes() for file in files)


def test_an_upload_of_another_session_is_not_there(alice, bob, chat_text):
    asked = alice.client.post("/upload/", {"file": chat_file(chat_text)})
    assert bob.client.get(asked["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "empty"), (b"\x00\x01 nothing", "none of the chat")]
)
def test_a_file_that_is_no_chat_is_refused_in_words(alice, data, words):
    answer = alice.client.post("/upload/", {"file": SimpleUploadedFile("x.txt", data)})
    assert answer.status_code == 400
    assert words in text_of(answer)


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(alice):
    answer = alice.client.post("/verify/", {"file": "x"}, CONTENT_LENGTH=str(60_000_000))
    assert answer.status_code == 413
    assert "50 MB" in text_of(answer)


def test_hostile_text_is_shown_and_does_nothing(alice, stored):
    series = stored(alice)
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7|add:7 }}" in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert '<span class="unseen">U+202E</span>' in page


def test_looking_is_logged_once_per_person_and_hour(alice, bob, stored):
    series = stored(alice)
    for actor in (alice, alice, bob):
        actor.client.get(f"/conversations/{series.public_id}/")
    custody.sequence_pending()
    seen = [
        logged.entry.actor["id"] if isinstance(logged.entry.actor, dict) else logged.entry.actor.id
        for logged in custody.entries_of("series", series.public_id)
        if logged.entry.event == "conversation.viewed"
    ]
    assert sorted(seen) == sorted([alice.user.public_id, bob.user.public_id])


def test_a_conversation_can_be_entered_by_number_and_by_date(alice, stored):
    series = stored(alice)
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/?date=2024-01-14"))
    assert 'id="m5"' in page
    assert 'id="m4"' not in page
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/?from=99999999"))
    assert 'id="m6"' in page
    for nonsense in ("from=-1", "from=²", "date=yesterday", "from=1e9"):
        assert alice.client.get(f"/conversations/{series.public_id}/?{nonsense}").status_code == 200


def test_a_page_of_a_conversation_costs_the_same_queries_whatever_its_length(
    alice, stored, django_assert_max_num_queries
):
    long = "".join(f"13/01/2024, 08:00 - Ana: message {n}\n" for n in range(400))
    series = stored(alice, long)
    alice.client.get(f"/conversations/{series.public_id}/")
    with django_assert_max_num_queries(16):
        alice.client.get(f"/conversations/{series.public_id}/?from=150")


def test_a_running_job_can_be_cancelled(alice, requested):
    export = requested(alice)
    alice.client.post(f"/exports/{export.public_id}/cancel/")
    assert run_to_end(export.job.pk).phase == Job.Phase.CANCELLED
    assert "was cancelled" in text_of(alice.client.get(f"/exports/{export.public_id}/"))


def test_a_failed_job_says_why_in_words(alice, requested, now):
    export = requested(alice)
    Job.objects.filter(pk=export.job.pk).update(phase="failed", error_code="stamp_unavailable")
    page = text_of(alice.client.get(f"/exports/{export.public_id}/"))
    assert "No time-stamp could be obtained" in page


def test_a_token_is_shown_once_and_can_be_revoked(alice):
    page = text_of(alice.client.post("/account/", {"label": "Law firm"}))
    secret = re.search(r"tt_[\w-]+", page)[0]
    assert secret not in text_of(alice.client.get("/account/"))
    token = ApiToken.objects.get()
    alice.client.post(f"/account/tokens/{token.public_id}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_an_auditor_reads_and_is_told_that_he_changes_nothing(alice, bob, stored):
    series = stored(alice)
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    page = text_of(bob.client.get(f"/conversations/{series.public_id}/"))
    assert "Make evidence" not in page
    for address in ("/upload/", "/drafts/"):
        answer = bob.client.get(address)
        assert answer.status_code == 403
        assert "read, not change" in text_of(answer)


@pytest.mark.django_db
def test_no_page_loads_or_allows_anything_from_elsewhere(client, alice, stored):
    series = stored(alice)
    pages = ["/", "/verify/", "/sign-in/", "/sign-up/", "/nothing/here", "/upload/",
             f"/conversations/{series.public_id}/", "/drafts/"]  # fmt: skip
    for page in pages:
        answer = alice.client.get(page, follow=True)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        html = text_of(answer)
        assert not re.search(r'(?:src|href|action)="(?:https?:)?//', html), page
        assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", html), page


@pytest.mark.parametrize(("raised", "status"), [(400, 400), (403, 403), (404, 404), (500, 500)])
def test_every_error_page_speaks_both_languages(rf, raised, status):
    from django.template.loader import render_to_string
    from django.utils import translation

    with translation.override("en"):
        english = render_to_string(f"{raised}.html")
    with translation.override("zh-hans"):
        chinese = render_to_string(f"{raised}.html")
    assert "<h1>" in english
    assert english != chinese
    assert str(status) not in re.sub(r"<head>.*</head>", "", english, flags=re.DOTALL)


def test_the_way_back_from_login_leads_to_the_page_that_was_wanted(client, stored, alice):
    series = stored(alice)
    answer = client.get(f"/conversations/{series.public_id}/")
    assert answer["Location"] == f"{reverse('login')}?next=/conversations/{series.public_id}/"


def test_trouble_with_the_store_is_said_in_words(alice, stored, monkeypatch):
    series = stored(alice)

    def missing(*args: object, **kwargs: object) -> None:
        raise Corrupt("gone", code="stored_bytes_missing")

    monkeypatch.setattr("evidence.web.conversations.describe_series", missing)
    answer = alice.client.get(f"/conversations/{series.public_id}/")
    assert answer.status_code == 503
    assert "Stored evidence is missing" in text_of(answer)


def test_the_result_carries_the_printed_address_as_a_code_and_the_lines_of_the_log(
    alice, issued, settings
):
    export = issued(alice)

    page = text_of(alice.client.get(f"/exports/{export.public_id}/"))

    address = f"{settings.TRUETHREAD_PUBLIC_URL}/verify/?bundle={export.public_id}"
    side, path = qr_path(address)
    assert f'href="{address}"' in page
    assert f'viewBox="0 0 {side} {side}"' in page
    assert f'<path d="{path}"/>' in page
    for logged in custody.entries_of("bundle", export.public_id):
        assert re.search(rf'<td class="number"[^>]*>{logged.place}</td>', page)
    for artifact in export.artifacts.all():
        assert bytes(artifact.sha256).hex()[:8] in page


def test_a_bundle_that_is_not_issued_has_no_code(alice, requested):
    page = text_of(alice.client.get(f"/exports/{requested(alice).public_id}/"))

    assert 'class="qr"' not in page
