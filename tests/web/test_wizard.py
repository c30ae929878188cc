"""The nine steps: what is filled in is kept, nothing is overwritten unseen, and it all arrives."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from evidence import custody
from evidence.actions.advance import advance, run_to_end
from evidence.actions.export_steps import freeze
from evidence.actions.keep_draft import describe_draft
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import StatedParty, export_request, selection_parts
from evidence.actions.take_batch import take_batch
from evidence.models import CustodyEntry, Draft, Export, Job, Membership, Series
from evidence.values import Actor
from tests.pushing import lines

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
        hidden = dict(re.findall(r'name="(seen|offered)" value="([\w,]*)"', page))
        return self.client.post(
            f"{self.address}{step}/{query}", hidden | {"go": "next"} | data, **headers
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

    def frozen(self) -> Export:
        """Confirm, and let the job do its first phase."""
        advance(self.confirm().job.pk, at=timezone.now())
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

    export = walk.frozen()

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


@pytest.fixture
def loan_of_others(alice, bob):
    """Open the matter of the walk in Alice's organisation, by somebody else, and let Alice see only her own."""

    def make() -> None:
        open_matter(
            organisation=alice.organisation, actor=Actor("person", bob.user.public_id, "bob"),
            name=PURPOSE["matter"], user=bob.user, at=timezone.now(),
        )  # fmt: skip
        Membership.objects.filter(user=alice.user).update(role=Membership.Role.MEMBER)

    return make


def test_the_name_of_a_matter_of_others_is_refused_where_it_is_filled_in(walk, loan_of_others):
    loan_of_others()
    answer = walk.send("purpose", PURPOSE)
    assert answer.status_code == 400
    assert "which you do not work on" in text_of(answer)
    assert walk.send("purpose", PURPOSE | {"matter": "Another"}).status_code == 302


def test_a_bundle_does_not_slip_into_a_matter_that_others_opened_meanwhile(walk, loan_of_others):
    walk.to("messages")
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    loan_of_others()
    answer = walk.client.post(f"{walk.address}confirm/", {"seen_all": seen})
    assert answer.status_code == 400
    assert "which you do not work on" in text_of(answer)
    assert not Export.objects.exists()


