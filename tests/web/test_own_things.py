"""What people take back, take out of use, and find again."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256

import pytest

from evidence import custody
from evidence.formats import custody as formats
from evidence.formats import merkle
from evidence.models import Acquisition, Export, Job


def text_of(answer) -> str:
    return answer.content.decode()


def events(kind: str, subject: str) -> list[str]:
    return [logged.entry.event for logged in custody.entries_of(kind, subject)]


def apart(issued, person) -> Export:
    """Return an issued bundle that is handed over, so that the next request makes another."""
    export = issued(person)
    Export.objects.filter(pk=export.pk).update(delivered_at=export.issued_at)
    return export


def test_the_original_comes_back_byte_for_byte_and_the_log_says_so(
    alice, stored, content, chat_text
):
    acquisition = stored(alice).acquisition
    answer = alice.client.get(f"/acquisitions/{acquisition.public_id}/original")
    assert content(answer) == chat_text.encode()
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert events("acquisition", acquisition.public_id)[-1] == "original.downloaded"


def test_an_erased_original_is_not_there(alice, stored):
    acquisition = stored(alice).acquisition
    Acquisition.objects.update(original=None)
    assert alice.client.get(f"/acquisitions/{acquisition.public_id}/original").status_code == 404
    assert "Download the original" not in text_of(
        alice.client.get(f"/acquisitions/{acquisition.public_id}/")
    )


def test_the_seal_receipt_proves_the_entry_under_a_stamped_checkpoint(alice, issued):
    acquisition = issued(alice).selection.series.get().acquisition
    answer = alice.client.get(f"/acquisitions/{acquisition.public_id}/seal")
    receipt = json.loads(answer.content)
    assert answer["Content-Disposition"].startswith("attachment")
    _origin, size, root = receipt["checkpoint"].splitlines()[:3]
    entry = receipt["entry"]
    assert entry["event"] == "acquisition.received"
    leaf = formats.value_digest(entry, bytes.fromhex(receipt["salt"]))
    assert merkle.verify_inclusion(
        entry["index"], int(size), merkle.leaf_hash(leaf),
        [bytes.fromhex(one) for one in receipt["inclusion"]], base64.b64decode(root),
    )  # fmt: skip
    assert len(base64.b64decode(receipt["token"])) > sha256().digest_size


def test_a_seal_that_is_not_stamped_yet_has_no_receipt(alice, stored):
    acquisition = stored(alice).acquisition
    assert alice.client.get(f"/acquisitions/{acquisition.public_id}/seal").status_code == 404


def test_a_bundle_is_withdrawn_from_its_page_and_only_by_who_is_sure(alice, issued):
    export = issued(alice)
    address = f"/exports/{export.public_id}/"
    alice.client.post(f"{address}withdraw/", {"reason": "mistake"})
    export.refresh_from_db()
    assert export.withdrawn_at is None
    alice.client.post(f"{address}withdraw/", {"reason": "mistake", "sure": "yes"})
    export.refresh_from_db()
    assert export.withdrawn_at is not None
    page = text_of(alice.client.get(address))
    assert "This bundle was withdrawn on <time" in page
    assert "Please do not hand it over any more" in page
    assert "What to do next" not in page
    assert events("bundle", export.public_id)[-1] == "bundle.withdrawn"


def test_a_bundle_that_was_never_issued_cannot_be_withdrawn(alice, requested):
    export = requested(alice)
    address = f"/exports/{export.public_id}/withdraw/"
    answer = alice.client.post(address, {"sure": "yes"}, follow=True)
    assert "never issued" in text_of(answer)


def test_a_newer_bundle_takes_the_place_of_an_older_one_and_never_the_other_way(
    alice, charlie, issued, monkeypatch
):
    older, foreign = apart(issued, alice), issued(charlie)
    newer = issued(alice)
    assert newer.pk != older.pk
    page = text_of(alice.client.get(f"/exports/{older.public_id}/"))
    assert newer.public_id in page
    assert "over the API" not in page
    with monkeypatch.context() as fewer:
        fewer.setattr("evidence.web.exports.OFFERED", 1)
        assert "over the API" in text_of(alice.client.get(f"/exports/{older.public_id}/"))
    back = alice.client.post(
        f"/exports/{newer.public_id}/supersede/", {"by": older.public_id}, follow=True
    )
    assert "Only a later bundle" in text_of(back)
    address = f"/exports/{older.public_id}/supersede/"
    assert alice.client.post(address, {"by": foreign.public_id}).status_code == 404
    alice.client.post(address, {"by": newer.public_id})
    older.refresh_from_db()
    assert older.superseded_by == newer
    assert "takes the place" in text_of(alice.client.get(f"/exports/{older.public_id}/"))


def test_an_open_browser_alone_withdraws_replaces_and_makes_no_bundle(
    alice, bob, charlie, issued, requested
):
    older, newer = apart(issued, alice), apart(issued, alice)
    failed = requested(alice)
    Job.objects.filter(export=failed).update(phase=Job.Phase.FAILED)
    before = events("bundle", older.public_id)
    session = alice.client.session
    del session["account_authentication_methods"]
    session.save()
    for act, export, form in (
        ("retry", failed, {}), ("supersede", older, {"by": newer.public_id}),
        ("withdraw", older, {"sure": "yes", "reason": "mistake"}),
    ):  # fmt: skip
        address = f"/exports/{export.public_id}/{act}/"
        asked = alice.client.post(address, form)
        assert asked["Location"].startswith("/account/confirm/"), act
        for other in (bob, charlie):
            assert other.client.post(address, form).status_code == 404, act
    assert Export.objects.count() == 3
    assert events("bundle", older.public_id) == before

    alice.client.post("/account/confirm/", {"password": "correct horse battery", "next": address})

    assert events("bundle", older.public_id) == [*before, "bundle.withdrawn"]


def leave(answer) -> None:
    """Close ``answer`` as a server does whose reader is gone; the test's database stays open."""
    answer._iterator.close()


