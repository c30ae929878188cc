"""The nine steps: what is filled in is kept, nothing is overwritten unseen, and it all arrives."""

from __future__ import annotations

import re

import pytest

from evidence.actions.keep_draft import describe_draft
from evidence.actions.request_export import StatedParty, export_request, selection_parts
from evidence.models import Draft, Export, Membership

PURPOSE = {
    "matter": "Loan", "purpose": "debt", "jurisdiction": "eu", "language": "en", "paper": "A4",
    "style": "record",
}  # fmt: skip
AUTHORITY = {
    "requester": "Ana", "authority": "own records", "original_carrier": "my phone",
    "privacy": "for the court only",
}  # fmt: skip
RULE = {"period_from": "", "period_to": "", "participant": "", "messages": "", "context": "0"}


def text_of(answer) -> str:
    return answer.content.decode()


def seen_on(page: str) -> str:
    return re.search(r'name="seen" value="(\w+)"', page)[1]


class Walk:
    """One person's walk through a draft."""

    def __init__(self, actor, *series) -> None:
        self.client = actor.client
        answer = self.client.post("/drafts/", {"series": series[0].public_id})
        self.address = answer["Location"].removesuffix("purpose/")
        self.series = series

    def page(self, step: str, query: str = "") -> str:
        return text_of(self.client.get(f"{self.address}{step}/{query}"))

    def send(self, step: str, data: dict, query: str = "", **headers):
        page = self.page(step, query or f"?message={data.get('message', '')}")
        seen = {"seen": seen_on(page)} if 'name="seen"' in page else {}
        return self.client.post(
            f"{self.address}{step}/{query}", seen | {"go": "next"} | data, **headers
        )

    def state(self) -> dict:
        return describe_draft(Draft.objects.get())

    def to(self, step: str) -> None:
        """Fill in what comes before ``step`` in the plainest way."""
        chosen = {"series": [one.public_id for one in self.series]}
        for name, data in (("purpose", PURPOSE), ("authority", AUTHORITY),
                           ("conversations", chosen)):  # fmt: skip
            if name == step:
                return
            self.send(name, data)

    def confirm(self) -> Export:
        seen = re.search(r'name="seen_all" value="(\w+)"', self.page("confirm"))[1]
        self.client.post(f"{self.address}confirm/", {"seen_all": seen})
        return Export.objects.get()


@pytest.fixture
def walk(alice, stored):
    return Walk(alice, stored(alice))


def test_the_whole_way_leads_to_a_request_of_what_was_chosen(walk):
    walk.to("messages")
    series = walk.series[0]
    assert walk.send("messages", RULE | {"messages": "1-4"})["Location"].endswith("/redaction/")
    withheld = {"message": "2", "segment": ["1", "2"], "reason": "privacy", "go": "withhold"}
    walk.send("redaction", withheld)
    walk.send("redaction", {})
    person = {f"name-{series.public_id}-p2": "Li Lei", f"basis-{series.public_id}-p2": "known"}
    assert walk.send("parties", person)["Location"].endswith("/review/")
    page = walk.page("review")
    for words in ("<strong>4</strong> of 6", "Europe/Madrid", "about 4 pages", "will not prove"):
        assert words in page
    assert not Export.objects.exists()

    export = walk.confirm()

    (part,) = selection_parts(export.selection)
    assert part["chosen"] == "1-4"
    assert "body:1-2" in part["withheld"]["2"]
    assert part["reasons"] == {"2": "privacy"}
    options, _actor = export_request(export)
    assert (options.original_carrier, options.privacy) == ("my phone", "for the court only")
    assert (options.requester, options.authority, options.jurisdiction) == (
        "Ana", "own records", "eu",
    )  # fmt: skip
    assert options.parties == (StatedParty(series.public_id, "p2", "Li Lei", "known"),)
    result = walk.client.get(f"{walk.address}result/")
    assert result["Location"] == f"/exports/{export.public_id}/"