def test_confirming_twice_asks_for_one_bundle(walk):
    walk.to("messages")
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    answers = [walk.client.post(f"{walk.address}confirm/", {"seen_all": seen}) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Export.objects.count() == 1


def test_a_bundle_is_made_followed_and_downloaded(walk, content):
    walk.to("messages")
    export = walk.confirm()
    address = f"/exports/{export.public_id}/"
    page = text_of(walk.client.get(address))
    assert "Fixing the choice" in page
    assert 'http-equiv="refresh"' in page
    assert 'class="now"' in text_of(walk.client.get(f"{address}progress/"))

    run_to_end(export.job.pk)

    assert walk.client.get(f"{address}progress/")["HX-Refresh"] == "true"
    links = re.findall(r'href="(/exports/[^"]+/files/[^"]+)"', text_of(walk.client.get(address)))
    assert len(links) == 3
    answer = walk.client.get(links[0])
    assert content(answer)[:2] == b"PK"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    events = [one.entry.event for one in custody.entries_of("bundle", export.public_id)]
    assert events[-1] == "bundle.downloaded"


def test_confirming_only_notes_the_choice_and_the_job_freezes_it(walk, monkeypatch):
    walk.to("messages")
    walk.send("redaction", {"message": "1", "body": "1", "reason": "privacy", "go": "withhold"})
    with monkeypatch.context() as patched:
        patched.setattr("evidence.actions.request_export.quotes_of", _never)
        export = walk.confirm()
    assert (export.job.phase, export.selection.is_frozen) == (Job.Phase.FREEZING, False)
    assert "Fixing the choice" in text_of(walk.client.get(f"/exports/{export.public_id}/"))
    custody.sequence_pending()
    assert not CustodyEntry.objects.filter(event="selection.frozen").exists()

    job, _ = advance(export.job.pk, at=timezone.now())

    assert job.phase == Job.Phase.PREPARING
    assert Export.objects.get().selection.is_frozen
    assert run_to_end(job.pk).phase == Job.Phase.READY
    events = list(CustodyEntry.objects.order_by("pk").values_list("event", flat=True))
    assert events.count("selection.frozen") == 1
    assert events.index("selection.frozen") < events.index("export.prepared")


def _never(*_given):
    raise AssertionError("too much for a request")


def test_freezing_again_after_a_kill_fixes_the_same_once(walk):
    walk.to("messages")
    job = walk.confirm().job
    freeze.run(job, timezone.now())  # and the worker dies before it can say so
    digest = bytes(Export.objects.get().selection.digest)

    advance(job.pk, at=timezone.now())

    assert bytes(Export.objects.get().selection.digest) == digest
    custody.sequence_pending()
    assert CustodyEntry.objects.filter(event="selection.frozen").count() == 1


def test_a_draft_a_bundle_was_asked_for_with_changes_no_more(walk):
    walk.to("messages")
    export = walk.confirm()
    answer = walk.send("purpose", PURPOSE | {"matter": "Rent"})
    assert answer["Location"] == f"{walk.address}result/"
    assert walk.state()["purpose"]["matter"] == "Loan"
    page = text_of(walk.client.get(f"/exports/{export.public_id}/"))
    assert "It can no longer be changed" in page
    assert "Loan" not in text_of(walk.client.get("/drafts/"))


@pytest.mark.parametrize("ended", ["failed", "cancelled"])
def test_a_draft_whose_choice_was_never_fixed_can_be_changed_again(walk, ended):
    walk.to("messages")
    export = walk.confirm()
    if ended == "failed":
        Series.objects.update(erased_at=timezone.now())
    else:
        walk.client.post(f"/exports/{export.public_id}/cancel/")
    job, _ = advance(export.job.pk, at=timezone.now())
    assert job.phase == ended
    page = text_of(walk.client.get(f"/exports/{export.public_id}/"))
    assert f'{walk.address}review/">Change the draft' in page
    assert ("This conversation was erased." in page) == (ended == "failed")
    assert ("Try again" in page) == (ended == "cancelled")
    walk.send("purpose", PURPOSE | {"matter": "Rent"})
    assert walk.state()["purpose"]["matter"] == "Rent"
    assert "Rent" in text_of(walk.client.get("/drafts/"))


def test_asking_again_after_the_conversation_was_erased_says_so(walk):
    walk.to("messages")
    export = walk.frozen()
    Job.objects.update(phase=Job.Phase.FAILED, error_code="stamp_unavailable")
    Series.objects.update(erased_at=timezone.now())
    answer = walk.client.post(f"/exports/{export.public_id}/retry/", follow=True)
    assert "This conversation was erased." in text_of(answer)
    assert Export.objects.count() == 1


def test_asking_again_before_the_choice_was_fixed_leads_the_draft_to_the_new_request(walk):
    walk.to("messages")
    export = walk.confirm()
    walk.client.post(f"/exports/{export.public_id}/cancel/")
    advance(export.job.pk, at=timezone.now())
    answer = walk.client.post(f"/exports/{export.public_id}/retry/")
    again = Export.objects.exclude(pk=export.pk).get()
    assert answer["Location"] == f"/exports/{again.public_id}/"
    assert (Draft.objects.get().export, again.job.phase) == (again, Job.Phase.FREEZING)


def test_a_conversation_erased_meanwhile_is_named_before_anything_is_asked_for(alice, stored):
    other = "13/02/2024, 08:00 - Ana: Hello\n14/02/2024, 09:00 - Bo: Hi\n"
    walk = Walk(alice, stored(alice), stored(alice, other))
    walk.to("messages")
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    Series.objects.filter(pk=walk.series[1].pk).update(erased_at=timezone.now())
    answer = walk.client.post(f"{walk.address}confirm/", {"seen_all": seen})
    assert answer.status_code == 409
    assert "was erased meanwhile" in text_of(answer)
    assert not Export.objects.exists()


def come_in(stream, provider, first: int, last: int) -> None:
    batch = provider.batch(lines(first, last))
    take_batch(stream=stream, data=batch, actor=Actor("client", "c" * 32), at=timezone.now())
    provider.accepted()


@pytest.mark.parametrize(("chosen", "status"), [("", 409), ("1-2", 302)])
def test_messages_that_come_in_before_it_is_confirmed_are_looked_over_first(
    alice, pushed, chosen, status
):
    stream, provider = pushed(alice, 3)
    walk = Walk(alice, stream.series)
    walk.to("messages")
    walk.send("messages", RULE | {"messages": chosen})
    seen = re.search(r'name="seen_all" value="(\w+)"', walk.page("confirm"))[1]
    come_in(stream, provider, 4, 5)
    answer = walk.client.post(f"{walk.address}confirm/", {"seen_all": seen})
    assert answer.status_code == status
    assert ("What you looked over has changed meanwhile" in text_of(answer)) == (status == 409)
    assert Export.objects.exists() == (status == 302)


def test_messages_that_come_in_after_it_is_confirmed_stay_out(alice, pushed):
    stream, provider = pushed(alice, 3)
    walk = Walk(alice, stream.series)
    walk.to("messages")
    walk.confirm()
    come_in(stream, provider, 4, 5)
    (part,) = selection_parts(walk.frozen().selection)
    assert part["chosen"] == "1-3"


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


def test_more_stretches_than_can_be_kept_are_refused_in_words(walk, monkeypatch):
    monkeypatch.setattr("evidence.web.wizard.NUMBERS", 4)
    walk.to("messages")
    data = RULE | {"ticked": "1,2,3,4,5,6", "go": "stay"}
    answer = walk.send("messages", data | {"tick": ["1", "3", "5"]})
    assert answer.status_code == 400
    assert "too many separate stretches" in text_of(answer)
    assert walk.send("messages", data | {"tick": ["1", "3"]}).status_code == 302


def test_a_tick_far_outside_the_conversation_counts_for_nothing(walk):
    walk.to("messages")
    data = RULE | {"ticked": "1,2,3,4,5,6", "tick": ["1", "3", "9" * 12], "go": "stay"}
    walk.send("messages", data)
    assert walk.state()["messages"][walk.series[0].public_id]["messages"] == "1,3"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, "<strong>6</strong> of 6 messages"),
        ({"messages": "2-3,5"}, "1 gap"),
        ({"messages": "2-3,5", "context": "1"}, "contiguous"),
        ({"period_from": "2024-01-14"}, "<strong>2</strong> of 6"),
        ({"period_to": "2024-01-13"}, "<strong>4</strong> of 6"),
        ({"messages": "7"}, "no message of that number"),
        ({"messages": "x"}, "write numbers like this"),
        ({"period_from": "soon"}, "write times like this"),
    ],
)
def test_the_line_that_counts_follows_the_rule(walk, rule, words):
    walk.to("messages")
    answer = walk.send("messages", RULE | rule, HTTP_HX_REQUEST="true")
    assert words in text_of(answer)
    assert "messages" not in walk.state()