def searched(alice, series, content, **asked) -> str:
    return content(alice.client.get(f"/conversations/{series.public_id}/search/", asked)).decode()


@pytest.mark.parametrize(
    ("words", "found"),
    [("EUROS", 1), ("收到", 1), ("ａｎａ", 0), ("<script>", 1), ("nowhere", 0), ("noon", 1)],
)
def test_words_are_found_whatever_their_case_and_width(alice, stored, content, words, found):
    page = searched(alice, stored(alice), content, q=words)
    assert page.count("<mark>") == found
    assert "<script>alert" not in page
    assert "1 to 6 of 6 searched" in page
    assert ("Nobody wrote exactly that" in page) is (found == 0)


def test_a_search_goes_on_where_it_stopped(alice, stored, content, monkeypatch):
    monkeypatch.setattr("evidence.web.search.FOUND", 1)
    series = stored(alice)
    page = searched(alice, series, content, q="o")
    (first,) = re.findall(r"#m(\d+)", page)
    assert "1 message found" in page
    assert f"q=o&amp;from={int(first) + 1}" in page
    assert f"#m{first}" not in searched(alice, series, content, q="o", **{"from": int(first) + 1})


def test_a_search_ends_in_time_and_says_how_far_it_came(alice, stored, content, monkeypatch):
    monkeypatch.setattr("evidence.web.search.SECONDS", -1.0)
    monkeypatch.setattr("evidence.web.search._LOOK", 4)
    page = searched(alice, stored(alice), content, q="nowhere")
    assert "1 to 4 of 6 searched" in page
    assert "Nobody wrote exactly that" not in page
    assert "from=5" in page


def test_a_search_without_words_opens_nothing(alice, stored):
    series = stored(alice)
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/search/"))
    assert "searched" not in page
    assert "conversation.viewed" not in events("series", series.public_id)


def test_hits_come_before_the_search_has_ended_and_are_logged_before_they_are_shown(alice, stored):
    series = stored(alice)
    answer = alice.client.get(f"/conversations/{series.public_id}/search/", {"q": "euros"})
    assert answer.streaming
    seen = ""
    for piece in answer.streaming_content:
        seen += piece.decode()
        if "<mark>" in seen:
            break
    custody.sequence_pending()
    assert "conversation.viewed" in events("series", series.public_id)
    assert "</html>" not in seen
    leave(answer)


def test_a_person_searches_once_at_a_time_and_leaving_the_page_makes_room(
    alice, bob, stored, content, monkeypatch
):
    monkeypatch.setattr("evidence.web.search.PATIENCE", 0.0)
    series = stored(alice)
    address = f"/conversations/{series.public_id}/search/"
    under_way = alice.client.get(address, {"q": "euros"})
    next(iter(under_way.streaming_content))
    refused = alice.client.get(address, {"q": "noon"})
    assert refused.status_code == 503
    assert "Other searches are under way" in text_of(refused)
    assert "<mark>" in content(bob.client.get(address, {"q": "noon"})).decode()
    leave(under_way)
    assert "<mark>" in searched(alice, series, content, q="noon")


def test_a_search_that_meets_a_damaged_message_says_so(alice, stored, content):
    series = stored(alice)
    row = series.messages.get(sequence=3)
    series.messages.filter(pk=row.pk).update(payload=b"\x01" + bytes(60))
    page = searched(alice, series, content, q="nowhere")
    assert "field-error" in page
    assert page.rstrip().endswith("</html>")
