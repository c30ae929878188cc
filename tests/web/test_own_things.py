"""What people take back, take out of use, and find again."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest

from evidence import custody
from evidence.formats import custody as formats
from evidence.formats import merkle
from evidence.models import Acquisition, Export


def text_of(answer) -> str:
    return answer.content.decode()


def events(kind: str, subject: str) -> list[str]:
    return [logged.entry.event for logged in custody.entries_of(kind, subject)]


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
    assert "was withdrawn" in text_of(alice.client.get(address))
    assert events("bundle", export.public_id)[-1] == "bundle.withdrawn"


def test_a_bundle_that_was_never_issued_cannot_be_withdrawn(alice, requested):
    export = requested(alice)
    address = f"/exports/{export.public_id}/withdraw/"
    answer = alice.client.post(address, {"sure": "yes"}, follow=True)
    assert "never issued" in text_of(answer)


def test_a_newer_bundle_takes_the_place_of_an_older_one_and_never_the_other_way(
    alice, charlie, issued
):
    older, foreign = issued(alice), issued(charlie)
    Export.objects.filter(pk=older.pk).update(delivered_at=older.issued_at)
    newer = issued(alice)
    assert newer.pk != older.pk
    assert newer.public_id in text_of(alice.client.get(f"/exports/{older.public_id}/"))
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


@pytest.mark.parametrize(
    ("words", "found"),
    [("EUROS", 1), ("收到", 1), ("ａｎａ", 0), ("<script>", 1), ("nowhere", 0), ("noon", 1)],
)
def test_words_are_found_whatever_their_case_and_width(alice, stored, words, found):
    series = stored(alice)
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/search/", {"q": words}))
    assert page.count("<mark>") == found
    assert "<script>alert" not in page
    assert "1 to 6 of 6 searched" in page


def test_a_search_goes_on_where_it_stopped(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.web.search.SCANNED", 4)
    series = stored(alice)
    address = f"/conversations/{series.public_id}/search/"
    page = text_of(alice.client.get(address, {"q": "noon"}))
    assert "0 messages found" in page
    assert "q=noon&amp;from=5" in page
    assert "<mark>" in text_of(alice.client.get(address, {"q": "noon", "from": "5"}))


def test_a_search_without_words_opens_nothing(alice, stored):
    series = stored(alice)
    page = text_of(alice.client.get(f"/conversations/{series.public_id}/search/"))
    assert "searched" not in page