def test_confirming_twice_asks_for_one_bundle(walk):
    walk.to("messages")
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    answers = [walk.client.post(f"{walk.address}confirm/", {"seen_all": seen}) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Export.objects.count() == 1


def test_a_bundle_is_asked_for_only_by_who_shows_again_who_they_are(walk):
    session = walk.client.session
    del session["account_authentication_methods"]
    session.save()
    walk.to("messages")
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    asked = walk.client.post(f"{walk.address}confirm/", {"seen_all": seen})
    assert asked["Location"].startswith("/account/confirm/")
    assert not Export.objects.exists()
    form = {"password": "correct horse battery", "next": f"{walk.address}confirm/"}
    answer = walk.client.post("/account/confirm/", form)
    assert answer["Location"] == f"/exports/{Export.objects.get().public_id}/"


def test_what_was_not_looked_over_is_not_confirmed(walk):
    walk.to("messages")
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    walk.send("messages", RULE | {"messages": "1"})
    assert walk.client.post(f"{walk.address}confirm/", {"seen_all": seen}).status_code == 409
    assert not Export.objects.exists()


def test_going_back_keeps_even_what_is_not_complete(walk):
    walk.to("authority")
    answer = walk.send("authority", {"requester": "Ana", "authority": "", "go": "back"})
    assert answer["Location"].endswith("/purpose/")
    assert 'value="Loan"' in walk.page("purpose")
    assert 'value="Ana"' in walk.page("authority")
    assert walk.send("authority", {"requester": "Ana", "authority": ""}).status_code == 400


def test_an_incomplete_draft_says_what_is_due_and_asks_for_nothing(walk):
    page = walk.page("review")
    assert "not complete yet" in page
    assert walk.client.post(f"{walk.address}confirm/", {"seen_all": ""}).status_code == 400
    assert not Export.objects.exists()


def test_a_second_tab_overwrites_nothing_unseen(walk):
    old = seen_on(walk.page("purpose"))
    walk.send("purpose", PURPOSE)
    answer = walk.client.post(
        f"{walk.address}purpose/", PURPOSE | {"matter": "Rent", "seen": old, "go": "next"}
    )
    assert answer.status_code == 409
    assert "another tab" in text_of(answer)
    assert 'value="Rent"' in text_of(answer)
    assert walk.state()["purpose"]["matter"] == "Loan"
    again = PURPOSE | {"matter": "Rent", "seen": seen_on(text_of(answer)), "go": "next"}
    assert walk.client.post(f"{walk.address}purpose/", again).status_code == 302
    assert walk.state()["purpose"]["matter"] == "Rent"


def test_tabs_on_different_steps_do_not_disturb_each_other(walk):
    old = seen_on(walk.page("authority"))
    walk.send("purpose", PURPOSE)
    answer = walk.client.post(f"{walk.address}authority/", AUTHORITY | {"seen": old, "go": "next"})
    assert answer.status_code == 302
    assert walk.state()["purpose"]["matter"] == "Loan"


@pytest.mark.parametrize(
    ("ticked", "tick", "do", "kept"),
    [
        ("1,2,3,4,5,6", ["1", "3"], "", "1,3"),
        ("1,2,3,4,5,6", ["1", "3"], "contiguous", "1-3"),
        ("2,3", ["2"], "", "1-2,4-6"),
        ("1,2,3,4,5,6", ["1", "2", "3", "4", "5", "6"], "", ""),
    ],
)
def test_ticks_are_kept_as_numbers(walk, ticked, tick, do, kept):
    walk.to("messages")
    data = RULE | {"ticked": ticked, "tick": tick, "do": do, "go": "stay"}
    walk.send("messages", data)
    assert walk.state()["messages"][walk.series[0].public_id]["messages"] == kept


def test_unticking_everything_is_refused_in_words(walk):
    walk.to("messages")
    answer = walk.send("messages", RULE | {"ticked": "1,2,3,4,5,6", "tick": []})
    assert answer.status_code == 400
    assert "No message fits" in text_of(answer)


def test_the_line_that_counts_follows_the_ticks(walk):
    walk.to("messages")
    data = RULE | {"ticked": "1,2,3,4,5,6", "tick": ["1", "3"]}
    answer = walk.send("messages", data, HTTP_HX_REQUEST="true")
    assert "<strong>2</strong> of 6 messages" in text_of(answer)
    assert "1 gap" in text_of(answer)
    assert "messages" not in walk.state()


def test_what_is_withheld_is_not_on_the_page_of_the_other_side(walk):
    walk.to("messages")
    walk.send("redaction", {"message": "1", "body": "1", "reason": "privacy", "go": "withhold"})
    page = walk.page("redaction")
    assert "500 euros" not in page.replace("<bdi>", "")
    assert "privacy" in page
    walk.send("redaction", {"message": "1", "go": "show"})
    assert "euros" in walk.page("redaction")


def test_withholding_survives_a_narrower_choice_and_a_wider_one(walk):
    walk.to("messages")
    walk.send("redaction", {"message": "5", "whole": "1", "go": "withhold"})
    walk.send("messages", RULE | {"messages": "1-3"})
    assert "These steps are not complete" not in walk.page("review")
    walk.send("messages", RULE | {"messages": "1-6"})
    export = walk.confirm()
    assert selection_parts(export.selection)[0]["withheld"]["5"] == ["*"]


@pytest.mark.parametrize("number", ["0", "7", "x", "9" * 20])
def test_a_message_that_is_not_there_cannot_be_withheld(walk, number):
    walk.to("messages")
    answer = walk.send("redaction", {"message": number, "whole": "1", "go": "withhold"})
    assert answer.status_code == 400


def test_a_bundle_of_several_conversations(alice, stored):
    walk = Walk(
        alice,
        stored(alice),
        stored(alice, "13/02/2024, 08:00 - Ana: Hello\n14/02/2024, 09:00 - Bo: Hi\n"),
    )
    walk.to("messages")
    first, second = walk.state()["conversations"]
    there = walk.send("messages", RULE | {"messages": "1"}, f"?conversation={first}")
    assert there["Location"].endswith(f"messages/?conversation={second}")
    there = walk.send("messages", RULE | {"messages": "2"}, f"?conversation={second}")
    assert there["Location"].endswith("/redaction/")
    chosen = [part["chosen"] for part in selection_parts(walk.confirm().selection)]
    assert chosen == ["1", "2"]


def test_a_conversation_of_others_cannot_be_slipped_in(walk, charlie, stored):
    walk.to("conversations")
    foreign = stored(charlie)
    answer = walk.send("conversations", {"series": [foreign.public_id]})
    assert answer.status_code == 400
    assert charlie.client.post("/drafts/", {"series": walk.series[0].public_id}).status_code == 404


def test_a_draft_is_unreadable_in_the_database_and_can_be_dropped(walk):
    walk.send("purpose", PURPOSE | {"matter": "Very secret"})
    assert b"secret" not in bytes(Draft.objects.get().payload)
    walk.client.post(f"{walk.address}delete/")
    assert not Draft.objects.exists()


def test_who_becomes_an_auditor_loses_the_drafts(walk, alice):
    Membership.objects.filter(user=alice.user).update(role=Membership.Role.AUDITOR)
    assert walk.client.get(f"{walk.address}purpose/").status_code == 404


def test_hostile_text_walks_through_every_step_and_does_nothing(walk):
    walk.to("messages")
    nasty = '"><script>x</script>{{ 7|add:7 }}\u202e'
    walk.send("purpose", PURPOSE | {"matter": nasty, "purpose": nasty})
    for step in ("purpose", "messages", "redaction", "parties", "review", "confirm"):
        page = walk.page(step)
        assert "<script>x" not in page
        assert "<script>alert" not in page
        assert not re.search(r"\sstyle=|\son\w+=", page), step


def test_every_step_speaks_chinese(walk):
    walk.client.post("/i18n/setlang/", {"language": "zh-hans"})
    walk.to("messages")
    for step, words in (
        ("purpose", "用途"), ("authority", "权限"), ("conversations", "对话"),
        ("messages", "连续"), ("redaction", "遮盖"), ("parties", "各方"),
        ("review", "证明"), ("confirm", "保管记录"),
    ):  # fmt: skip
        page = walk.page(step)
        assert words in page, step
        assert "Save and go on" not in page
