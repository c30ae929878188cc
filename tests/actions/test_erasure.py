"""Erasing a conversation: what goes, what stays, what forbids it, and what can still be proved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from evidence import custody, tasks
from evidence.actions.advance import run_to_end
from evidence.actions.compare_deliveries import request_comparison
from evidence.actions.create_account import create_organisation
from evidence.actions.deliver import deliver
from evidence.actions.empty_rows import empty_rows, unemptied_series
from evidence.actions.erase_conversation import (
    erase_conversation,
    plan_erasure,
    save_originals,
)
from evidence.actions.holds import describe_hold, place_hold, release_hold
from evidence.actions.open_matter import open_matter
from evidence.archive.keys import series_key
from evidence.archive.read import describe_acquisition, describe_series, messages
from evidence.errors import InvalidSelection, NotErasable, NotFound
from evidence.gateways.current import current
from evidence.models import (
    Acquisition,
    Blob,
    Comparison,
    Conversation,
    CustodyEntry,
    Message,
    MessageBlock,
    Series,
)
from evidence.operations.measures import measured
from evidence.verify import offline
from tests.actions.conftest import CHAT, OPERATOR

TELEGRAM = {
    "about": "", "chats": {"about": "", "list": [
        {"name": name, "type": "personal_chat", "id": number, "messages": [
            {"id": 1, "type": "message", "date": "2024-01-13T08:00:00",
             "date_unixtime": "1705132800", "from": name, "from_id": f"user{number}",
             "text": f"secret of {name}", "text_entities": []}]}
        for number, name in enumerate(("Bo", "Cy"), start=11)]},
}  # fmt: skip


@pytest.fixture
def erase():
    def act(conversation: Conversation, reason: str = "asked for"):
        return erase_conversation(
            conversation=conversation, actor=OPERATOR, reason=reason, at=timezone.now()
        )

    return act


@pytest.fixture
def hold():
    def place(conversation: Conversation):
        matter = open_matter(
            organisation=conversation.organisation, actor=OPERATOR, name="Suit",
            at=timezone.now(),
        )  # fmt: skip
        return place_hold(
            matter=matter, conversation=conversation, actor=OPERATOR, reason="suit pending",
            at=timezone.now(),
        )  # fmt: skip

    return place


@pytest.fixture
def two(acquire) -> list[Conversation]:
    """Two conversations that came in one original."""
    result = acquire(json.dumps(TELEGRAM), name="result.json")
    return list(Conversation.objects.filter(series__acquisition=result.acquisition).order_by("pk"))


@pytest.fixture
def bundle(ask, tmp_path) -> Path:
    export = ask()
    run_to_end(export.job.pk)
    export.refresh_from_db()
    answer = deliver(export=export, folder=tmp_path / "out", actor=OPERATOR, at=timezone.now())
    return Path(answer["zip"])


def files() -> list[str]:
    return list(current().blobs.names())


def emptied() -> int:
    """Empty what is left; return in how many lots."""
    lots = 0
    for series_id in unemptied_series():
        lots += 1
        while empty_rows(series_id):
            lots += 1
    return lots


def test_contents_seeds_and_original_are_gone(series, erase):
    before = files()

    erase(series.conversation)

    series.refresh_from_db()
    stored = list(messages(series))
    assert [one.is_erased for one in stored] == [True] * 6
    assert {(one.fields, one.seed) for one in stored} == {(b"", b"")}
    assert not MessageBlock.objects.filter(series=series).exists()
    emptied()
    assert not Message.objects.exclude(payload=b"").exists()
    assert Message.objects.filter(series=series, participant__gt=0).count() == 0
    assert Message.objects.filter(series=series, occurred_at__isnull=False).count() == 0
    facts = describe_series(series)
    assert (facts.title, facts.participants, facts.source_name) == (None, (), "")
    assert Acquisition.objects.get().original is None
    assert (Blob.objects.count(), len(before) - len(files())) == (0, 1)


def test_the_old_key_opens_nothing_any_more(series, erase):
    before = series_key(series)
    erase(series.conversation)
    series.refresh_from_db()
    assert series_key(series) != before


def test_rows_are_emptied_lot_by_lot_and_go_on_where_a_killed_worker_was(
    series, erase, monkeypatch
):
    monkeypatch.setattr("evidence.actions.empty_rows.ROWS", 4)
    erase(series.conversation)
    assert empty_rows(series.pk)
    kept = Message.objects.filter(series=series).exclude(payload=b"")
    assert list(kept.order_by("sequence").values_list("sequence", flat=True)) == [5, 6]

    assert emptied() == 1

    assert not kept.exists()
    assert (unemptied_series(), empty_rows(series.pk)) == ([], False)


def test_a_living_series_is_never_emptied(series):
    assert (unemptied_series(), empty_rows(series.pk)) == ([], False)
    assert not any(one.is_erased for one in messages(series))


def test_a_killed_worker_loses_no_row_that_is_to_be_emptied(series, erase, monkeypatch):
    monkeypatch.setattr("evidence.actions.empty_rows.ROWS", 4)
    erase(series.conversation)

    def killed(series_id: int) -> None:
        with transaction.atomic():
            empty_rows(series_id)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed(series.pk)
    assert emptied() == 2
    assert not Message.objects.exclude(payload=b"").exists()


@pytest.mark.parametrize("is_emptied", [False, True])
def test_the_recheck_counts_what_was_erased_beside_its_entry(series, erase, is_emptied):
    erase(series.conversation)
    if is_emptied:
        emptied()

    report = custody.recheck(messages)

    assert (report.problems, report.erased) == ([], 6)


def test_a_worker_finds_what_was_erased_and_empties_it(series, erase):
    def left() -> float:
        (one,) = [m for m in measured(timezone.now()) if m.name == "truethread_rows_to_empty"]
        return one.samples[()]

    erase(series.conversation)
    assert left() == 6
    tasks.tend()
    assert left() == 0
    assert not Message.objects.exclude(payload=b"").exists()
    assert Message.objects.count() == 6


def test_a_comparison_goes_with_either_of_its_series(acquire, series, erase):
    acquire(CHAT.replace("?", "!"))
    one, other = Series.objects.order_by("pk")
    request_comparison(series=one, other=other, actor=OPERATOR, at=timezone.now())

    erase(series.conversation)

    assert not Comparison.objects.exists()


def test_contents_that_vanish_without_an_entry_are_a_problem(series):
    Message.objects.filter(series=series, sequence=2).update(payload=b"")

    assert [one.code for one in custody.recheck(messages).problems] == ["message_gone"]


def test_the_log_says_what_was_erased_by_whom_and_why_once(series, erase):
    erase(series.conversation)
    erase(series.conversation)

    (row,) = CustodyEntry.objects.filter(event="conversation.erased")
    entry = custody.entry(row.place).entry
    assert (entry.actor.id, entry.purpose, entry.details["messages"]) == ("tester", "asked for", 6)
    assert {subject.kind for subject in entry.subjects} == {"series", "acquisition"}


def test_a_bundle_issued_before_still_verifies(bundle, series, erase):
    plan = erase(series.conversation)

    report = offline.verify(bundle, trust=offline.trust_of(current().roots))
    assert (report.indication, report.reason) == ("TOTAL_PASSED", "ok")
    assert len(plan.bundles) == 1


def test_an_erased_conversation_cannot_be_exported(series, ask, erase):
    erase(series.conversation)
    series.refresh_from_db()

    with pytest.raises(InvalidSelection) as refusal:
        ask()
    assert refusal.value.code == "conversation_erased"


def test_while_an_export_is_being_made_nothing_is_erased(series, ask, erase):
    ask()

    with pytest.raises(NotErasable) as refusal:
        erase(series.conversation)

    assert refusal.value.code == "export_unfinished"
    assert not any(one.is_erased for one in messages(series))


def test_a_hold_forbids_erasing_until_it_is_released(series, erase, hold):
    held = hold(series.conversation)

    with pytest.raises(NotErasable) as refusal:
        erase(series.conversation)
    assert refusal.value.code == "hold_covers_conversation"
    assert not any(one.is_erased for one in messages(series))
    assert not CustodyEntry.objects.filter(event="conversation.erased").exists()

    release_hold(hold=held, actor=OPERATOR, reason="settled", at=timezone.now())
    erase(series.conversation)
    assert all(one.is_erased for one in messages(Series.objects.get()))


def test_placing_and_releasing_are_logged_once_each(series, hold):
    first, second = hold(series.conversation), hold(series.conversation)
    for _ in range(2):
        release_hold(hold=first, actor=OPERATOR, reason="settled", at=timezone.now())

    assert first == second
    assert describe_hold(first) == {"reason": "suit pending"}
    chain = [one.entry.event for one in custody.entries_of("series", series.public_id)]
    assert chain[-2:] == ["hold.placed", "hold.released"]


def test_a_matter_of_another_organisation_holds_nothing(series, hold):
    stranger = create_organisation(name="Other", is_personal=True, at=timezone.now())
    matter = open_matter(organisation=stranger, actor=OPERATOR, name="M", at=timezone.now())

    with pytest.raises(NotFound):
        place_hold(
            matter=matter, conversation=series.conversation, actor=OPERATOR, reason="",
            at=timezone.now(),
        )  # fmt: skip


def test_other_conversations_of_the_original_are_named_and_stay(two, erase):
    first, second = two

    (original,) = plan_erasure(first).originals
    assert [one["id"] for one in original.others] == [second.public_id]
    erase(first)

    assert all(one.is_erased for one in messages(Series.objects.get(conversation=first)))
    kept = Series.objects.get(conversation=second)
    assert [one.message().body for one in messages(kept)] == ["secret of Cy"]
    assert Acquisition.objects.get().original is None
    assert describe_acquisition(Acquisition.objects.get())["name"] == "result.json"
    assert custody.recheck(messages).problems == []


def test_of_an_original_with_many_conversations_a_plan_names_some_and_counts_all(two, monkeypatch):
    monkeypatch.setattr("evidence.actions.erase_conversation.NAMED", 0)
    (original,) = plan_erasure(two[0]).originals
    assert (original.others, original.other_count) == ((), 1)


def test_an_original_that_a_hold_on_another_conversation_needs_is_kept_until_then(two, erase, hold):
    first, second = two
    held = hold(second)

    plan = erase(first)
    assert [one.is_held for one in plan.originals] == [True]
    assert Acquisition.objects.get().original is not None

    release_hold(hold=held, actor=OPERATOR, reason="settled", at=timezone.now())
    erase(first)
    assert Acquisition.objects.get().original is None
    assert CustodyEntry.objects.filter(event="conversation.erased").count() == 2
    assert custody.recheck(messages).problems == []


def test_every_reading_of_the_same_bytes_goes(acquire, series, erase):
    acquire(timezone="Asia/Shanghai")

    plan = erase(series.conversation)

    assert (len(plan.series), len(plan.originals), Blob.objects.count()) == (2, 2, 0)
    assert custody.recheck(messages).erased == 12


def test_the_same_file_can_be_taken_in_again_and_exported(acquire, series, erase):
    erase(series.conversation)

    again = acquire(CHAT)

    assert not again.recognised
    (told,) = again.report()["conversations"]
    assert told["messages"] == 6
    assert custody.recheck(messages).problems == []


def test_the_originals_can_be_taken_home_before(series, tmp_path):
    saved = save_originals(
        conversation=series.conversation, folder=tmp_path / "home", actor=OPERATOR,
        at=timezone.now(),
    )  # fmt: skip

    assert [path.read_text(encoding="utf-8") for path in saved] == [CHAT]
    assert CustodyEntry.objects.filter(event="original.downloaded").count() == 1


def test_the_command_tells_first_and_erases_only_when_told_to(series, capsys, tmp_path):
    call_command("erase_conversation", series.public_id)
    told = capsys.readouterr().out
    assert "Would destroy: 6 messages in 1 readings" in told
    assert "Nothing was deleted" in told
    assert not any(one.is_erased for one in messages(series))

    call_command(
        "erase_conversation", series.public_id, "--yes", "--json", "--save", str(tmp_path / "home")
    )
    answer = json.loads(capsys.readouterr().out)
    assert (answer["erased"], answer["messages"], len(answer["saved"])) == (True, 6, 1)
    assert not Message.objects.exclude(payload=b"").exists()
    assert all(one.is_erased for one in messages(Series.objects.get()))


def test_the_command_refuses_a_held_or_unknown_conversation(series, hold, capsys):
    hold(series.conversation)
    for wanted, code in ((series.public_id, "hold_covers_conversation"), ("0" * 32, "not_found")):
        with pytest.raises(SystemExit) as end:
            call_command("erase_conversation", wanted, "--yes", "--json")
        assert (end.value.code, json.loads(capsys.readouterr().out)["error"]) == (2, code)
