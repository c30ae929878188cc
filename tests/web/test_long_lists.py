"""Nothing is cut off in silence: of whatever there is much, further pages show the rest."""

from __future__ import annotations

import re

import pytest
from django.conf import global_settings

from evidence.actions.holds import place_hold
from evidence.actions.keep_draft import begin_draft
from evidence.actions.keep_upload import begin_upload
from evidence.actions.open_matter import open_matter
from evidence.formats.message import segments
from evidence.formats.ranges import of
from evidence.models import Draft, Series, Upload
from evidence.values import Actor
from tests.web.test_wizard import PURPOSE, Walk, text_of

WHO = Actor("person", "x" * 32, "Ana")
CROWD = 75


def group(size: int = CROWD) -> str:
    """Return a group's chat: person n writes n messages, the last ones are the busiest."""
    return "".join(
        f"13/01/2024, 08:{minute:02} - Member {number:03}: words\n"
        for number in range(1, size + 1)
        for minute in range(1 + number // 20)
    )


def through(client, address: str, word: str) -> list[str]:
    """Return what matches ``word`` on an address and on every older page it leads to."""
    found, query = [], ""
    while True:
        page = text_of(client.get(address + query))
        found += re.findall(word, page)
        older = re.search(r'href="([^"]+)">(?:Older|Next) →', page)
        if not older:
            return found
        query = older[1].replace("&amp;", "&")


@pytest.fixture
def crowd(alice, stored):
    return stored(alice, group())


def test_every_participant_is_listed(alice, crowd):
    found = through(alice.client, f"/conversations/{crowd.public_id}/about/", r"Member \d{3}")
    assert set(found) == {f"Member {number:03}" for number in range(1, CROWD + 1)}
    assert len(found) == CROWD


def test_every_delivery_is_listed(alice, stored, chat_text, monkeypatch):
    monkeypatch.setattr("evidence.web.stored.LISTED", 2)
    monkeypatch.setattr("evidence.web.conversations.OTHERS", 2)
    every = [stored(alice, chat_text + f"14/01/2024, 10:0{n} - Ana: {n}\n") for n in range(2, 7)]
    address = f"/conversations/{every[0].public_id}/"
    found = through(alice.client, f"{address}about/", r"/compare/(\w+)|/compare/\w+/(\w+)/")
    assert len(found) == 4
    assert "earlier deliveries" in text_of(alice.client.get(address))


def test_every_draft_is_listed(alice, monkeypatch, now):
    monkeypatch.setattr("evidence.web.wizard.OFFERED", 2)
    every = {
        begin_draft(organisation=alice.organisation, user=alice.user, state={}, at=now).public_id
        for _ in range(5)
    }
    assert set(through(alice.client, "/drafts/", r"/drafts/(\w+)/purpose/")) == every


def test_every_file_on_its_way_is_listed(alice, monkeypatch, now):
    monkeypatch.setattr("evidence.web.uploads.LISTED", 2)
    every = {
        begin_upload(
            organisation=alice.organisation, user=alice.user, actor=WHO, name=f"{n}.txt", size=9,
            at=now,
        ).public_id
        for n in range(5)
    }  # fmt: skip
    assert set(through(alice.client, "/upload/", r'href="/upload/(\w+)/"')) == every
    Upload.objects.filter(pk=Upload.objects.order_by("pk")[2].pk).update(phase="reading")
    page = text_of(alice.client.get("/upload/?page=2"))
    assert 'hx-get="/upload/list/?page=2"' in page


def test_every_hold_is_listed(alice, stored, monkeypatch, now):
    monkeypatch.setattr("evidence.web.holds.LISTED", 2)
    matter = open_matter(
        organisation=alice.organisation, actor=WHO, name="Loan", purpose="", authority="", at=now,
        user=alice.user,
    )  # fmt: skip
    for name in ("Bo", "Cy", "Di", "Ed", "Flo"):
        series = stored(alice, partner=name)
        place_hold(
            matter=matter, conversation=series.conversation, actor=WHO, reason=f"for {name}",
            at=now, user=alice.user,
        )  # fmt: skip
    found = through(alice.client, f"/matters/{matter.public_id}/", r'Reason">(?:<bdi>)?for (\w+)')
    assert sorted(found) == ["Bo", "Cy", "Di", "Ed", "Flo"]


# Who is who, in a group of many


@pytest.fixture
def walk(alice, crowd):
    found = Walk(alice, crowd)
    found.to("messages")
    return found


def people_on(page: str) -> list[str]:
    return re.findall(r"<legend>(?:<bdi>)?(Member \d{3})", page)


def test_everybody_in_a_group_can_be_given_a_name(walk):
    pages = [people_on(walk.page("parties", f"?page={number}")) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [30, 30, 15]
    assert len({name for page in pages for name in page}) == CROWD
    assert "1 to 30 of 75 people" in walk.page("parties")
    assert "Member 075" in pages[0], "who wrote most comes first"
    assert "Member 019" in pages[2]


def field(walk, key: str) -> str:
    return f"name-{walk.series[0].public_id}-{key}"


def test_names_on_other_pages_stay(walk):
    series = walk.series[0].public_id
    (first,) = re.findall(r"who-\w+-(p\d+)", walk.page("parties"))[:1]
    (third,) = re.findall(r"who-\w+-(p\d+)", walk.page("parties", "?page=3"))[:1]
    answer = walk.send("parties", {field(walk, first): "Li Lei", "page": "1", "to": "2", "go": ""})
    assert answer["Location"].endswith("/parties/?page=2")
    answer = walk.send("parties", {field(walk, third): "Han Meimei", "page": "3"}, "?page=3")
    assert answer["Location"].endswith("/review/")
    given = walk.state()["parties"][series]
    assert {key: one["name"] for key, one in given.items()} == {
        first: "Li Lei",
        third: "Han Meimei",
    }
    walk.send("parties", {field(walk, first): "", "page": "1"})
    assert set(walk.state()["parties"][series]) == {third}


def test_a_form_never_has_more_fields_than_may_be_sent(alice, stored):
    """Four groups of a hundred: more fields than Django takes, were they one form."""
    every = [stored(alice, group(100).replace("Member", f"G{n} Member")) for n in range(4)]
    walk = Walk(alice, *every)
    walk.to("messages")
    for step, query in (("parties", ""), ("parties", "?page=2"), ("messages", "")):
        named = re.findall(r'<(?:input|select|button)[^>]* name="', walk.page(step, query))
        assert 10 < len(named) < global_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS / 2, step
    assert "1 to 30 of 400 people" in walk.page("parties")


@pytest.mark.parametrize("page", ["0", "99", "x", "-1", "9" * 5_000])
def test_a_page_of_people_that_is_not_there_is_another_one(walk, page):
    assert people_on(walk.page("parties", f"?page={page}"))
    answer = walk.send("parties", {"to": page, "go": ""})
    assert len(answer["Location"]) < 200
    if page in ("0", "99"):
        assert people_on(text_of(walk.client.get(answer["Location"])))


# A text too long to click in one go


LONG = "借" * 1_500 + " words and more"


@pytest.fixture
def long_walk(alice, stored):
    found = Walk(
        alice, stored(alice, f"13/01/2024, 08:00 - Ana: {LONG}\n13/01/2024, 08:01 - Bo: ok\n")
    )
    found.to("messages")
    return found


def kept(walk) -> list[str]:
    return walk.state()["redaction"][walk.series[0].public_id]["1"]["targets"]


def test_a_long_text_is_clicked_part_by_part(long_walk):
    total = len(segments(LONG))
    texts = []
    for part in (1, 2, 3):
        page = long_walk.page("redaction", f"?message=1&part={part}")
        texts += re.findall(r'name="segment" value="([\d-]+)"', page)
        assert f"part {part} of 3 of the text" in page
    assert texts == [str(number) for number in range(1, total + 1)]
    form = {"message": "1", "go": ""}
    answer = long_walk.send(
        "redaction", form | {"segment": ["1", "2", "600"], "shown": "1-600", "part": "2"}
    )
    assert "message=1&part=2#edit" in answer["Location"]
    long_walk.send(
        "redaction", form | {"segment": ["601", "602"], "shown": "601-1200", "part": "3"}
    )
    assert kept(long_walk) == [f"body:{of([1, 2, 600, 601, 602])}"]
    long_walk.send("redaction", form | {"segment": [], "shown": "1-600", "go": "withhold"})
    assert kept(long_walk) == ["body:601-602"]


@pytest.mark.parametrize("last", [1, 2])
def test_a_last_part_of_one_word_uncovers_nothing_before_it(long_walk, monkeypatch, last):
    total = len(segments(LONG))
    monkeypatch.setattr("evidence.web.wizard.PIECES", total - last)
    form = {"message": "1", "go": "withhold"}
    page = long_walk.page("redaction", "?message=1&part=1")
    (first,) = re.findall(r'name="shown" value="([\d-]+)"', page)
    long_walk.send("redaction", form | {"segment": ["1", "2"], "shown": first})
    page = long_walk.page("redaction", "?message=1&part=2")
    (second,) = re.findall(r'name="shown" value="([\d-]+)"', page)
    long_walk.send("redaction", form | {"segment": [str(total)], "shown": second})
    assert kept(long_walk) == [f"body:1-2,{total}"]


def test_a_whole_part_can_be_clicked_and_sent(long_walk):
    every = [str(number) for number in range(1, 601)]
    answer = long_walk.send(
        "redaction", {"message": "1", "segment": every, "shown": "1-600", "go": "withhold"}
    )
    assert answer.status_code == 302
    assert kept(long_walk) == ["body:1-600"]
    assert Draft.objects.count() == 1


# Conversations of a bundle


def in_draft(walk) -> list[str]:
    return walk.state()["conversations"]


def test_more_conversations_than_a_bundle_takes_are_refused_not_dropped(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.web.wizard.MOST_CONVERSATIONS", 2)
    every = [stored(alice, partner=name).public_id for name in ("Bo", "Cy", "Di")]
    walk = Walk(alice, Series.objects.get(public_id=every[0]))
    walk.send("purpose", PURPOSE)
    answer = walk.send("conversations", {"series": every})
    page = text_of(answer)
    assert answer.status_code == 400
    assert "One bundle takes 2 conversations, and these are 3: nothing was changed." in page
    assert page.count(" checked") == 3
    assert in_draft(walk) == every[:1]
    assert walk.send("conversations", {"series": every[1:]}).status_code == 302
    assert set(in_draft(walk)) == set(every[1:])


def test_what_comes_in_meanwhile_takes_no_ticked_conversation_away(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.web.wizard.OFFERED", 2)
    older, newer = stored(alice, partner="Bo"), stored(alice, partner="Cy")
    walk = Walk(alice, older)
    page = walk.page("conversations")
    hidden = dict(re.findall(r'name="(seen|offered)" value="([\w,]*)"', page))
    latest = stored(alice, partner="Di")
    ticked = {"series": [older.public_id, newer.public_id], "page": "1", "go": "next"}
    walk.client.post(f"{walk.address}conversations/", hidden | ticked)
    assert set(in_draft(walk)) == {older.public_id, newer.public_id}
    assert latest.public_id not in in_draft(walk)