def test_a_rule_that_cannot_be_is_explained_with_what_was_typed_and_not_kept(walk):
    walk.to("messages")
    answer = walk.send("messages", RULE | {"messages": "7-9"})
    assert answer.status_code == 400
    assert "no message of that number" in text_of(answer)
    assert 'value="7-9"' in text_of(answer)
    assert "messages" not in walk.state()


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


def test_a_family_is_withheld_whole(alice, stored):
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    text = f"13/01/2024, 08:00 - Ana: We {family} three\n13/01/2024, 08:01 - Bo: Hi\n"
    walk = Walk(alice, stored(alice, text))
    walk.to("messages")
    page = walk.page("redaction", "?message=1")
    assert f'value="3-7" aria-label="3-7 {family}"' in page
    walk.send("redaction", {"message": "1", "segment": ["3-7"], "go": "withhold"})
    page = walk.page("redaction", "?message=1")
    assert re.search(r'value="3-7"[^>]* checked', page)
    assert walk.state()["redaction"][walk.series[0].public_id]["1"]["targets"] == ["body:3-7"]


@pytest.mark.parametrize("value", ["x", "3-", "-3", "1-99999999999", "0", "7-x"])
def test_what_was_never_offered_to_click_breaks_nothing(walk, value):
    walk.to("messages")
    answer = walk.send("redaction", {"message": "1", "segment": [value], "go": "withhold"})
    assert answer.status_code in (302, 400)


def test_withholding_survives_a_narrower_choice_and_a_wider_one(walk):
    walk.to("messages")
    walk.send("redaction", {"message": "5", "whole": "1", "go": "withhold"})
    walk.send("messages", RULE | {"messages": "1-3"})
    assert "These steps are not complete" not in walk.page("review")
    walk.send("messages", RULE | {"messages": "1-6"})
    export = walk.frozen()
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
    chosen = [part["chosen"] for part in selection_parts(walk.frozen().selection)]
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


def trail_of(page: str) -> str:
    return page.split('<nav class="trail"')[1].split("</nav>")[0]


def test_the_trail_shows_all_nine_steps_it_counts_and_in_the_end_leads_to_the_result(walk):
    trail = trail_of(walk.page("purpose"))
    assert "Step 1 of 9" in trail
    assert trail.count("<li") == 9
    assert "/result/" not in trail
    walk.to("messages")
    walk.confirm()
    trail = trail_of(walk.page("purpose"))
    assert trail.count("<li") == 9
    assert f"{walk.address}result/" in trail


def test_every_step_speaks_chinese(walk):
    walk.client.post("/i18n/setlang/", {"language": "zh-hans"})
    walk.to("messages")
    for step, words in (
        ("purpose", "用途"), ("authority", "依据是什么"), ("conversations", "选择哪些会话"),
        ("messages", "连续"), ("redaction", "遮盖"), ("parties", "各方"),
        ("review", "证明"), ("confirm", "保管记录"),
    ):  # fmt: skip
        page = walk.page(step)
        assert words in page, step
        assert "Save and go on" not in page
